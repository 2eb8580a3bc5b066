//! Reads the source and holds the house rules that no compiler checks.
//!
//! Decides: who may import whom, which crate has its home where, which words have no place in a pure folder, how long
//! a file may be, that every folder opens with its contract, and that every claimed row of `rows.toml` has its test.
//! Invariants: the rules are data at the top of each file; an exception is a one-line diff there and therefore a
//! reviewed decision. Does not do: what clippy can (see `clippy.toml` and `[lints]` in `Cargo.toml`).

mod dependencies;
mod imports;
mod limits;
mod rows;
mod source;
mod words;

use std::fmt::Write as _;

/// Fails with every finding on its own line, so that one run shows all of them.
fn none_of(rule: &str, findings: &[String]) {
    let mut text = String::new();
    for finding in findings {
        writeln!(text, "  {finding}").expect("writing to a String cannot fail");
    }
    assert!(findings.is_empty(), "{rule}\n{text}");
}
