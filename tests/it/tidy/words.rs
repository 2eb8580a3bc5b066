//! Words that have no place: effects in pure folders, hashers with a fixed seed, names that say nothing, paths of
//! one person's machine.

use std::fs;

use super::imports::PURE;
use super::none_of;
use super::source::{self, is_word, root};

/// What a pure folder never says. `SocketAddr` and `IpAddr` are values and stay allowed.
const EFFECTS: &[&str] = &[
    "async",
    ".await",
    "tokio",
    "getrandom",
    "tracing",
    "println!",
    "eprintln!",
    "dbg!",
    "Mutex",
    "RwLock",
    "Condvar",
    "UdpSocket",
    "TcpStream",
    "TcpListener",
    "UnixStream",
    "SystemTime",
    "Instant::now",
    "RandomState::new",
    "std::env",
    "std::fs",
    "io::stdin",
    "io::stdout",
    "io::stderr",
    "std::os",
    "std::process",
    "std::sync::mpsc",
    "std::thread",
    "std::time::Instant",
];

/// Hashers whose seed a stranger knows: keys that an attacker chooses need std's keyed one (V28).
const OPEN_HASHERS: &[&str] =
    &["BuildHasherDefault", "DefaultHasher", "FxHashMap", "FxHashSet", "FnvHashMap", "AHashMap", "SipHasher"];

/// Endings that say nothing about a thing (rule 8).
const EMPTY_NAMES: &[&str] = &["Manager", "Helper", "Util", "Utils", "Handler", "Info", "Data"];

#[test]
fn pure_folders_hold_no_effect() {
    let mut findings = Vec::new();
    for source in source::product().iter().filter(|source| PURE.contains(&source.folder())) {
        for word in EFFECTS {
            findings.extend(source.find_word(word).map(|at| format!("{}: `{word}`", source.place(at))));
        }
    }
    none_of("effects in pure folders (time and chance are arguments, rule 1):", &findings);
}

#[test]
fn no_hasher_has_a_fixed_seed() {
    let mut findings = Vec::new();
    for source in &source::product() {
        for word in OPEN_HASHERS {
            findings.extend(source.find_word(word).map(|at| format!("{}: `{word}`", source.place(at))));
        }
    }
    none_of("hash flooding (V28):", &findings);
}

#[test]
fn no_type_or_file_has_an_empty_name() {
    let mut findings = Vec::new();
    for source in source::product().iter().chain(&source::tests()) {
        for keyword in ["struct", "enum", "trait", "type"] {
            for offset in source.find_word(keyword) {
                let name: String = source.code[offset + keyword.len()..]
                    .trim_start()
                    .chars()
                    .take_while(|character| is_word(*character))
                    .collect();
                if EMPTY_NAMES.iter().any(|ending| name.ends_with(ending)) {
                    findings.push(format!("{}: `{name}`", source.place(offset)));
                }
            }
        }
        let stem = source.module().last().map(|stem| stem.to_lowercase()).unwrap_or_default();
        // RFC 6086 calls a method INFO; one verb, one file.
        if source.path == "src/sip/verb/info.rs" {
            continue;
        }
        if EMPTY_NAMES.iter().any(|ending| stem.ends_with(&format!("_{}", ending.to_lowercase())))
            || EMPTY_NAMES.iter().any(|ending| stem == ending.to_lowercase())
        {
            findings.push(format!("{}: the file's name says nothing", source.path));
        }
    }
    none_of("names that say nothing (rule 8):", &findings);
}

#[test]
fn the_system_clock_has_one_reader() {
    let mut findings = Vec::new();
    for source in source::product().iter().filter(|source| source.path != "src/engine/clock.rs") {
        for word in ["Instant::now", "SystemTime::now"] {
            findings.extend(source.find_word(word).map(|at| format!("{}: `{word}`", source.place(at))));
        }
    }
    // The demo's parties are other people's machines: they have clocks of their own.
    findings.retain(|finding| !finding.starts_with("src/demo/"));
    // The tests of the outbox wait for a real disk.
    findings.retain(|finding| !finding.starts_with("src/store/outbox/tests/"));
    none_of("only engine::clock reads the system clock:", &findings);
}

#[test]
fn no_file_names_a_place_on_one_machine() {
    let places = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/tmp", "/lx")];
    let mut findings = Vec::new();
    for path in source::all_files() {
        let Ok(text) = fs::read_to_string(root().join(&path)) else { continue };
        for place in places {
            for (index, line) in text.lines().enumerate() {
                if line.contains(place) {
                    findings.push(format!("{path}:{}: {place}", index + 1));
                }
            }
        }
    }
    none_of("paths that exist on one machine only:", &findings);
}

#[test]
fn nothing_is_left_for_later() {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("todo", "!("),
        concat!("unimpl", "emented!("),
    ];
    let mut findings = Vec::new();
    for source in source::product().iter().chain(&source::tests()) {
        for (index, line) in source.text.lines().enumerate() {
            if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                findings.push(format!("{}:{}: {word}", source.path, index + 1));
            }
        }
    }
    none_of("what is not done is said in the notes, not in the code:", &findings);
}

#[test]
fn tests_do_not_sleep_outside_the_wire() {
    let mut findings = Vec::new();
    let everything = source::product().into_iter().chain(source::tests());
    for source in everything.filter(|source| {
        let stepped = source.path.starts_with("tests/it/") && !source.path.starts_with("tests/it/wire/");
        stepped || PURE.contains(&source.folder())
    }) {
        for word in ["thread::sleep", "time::sleep"] {
            findings.extend(source.find_word(word).map(|at| format!("{}: `{word}`", source.place(at))));
        }
    }
    none_of("tests run on a stepped clock (rule 17):", &findings);
}
