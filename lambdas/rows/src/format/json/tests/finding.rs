use crate::dialect::compression::Compression;
use crate::dialect::format::Format;
use crate::tests::cuts::{compress, dialect_with};
use crate::tests::string_key;
use crate::{Found, RecordsFinder};

fn find(text: &str) -> Found {
    let mut all = Vec::new();
    for compression in [Compression::None, Compression::Gzip] {
        for cut in [1, 1000] {
            let dialect = dialect_with(Format::Json, compression);
            let mut finder = RecordsFinder::new(&dialect, &string_key());
            let file = compress(compression, text.as_bytes());
            let _ = file.chunks(cut).find(|chunk| !finder.feed(chunk).unwrap());
            all.push(finder.finish());
        }
    }
    assert!(all.iter().all(|found| *found == all[0]), "{text}: {all:?}");
    all.remove(0)
}

fn records(paths: &[&str]) -> Vec<restctl_contract::json::MemberPath> {
    paths.iter().map(|path| path.parse().unwrap()).collect()
}

#[test]
fn rows_at_the_top_are_found() {
    for text in [
        "[{\"items\":[{}]}]",
        "\u{feff} [",
        "{\"id\":1,\"items\":[{\"id\":2}]}",
        "{\"items\":[{\"id\":2}],\"i\\u0064\":1}",
        "{\"items\":[{}]}\n{\"id\":1}",
        "12",
        "",
        "{",
        "{}",
        "nonsense",
    ] {
        assert_eq!(find(text), Found::Rows, "{text}");
    }
}

#[test]
fn the_only_array_of_objects_is_found() {
    for (text, path) in [
        ("{\"items\":[{\"id\":1}]}", "items"),
        (
            "{\"n\":[1],\"e\":[],\"meta\":{\"a\":[[{}]]},\"data\":{\"rows\":[ {\"x\":[{}]}, {} ],\"z\":{}}}",
            "data.rows",
        ),
        ("{\"items\":[{\"id\":1}]}\n{\"items\":[{\"id\":2}]}", "items"),
        ("{\"a/b\":{\"c.~\":[{}]}}", "/a~1b/c.~0"),
        ("{\"items\":[{\"id\":1},{\"id\"", "items"),
    ] {
        assert_eq!(find(text), Found::Records(path.parse().unwrap()), "{text}");
    }
}

#[test]
fn several_arrays_are_listed() {
    assert_eq!(find("{\"a\":[{}],\"b\":{\"c\":[{}]}}"), Found::Several(records(&["a", "b.c"])));
    let many: Vec<String> = (0..30).map(|index| format!("\"a{index}\":[{{}}]")).collect();
    let Found::Several(paths) = find(&format!("{{{}}}", many.join(","))) else { panic!("not several") };
    assert_eq!(paths.len(), 10);
}

#[test]
fn the_members_of_an_object_without_rows_are_listed() {
    let members = |names: &[&str]| Found::None { members: names.iter().map(|name| (*name).into()).collect() };
    assert_eq!(find("{\"code\":1,\"tags\":[\"x\"]}\n{\"other\":1}"), members(&["code", "tags"]));
    let many: Vec<String> = (0..30).map(|index| format!("\"a{index}\":{index}")).collect();
    let Found::None { members } = find(&format!("{{{}}}", many.join(","))) else { panic!("found") };
    assert_eq!(members.len(), 20);
}
