//! Data files named on the command line: how they are read, and what a first reading finds in them.

mod column_type;
pub(crate) mod duplicates;
pub(crate) mod external_sort;
pub(crate) mod source;
pub(crate) mod survey;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use restctl_contract::key::Key;
use restctl_contract::load::REJECTS_PREFIX;
use restctl_rows::{Delimiter, Dialect, Encoding, Format, Types};

use self::column_type::NamedType;
use crate::data_file::source::Source;
use crate::data_file::survey::cannot_load_failure;
use crate::failure::{Failure, Result};

const STANDARD_INPUT: &str = "-";

/// S3's limit for the name of an object, in bytes ("Naming Amazon S3 objects", Amazon S3 User Guide).
const MAX_NAME_BYTES: usize = 1024;

/// How to read an input file, to the extent that the file does not show it.
#[derive(Debug, Args)]
pub(crate) struct InputArgs {
    /// Name of the object, whose ending gives the format [default: the file's name]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// Character that separates the cells of a CSV file, such as ';' or tab [default: a comma]
    #[arg(long, value_name = "CHAR")]
    delimiter: Option<Delimiter>,

    /// Types of the columns of a CSV file: string, number or boolean
    #[arg(long, value_name = "COLUMN:TYPE", value_delimiter = ',')]
    types: Vec<NamedType>,
}

impl InputArgs {
    /// Fails if `--types` names the key, whose type belongs to the stack.
    pub(crate) fn ensure_key_is_untyped(&self, key: &Key) -> Result<()> {
        if self.types.iter().all(|column| column.name != key.name) {
            return Ok(());
        }
        Err(Failure::usage(format!("the type of {:?} cannot be chosen", key.name))
            .why("it is the key, and its type was set when the stack was deployed")
            .next("leave it out of --types"))
    }

    fn named_types(&self) -> Result<Types> {
        let mut types = BTreeMap::new();
        for NamedType { name, kind } in &self.types {
            if types.insert(name.clone(), *kind).is_some_and(|before| before != *kind) {
                return Err(
                    Failure::usage(format!("--types gives {name:?} two types")).next("remove one of them")
                );
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
    pub(crate) fn from_args(path: &Path, input: &InputArgs) -> Result<Self> {
        let shown = path.display().to_string();
        let object = object_name(path, input.name.as_deref())?;
        let encoding =
            Encoding::from_name(&object).map_err(|reason| cannot_load_failure(&shown, &reason.into()))?;
        if encoding.format != Format::Csv && (input.delimiter.is_some() || !input.types.is_empty()) {
            let what = format!("{object} is not CSV, and --delimiter and --types are for CSV only");
            return Err(Failure::usage(what).next("leave them out"));
        }
        if path != Path::new(STANDARD_INPUT) && !path.is_file() {
            return Err(Failure::usage(format!("{shown} is not a regular file")));
        }
        let delimiter = input.delimiter.unwrap_or_default();
        let dialect = Dialect { encoding, delimiter, types: input.named_types()?, records: None };
        Ok(Self { path: path.to_owned(), object, dialect })
    }

    pub(crate) fn is_standard_input(&self) -> bool {
        self.path == Path::new(STANDARD_INPUT)
    }

    pub(crate) fn open(&self) -> Result<Source> {
        if self.is_standard_input() { Source::spool_standard_input() } else { Source::open(&self.path) }
    }
}

/// Returns the key of the object: the chosen name, or else the name of the file.
fn object_name(path: &Path, chosen: Option<&str>) -> Result<String> {
    let name = match (chosen, path.file_name().and_then(|name| name.to_str())) {
        (Some(name), _) => name,
        (None, _) if path == Path::new(STANDARD_INPUT) => {
            return Err(Failure::usage("standard input has no name")
                .next("name the object, with its format: --name items.csv"));
        }
        (None, Some(name)) => name,
        (None, None) => {
            let what = format!("{} has no name that an object can have", path.display());
            return Err(Failure::usage(what).next("choose one with --name"));
        }
    };
    if name.len() > MAX_NAME_BYTES || name.starts_with(REJECTS_PREFIX) {
        let what = format!("an object cannot be called {name:?}");
        let next = format!("choose a shorter --name that does not start with {REJECTS_PREFIX}");
        return Err(Failure::usage(what).next(next));
    }
    Ok(name.to_owned())
}
