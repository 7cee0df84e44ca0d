//! The `COLUMN:TYPE` arguments of `--types`.

use std::str::FromStr;

use restctl_rows::ColumnType;

/// The type of one column, written as `COLUMN:TYPE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedType {
    pub(super) name: String,
    pub(super) kind: ColumnType,
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
