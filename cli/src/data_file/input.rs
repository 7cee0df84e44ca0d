//! The arguments that say how to read a file, to the extent that the file does not show it.

use std::collections::BTreeMap;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use encoding_rs::Encoding;
use restctl_contract::json::MemberPath;
use restctl_contract::key::Key;
use restctl_rows::{ColumnType, CsvDialect, Delimiter, Escape, Types};

use crate::failure::{Failure, Result};

#[derive(Debug, Args)]
pub(crate) struct InputArgs {
    /// Name of the object, whose ending gives the format [default: the file's name]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// Character that separates the cells of a CSV file, such as ';' or tab [default: the one that the file shows]
    #[arg(long, value_name = "CHAR")]
    pub(crate) delimiter: Option<Delimiter>,

    /// Character that makes the next one ordinary, such as '\' in the dumps of MySQL and PostgreSQL
    #[arg(long, value_name = "CHAR")]
    escape: Option<Escape>,

    /// Columns of a CSV file to leave out: names, or numbers from 1
    #[arg(long, value_name = "COLUMN,COLUMN", value_delimiter = ',')]
    skip_columns: Vec<String>,

    /// Load CSV cells even if they contain lines that look like rows
    #[arg(long)]
    multiline_cells: bool,

    /// Array of a JSON file that holds the rows, such as data.items [default: the only array of objects]
    #[arg(long, value_name = "PATH")]
    pub(super) records: Option<MemberPath>,

    /// Character encoding of a text, such as windows-1252 [default: UTF-8, or UTF-16 if it looks so]
    #[arg(long, value_name = "LABEL", value_parser = parse_encoding)]
    pub(super) encoding: Option<&'static Encoding>,

    /// Sheet of a spreadsheet, by its name or number [default: the first]
    #[arg(long, value_name = "NAME")]
    pub(super) sheet: Option<String>,

    /// Types of the columns of a CSV file: string, number or boolean
    #[arg(long, value_name = "COLUMN:TYPE", value_delimiter = ',')]
    types: Vec<NamedType>,

    /// Give the columns of a CSV file the types that the table's items have
    #[arg(long, value_name = "SOURCE", value_enum)]
    types_from: Option<TypesSource>,
}

/// Takes a label of the Encoding Standard (WHATWG).
fn parse_encoding(label: &str) -> Result<&'static Encoding, String> {
    let encoding = Encoding::for_label_no_replacement(label.as_bytes());
    encoding.ok_or_else(|| {
        "no such encoding; write a label such as windows-1252, utf-16le, shift_jis or gb18030".to_owned()
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TypesSource {
    // Not a doc comment, with which clap would print every option's help in the long form.
    Table,
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

    /// Returns whether the types come from the table's items.
    pub(crate) fn takes_types_from_table(&self) -> bool {
        self.types_from.is_some()
    }

    /// Returns the first argument that is for CSV files only.
    pub(super) fn csv_argument(&self) -> Option<&'static str> {
        [
            (self.delimiter.is_some(), "--delimiter"),
            (self.escape.is_some(), "--escape"),
            (!self.skip_columns.is_empty(), "--skip-columns"),
            (self.multiline_cells, "--multiline-cells"),
            (!self.types.is_empty(), "--types"),
            (self.types_from.is_some(), "--types-from"),
        ]
        .into_iter()
        .find_map(|(is_given, argument)| is_given.then_some(argument))
    }

    /// Returns what was chosen about a CSV. The delimiter is the default one.
    pub(super) fn csv_dialect(&self) -> Result<CsvDialect> {
        Ok(CsvDialect {
            escape: self.escape,
            skip_columns: self.skip_columns.clone(),
            multiline_cells: self.multiline_cells,
            types: Types::Named(self.named_types()?),
            ..CsvDialect::default()
        })
    }

    fn named_types(&self) -> Result<BTreeMap<String, ColumnType>> {
        let mut types = BTreeMap::new();
        for NamedType { name, kind } in &self.types {
            if types.insert(name.clone(), *kind).is_some_and(|before| before != *kind) {
                return Err(
                    Failure::usage(format!("--types gives {name:?} two types")).next("remove one of them")
                );
            }
        }
        Ok(types)
    }
}

/// The type of one column, written as `COLUMN:TYPE`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NamedType {
    name: String,
    kind: ColumnType,
}

impl FromStr for NamedType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, kind) = text
            .rsplit_once(':')
            .filter(|(name, _)| !name.is_empty())
            .ok_or("write a column and its type like price:number")?;
        Ok(Self { name: name.to_owned(), kind: kind.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_follows_the_last_colon() {
        let column: NamedType = "dc:title:string".parse().unwrap();
        assert_eq!(column, NamedType { name: "dc:title".into(), kind: ColumnType::String });
        for bad in ["", "price", ":number", "price:", "price:int"] {
            assert!(bad.parse::<NamedType>().is_err(), "{bad}");
        }
    }
}
