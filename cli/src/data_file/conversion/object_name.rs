//! What the object of a converted file is called.

/// How the object's name comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ObjectName {
    /// The name stays as it is. The bytes are compressed with zstd, which the name does not tell.
    Kept,
    /// The name gets this ending, unless it has it.
    WithEnding(&'static str),
    /// The name of a file within an archive, whose ending is that of its compression.
    OfMember(String),
}

/// Rows of a table, as a conversion writes them.
pub(super) const ROWS_ENDING: &str = ".ndjson.zst";

const ZSTD_ENDING: &str = ".zst";

impl ObjectName {
    /// Returns the name of the object for the file `file`, for which the user chose the name `chosen`.
    pub(crate) fn choose(&self, file: &str, chosen: Option<&str>) -> String {
        let (name, ending) = match self {
            Self::Kept => (chosen.unwrap_or(file), ""),
            Self::WithEnding(ending) => (chosen.unwrap_or(file), *ending),
            Self::OfMember(member) => (chosen.unwrap_or(member), ZSTD_ENDING),
        };
        if name.to_ascii_lowercase().ends_with(ending) { name.to_owned() } else { format!("{name}{ending}") }
    }

    /// Returns the name for the member `path` of an archive. `None` if it has none.
    pub(super) fn of_member(path: &str) -> Option<Self> {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let lower = name.to_ascii_lowercase();
        let compressed = [".gz", ZSTD_ENDING].into_iter().find(|ending| lower.ends_with(ending));
        let name = name.get(..name.len() - compressed.map_or(0, str::len))?;
        (!name.is_empty() && !name.contains(char::is_control))
            .then(|| Self::OfMember(format!("{name}{ZSTD_ENDING}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_is_named_after_what_it_holds() {
        let rows = ObjectName::WithEnding(ROWS_ENDING);
        assert_eq!(rows.choose("prices.xlsx", None), "prices.xlsx.ndjson.zst");
        assert_eq!(rows.choose("prices.xlsx", Some("p")), "p.ndjson.zst");
        assert_eq!(rows.choose("prices.xlsx", Some("p.NDJSON.zst")), "p.NDJSON.zst");
        assert_eq!(ObjectName::Kept.choose("a.csv", None), "a.csv");
        assert_eq!(ObjectName::Kept.choose("a.csv", Some("b.csv")), "b.csv");
        let member = ObjectName::of_member("../2026\\x/data.csv").unwrap();
        assert_eq!(member.choose("data.zip", None), "data.csv.zst");
        assert_eq!(member.choose("data.zip", Some("b.csv")), "b.csv.zst");
        assert_eq!(ObjectName::of_member("a/data.CSV.gz"), Some(ObjectName::OfMember("data.CSV.zst".into())));
        for none in ["", "a/", ".gz", "a\nb.csv", "é/\u{85}"] {
            assert_eq!(ObjectName::of_member(none), None, "{none:?}");
        }
    }
}
