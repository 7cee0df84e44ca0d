//! Turns what no load reads (spreadsheets, Parquet, archives, other character encodings) into what loads read.
//!
//! The Lambdas see UTF-8 text only, plain or compressed. A file that is something else is converted once, in a stream,
//! into an unnamed temporary file, which is surveyed, sent and verified like any other. The same file always gives the
//! same bytes: an upload is recognized and resumed by its digest.

mod columnar;
mod containment;
mod content;
mod json;
mod magic;
mod moment;
mod number;
mod object_name;
mod refusal;
mod spool;
#[cfg(test)]
mod tests;
mod text;
mod workbook;
mod zip_archive;

use encoding_rs::Encoding;

use self::containment::contain_panics;
use self::content::Content;
pub(crate) use self::object_name::ObjectName;
use crate::data_file::source::Source;
use crate::failure::{Failure, Result};

/// What the user said about the content of a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConversionOptions {
    /// Of a text. `None`: UTF-8, or what the file shows itself.
    pub(crate) encoding: Option<&'static Encoding>,
    /// The name of a sheet, or its number. `None`: the first one.
    pub(crate) sheet: Option<String>,
}

/// A file in a form that loads read.
pub(crate) struct Converted {
    pub(crate) source: Source,
    pub(crate) name: ObjectName,
    /// What the file is and what was left out, for the survey, such as `sheet "Prices" of an Excel workbook`.
    pub(crate) notes: Vec<String>,
}

/// Converts a file if it has to be converted. Returns `None` if a load reads it as it is.
pub(crate) async fn convert(source: &Source, options: &ConversionOptions) -> Result<Option<Converted>> {
    let content = Content::recognize(source, options.encoding)?;
    ensure_options_fit(source, &content, options)?;
    let converted = match content {
        Content::Readable => return Ok(None),
        Content::Text(encoding) => text::convert(source, encoding).await,
        Content::Archive => zip_archive::convert(source, options.encoding).await,
        Content::Workbook(kind) => {
            contain_panics(&source.shown, workbook::convert(source, kind, options.sheet.as_deref())).await
        }
        Content::Parquet => contain_panics(&source.shown, columnar::convert(source)).await,
    }?;
    source.ensure_unchanged()?;
    Ok(Some(converted))
}

fn ensure_options_fit(source: &Source, content: &Content, options: &ConversionOptions) -> Result<()> {
    let is_workbook = matches!(content, Content::Workbook(_));
    let is_text = matches!(content, Content::Readable | Content::Text(_) | Content::Archive);
    let unfit = if options.sheet.is_some() && !is_workbook {
        "--sheet"
    } else if options.encoding.is_some() && !is_text {
        "--encoding"
    } else {
        return Ok(());
    };
    let what = format!("{} is {content}, and {unfit} does not apply to it", source.shown);
    Err(Failure::usage(what).next("leave it out"))
}
