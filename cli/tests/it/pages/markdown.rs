//! Parses those parts of Markdown that the pages use.

use std::path::{Path, PathBuf};

use regex_lite::Regex;

/// Returns the folder of the repository.
pub(crate) fn repository_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A page, by its path in the repository.
pub(crate) struct Page {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn read(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let text = std::fs::read_to_string(repository_root().join(&path)).unwrap();
        Self { path, text }
    }

    /// Reads all pages of the repository.
    pub(crate) fn read_all() -> Vec<Self> {
        let mut pages = Vec::new();
        find_pages(Path::new(""), &mut pages);
        assert!(pages.iter().any(|page: &Self| page.path.ends_with("README.md")), "no pages found");
        pages
    }

    /// Returns the lines outside fenced code, with their numbers.
    pub(crate) fn prose_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut is_code = false;
        let numbered = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        numbered.filter(move |(_, line)| {
            let is_fence = line.starts_with("```");
            is_code ^= is_fence;
            !is_code && !is_fence
        })
    }

    /// Returns the part below a heading, up to the next heading of any level.
    pub(crate) fn section(&self, heading: &str) -> &str {
        let (_, below) = self.text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| {
            panic!("{} has no heading {heading:?}", self.path.display());
        });
        below.split("\n#").next().unwrap()
    }

    /// Returns the cells of the table in a section, without its header.
    pub(crate) fn table(&self, heading: &str) -> Vec<Vec<&str>> {
        let rows = self.section(heading).lines().filter(|line| line.starts_with('|'));
        let rows: Vec<Vec<&str>> = rows.skip(2).map(split_cells).collect();
        assert!(!rows.is_empty(), "{} has no table under {heading:?}", self.path.display());
        rows
    }

    /// Returns the anchors of the headings, as GitHub makes them.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let headings = self.prose_lines().filter(|(_, line)| line.starts_with('#'));
        headings.map(|(_, line)| to_anchor(line.trim_start_matches('#').trim())).collect()
    }
}

fn find_pages(folder: &Path, pages: &mut Vec<Page>) {
    for entry in std::fs::read_dir(repository_root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = folder.join(&name);
        let is_skipped =
            name == "target" || name == "node_modules" || (name.starts_with('.') && name != ".github");
        if entry.file_type().unwrap().is_dir() {
            if !is_skipped {
                find_pages(&path, pages);
            }
        } else if name.ends_with(".md") {
            pages.push(Page::read(path));
        }
    }
}

/// Splits a row of a table. A `|` after a backslash is text.
fn split_cells(row: &str) -> Vec<&str> {
    let mut cells = Vec::new();
    let (mut start, mut before) = (1, ' ');
    for (index, character) in row.char_indices().skip(1) {
        if character == '|' && before != '\\' {
            cells.push(row[start..index].trim());
            start = index + 1;
        }
        before = character;
    }
    cells
}

fn to_anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// Returns the pieces of inline code in a text.
pub(crate) fn code_pieces(text: &str) -> Vec<String> {
    let pieces = Regex::new("`([^`\n]+)`").unwrap();
    pieces.captures_iter(text).map(|piece| piece[1].to_owned()).collect()
}
