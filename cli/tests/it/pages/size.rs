use super::markdown::Page;

const README_BYTES: usize = 8_192;
const PAGE_BYTES: usize = 12_288;
const LINE_CHARACTERS: usize = 120;

#[test]
fn pages_are_short() {
    for page in Page::read_all() {
        let most = if page.path.as_os_str() == "README.md" { README_BYTES } else { PAGE_BYTES };
        let bytes = page.text.len();
        assert!(bytes <= most, "{} has {bytes} bytes, {most} at most", page.path.display());
    }
}

/// Tables cannot be wrapped, nor can a word.
#[test]
fn lines_are_wrapped() {
    for page in Page::read_all() {
        for (number, line) in page.prose_lines() {
            let can_be_wrapped = !line.starts_with('|') && line.trim().contains(' ');
            let characters = line.chars().count();
            assert!(
                !can_be_wrapped || characters <= LINE_CHARACTERS,
                "{}:{number} has {characters} characters, {LINE_CHARACTERS} at most",
                page.path.display()
            );
        }
    }
}

#[test]
fn code_stays_in_one_line() {
    for page in Page::read_all() {
        for (number, line) in page.prose_lines() {
            assert!(line.matches('`').count() % 2 == 0, "{}:{number}: {line}", page.path.display());
        }
    }
}
