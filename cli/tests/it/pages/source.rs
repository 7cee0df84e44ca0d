//! The source of the command, for lists that exist only there.

use std::path::Path;

/// Returns the files of `cli/src` below `folder`, each with its path and its text, without the unit tests at the end.
pub(crate) fn source_files(folder: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder), &mut files);
    assert!(!files.is_empty(), "no files in {folder:?}");
    files
}

fn collect_files(folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
            files.push((path.to_str().unwrap().to_owned(), text));
        }
    }
}

/// Returns the text of the only file with this name.
pub(crate) fn source_file(name: &str) -> String {
    let mut named = source_files("").into_iter().filter(|(path, _)| path.ends_with(&format!("/{name}")));
    let (_, text) = named.next().unwrap_or_else(|| panic!("cli/src has no {name}"));
    assert!(named.next().is_none(), "cli/src has more than one {name}");
    text
}
