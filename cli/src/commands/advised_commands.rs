//! Every command that a message advises is a valid command line.

use std::fs;
use std::path::Path;

use clap::error::ErrorKind;
use clap::{Arg, Command, CommandFactory};

use crate::commands::invocation::Cli;

/// The words that follow the name of restctl in a sentence about it.
const VERBS: &[&str] = &[
    "are", "asks", "caches", "can", "cannot", "deployed", "does", "gets", "has", "imported", "in", "is",
    "it", "its", "itself", "keeps", "knows", "made", "names", "no", "read", "reads", "says", "since",
    "supports", "test", "that", "to", "turns", "uses", "was", "were", "works", "writes",
];

/// A value that stands for another one need not be valid.
const ACCEPTED: [ErrorKind; 3] =
    [ErrorKind::ValueValidation, ErrorKind::InvalidValue, ErrorKind::DisplayHelp];

/// What stands for a value that a message fills in.
const VALUE: &str = "VALUE";

/// Returns the string literals of the code, without those of its tests.
fn string_literals(code: &str) -> Vec<String> {
    let code = code.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n").replace("'\"'", "' '").replace("b'\"'", "' '");
    let mut literals = Vec::new();
    let mut rest = code.as_str();
    while let Some((_, after)) = rest.split_once('"') {
        let mut literal = String::new();
        let mut characters = after.chars();
        while let Some(character) = characters.next() {
            match character {
                '"' => break,
                // The indentation of the next line is not part of the text.
                '\\' => match characters.next() {
                    Some('\n') => characters = characters.as_str().trim_start().chars(),
                    Some('n') => literal.push('\n'),
                    Some(escaped) => literal.push(escaped),
                    None => {}
                },
                _ => literal.push(character),
            }
        }
        literals.push(literal);
        rest = characters.as_str();
    }
    literals
}

/// Replaces what `format!` fills in.
fn fill_placeholders(text: &str) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        filled.push_str(VALUE);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    filled + rest
}

/// Returns the words of each `restctl COMMAND` in the text, up to the end of the clause.
fn find_commands(text: &str) -> Vec<Vec<String>> {
    const ENDS: [char; 11] = [';', '(', ')', '\n', '`', '"', '\'', '|', '<', '>', '&'];
    // In `code`, it is the name of a command.
    let text = fill_placeholders(&text.replace("`restctl ", ""));
    let clauses = text.split("restctl ").skip(1).map(|rest| {
        let clause = rest.split(ENDS).next().unwrap_or_default();
        // Not the colon of an address or the comma of a list.
        let clause =
            clause.split(": ").next().and_then(|clause| clause.split(", ").next()).unwrap_or_default();
        let words = clause.split(' ').filter(|word| !word.is_empty());
        words.map(|word| word.trim_end_matches(['.', ',', ':']).to_owned()).collect::<Vec<_>>()
    });
    clauses
        .filter(|words| words.first().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_lowercase())))
        .collect()
}

/// Returns the words that belong to the command, without the prose that follows. `None` if it names no command.
fn command_line<'a>(words: &'a [String], root: &Command) -> Option<Vec<&'a str>> {
    let (mut command, mut line) = (root, vec!["restctl"]);
    let mut words = words.iter().map(String::as_str).peekable();
    while let Some(subcommand) = words.peek().and_then(|word| command.find_subcommand(word)) {
        command = subcommand;
        line.extend(words.next());
    }
    if line.len() == 1 {
        return None;
    }
    // A value is not an ordinary word of a sentence, unless the command has a list of values.
    let is_listed = |word: &str| {
        let mut values = command.get_positionals().flat_map(Arg::get_possible_values);
        values.any(|value| value.get_name() == word)
    };
    let is_value = |word: &str| !word.chars().all(|c| c.is_ascii_lowercase()) || is_listed(word);
    while let Some(word) = words.next_if(|word| is_value(word)) {
        if ["…", "\\"].contains(&word) {
            // The rest is left out, or in the next line.
            return Some(line.into_iter().chain(["--help"]).collect());
        }
        if word.contains(VALUE) && (word.starts_with('-') || command.get_positionals().next().is_none()) {
            // A flag that the message fills in, and perhaps its value.
            break;
        }
        line.push(word);
        let flag = word.strip_prefix("--");
        let argument = command.get_arguments().find(|argument| flag.is_some() && argument.get_long() == flag);
        if argument.is_some_and(|argument| argument.get_action().takes_values()) {
            line.extend(words.next());
        }
    }
    Some(line)
}

fn source_files(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !["tests", "target", "benches", "fuzz", "examples"].contains(&name) {
            source_files(&path, found);
        } else if name.ends_with(".rs") && !name.contains("tests") && name != "advised_commands.rs" {
            found.push(fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn advised_commands_are_valid() {
    let mut root = Cli::command();
    root.build();
    let mut files = Vec::new();
    for folder in ["src", "../lambdas"] {
        source_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut files);
    }
    let (mut valid, mut wrong) = (0, Vec::new());
    for words in files.iter().flat_map(|code| string_literals(code)).flat_map(|text| find_commands(&text)) {
        if VERBS.contains(&words[0].as_str()) {
            continue;
        }
        let Some(line) = command_line(&words, &root) else {
            wrong.push(format!("no command: restctl {}", words.join(" ")));
            continue;
        };
        match Cli::command().try_get_matches_from(&line) {
            Ok(_) => valid += 1,
            Err(error) if ACCEPTED.contains(&error.kind()) => valid += 1,
            Err(error) => {
                wrong.push(format!("{:?}: {} (of {})", error.kind(), line.join(" "), words.join(" ")))
            }
        }
    }
    assert!(wrong.is_empty() && valid > 200, "{valid} are valid, and these are not:\n{}", wrong.join("\n"));
}
