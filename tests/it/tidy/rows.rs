//! `tests/rows.toml`: each claimed row of the trap, security, fault and invariant tables has its test.

use std::collections::BTreeSet;
use std::fs;

use super::none_of;
use super::source::{self, Source, root};

/// The tables and the highest number of each.
const TABLES: &[(&str, u32)] = &[("T", 66), ("E", 10), ("V", 51), ("F", 38), ("I", 45), ("A", 12), ("P", 6)];

#[test]
fn every_claimed_row_has_its_test() {
    let known = all_tests();
    let mut findings = Vec::new();
    let mut claimed = BTreeSet::new();
    for (row, tests) in claims() {
        if !is_row(&row) {
            findings.push(format!("{row}: no such row"));
        }
        if tests.is_empty() {
            findings.push(format!("{row}: claimed without a test"));
        }
        for test in &tests {
            if !known.contains(test) {
                findings.push(format!("{row}: no test `{test}`"));
            }
        }
        if !claimed.insert(row.clone()) {
            findings.push(format!("{row}: claimed twice"));
        }
    }
    none_of("tests/rows.toml claims what no test holds:", &findings);
}

/// Row and tests, of the whole claims and of those that are kept in part.
fn claims() -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(root().join("tests/rows.toml")).expect("tests/rows.toml is readable");
    // A row named twice in one table is refused by TOML itself.
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => panic!("tests/rows.toml: {error}"),
    };
    let mut found = Vec::new();
    for (section, rows) in &table {
        let rows = rows.as_table().expect("a section of rows.toml is a table");
        for (row, value) in rows {
            let tests = match section.as_str() {
                "kept" => value,
                "in_part" => {
                    let missing = value.get("missing").and_then(toml::Value::as_str).unwrap_or_default();
                    assert!(!missing.is_empty(), "{row}: a row kept in part says what is missing");
                    value.get("tests").expect("a row kept in part has tests")
                }
                other => panic!("rows.toml: unknown section `{other}`; there are `kept` and `in_part`"),
            };
            let tests = tests.as_array().expect("tests are a list of names");
            let names = tests.iter().map(|name| name.as_str().expect("a test's name is text").to_owned());
            found.push((row.clone(), names.collect()));
        }
    }
    found
}

fn is_row(name: &str) -> bool {
    TABLES.iter().any(|(letter, highest)| {
        name.strip_prefix(letter)
            .and_then(|number| number.parse::<u32>().ok())
            .is_some_and(|number| (1..=*highest).contains(&number) && name == format!("{letter}{number}"))
    })
}

/// `lib::sip::wire::tests::name` and `it::tidy::rows::name` for every test that runs by default.
fn all_tests() -> BTreeSet<String> {
    let unit = source::product().iter().flat_map(|source| tests_of("lib", source)).collect::<Vec<_>>();
    let it = source::tests().iter().flat_map(|source| tests_of("it", source)).collect::<Vec<_>>();
    unit.into_iter().chain(it).collect()
}

/// The tests of one file. Ignored ones do not count: nobody runs them.
fn tests_of(root: &str, source: &Source) -> Vec<String> {
    let code = &source.code;
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut depth = 0;
    let mut found = Vec::new();
    let mut attributes = Attributes::None;
    let mut at = 0;
    while at < code.len() {
        let rest = &code[at..];
        if rest.starts_with("#[") {
            let end = rest.find(']').map_or(rest.len(), |end| end + 1);
            attributes = attributes.and(&rest[..end]);
            at += end;
        } else if let Some((name, length)) = declared(code, at, "mod") {
            if code[at + length..].trim_start().starts_with('{') {
                path.push((depth, name));
            }
            attributes = Attributes::None;
            at += length;
        } else if let Some((name, length)) = declared(code, at, "fn") {
            if matches!(attributes, Attributes::Test) {
                let inline = path.iter().map(|(_, name)| name.as_str());
                let parts: Vec<&str> =
                    [root].into_iter().chain(source.module()).chain(inline).chain([name.as_str()]).collect();
                found.push(parts.join("::"));
            }
            attributes = Attributes::None;
            at += length;
        } else {
            match rest.as_bytes()[0] {
                b'{' => depth += 1,
                b'}' => {
                    depth -= 1;
                    path.retain(|(opened_at, _)| *opened_at < depth);
                }
                _ => {}
            }
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    found
}

/// What the attributes before an item have said so far.
enum Attributes {
    None,
    Test,
    Ignored,
}

impl Attributes {
    fn and(self, attribute: &str) -> Self {
        match self {
            Self::Ignored => Self::Ignored,
            _ if attribute.starts_with("#[ignore") => Self::Ignored,
            _ if attribute.ends_with("test]") || attribute.contains("::test(") => Self::Test,
            other => other,
        }
    }
}

/// `keyword name` at `at`: the name and the length of both.
fn declared(code: &str, at: usize, keyword: &str) -> Option<(String, usize)> {
    let rest = code[at..].strip_prefix(keyword)?;
    let starts_clean = !code[..at].ends_with(source::is_word);
    let name_at = rest.len() - rest.trim_start().len();
    let name: String = rest[name_at..].chars().take_while(|character| source::is_word(*character)).collect();
    (starts_clean && name_at > 0 && !name.is_empty()).then(|| {
        let length = keyword.len() + name_at + name.len();
        (name, length)
    })
}

#[test]
fn a_test_is_found_by_its_path() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n  #[test]\n  fn b() { if x {} }\n  mod deep { #[test] fn c() {} }\n  #[test]\n  #[ignore]\n  fn d() {}\n}\n#[test]\nfn e() {}";
    let source = Source::new("src/sip/auth.rs", text);
    assert_eq!(
        tests_of("lib", &source),
        ["lib::sip::auth::tests::b", "lib::sip::auth::tests::deep::c", "lib::sip::auth::e"]
    );
}

#[test]
fn a_row_is_known_by_letter_and_number() {
    assert!(is_row("T66") && is_row("V1") && is_row("I45"));
    assert!(!is_row("T67") && !is_row("V01") && !is_row("X1") && !is_row("T"));
}
