//! Where the next steps of failures lead.

use crate::cloud::CommandOutput;

/// A command line, and how it ended.
pub(super) type End<'a> = (&'a [&'a str], CommandOutput);

/// Fails if someone who follows the next steps comes back to a command that has failed, unless its failure says that the cause
/// passes.
#[track_caller]
pub(super) fn assert_no_circle(ends: &[End<'_>]) {
    for start in 0..ends.len() {
        follow(ends, &mut vec![start]);
    }
}

#[track_caller]
fn follow(ends: &[End<'_>], path: &mut Vec<usize>) {
    let (args, ran) = &ends[*path.last().unwrap()];
    // A dry run ends with 6 if it found what it would change.
    if [0, 6].contains(&ran.exit) {
        return;
    }
    let next = next_step(&ran.stderr);
    assert!(!next.is_empty(), "{args:?} gives no next step:\n{}", ran.stderr);
    assert!(
        !next.contains("same command again") || next.contains("temporary") || next.contains("then"),
        "{args:?} does not say why another attempt may succeed:\n{}",
        ran.stderr
    );
    for advised in advised_commands(ends, &next) {
        let names: Vec<_> = path.iter().map(|each| ends[*each].0).collect();
        assert!(!path.contains(&advised), "{names:?} leads back to {:?}:\n{}", ends[advised].0, ran.stderr);
        path.push(advised);
        follow(ends, path);
        path.pop();
    }
}

/// Returns the next step of a failure, in one line.
fn next_step(stderr: &str) -> String {
    let lines = stderr.lines().skip_while(|line| !line.starts_with("  next:"));
    let lines = lines.take_while(|line| line.starts_with("  "));
    lines.map(|line| line.trim_start().trim_start_matches("next:").trim()).collect::<Vec<_>>().join(" ")
}

/// Returns the places of the commands that a next step names, without those that come after another step.
fn advised_commands(ends: &[End<'_>], next: &str) -> Vec<usize> {
    let first = next.split("then").next().unwrap();
    let mentions = first.split("restctl ").skip(1);
    let find = |mention: &str| {
        let words: Vec<&str> = mention.split([' ', ';', ',', ':']).collect();
        let is_named = |args: &[&str]| {
            let name = args
                .iter()
                .take_while(|arg| arg.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
            let name: Vec<&str> = name.take_while(|arg| !arg.starts_with('-')).copied().collect();
            words.starts_with(&name)
        };
        let named = ends.iter().enumerate().filter(|(_, (args, _))| is_named(args));
        // `token` and `token explain` both begin with the same word.
        named.max_by_key(|(_, (args, _))| args.len()).map(|(place, _)| place)
    };
    mentions.filter_map(find).collect()
}
