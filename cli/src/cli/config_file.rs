//! `restctl.toml`: what would otherwise be typed with each command. It lies in the working folder or in one above it.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Command, ValueEnum};
use restctl_contract::stack::StackName;
use serde::{Deserialize, Deserializer, de};

use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::terminal::output::{Color, Format};

const NAME: &str = "restctl.toml";

/// A few lines are all that it can say.
const MAX_BYTES: u64 = 64 * 1024;

/// Each is the default of the argument of its name.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Defaults {
    #[serde(default, deserialize_with = "stack")]
    stack: Option<StackName>,
    local: Option<bool>,
    profile: Option<String>,
    region: Option<String>,
    #[serde(default, deserialize_with = "chosen")]
    output: Option<Format>,
    #[serde(default, deserialize_with = "chosen")]
    color: Option<Color>,
    no_input: Option<bool>,
}

#[derive(Debug, Default)]
pub(crate) struct Configuration {
    /// None where there is no such file.
    pub(crate) file: Option<PathBuf>,
    defaults: Defaults,
}

impl Configuration {
    /// That of the nearest folder that has one.
    pub(crate) fn read() -> Result<Self> {
        let folder = env::current_dir().context("the working folder is not known")?;
        match folder.ancestors().map(|folder| folder.join(NAME)).find(|file| file.is_file()) {
            Some(file) => Self::from(file),
            None => Ok(Self::default()),
        }
    }

    fn from(file: PathBuf) -> Result<Self> {
        let text = text(&file)?;
        let defaults = toml::from_str(&text).map_err(|error| {
            // Without the line itself, which may hold what is nobody's business.
            let start = error.span().map_or(0, |span| span.start);
            let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
            Failure::new(format!("{} cannot be used", file.display()))
                .exit(Exit::Usage)
                .why(format!("line {line}: {}", error.message()))
                .next(
                    "mend the line; it may have stack, local, profile, region, output, color and no-input, \
                     as restctl config show lists them",
                )
        })?;
        Ok(Self { file: Some(file), defaults })
    }

    /// The command with the file's values as defaults of its arguments.
    pub(crate) fn apply(&self, mut command: Command) -> Command {
        for (argument, value) in self.values() {
            command = command.mut_arg(argument, |it| it.default_value(value));
        }
        command
    }

    /// The file says something about this argument.
    pub(crate) fn has(&self, argument: &str) -> bool {
        self.values().iter().any(|(name, _)| *name == argument)
    }

    /// By the argument's id.
    fn values(&self) -> Vec<(&'static str, String)> {
        let Defaults { stack, local, profile, region, output, color, no_input } = &self.defaults;
        let values = [
            ("stack", stack.as_ref().map(StackName::to_string)),
            ("local", local.map(|it| it.to_string())),
            ("profile", profile.clone()),
            ("region", region.clone()),
            ("output", output.and_then(word)),
            ("color", color.and_then(word)),
            ("no_input", no_input.map(|it| it.to_string())),
        ];
        values.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

fn text(file: &Path) -> Result<String> {
    let doing = || format!("{} cannot be read", file.display());
    let size = fs::metadata(file).context(doing())?.len();
    if size > MAX_BYTES {
        return Err(Failure::new(format!("{} has {size} bytes", file.display()))
            .exit(Exit::Usage)
            .next(format!("another folder, or a {NAME} of a few lines")));
    }
    match fs::read_to_string(file) {
        Err(error) if error.kind() == ErrorKind::InvalidData => Err(Failure::new(doing())
            .exit(Exit::Usage)
            .why("it is no text")
            .next(format!("remove it, or write a {NAME} of a few lines"))),
        read => read.context(doing()),
    }
}

fn word(value: impl ValueEnum) -> Option<String> {
    value.to_possible_value().map(|value| value.get_name().to_owned())
}

fn stack<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<StackName>, D::Error> {
    let name = String::deserialize(deserializer)?;
    StackName::from_str(&name).map(Some).map_err(de::Error::custom)
}

fn chosen<'de, D: Deserializer<'de>, T: ValueEnum>(deserializer: D) -> Result<Option<T>, D::Error> {
    let word = String::deserialize(deserializer)?;
    T::from_str(&word, false).map(Some).map_err(|_| {
        let words = T::value_variants().iter().filter_map(|value| value.to_possible_value());
        let words: Vec<String> = words.map(|value| value.get_name().to_owned()).collect();
        de::Error::custom(format!("{word:?} is none of {}", words.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Configuration> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(NAME);
        fs::write(&file, text).unwrap();
        Configuration::from(file)
    }

    #[test]
    fn each_line_is_the_default_of_an_argument() {
        let read = read("stack = \"orders\"\nlocal = true\noutput = \"json\"\nno-input = false\n").unwrap();
        let values: Vec<_> = read.values();
        let expected = [("stack", "orders"), ("local", "true"), ("output", "json"), ("no_input", "false")];
        assert_eq!(values, expected.map(|(name, value)| (name, value.to_owned())));
        assert!(read.has("stack") && !read.has("region"));
    }

    #[test]
    fn what_it_cannot_say_is_refused_with_its_line() {
        for (text, why) in [
            ("stack = \"Orders\"", "a stack name has"),
            ("stak = \"orders\"", "unknown field `stak`"),
            ("output = \"yaml\"", "none of text, json"),
            ("local = 1", "expected a boolean"),
            ("client-secret = \"hunter2\"", "unknown field"),
        ] {
            let refusal = read(&format!("region = \"eu-west-1\"\n{text}\n")).unwrap_err();
            assert_eq!(refusal.exit, Exit::Usage);
            let refusal = refusal.to_string();
            assert!(refusal.contains(why) && refusal.contains("line 2"), "{refusal}");
            assert!(!refusal.contains("hunter2"));
        }
    }
}
