//! The commands that messages advise to type. They concern the stack and the account of this command, so they repeat the
//! flags that name these: without them, `restctl destroy` concerns another stack.

use std::borrow::Cow;
use std::sync::OnceLock;

/// The flags that name a stack or an account. A command that has one of them is complete.
const TARGET_FLAGS: [&str; 4] = ["--stack", "--local", "--profile", "--region"];

/// What ends a command in a sentence.
const ENDS: [char; 8] = [';', '(', ')', '\n', '`', '"', '|', '>'];

/// Commands of the AWS CLI that are about a profile and name it.
const SIGN_IN: [&str; 3] = ["configure", "login", "sso"];

/// Prints what the AWS CLI needs to call the local cloud.
const LOCAL_ENVIRONMENT: &str = "restctl local env";

/// The stack and the account of this command.
#[derive(Debug, Default)]
pub(crate) struct AdvisedTarget {
    /// The commands of restctl that concern a stack.
    pub(crate) commands: Vec<String>,
    /// The flags that were typed, quoted for a shell. What the environment or `restctl.toml` says holds for the next command
    /// anyway.
    pub(crate) flags: Vec<String>,
    /// The flags of the AWS CLI, which does not read `restctl.toml`.
    pub(crate) aws_flags: Vec<String>,
    /// Whether the AWS CLI has to call the local cloud.
    pub(crate) local: bool,
}

static TARGET: OnceLock<AdvisedTarget> = OnceLock::new();

/// Sets the target of this process. Called once, before anything is written.
pub(crate) fn configure(target: AdvisedTarget) {
    let _ = TARGET.set(target);
}

/// Adds the target of this process to the commands in a message.
pub(crate) fn name_target(text: &str) -> Cow<'_, str> {
    match TARGET.get() {
        Some(target) => target.add_to(text),
        None => Cow::Borrowed(text),
    }
}

impl AdvisedTarget {
    fn add_to<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut named = Cow::Borrowed(text);
        if !self.flags.is_empty() {
            let concerns_stack = |first: &str| self.commands.iter().any(|command| command == first);
            named = replace_commands(named, "restctl", concerns_stack, |command| {
                format!("restctl {} {command}", self.flags.join(" "))
            });
        }
        let is_call = |first: &str| !SIGN_IN.contains(&first);
        if self.local && !text.contains(LOCAL_ENVIRONMENT) {
            named = replace_commands(named, "aws", is_call, |command| {
                format!("(eval \"$({LOCAL_ENVIRONMENT})\" && aws {command})")
            });
        } else if !self.aws_flags.is_empty() {
            named = replace_commands(named, "aws", is_call, |command| {
                format!("aws {} {command}", self.aws_flags.join(" "))
            });
        }
        named
    }
}

/// Replaces each command of the program whose first word is accepted. `replace` gets the command without the program's name.
fn replace_commands<'a>(
    text: Cow<'a, str>,
    program: &str,
    accept: impl Fn(&str) -> bool,
    replace: impl Fn(&str) -> String,
) -> Cow<'a, str> {
    let start = format!("{program} ");
    if !text.contains(&start) {
        return text;
    }
    let mut parts = text.split(&start);
    let mut replaced = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_word =
            !replaced.ends_with(|character: char| character.is_alphanumeric() || "-_/.".contains(character));
        let (command, rest) = part.split_at(command_length(part));
        let first = command.split(' ').next().unwrap_or_default();
        // A gap of several spaces separates the columns of a table, which would no longer be aligned.
        let is_complete = TARGET_FLAGS.iter().any(|flag| command.contains(flag)) || command.contains("  ");
        match is_word && !is_complete && accept(first) {
            true => replaced.push_str(&replace(command)),
            false => replaced.extend([&start, command]),
        }
        replaced.push_str(rest);
    }
    Cow::Owned(replaced)
}

/// Returns the length of the command at the start of `text`, without the sentence around it.
fn command_length(text: &str) -> usize {
    let end = text.find(ENDS).unwrap_or(text.len());
    let sentence = [", ", ": ", " or ", " then "].iter().filter_map(|mark| text[..end].find(mark)).min();
    text[..sentence.unwrap_or(end)].trim_end_matches([' ', ',', '.', ':']).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(flags: &[&str], aws_flags: &[&str], local: bool) -> AdvisedTarget {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let commands = words(&["deploy", "destroy", "setup", "doctor", "loads"]);
        AdvisedTarget { commands, flags: words(flags), aws_flags: words(aws_flags), local }
    }

    #[test]
    fn advised_commands_concern_the_stack_of_this_command() {
        let target = target(&["--stack orders"], &[], false);
        for (text, expected) in [
            ("next: restctl deploy", "next: restctl --stack orders deploy"),
            ("  restctl destroy --delete-data\n", "  restctl --stack orders destroy --delete-data\n"),
            (
                "restctl deploy; or name another --stack, --region or --profile",
                "restctl --stack orders deploy; or name another --stack, --region or --profile",
            ),
            (
                "restctl setup, then restctl deploy, which creates it",
                "restctl --stack orders setup, then restctl --stack orders deploy, which creates it",
            ),
            ("changed: restctl doctor", "changed: restctl --stack orders doctor"),
            // Complete, without a stack, or no command.
            ("restctl deploy --stack returns", "restctl deploy --stack returns"),
            ("restctl --stack orders deploy", "restctl --stack orders deploy"),
            ("restctl local up", "restctl local up"),
            ("restctl deploy   the stack", "restctl deploy   the stack"),
            ("restctl deployed it", "restctl deployed it"),
            ("/opt/restctl deploy", "/opt/restctl deploy"),
            ("aws lambda get-alias", "aws lambda get-alias"),
        ] {
            assert_eq!(target.add_to(text), expected);
        }
    }

    #[test]
    fn commands_of_the_aws_cli_concern_the_same_account_and_region() {
        let regional = target(&[], &["--profile work", "--region eu-west-1"], false);
        let enable = "next: aws events enable-rule --name r-1\n      then: restctl loads show ID";
        assert_eq!(
            regional.add_to(enable),
            "next: aws --profile work --region eu-west-1 events enable-rule --name r-1\n      then: restctl loads show ID"
        );
        for unchanged in ["aws sso login --profile work", "aws lambda list-functions --region eu-west-1"] {
            assert_eq!(regional.add_to(unchanged), unchanged);
        }
        assert_eq!(
            target(&[], &[], true).add_to(enable),
            "next: (eval \"$(restctl local env)\" && aws events enable-rule --name r-1)\n      then: restctl loads show ID"
        );
        assert_eq!(target(&[], &[], false).add_to(enable), enable);
    }

    #[test]
    fn a_message_names_its_target_once() {
        for target in
            [target(&["--stack a", "--local"], &[], true), target(&["--region r"], &["--region r"], false)]
        {
            let once = target.add_to("restctl deploy\naws lambda get-alias").into_owned();
            assert_eq!(target.add_to(&once), once);
        }
    }
}
