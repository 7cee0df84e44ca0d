//! Data files named on the command line: how they are read, and what a first reading finds in them.

mod column_type;
pub(crate) mod conversion;
pub(crate) mod duplicates;
pub(crate) mod external_sort;
pub(crate) mod source;
pub(crate) mod survey;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use restctl_contract::key::Key;
use restctl_contract::load::REJECTS_PREFIX;
use restctl_rows::{Compression, Delimiter, Dialect, Encoding, Format, Types};

use self::column_type::NamedType;
use self::conversion::ConversionOptions;
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

    /// Character encoding of a text, such as windows-1252 [default: UTF-8, or UTF-16 if it looks so]
    #[arg(long, value_name = "LABEL", value_parser = parse_encoding)]
    encoding: Option<&'static encoding_rs::Encoding>,

    /// Sheet of a spreadsheet, by its name or number [default: the first]
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
}

/// Takes a label of the Encoding Standard (WHATWG).
fn parse_encoding(label: &str) -> Result<&'static encoding_rs::Encoding, String> {
    let encoding = encoding_rs::Encoding::for_label_no_replacement(label.as_bytes());
    encoding.ok_or_else(|| {
        "no such encoding; write a label such as windows-1252, utf-16le, shift_jis or gb18030".to_owned()
    })
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

#[derive(Clone)]
pub(crate) struct DataFile {
    path: PathBuf,
    /// The name of the object that the user chose.
    chosen_name: Option<String>,
    /// The object's key in the data bucket.
    pub(crate) object: String,
    pub(crate) dialect: Dialect,
    conversion: ConversionOptions,
    /// What the file is, if it is converted, and what is left out.
    pub(crate) notes: Vec<String>,
}

impl DataFile {
    pub(crate) fn from_args(path: &Path, input: &InputArgs) -> Result<Self> {
        let shown = path.display().to_string();
        let object = object_name(path, input.name.as_deref())?;
        if path != Path::new(STANDARD_INPUT) && !path.is_file() {
            return Err(Failure::usage(format!("{shown} is not a regular file")));
        }
        let encoding = match Encoding::from_name(&object) {
            Ok(encoding) => encoding,
            // The name of what is converted may say anything.
            Err(_)
                if path == Path::new(STANDARD_INPUT) || conversion::names_object(&Source::open(path)?)? =>
            {
                Encoding { format: Format::Ndjson, compression: Compression::Zstd }
            }
            Err(reason) => return Err(cannot_load_failure(&shown, &reason.into())),
        };
        if encoding.format != Format::Csv && (input.delimiter.is_some() || !input.types.is_empty()) {
            let what = format!("{object} is not CSV, and --delimiter and --types are for CSV only");
            return Err(Failure::usage(what).next("leave them out"));
        }
        let delimiter = input.delimiter.unwrap_or_default();
        let dialect = Dialect { encoding, delimiter, types: input.named_types()? };
        let conversion = ConversionOptions { encoding: input.encoding, sheet: input.sheet.clone() };
        let chosen_name = input.name.clone();
        Ok(Self { path: path.to_owned(), chosen_name, object, dialect, conversion, notes: Vec::new() })
    }

    pub(crate) fn is_standard_input(&self) -> bool {
        self.path == Path::new(STANDARD_INPUT)
    }

    /// Opens the file, converts it if that is needed, and returns what a load will see of it.
    pub(crate) async fn open(&self) -> Result<(Self, Source)> {
        let source = match self.is_standard_input() {
            true => Source::spool_standard_input()?,
            false => Source::open(&self.path)?,
        };
        let mut file = self.clone();
        let mut compression = None;
        let source = match conversion::convert(&source, &self.conversion).await? {
            Some(converted) => {
                let name = object_name(&self.path, self.chosen_name.as_deref())?;
                let name = converted.name.choose(&name, self.chosen_name.as_deref());
                file.object = object_name(&self.path, Some(&name))?;
                file.notes = converted.notes;
                compression = Some(Compression::Zstd);
                converted.source
            }
            None => source,
        };
        let encoding = Encoding::from_name(&file.object)
            .map_err(|reason| cannot_load_failure(&source.shown, &reason.into()))?;
        let compression = compression.unwrap_or(encoding.compression);
        file.dialect.encoding = Encoding { compression, ..encoding };
        Ok((file, source))
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
