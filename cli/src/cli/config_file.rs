//! `restctl.toml`: arguments that would otherwise be typed with each command. It is in the working folder or in one of its
//! parents.

use std::env;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Command, ValueEnum};
use restctl_contract::stack::StackName;
use serde::{Deserialize, Deserializer, de};

use crate::directories::{ensure_only_user_writes, ensure_owner_is_trusted};
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::terminal::output::{Color, Format};

const FILE_NAME: &str = "restctl.toml";

pub(crate) const DEFAULT_STACK: &str = "restctl";

/// Far more than the file needs, which has a few lines.
const MAX_BYTES: u64 = 64 * 1024;

/// Each member is the default of the argument with its name.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Defaults {
    #[serde(default, deserialize_with = "parse_stack")]
    stack: Option<StackName>,
    local: Option<bool>,
    profile: Option<String>,
    region: Option<String>,
    #[serde(default, deserialize_with = "parse_choice")]
    output: Option<Format>,
    #[serde(default, deserialize_with = "parse_choice")]
    color: Option<Color>,
    no_input: Option<bool>,
}

#[derive(Debug, Default)]
pub(crate) struct ConfigFile {
    /// `None` if there is no such file.
    pub(crate) path: Option<PathBuf>,
    defaults: Defaults,
}

impl ConfigFile {
    /// Reads the file of the nearest folder that has one.
    pub(crate) fn find_nearest() -> Result<Self> {
        match find_nearest_path()? {
            Some(file) => Self::parse_file(file),
            None => Ok(Self::default()),
        }
    }

    /// Returns the stack of commands that name none: that of the file of the nearest folder, if it sets one.
    pub(crate) fn default_stack() -> String {
        let stack = Self::find_nearest().ok().and_then(|file| file.defaults.stack);
        stack.map_or_else(|| DEFAULT_STACK.to_owned(), |stack| stack.to_string())
    }

    /// Returns the output format that the file of the nearest folder sets, even if other lines of it are wrong.
    pub(crate) fn find_format() -> Option<Format> {
        let text = read_text(&find_nearest_path().ok()??).ok()?;
        let settings = text.lines().filter_map(|line| toml::from_str::<toml::Table>(line).ok());
        let mut words = settings.filter_map(|setting| Some(setting.get("output")?.as_str()?.to_owned()));
        words.find_map(|word| Format::from_str(&word, false).ok())
    }

    fn parse_file(file: PathBuf) -> Result<Self> {
        let text = read_text(&file)?;
        let defaults = toml::from_str(&text).map_err(|error| {
            // The message leaves out the line itself, which may hold a secret.
            let start = error.span().map_or(0, |span| span.start);
            let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
            Failure::new(format!("cannot use {}", file.display()))
                .exit(Exit::Usage)
                .why(format!("line {line}: {}", error.message()))
                .next(
                    "fix the line; the file may have stack, local, profile, region, output, color and no-input, \
                     which restctl config show lists",
                )
        })?;
        Ok(Self { path: Some(file), defaults })
    }

    /// Returns the command with the file's values as the defaults of its arguments.
    pub(crate) fn set_defaults(&self, mut command: Command) -> Command {
        for (argument, value) in self.argument_values() {
            command = command.mut_arg(argument, |arg| arg.default_value(value));
        }
        command
    }

    /// Whether the file sets this argument.
    pub(crate) fn sets_argument(&self, argument: &str) -> bool {
        self.argument_values().iter().any(|(name, _)| *name == argument)
    }

    /// Returns the values of the file, each with the id of its argument.
    fn argument_values(&self) -> Vec<(&'static str, String)> {
        let Defaults { stack, local, profile, region, output, color, no_input } = &self.defaults;
        let values = [
            ("stack", stack.as_ref().map(StackName::to_string)),
            ("local", local.map(|value| value.to_string())),
            ("profile", profile.clone()),
            ("region", region.clone()),
            ("output", output.and_then(to_word)),
            ("color", color.and_then(to_word)),
            ("no_input", no_input.map(|value| value.to_string())),
        ];
        values.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

fn find_nearest_path() -> Result<Option<PathBuf>> {
    let folder = env::current_dir().context("cannot find the working folder")?;
    Ok(folder.ancestors().map(|folder| folder.join(FILE_NAME)).find(|file| file.is_file()))
}

/// Reads a file that only this user and root can have written: what is in it says where data and tokens go.
fn read_text(file: &Path) -> Result<String> {
    let reading = || format!("cannot read {}", file.display());
    // A link of another user could lead to a file of this user that is meant for another folder.
    ensure_owner_is_trusted(file, &fs::symlink_metadata(file).context(reading())?)?;
    let opened = File::open(file).context(reading())?;
    let found = opened.metadata().context(reading())?;
    ensure_only_user_writes(file, &found)?;
    let size = found.len();
    if size > MAX_BYTES {
        return Err(Failure::new(format!("{} has {size} bytes", file.display()))
            .exit(Exit::Usage)
            .next(format!("use another folder, or a {FILE_NAME} of a few lines")));
    }
    let mut text = String::new();
    match opened.take(MAX_BYTES).read_to_string(&mut text) {
        Err(error) if error.kind() == ErrorKind::InvalidData => Err(Failure::new(reading())
            .exit(Exit::Usage)
            .why("it is not UTF-8 text")
            .next(format!("remove it, or write a {FILE_NAME} of a few lines"))),
        read => read.context(reading()).map(|_| text),
    }
}

fn to_word(value: impl ValueEnum) -> Option<String> {
    value.to_possible_value().map(|value| value.get_name().to_owned())
}

fn parse_stack<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<StackName>, D::Error> {
    let name = String::deserialize(deserializer)?;
    StackName::from_str(&name).map(Some).map_err(de::Error::custom)
}

fn parse_choice<'de, D: Deserializer<'de>, T: ValueEnum>(deserializer: D) -> Result<Option<T>, D::Error> {
    let word = String::deserialize(deserializer)?;
    T::from_str(&word, false).map(Some).map_err(|_| {
        let words = T::value_variants().iter().filter_map(|value| value.to_possible_value());
        let words: Vec<String> = words.map(|value| value.get_name().to_owned()).collect();
        de::Error::custom(format!("{word:?} is not one of {}", words.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_config(text: &str) -> Result<ConfigFile> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE_NAME);
        fs::write(&file, text).unwrap();
        ConfigFile::parse_file(file)
    }

    #[test]
    fn each_line_sets_the_default_of_an_argument() {
        let read =
            read_config("stack = \"orders\"\nlocal = true\noutput = \"json\"\nno-input = false\n").unwrap();
        let values: Vec<_> = read.argument_values();
        let expected = [("stack", "orders"), ("local", "true"), ("output", "json"), ("no_input", "false")];
        assert_eq!(values, expected.map(|(name, value)| (name, value.to_owned())));
        assert!(read.sets_argument("stack") && !read.sets_argument("region"));
    }

    #[test]
    fn an_invalid_line_is_refused_by_its_number() {
        for (text, why) in [
            ("stack = \"Orders\"", "a stack name has"),
            ("stak = \"orders\"", "unknown field `stak`"),
            ("output = \"yaml\"", "not one of text, json"),
            ("local = 1", "expected a boolean"),
            ("client-secret = \"hunter2\"", "unknown field"),
        ] {
            let refusal = read_config(&format!("region = \"eu-west-1\"\n{text}\n")).unwrap_err();
            assert_eq!(refusal.exit, Exit::Usage);
            let refusal = refusal.to_string();
            assert!(refusal.contains(why) && refusal.contains("line 2"), "{refusal}");
            assert!(!refusal.contains("hunter2"));
        }
    }
}
