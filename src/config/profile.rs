//! SIP profiles: one file per kind of peer in `sip-profiles/`, found by name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::schema::{MainFile, ProfileFile, TrunksFile};
use super::source::{Parsed, Reader};
use super::{Placed, Problem};
use crate::routing::profile::{FromShows, RtpSource};

/// Reads every profile that something names.
pub(super) fn read_all(
    reader: &mut Reader<'_>,
    folder: &Path,
    main: &Parsed<MainFile>,
    trunks: &Parsed<TrunksFile>,
) -> BTreeMap<String, Parsed<ProfileFile>> {
    let mut read = BTreeMap::new();
    let mut missing = BTreeSet::new();
    let softphones = std::iter::once((main_place(main), &main.value.softphones.profile));
    let named = trunks.value.trunk.iter().map(|trunk| (Place::Trunks(trunks), &trunk.profile));
    for (place, name) in softphones.chain(named) {
        let plain = name.get_ref().chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if read.contains_key(name.get_ref()) || missing.contains(name.get_ref()) {
            continue;
        }
        let path = folder.join(main.value.files.profiles.get_ref()).join(format!("{}.toml", name.get_ref()));
        if !plain || !reader.exists(&path) {
            missing.insert(name.get_ref().clone());
            let wrong = format!("there is no profile `{}`", name.get_ref());
            let right = "the name of a file in sip-profiles/ without .toml";
            reader.problems.push(place.problem(name, wrong, right));
        } else if let Some(file) = reader.read::<ProfileFile>(&path) {
            read.insert(name.get_ref().clone(), file);
        }
    }
    read
}

enum Place<'a> {
    Main(&'a Parsed<MainFile>),
    Trunks(&'a Parsed<TrunksFile>),
}

fn main_place(main: &Parsed<MainFile>) -> Place<'_> {
    Place::Main(main)
}

impl Place<'_> {
    fn problem(&self, name: &Placed<String>, wrong: String, right: &str) -> Problem {
        match self {
            Self::Main(file) => file.problem(name, "softphones.profile", wrong, right),
            Self::Trunks(file) => file.problem(name, "trunk.profile", wrong, right),
        }
    }
}

/// The shortest and longest window in which a source may be learned.
const LEARN_WINDOW_MS: std::ops::RangeInclusive<u32> = 100..=5_000;

/// Checks what each profile says in itself.
pub(super) fn check(
    profiles: &BTreeMap<String, Parsed<ProfileFile>>,
    trunks: &Parsed<TrunksFile>,
    problems: &mut Vec<Problem>,
) {
    own_numbers(profiles, trunks, problems);
    for file in profiles.values() {
        let profile = &file.value;
        super::check::outbound(file, problems);
        match &profile.media_networks {
            Some(networks) if networks.get_ref().is_empty() => {
                problems.push(file.problem(networks, "media_networks", "no network", "at least one, or leave it out"));
            }
            None if profile.rtp_source == RtpSource::Networks => {
                let start = Placed::nowhere(());
                let wrong = "rtp_source = \"networks\" without networks";
                problems.push(file.problem(&start, "media_networks", wrong, "media_networks = [\"10.1.0.0/16\"]"));
            }
            Some(_) | None => {}
        }
        if let Some(window) = &profile.learn_window_ms {
            if profile.rtp_source != RtpSource::Learn {
                let right = "leave it out, or write rtp_source = \"learn\"";
                problems.push(file.problem(window, "learn_window_ms", "is not used by this rtp_source", right));
            } else if !LEARN_WINDOW_MS.contains(window.get_ref()) {
                let wrong = format!("{} ms", window.get_ref());
                problems.push(file.problem(window, "learn_window_ms", wrong, "100 to 5000"));
            }
        }
    }
}

/// A profile that shows the trunk's own number in From is no use to a trunk that has none.
fn own_numbers(
    profiles: &BTreeMap<String, Parsed<ProfileFile>>,
    trunks: &Parsed<TrunksFile>,
    problems: &mut Vec<Problem>,
) {
    for trunk in &trunks.value.trunk {
        let profile = profiles.get(trunk.profile.get_ref());
        let asks = profile.is_some_and(|file| file.value.outbound.from == Some(FromShows::OwnNumber));
        if asks && trunk.number.is_none() {
            let wrong = format!("`{}` shows the trunk's own number, and the trunk has none", trunk.profile.get_ref());
            let right = "number = \"OUR NUMBER THERE\" in the [[trunk]], or another profile";
            problems.push(trunks.problem(&trunk.profile, "trunk.profile", wrong, right));
        }
    }
}
