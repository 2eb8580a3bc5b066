//! Who may import whom: the wall between what decides and what does.
//!
//! A new arrow is a one-line diff in [`ARROWS`] and therefore a reviewed decision.

use super::none_of;
use super::source::{self, Source, is_word};

/// Folders that decide: no async, socket, clock, disk, randomness or lock (`words.rs` holds the list of words).
pub(super) const PURE: &[&str] = &["base", "sip", "sdp", "media", "routing", "tickets", "call", "switch"];

/// Folder (or file of `src`) and the folders it may name. Itself is always allowed; what is not here may not exist.
const ARROWS: &[(&str, &[&str])] = &[
    // The wall. Beneath it: values only.
    ("base", &[]),
    ("sip", &["base"]),
    ("sdp", &["base"]),
    ("media", &["base"]),
    ("routing", &["base"]),
    ("tickets", &["base"]),
    // `call` speaks to `sip` in facts, orders and message types; SDP ends in it, so it translates SDP to media orders.
    ("call", &["sip", "sdp", "media", "routing", "tickets", "base"]),
    ("switch", &["call", "sip", "sdp", "media", "routing", "tickets", "base"]),
    // The drivers do not know one another, nor the engine, nor the API.
    ("net", &["sip", "base"]),
    ("delivery", &["tickets", "base"]),
    ("store", &["tickets", "base"]),
    // Metrics count what calls and peers did, in the words of those layers.
    ("metrics", &["call", "switch", "routing", "sip", "media", "base"]),
    ("engine", &["switch", "call", "sip", "media", "tickets", "net", "store", "metrics", "base"]),
    // The edge.
    // The interface tells what happened to calls in JSON of its own, so it reads their words.
    ("api", &["engine", "switch", "call", "routing", "sip", "tickets", "store", "metrics", "base"]),
    (
        "config",
        &["api", "delivery", "tickets", "switch", "call", "routing", "sip", "media", "net", "store", "engine", "base"],
    ),
    // The demo's parties share only the arithmetic of sound with the daemon.
    ("demo", &["media", "base"]),
    // The composition root: builds all, wires all; nothing imports it.
    (
        "cli",
        &[
            "api", "config", "delivery", "demo", "engine", "metrics", "net", "store", "switch", "call", "routing",
            "sip", "sdp", "media", "tickets", "base",
        ],
    ),
    ("main", &["cli"]),
    ("lib", &[]),
];

/// Names of `sip` that `call` may not use: the B2BUA hears of dialogs as facts and never sees a transaction.
const CLOSED_TO_CALL: &[&str] = &["transaction", "dialog", "endpoint", "wire", "auth", "registrar"];

#[test]
fn every_import_follows_the_table() {
    let mut findings = Vec::new();
    for source in &source::product() {
        let Some((_, allowed)) = ARROWS.iter().find(|(folder, _)| *folder == source.folder()) else {
            findings.push(format!("{}: `{}` is not in the import table", source.path, source.folder()));
            continue;
        };
        for (offset, path) in own_paths(source) {
            let Some(first) = path.first() else { continue };
            let known = ARROWS.iter().any(|(folder, _)| folder == first);
            if known && *first != source.folder() && !allowed.contains(&first.as_str()) && source.folder() != "lib" {
                findings.push(format!("{}: `{}` may not name `{first}`", source.place(offset), source.folder()));
            }
        }
    }
    none_of("imports against the table in tests/it/tidy/imports.rs:", &findings);
}

#[test]
fn call_sees_facts_and_orders_not_transactions() {
    let mut findings = Vec::new();
    for source in source::product().iter().filter(|source| source.folder() == "call") {
        for (offset, path) in own_paths(source) {
            if let [first, second, ..] = path.as_slice()
                && first == "sip"
                && CLOSED_TO_CALL.contains(&second.as_str())
            {
                findings.push(format!("{}: `call` may not name `sip::{second}`", source.place(offset)));
            }
        }
    }
    none_of("`call` reaches into the machinery of `sip`:", &findings);
}

#[test]
fn every_pure_folder_watches_for_wildcard_arms() {
    let findings: Vec<String> = source::product()
        .iter()
        .filter(|source| PURE.iter().any(|folder| source.path == format!("src/{folder}/mod.rs")))
        .filter(|source| !source.code.contains("wildcard_enum_match_arm"))
        .map(|source| format!("{}: no `#![warn(clippy::wildcard_enum_match_arm)]`", source.path))
        .collect();
    none_of("a state machine writes every case (rule 5):", &findings);
}

/// Every path into the package's own modules, from the crate's root: `crate::a::b`, `super::super::a`,
/// `use crate::{a, b::c}`, and `lianxian::a` in the thin binary.
fn own_paths(source: &Source) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for word in ["crate", "lianxian"] {
        for offset in source.find_word(word) {
            if !source.code[..offset].ends_with("::") {
                read_tail(&source.code, offset + word.len(), &[], &mut found);
            }
        }
    }
    let module: Vec<String> = source.module().into_iter().map(str::to_owned).collect();
    for offset in source.find_word("super") {
        if source.code[..offset].ends_with("super::") {
            continue;
        }
        let (mut at, mut depth) = (offset + "super".len(), 1);
        while source.code[at..].starts_with("::super") {
            at += "::super".len();
            depth += 1;
        }
        // `super` inside an inline module stays inside the file; then the depth is overstated by one and the path
        // is read one folder too high, where no name of the table can match by chance except a sibling of its own.
        let parent = module.get(..module.len().saturating_sub(depth)).unwrap_or_default();
        read_tail(&source.code, at, parent, &mut found);
    }
    found
}

/// Reads `::a::b` or `::{a, b::c}` at `at` and adds each path, prefixed.
fn read_tail(code: &str, at: usize, prefix: &[String], found: &mut Vec<(usize, Vec<String>)>) {
    let Some(rest) = code[at..].strip_prefix("::") else { return };
    let at = at + 2;
    let mut path = prefix.to_vec();
    if let Some(group) = rest.strip_prefix('{') {
        let mut depth = 0;
        let mut starts = true;
        for (index, character) in group.char_indices() {
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => return,
                '}' => depth -= 1,
                ',' if depth == 0 => starts = true,
                _ if starts && is_word(character) => {
                    starts = false;
                    let mut inner = prefix.to_vec();
                    inner.extend(words_of(&group[index..]));
                    found.push((at + 1 + index, inner));
                }
                _ => {}
            }
        }
        return;
    }
    path.extend(words_of(rest));
    found.push((at, path));
}

/// The identifiers of a path: `a::b::{..}` gives `a`, `b`.
fn words_of(path: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = path;
    loop {
        let length = rest.find(|character: char| !is_word(character)).unwrap_or(rest.len());
        if length == 0 {
            return words;
        }
        words.push(rest[..length].to_owned());
        match rest[length..].strip_prefix("::") {
            Some(tail) => rest = tail,
            None => return words,
        }
    }
}

#[test]
fn a_path_is_read_in_all_its_forms() {
    let text =
        "use crate::{sip::fact, base::{ids, time}};\nuse super::super::media::order;\nfn f() { crate::net::udp::x() }";
    let source = Source::new("src/call/state/talking.rs", text);
    let firsts: Vec<String> = own_paths(&source).iter().map(|(_, path)| path.join("::")).collect();
    assert_eq!(firsts, ["sip::fact", "base", "net::udp::x", "call::media::order"]);
    let source = Source::new("src/call/mod.rs", "use super::media::order;");
    assert_eq!(own_paths(&source)[0].1, ["media", "order"]);
}
