//! What each file of the command line is, before any of them is opened.

use std::path::{Path, PathBuf};

use restctl_contract::load::REJECTS_PREFIX;
use restctl_rows::{Dialect, Encoding, Format, Types};

use super::Upload;
use crate::failure::{Exit, Failure, Result};
use crate::source::Source;
use crate::survey::cannot_load;

const STANDARD_INPUT: &str = "-";

/// S3's limit to the name of an object, in bytes ("Naming Amazon S3 objects", Amazon S3 User Guide).
const MAX_NAME_BYTES: usize = 1024;

pub(super) struct Plan {
    file: PathBuf,
    /// The object's key in the data bucket.
    pub(super) object: String,
    pub(super) dialect: Dialect,
}

impl Plan {
    pub(super) fn is_standard_input(&self) -> bool {
        self.file == Path::new(STANDARD_INPUT)
    }

    pub(super) fn open(&self) -> Result<Source> {
        if self.is_standard_input() { Source::standard_input() } else { Source::file(&self.file) }
    }
}

pub(super) fn of(args: &Upload) -> Result<Vec<Plan>> {
    if args.name.is_some() && args.files.len() > 1 {
        return Err(usage("--name names one file, and several were given", "upload them one by one"));
    }
    args.files.iter().map(|file| plan(file, args)).collect()
}

fn plan(file: &Path, args: &Upload) -> Result<Plan> {
    let shown = file.display().to_string();
    let is_standard_input = file == Path::new(STANDARD_INPUT);
    let object = match (&args.name, file.file_name().and_then(|name| name.to_str())) {
        (Some(name), _) => name.clone(),
        (None, _) if is_standard_input => {
            return Err(usage(
                "standard input has no name",
                "name the object, with its format: --name items.csv",
            ));
        }
        (None, Some(name)) => name.to_owned(),
        (None, None) => {
            return Err(usage(&format!("{shown} has no name that an object could bear"), "give it a --name"));
        }
    };
    if object.len() > MAX_NAME_BYTES || object.starts_with(REJECTS_PREFIX) {
        let what = format!("no object can be called {object:?}");
        let next = format!("take a shorter --name, that does not start with {REJECTS_PREFIX}");
        return Err(usage(&what, &next));
    }
    let encoding = Encoding::of(&object).map_err(|reason| cannot_load(&shown, &reason))?;
    if encoding.format != Format::Csv && (args.delimiter.is_some() || !args.types.is_empty()) {
        let what = format!("{object} is no CSV, and only a CSV has --delimiter and --types");
        return Err(usage(&what, "leave them out"));
    }
    if !is_standard_input && !file.is_file() {
        return Err(Failure::new(format!("{shown} is no file")).exit(Exit::Usage));
    }
    let dialect = Dialect { encoding, delimiter: args.delimiter.unwrap_or_default(), types: types(args)? };
    Ok(Plan { file: file.to_owned(), object, dialect })
}

fn types(args: &Upload) -> Result<Types> {
    let mut types = std::collections::BTreeMap::new();
    for typed in &args.types {
        if types.insert(typed.name.clone(), typed.kind).is_some_and(|before| before != typed.kind) {
            return Err(usage(&format!("--types gives {:?} two types", typed.name), "leave one of them out"));
        }
    }
    Ok(Types::Named(types))
}

fn usage(what: &str, next: &str) -> Failure {
    Failure::new(what).exit(Exit::Usage).next(next)
}
