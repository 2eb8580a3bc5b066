//! Lengths, contracts and dead files.

use std::collections::BTreeSet;

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

#[test]
fn no_file_is_dead() {
    for (sources, roots) in
        [(source::product(), ["src/lib.rs", "src/main.rs"].as_slice()), (source::tests(), &["tests/it/main.rs"])]
    {
        let declared: BTreeSet<String> = sources.iter().flat_map(declared_modules).collect();
        let findings: Vec<String> = sources
            .iter()
            .filter(|source| !roots.contains(&source.path.as_str()) && !declared.contains(&source.path))
            .map(|source| source.path.clone())
            .collect();
        none_of("files that no `mod` declares are never compiled:", &findings);
    }
}

/// The files that the `mod name;` lines of a source may mean.
fn declared_modules(source: &Source) -> Vec<String> {
    let folder = match source.path.rsplit_once('/') {
        Some((folder, "mod.rs" | "lib.rs" | "main.rs")) => folder.to_owned(),
        _ => source.path.trim_end_matches(".rs").to_owned(),
    };
    let mut files = Vec::new();
    for offset in source.find_word("mod") {
        let rest = source.code[offset + 3..].trim_start();
        if let Some((name, _)) = rest.split_once(';')
            && name.chars().all(source::is_word)
        {
            files.push(format!("{folder}/{name}.rs"));
            files.push(format!("{folder}/{name}/mod.rs"));
        }
    }
    files
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

#[test]
fn a_declaration_names_its_files() {
    let source = Source::new("src/sip/mod.rs", "pub mod wire;\nmod tests { fn f() {} }\n");
    assert_eq!(declared_modules(&source), ["src/sip/wire.rs", "src/sip/wire/mod.rs"]);
    let source = Source::new("src/sip/auth.rs", "mod tests;");
    assert_eq!(declared_modules(&source)[0], "src/sip/auth/tests.rs");
}
