//! What a data file of the command line is, before it is opened.

mod column_type;
pub(crate) mod duplicates;
pub(crate) mod external_sort;
pub(crate) mod source;
pub(crate) mod survey;

use std::path::{Path, PathBuf};

use clap::Args;
use restctl_contract::key::Key;
use restctl_contract::load::REJECTS_PREFIX;
use restctl_rows::{Delimiter, Dialect, Encoding, Format, Types};

use self::column_type::NamedType;
use crate::data_file::source::Source;
use crate::data_file::survey::cannot_load;
use crate::failure::{Exit, Failure, Result};

const STANDARD_INPUT: &str = "-";

/// S3's limit to the name of an object, in bytes ("Naming Amazon S3 objects", Amazon S3 User Guide).
const MAX_NAME_BYTES: usize = 1024;

/// How a file is written, as far as it does not tell itself.
#[derive(Debug, Args)]
pub(crate) struct Writing {
    /// Name of the object, which tells the format [default: the file's name]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// Character between a CSV's cells, such as ';' or tab [default: a comma]
    #[arg(long, value_name = "CHAR")]
    delimiter: Option<Delimiter>,

    /// Types of a CSV's columns: string, number or boolean
    #[arg(long, value_name = "COLUMN:TYPE", value_delimiter = ',')]
    types: Vec<NamedType>,
}

impl Writing {
    pub(crate) fn suits(&self, key: &Key) -> Result<()> {
        if self.types.iter().all(|typed| typed.name != key.name) {
            return Ok(());
        }
        Err(Failure::new(format!("the type of {:?} cannot be chosen", key.name))
            .exit(Exit::Usage)
            .why("it is the key, whose type was chosen when the stack was deployed"))
    }

    fn types(&self) -> Result<Types> {
        let mut types = std::collections::BTreeMap::new();
        for typed in &self.types {
            if types.insert(typed.name.clone(), typed.kind).is_some_and(|before| before != typed.kind) {
                return Err(usage(
                    &format!("--types gives {:?} two types", typed.name),
                    "leave one of them out",
                ));
            }
        }
        Ok(Types::Named(types))
    }
}

pub(crate) struct DataFile {
    path: PathBuf,
    /// The object's key in the data bucket.
    pub(crate) object: String,
    pub(crate) dialect: Dialect,
}

impl DataFile {
    pub(crate) fn of(path: &Path, writing: &Writing) -> Result<Self> {
        let shown = path.display().to_string();
        let is_standard_input = path == Path::new(STANDARD_INPUT);
        let object = match (&writing.name, path.file_name().and_then(|name| name.to_str())) {
            (Some(name), _) => name.clone(),
            (None, _) if is_standard_input => {
                return Err(usage(
                    "standard input has no name",
                    "name the object, with its format: --name items.csv",
                ));
            }
            (None, Some(name)) => name.to_owned(),
            (None, None) => {
                return Err(usage(
                    &format!("{shown} has no name that an object could bear"),
                    "give it a --name",
                ));
            }
        };
        if object.len() > MAX_NAME_BYTES || object.starts_with(REJECTS_PREFIX) {
            let what = format!("no object can be called {object:?}");
            let next = format!("take a shorter --name, that does not start with {REJECTS_PREFIX}");
            return Err(usage(&what, &next));
        }
        let encoding = Encoding::of(&object).map_err(|reason| cannot_load(&shown, &reason.into()))?;
        if encoding.format != Format::Csv && (writing.delimiter.is_some() || !writing.types.is_empty()) {
            let what = format!("{object} is no CSV, and only a CSV has --delimiter and --types");
            return Err(usage(&what, "leave them out"));
        }
        if !is_standard_input && !path.is_file() {
            return Err(Failure::new(format!("{shown} is no file")).exit(Exit::Usage));
        }
        let delimiter = writing.delimiter.unwrap_or_default();
        let dialect = Dialect { encoding, delimiter, types: writing.types()? };
        Ok(Self { path: path.to_owned(), object, dialect })
    }

    pub(crate) fn is_standard_input(&self) -> bool {
        self.path == Path::new(STANDARD_INPUT)
    }

    pub(crate) fn open(&self) -> Result<Source> {
        if self.is_standard_input() { Source::standard_input() } else { Source::file(&self.path) }
    }
}

fn usage(what: &str, next: &str) -> Failure {
    Failure::new(what).exit(Exit::Usage).next(next)
}
