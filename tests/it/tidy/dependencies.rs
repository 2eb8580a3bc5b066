//! Every external crate has a home, is used, and is not among the refused.

use std::collections::BTreeSet;
use std::fs;

use super::imports::PURE;
use super::none_of;
use super::source::{self, Source, root};

/// Crates that any folder may name: they are words, not effects.
const OPEN: &[&str] = &["bytes", "ipnet", "memchr", "serde", "smallvec", "thiserror"];

/// Every other crate and the folders that may name it. Heavy crates stand in one folder only, so that the pure part
/// could be lifted out of the package in a day.
const HOMES: &[(&str, &[&str])] = &[
    ("axum", &["api"]),
    ("clap", &["cli"]),
    ("crossbeam_queue", &["engine"]),
    // The table of regions, and records for spreadsheets.
    ("csv", &["api", "cli", "config"]),
    ("dashmap", &["api", "engine"]),
    ("encoding_rs", &["base", "sip"]),
    ("futures_util", &["api"]),
    ("getrandom", &["cli", "demo", "engine"]),
    ("hmac", &["base", "delivery", "sip"]),
    // WAV files: the engine loads prompts, the demo's parties record what they hear.
    ("hound", &["demo", "engine"]),
    // MD5 and SHA-256 for digest authentication (the demo's agent proves its password by its own), SHA-256 for streams
    // and for the chain of a ticket's events.
    ("md5", &["base", "demo", "sip"]),
    // Retry-After may be a date.
    ("httpdate", &["delivery"]),
    ("nix", &["cli", "demo", "engine", "net", "store"]),
    ("prometheus", &["metrics"]),
    ("reqwest", &["delivery"]),
    ("rsip", &["sip/message"]),
    ("rtc_rtcp", &["media"]),
    ("schemars", &["config"]),
    ("rtc_rtp", &["media"]),
    ("serde_json", &["api", "cli", "config", "delivery", "demo", "engine", "store", "switch", "tickets"]),
    ("serde_path_to_error", &["config"]),
    ("sha2", &["api", "base", "delivery", "demo", "sip", "tickets"]),
    ("slab", &["engine", "media"]),
    ("socket2", &["engine", "net"]),
    // SQLite, bundled.
    ("sqlx", &["store"]),
    ("subtle", &["api", "base", "sip"]),
    ("tokio", &["api", "cli", "delivery", "demo", "engine", "net", "store"]),
    ("toml", &["config"]),
    ("tracing", &["api", "cli", "config", "demo", "engine", "metrics", "net", "store"]),
    ("tracing_appender", &["cli", "engine"]),
    ("tracing_subscriber", &["cli", "engine"]),
    ("utoipa", &["api"]),
];

#[test]
fn every_crate_stays_at_home() {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("Cargo.toml parses");
    let mut findings = Vec::new();
    let declared = manifest["dependencies"].as_table().expect("[dependencies] is a table");
    for name in declared.keys() {
        // The package `md-5` names its library `md5`.
        let library = if name == "md-5" { "md5".to_owned() } else { name.replace('-', "_") };
        if OPEN.contains(&library.as_str()) {
            continue;
        }
        let Some((_, homes)) = HOMES.iter().find(|(home, _)| *home == library) else {
            findings.push(format!("Cargo.toml: `{name}` has no home in tests/it/tidy/dependencies.rs"));
            continue;
        };
        for source in &source::product() {
            let at_home = homes.iter().any(|home| lives_in(source, home));
            // A unit test may read a configuration or compare with another implementation.
            let in_product = first_use(source, &library).filter(|offset| !source.is_test(*offset));
            if let (false, Some(offset)) = (at_home, in_product) {
                findings.push(format!("{}: `{library}` lives in {homes:?}", source.place(offset)));
            }
        }
    }
    none_of("external crates away from home:", &findings);
}

/// Where a source first names a crate: `krate::..` or `use krate`.
fn first_use(source: &Source, library: &str) -> Option<usize> {
    source.find_word(library).find(|&at| {
        let (before, after) = (&source.code[..at], &source.code[at + library.len()..]);
        let rooted = !before.ends_with("::") || before.ends_with(" ::");
        rooted && (after.starts_with("::") || before.trim_end().ends_with("use"))
    })
}

fn lives_in(source: &Source, home: &str) -> bool {
    source.path.strip_prefix(&format!("src/{home}")).is_some_and(|rest| rest.starts_with(['/', '.']))
}

#[test]
fn every_declared_crate_is_named() {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("Cargo.toml parses");
    let declared = manifest["dependencies"].as_table().expect("[dependencies] is a table");
    let product = source::product();
    let findings: Vec<String> = declared
        .keys()
        .filter(|name| {
            let library = if *name == "md-5" { "md5".to_owned() } else { name.replace('-', "_") };
            !product.iter().any(|source| first_use(source, &library).is_some())
        })
        .map(|name| format!("Cargo.toml: `{name}` is declared and never named"))
        .collect();
    none_of("a crate that nobody names is compiled and audited for nothing:", &findings);
}

#[test]
fn no_pure_folder_is_home_to_an_effect() {
    for (library, homes) in HOMES {
        let effect = matches!(*library, "tokio" | "nix" | "socket2" | "getrandom" | "hound" | "axum" | "prometheus");
        let pure = homes.iter().any(|home| PURE.contains(home));
        assert!(!(effect && pure), "{library} does input or output and may not live in a pure folder");
    }
}

/// Locked and never compiled: a crate that we use names them for something that we do not switch on, and Cargo locks
/// that too. cargo-deny looks at what is compiled.
const LOCKED_ONLY: &[(&str, &str)] = &[("ring", "quinn"), ("rustc-hash", "quinn")];

#[test]
fn nothing_refused_is_locked() {
    // cargo-deny enforces the same list with the whole graph in scripts/test; this needs no tool and takes no time.
    let rules: toml::Table = read("deny.toml").parse().expect("deny.toml parses");
    let refused = rules["bans"]["deny"].as_array().expect("bans.deny is a list");
    assert!(!refused.is_empty(), "deny.toml refuses nothing");
    let lock: toml::Table = read("Cargo.lock").parse().expect("Cargo.lock parses");
    let locked: BTreeSet<&str> = lock["package"]
        .as_array()
        .expect("Cargo.lock lists packages")
        .iter()
        .filter_map(|package| package.get("name")?.as_str())
        .collect();
    let mut findings = Vec::new();
    for rule in refused {
        let name = rule["crate"].as_str().expect("a rule names a crate");
        let reason = rule.get("reason").and_then(toml::Value::as_str).unwrap_or_default();
        if reason.is_empty() {
            findings.push(format!("deny.toml: `{name}` is refused without a reason"));
        }
        let only_locked = LOCKED_ONLY.iter().any(|(locked_only, by)| *locked_only == name && locked.contains(by));
        if locked.contains(name) && !only_locked {
            findings.push(format!("Cargo.lock: {name}: {reason}"));
        }
    }
    none_of("refused crates (deny.toml):", &findings);
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).expect("a file of the package is readable")
}
