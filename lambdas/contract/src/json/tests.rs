use serde_json::Value;

use super::JsonErrorKind::*;
use super::*;

const LIMITS: Limits = Limits { depth: 8, values: 1000 };

fn parse_text(text: &str) -> Json {
    parse(text.as_bytes(), LIMITS).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn kind_of_error(text: impl AsRef<[u8]>) -> JsonErrorKind {
    let text = text.as_ref();
    parse(text, LIMITS).expect_err(&String::from_utf8_lossy(text)).kind
}

fn number(digits: &str) -> Json {
    Json::Number(digits.to_owned())
}

#[test]
fn every_kind_of_value_is_read() {
    let object = Json::Object(vec![("a".to_owned(), Json::Bool(true)), (String::new(), Json::Null)]);
    for (text, value) in [
        ("null", Json::Null),
        (" \t\r\n true \n", Json::Bool(true)),
        ("false", Json::Bool(false)),
        ("\"\"", "".into()),
        ("\"\u{7f}\u{2028} é 😀\"", "\u{7f}\u{2028} é 😀".into()),
        ("[]", Json::Array(vec![])),
        ("[ ]", Json::Array(vec![])),
        ("[1 , [2]]", Json::Array(vec![number("1"), Json::Array(vec![number("2")])])),
        ("{}", Json::Object(vec![])),
        ("{ \"a\" : true , \"\" : null }", object),
    ] {
        assert_eq!(parse_text(text), value, "{text}");
    }
}

#[test]
fn a_number_keeps_its_digits() {
    let digits = "1234567890".repeat(10);
    let long = format!("-{digits}.{digits}E-{digits}");
    for text in ["0", "-0", "0.0", "-0.0e-0", "1E5", "1e+05", "10.010", &long] {
        assert_eq!(parse_text(text), number(text));
        assert_eq!(parse_text(text).to_string(), text);
        assert_eq!(serde_json::to_string_pretty(&[parse_text(text)]).unwrap(), format!("[\n  {text}\n]"));
    }
}

#[test]
fn what_is_no_number_of_json_is_refused() {
    for text in
        ["-", "01", "-01", "1.", "1.e1", "1e", "1e+", "1E-", "1.5.5", "1-2", "--1", "-a", "0e1e1", "00"]
    {
        assert_eq!(kind_of_error(text), InvalidNumber, "{text}");
    }
    for text in [".5", "+1", "NaN", "Infinity", "١"] {
        assert!(matches!(kind_of_error(text), UnexpectedByte(_)), "{text}");
    }
    for text in ["1x", "0x1", "1_000", "1 2", "1,", "1]"] {
        assert_eq!(kind_of_error(text), TrailingText, "{text}");
    }
}

#[test]
fn escapes_become_characters() {
    for (text, character) in [
        (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r#""a\u0000b\u00E9\u00e9c""#, "a\0bééc"),
        (r#""\uD83D\uDE00\ud83d\ude00""#, "😀😀"),
        (r#""\uFFFF\u005C\u0022""#, "\u{ffff}\\\""),
    ] {
        assert_eq!(parse_text(text), character.into(), "{text}");
        assert_eq!(parse_text(&parse_text(text).to_string()), character.into(), "{text}");
    }
}

#[test]
fn escapes_that_are_no_characters_are_refused() {
    for text in [r#""\x""#, r#""\'""#, r#""\u00""#, r#""\u00G0""#, r#""\u+123""#, r#""\U0041""#, "\"\\\n\""] {
        assert_eq!(kind_of_error(text), InvalidEscape, "{text}");
    }
    for text in [r#""\uD800""#, r#""\uDC00""#, r#""\uDC00\uD800""#, r#""\uD800\uD800""#, r#""\uD800\n""#] {
        assert_eq!(kind_of_error(text), UnpairedSurrogate, "{text}");
    }
}

#[test]
fn control_characters_are_escaped_in_strings() {
    for byte in 0..0x20 {
        assert_eq!(kind_of_error([b'"', b'a', byte, b'"']), ControlCharacter, "{byte}");
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_refused_where_they_stand() {
    for bytes in [&b"\"\xff\""[..], b"\"\xc3\"", b"\"\xed\xa0\x80\"", b"\"\xc0\xaf\"", b"\"\xc3\\u00a9\""] {
        assert_eq!(kind_of_error(bytes), NotUtf8, "{bytes:x?}");
    }
    let error = parse("{\n  \"é\": \"aé\u{1F600}".as_bytes(), LIMITS).unwrap_err();
    assert_eq!((error.kind, error.line, error.column), (UnexpectedEnd, 2, 12));
    let error = parse(b"[1,\n \"a\xc3\xa9b\xff\"]", LIMITS).unwrap_err();
    assert_eq!((error.kind, error.line, error.column), (NotUtf8, 2, 6));
}

#[test]
fn texts_that_end_early_are_refused() {
    for text in [
        "",
        " ",
        "[",
        "[1",
        "[1,",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "\"a",
        "\"\\",
        "tru",
        "n",
    ] {
        assert_eq!(kind_of_error(text), UnexpectedEnd, "{text}");
    }
}

#[test]
fn bytes_outside_the_grammar_are_refused() {
    for text in [
        "\u{feff}1",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "{a:1}",
        "{'a':1}",
        "{\"a\" 1}",
        "{\"a\":1,}",
        "{1:1}",
        "{\"a\",1}",
        "True",
        "nulL",
        "/* */ 1",
        "[1,,2]",
        "]",
        "\u{a0}1",
        "\u{c}1",
        "{\"a\":}",
        "[\"a\":1]",
        "{\"a\":1 \"b\":2}",
        "'a'",
        "undefined",
    ] {
        assert!(matches!(kind_of_error(text), UnexpectedByte(_)), "{text}");
    }
    for text in ["[1]]", "{}}", "\"a\"\"b\"", "true false", "nulll", "[1]#", "{} /* */"] {
        assert_eq!(kind_of_error(text), TrailingText, "{text}");
    }
    assert_eq!(kind_of_error("[1}").to_string(), "`}` is not expected here");
    assert_eq!(kind_of_error("\u{feff}1").to_string(), "the byte 0xEF is not expected here");
}

#[test]
fn of_members_with_the_same_name_the_last_one_counts() {
    assert_eq!(parse_text(r#"{"a":1,"b":2,"a":3,"\u0061":4}"#).to_string(), r#"{"b":2,"a":4}"#);
    let many: Vec<String> = (0..200).map(|index| format!("\"{}\":{index}", index % 100)).collect();
    let Json::Object(members) = parse_text(&format!("{{{}}}", many.join(","))) else { panic!("an object") };
    let expected = (100..200).map(|index: u32| ((index - 100).to_string(), number(&index.to_string())));
    assert_eq!(members, expected.collect::<Vec<_>>());
}

#[test]
fn an_object_of_many_members_takes_no_quadratic_time() {
    let members: Vec<String> = (0..50_000).map(|index| format!("\"{index}\":0,\"{index}\":1")).collect();
    let text = format!("{{{}}}", members.join(","));
    let limits = Limits { depth: 1, values: 100_001 };
    let Ok(Json::Object(members)) = parse(text.as_bytes(), limits) else { panic!("an object") };
    assert_eq!(members.len(), 50_000);
    assert!(members.iter().all(|(_, value)| *value == number("1")));
}

#[test]
fn nesting_is_bounded_before_the_parser_descends() {
    let nested = |open: &str, close: &str, depth| open.repeat(depth) + "1" + &close.repeat(depth);
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), (" [ {\"a\" : ", "}]")] {
        let levels = open.matches(['[', '{']).count();
        assert!(parse(nested(open, close, 8 / levels).as_bytes(), LIMITS).is_ok());
        assert_eq!(kind_of_error(nested(open, close, 8 / levels + 1)), TooDeep);
        assert_eq!(kind_of_error(open.repeat(1_000_000)), TooDeep);
    }
    assert_eq!(parse_text("[[[]],[[]],[[[[[[[]]]]]]]]").to_string(), "[[[]],[[]],[[[[[[[]]]]]]]]");
    assert!(parse(b"1", Limits { depth: 0, values: 1 }).is_ok());
}

#[test]
fn the_number_of_values_is_bounded() {
    let limits = Limits { depth: 2, values: 4 };
    assert!(parse(br#"{"a":[1,2]}"#, limits).is_ok());
    assert_eq!(parse(br#"{"a":[1,2,3]}"#, limits).unwrap_err().kind, TooManyValues);
}

#[test]
fn the_markers_of_serde_json_are_ordinary_names() {
    for marker in ["$serde_json::private::Number", "$serde_json::private::RawValue"] {
        for value in [r#""1""#, r#""[[[[""#, "1", "null", r#"{"a":[]}"#] {
            let text = format!("{{\"{marker}\":{value}}}");
            let json = parse_text(&text);
            assert_eq!(json.get(marker), Some(&parse_text(value)));
            assert_eq!(json.type_name(), "an object");
            assert_eq!(json.to_string(), text);
            assert_eq!(serde_json::from_str::<Vec<Json>>(&format!("[{text}]")).unwrap(), [json]);
        }
    }
}

#[test]
fn a_part_of_a_body_is_bounded() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let error = serde_json::from_str::<Vec<Json>>(&format!("[{deep}]")).unwrap_err().to_string();
    assert!(error.starts_with("arrays and objects nest too deeply"), "{error}");
}

#[test]
fn what_serde_json_reads_is_read_alike() {
    let text =
        r#"{"b":[1,-2.5,1e3,"x\u00e9\n",true,false,null,{}],"a":{"c":"","d":[[]]},"b2":"\ud83d\ude00"}"#;
    let known: Value = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_value(parse_text(text)).unwrap(), known);
}

/// Reading, writing, comparing and dropping a value all descend into it.
#[test]
fn the_deepest_values_need_little_stack() {
    let work = || {
        let limits = Limits::WITHIN_A_BODY;
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let nested = |levels| open.repeat(levels) + "1" + &close.repeat(levels);
            let deepest = parse(nested(limits.depth).as_bytes(), limits).unwrap();
            assert_eq!(parse(deepest.to_string().as_bytes(), limits).as_ref(), Ok(&deepest.clone()));
            for levels in [limits.depth + 1, 200_000] {
                assert_eq!(parse(nested(levels).as_bytes(), limits).unwrap_err().kind, TooDeep);
                assert!(serde_json::from_str::<Vec<Json>>(&format!("[{}]", nested(levels))).is_err());
            }
        }
        let long = "1".repeat(1_000_000);
        assert!(parse(format!("{{\"{long}\":-{long}.{long}e{long}}}").as_bytes(), limits).is_ok());
    };
    std::thread::Builder::new().stack_size(512 * 1024).spawn(work).unwrap().join().unwrap();
}
