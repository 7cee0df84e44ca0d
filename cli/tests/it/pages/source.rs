//! The command's source, for lists that exist nowhere else.

use std::path::Path;

/// The files of `cli/src` below `folder`, with their text, without unit tests at their end.
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

/// The text of the one file of this name.
pub(crate) fn source_file(name: &str) -> String {
    let mut named = source_files("").into_iter().filter(|(path, _)| path.ends_with(&format!("/{name}")));
    let (_, text) = named.next().unwrap_or_else(|| panic!("cli/src has no {name}"));
    assert!(named.next().is_none(), "cli/src has more than one {name}");
    text
}
