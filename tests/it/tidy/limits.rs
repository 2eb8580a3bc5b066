//! Lengths and contracts.

use super::none_of;
use super::source::{self, Source};

/// Lines a file may have.
const FILE_LINES: usize = 600;

/// Lines of code a function may have: the same as clippy's `too_many_lines`, which does not look into every target.
const FUNCTION_LINES: usize = 70;

/// Files over the limit, with their length: a list that may only shrink. Empty on day one.
const RATCHET: &[(&str, usize)] = &[];

#[test]
fn no_file_is_too_long() {
    let mut findings = Vec::new();
    for source in source::product().iter().chain(&source::tests()) {
        let allowed = RATCHET.iter().find(|(path, _)| *path == source.path).map_or(FILE_LINES, |(_, lines)| *lines);
        let lines = source.text.lines().count();
        if lines > allowed {
            findings.push(format!("{}: {lines} lines, at most {allowed}", source.path));
        }
    }
    none_of("files too long (rule 9):", &findings);
}

#[test]
fn no_function_is_too_long() {
    let mut findings = Vec::new();
    for source in source::product().iter().chain(&source::tests()) {
        for (offset, lines) in functions(source) {
            if lines > FUNCTION_LINES {
                findings.push(format!("{}: {lines} lines, at most {FUNCTION_LINES}", source.place(offset)));
            }
        }
    }
    none_of("functions too long (rule 9):", &findings);
}

#[test]
fn every_folder_opens_with_its_contract() {
    let findings: Vec<String> = source::product()
        .iter()
        .chain(&source::tests())
        .filter(|source| {
            let root = matches!(source.path.as_str(), "src/lib.rs" | "src/main.rs" | "tests/it/main.rs");
            (root || source.path.ends_with("/mod.rs")) && !source.text.starts_with("//!")
        })
        .map(|source| source.path.clone())
        .collect();
    none_of("a folder opens with what it decides (`//!`, rule 13):", &findings);
}

/// Each function's place and the lines of code between its braces; comments and blank lines do not count.
fn functions(source: &Source) -> Vec<(usize, usize)> {
    let code = &source.code;
    let mut found = Vec::new();
    for offset in source.find_word("fn") {
        let Some(open) = code[offset..].find(['{', ';']).map(|at| offset + at) else { continue };
        if code[open..].starts_with(';') {
            continue; // A signature, or a type like `fn(u8);`.
        }
        let mut depth = 0_usize;
        let Some(length) = code[open..].char_indices().find_map(|(at, character)| {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            (depth == 0).then_some(at)
        }) else {
            continue;
        };
        let body = code[open + 1..open + length].trim_matches(['\n', ' ']);
        found.push((offset, body.lines().filter(|line| !line.trim().is_empty()).count()));
    }
    found
}

#[test]
fn a_function_is_measured_without_comments() {
    let source = Source::new("src/x.rs", "fn f() {\n    // a\n    g();\n\n    if x { h() }\n}\nfn g();\n");
    assert_eq!(functions(&source).iter().map(|(_, lines)| *lines).collect::<Vec<_>>(), [2]);
}
