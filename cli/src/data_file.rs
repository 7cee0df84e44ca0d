//! Data files named on the command line: how they are read, and what a first reading finds in them.

pub(crate) mod conversion;
pub(crate) mod duplicates;
pub(crate) mod external_sort;
pub(crate) mod input;
mod records;
pub(crate) mod source;
pub(crate) mod survey;

use std::path::{Path, PathBuf};

use restctl_contract::key::Key;
use restctl_contract::load::REJECTS_PREFIX;
use restctl_rows::{Compression, DETECTION_BYTES, Dialect, Format};

use self::conversion::ConversionOptions;
use self::input::InputArgs;
use self::records::find_records;
use self::source::Source;
use self::survey::{SurveyedFile, cannot_load_failure};
use crate::failure::{Failure, Result};

const STANDARD_INPUT: &str = "-";

/// S3's limit for the name of an object, in bytes ("Naming Amazon S3 objects", Amazon S3 User Guide).
const MAX_NAME_BYTES: usize = 1024;

/// A file that can be opened, as far as that is known without reading it.
pub(crate) struct DataFile {
    path: PathBuf,
    /// The object's key in the data bucket, unless the file is converted.
    object: String,
}

/// A file whose content has shown how to read it.
pub(crate) struct OpenedFile {
    pub(crate) source: Source,
    /// The object's key in the data bucket.
    pub(crate) object: String,
    pub(crate) dialect: Dialect,
    /// What the file was before it was converted, and what was left out.
    pub(crate) notes: Vec<String>,
}

impl DataFile {
    pub(crate) fn from_args(path: &Path, input: &InputArgs) -> Result<Self> {
        if path != Path::new(STANDARD_INPUT) {
            Source::check_path(path)?;
        }
        let object = object_name(path, input.name.as_deref())?;
        Ok(Self { path: path.to_owned(), object })
    }

    /// Opens the file, converts it if no load reads it, and finds out how to read it. Keeps what can be read only once in
    /// a temporary file.
    pub(crate) async fn open(&self, input: &InputArgs, key: &Key) -> Result<OpenedFile> {
        let source = match self.path == Path::new(STANDARD_INPUT) {
            true => Source::spool_standard_input()?,
            false => Source::open(&self.path)?,
        };
        let (source, object, notes) = self.convert(source, input).await?;
        let mut head = vec![0; DETECTION_BYTES];
        let length = source.read_at(0, &mut head)?;
        head.truncate(length);
        let csv = input.csv_dialect()?;
        let dialect = Dialect::detect(&object, &head, key, input.delimiter, csv);
        let mut dialect = dialect.map_err(|reason| cannot_load_failure(&source.shown, &reason))?;
        check_format(&source, &dialect, input)?;
        dialect.records = match &input.records {
            None if dialect.format == Format::Json => find_records(&source, &dialect, key).await?,
            chosen => chosen.clone(),
        };
        Ok(OpenedFile { source, object, dialect, notes })
    }

    /// Returns the source in a form that loads read, the object's key, and what was done.
    async fn convert(&self, source: Source, input: &InputArgs) -> Result<(Source, String, Vec<String>)> {
        let options = ConversionOptions { encoding: input.encoding, sheet: input.sheet.clone() };
        let Some(converted) = conversion::convert(&source, &options).await? else {
            return Ok((source, self.object.clone(), Vec::new()));
        };
        let name = converted.name.choose(&self.object, input.name.as_deref());
        let object = object_name(&self.path, Some(&name))?;
        let mut spooled = converted.source;
        spooled.can_be_read_again = source.can_be_read_again;
        Ok((spooled, object, converted.notes))
    }
}

impl OpenedFile {
    /// Returns what the file was before it was converted, and what its survey recognized.
    pub(crate) fn all_notes<'a>(&'a self, surveyed: &'a SurveyedFile) -> Vec<&'a str> {
        self.notes.iter().chain(&surveyed.findings.notes).map(String::as_str).collect()
    }

    /// Describes in one line how the file is read.
    pub(crate) fn describe(&self, surveyed: &SurveyedFile) -> String {
        let Dialect { format, compression, csv, records } = &self.dialect;
        let mut words = vec![match format {
            Format::Csv => format!("CSV with the delimiter '{}'", csv.delimiter),
            Format::Ndjson => "JSON objects".to_owned(),
            Format::Json => "JSON".to_owned(),
        }];
        words.extend(csv.escape.map(|escape| format!("the escape character '{escape}'")));
        words.extend(records.iter().map(|path| format!("the rows of {path}")));
        if *compression != Compression::None {
            words.push(compression.to_string());
        }
        words.extend(self.all_notes(surveyed).into_iter().map(str::to_owned));
        words.join("; ")
    }
}

/// Fails if an argument is for files of another format.
fn check_format(source: &Source, dialect: &Dialect, input: &InputArgs) -> Result<()> {
    let wrong = match dialect.format {
        Format::Csv => input.records.is_some().then_some(("--records", "JSON")),
        Format::Ndjson | Format::Json => input.csv_argument().map(|argument| (argument, "CSV")),
    };
    let Some((argument, format)) = wrong else { return Ok(()) };
    let what = format!("{} is not {format}, and {argument} is for {format} only", source.shown);
    Err(Failure::usage(what).next(format!("leave out {argument}")))
}

/// Returns the key of the object: the chosen name, or else the name of the file.
fn object_name(path: &Path, chosen: Option<&str>) -> Result<String> {
    let has_name = path != Path::new(STANDARD_INPUT) && !source::is_stream(path);
    let name = match (chosen, path.file_name().and_then(|name| name.to_str())) {
        (Some(name), _) => name,
        (None, _) if !has_name => {
            let what = match path == Path::new(STANDARD_INPUT) {
                true => "standard input has no name".to_owned(),
                false => format!("{} is a pipe or a device, which has no name", path.display()),
            };
            return Err(Failure::usage(what).next("name the object, with its format: --name items.csv"));
        }
        (None, Some(name)) => name,
        (None, None) => {
            let what = format!("{} has no name that an object can have", path.display());
            return Err(Failure::usage(what).next("choose one: --name items.csv"));
        }
    };
    if name.is_empty() || name.len() > MAX_NAME_BYTES {
        let what =
            format!("an object's name has 1 to {MAX_NAME_BYTES} bytes, and this one has {}", name.len());
        return Err(Failure::usage(what).next("choose another one: --name items.csv"));
    }
    if name.starts_with(REJECTS_PREFIX) {
        let what = format!("an object cannot be called {name:?}");
        let why = format!("names that start with {REJECTS_PREFIX} are for the rejects of loads");
        return Err(Failure::usage(what).why(why).next("choose another name: --name items.csv"));
    }
    Ok(name.to_owned())
}
