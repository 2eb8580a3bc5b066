//! The RFCs' own bytes, where a folder of them exists.

use std::path::{Path, PathBuf};

use super::verdict::{Verdict, expect};
use super::{rfc4475, rfc5118};

fn folder() -> Option<PathBuf> {
    std::env::var_os("LIANXIAN_CORPORA").map(PathBuf::from)
}

fn run(folder: &Path, table: &[(&str, &str, &[Verdict])], extension: &str) {
    for (section, name, verdicts) in table {
        let path = folder.join(format!("{name}{extension}"));
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        drop(expect(&format!("{section} {name}"), &bytes, verdicts));
    }
}

#[test]
fn the_bytes_of_the_rfcs_get_the_same_verdicts() {
    let Some(folder) = folder() else { return };
    run(&folder.join("rfc4475"), rfc4475::VERDICTS, ".dat");
    run(&folder.join("rfc5118"), rfc5118::VERDICTS, "");
}
