//! Text that is compared with a file below `cli/tests`. `INSTA_UPDATE=always cargo test --workspace` rewrites each file
//! that no longer matches; `git diff` then shows what changed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Collects the snapshots that differ, so that one difference does not hide the next.
pub(crate) struct Snapshots {
    /// The folder below `cli/tests`.
    folder: &'static str,
    different: Vec<String>,
}

impl Snapshots {
    pub(crate) fn in_folder(folder: &'static str) -> Self {
        Self { folder, different: Vec::new() }
    }

    /// Compares `text` with the file `NAME.snap`. insta prints the difference at once.
    pub(crate) fn compare(&mut self, name: &str, text: &str) {
        // insta ignores the line breaks at the end.
        assert!(
            text.ends_with('\n') && !text.ends_with("\n\n"),
            "{name} ends without a line end, or with two"
        );
        let mut settings = insta::Settings::new();
        settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(self.folder));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        let compared =
            catch_unwind(AssertUnwindSafe(|| settings.bind(|| insta::assert_snapshot!(name, text))));
        if compared.is_err() {
            self.different.push(name.to_owned());
        }
    }

    /// Fails the test if a snapshot differs.
    #[track_caller]
    pub(crate) fn finish(self) {
        let different = self.different.join(", ");
        assert!(
            different.is_empty(),
            "in cli/tests/{}: {different}; if they should: INSTA_UPDATE=always cargo test --workspace",
            self.folder
        );
    }
}
