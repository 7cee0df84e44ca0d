use regex_lite::Regex;

use super::markdown::{Page, code_pieces, repository_root};

#[test]
fn relative_links_and_anchors_resolve() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut broken = Vec::new();
    let mut resolved = 0;
    for page in Page::read_all() {
        for (number, line) in page.prose_lines() {
            for target in link.captures_iter(line).map(|found| found[1].to_owned()) {
                if target.contains("://") || target.starts_with("mailto:") {
                    continue;
                }
                match resolve_link(&page, &target) {
                    Ok(()) => resolved += 1,
                    Err(why) => broken.push(format!("{}:{number}: {target}: {why}", page.path.display())),
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(resolved > 50, "only {resolved} links were found");
}

fn resolve_link(page: &Page, target: &str) -> Result<(), String> {
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let file = match path {
        "" => repository_root().join(&page.path),
        _ => repository_root().join(&page.path).parent().unwrap().join(path),
    };
    let file = file.canonicalize().map_err(|error| error.to_string())?;
    let inside =
        file.strip_prefix(repository_root().canonicalize().unwrap()).map_err(|_| "outside the repository")?;
    match anchor {
        Some(anchor) if !Page::read(inside).anchors().iter().any(|known| known == anchor) => {
            Err("no such heading".to_owned())
        }
        _ => Ok(()),
    }
}

/// Checks paths such as `src/handler.rs`, which are relative to the page or to the root of the repository.
#[test]
fn the_files_that_are_named_exist() {
    let path = Regex::new(r"^(\.ci|cli|fixtures|lambdas|src|templates|tests)/[\w./-]+$").unwrap();
    let mut found = 0;
    for page in Page::read_all() {
        for (number, line) in page.prose_lines() {
            for named in code_pieces(line).iter().filter(|piece| path.is_match(piece)) {
                found += 1;
                let folder = repository_root().join(&page.path);
                let is_there =
                    repository_root().join(named).exists() || folder.parent().unwrap().join(named).exists();
                assert!(is_there, "{}:{number}: there is no {named}", page.path.display());
            }
        }
    }
    assert!(found > 20, "only {found} files are named");
}
