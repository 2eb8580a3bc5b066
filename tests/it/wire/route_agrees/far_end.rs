//! What a trunk that is not ours sees: SIPp at the far end asserts, for every shipped profile, which headers show the
//! citizen's number, and that none does where it may not be known.

use std::path::Path;
use std::time::Duration;

use super::citizen::Citizen;
use super::house::{House, number, profiles};
use crate::wire::sipp::SippSetup;

/// The citizen's number as every form of it ends.
const NUMBER: &str = "13800138000";

#[test]
fn sipp_sees_the_citizens_number_where_each_profile_shows_it_and_nowhere_else() {
    let house = House::new("far-end");
    let _daemon = house.start();
    for withheld in [false, true] {
        let citizen = Citizen::new(house.net.host(2), house.daemon(), "+8613800138000", withheld);
        for (at, profile) in profiles().iter().enumerate() {
            for trust in ["trusted", "untrusted"] {
                let Some(asserts) = asserts(profile, trust, withheld) else { continue };
                let (name, called) = (format!("{profile}-{trust}-{withheld}"), number(at, trust));
                let peer = house.peer(at, trust);
                let setup = SippSetup::new("far_end_sees", peer, house.daemon(), (peer, 4_000).into());
                let mut far_end = SippSetup { asserts, ..setup }.start(&house.net);
                // SIPp says nothing when it listens.
                std::thread::sleep(Duration::from_millis(300));
                assert!(far_end.runs(), "{name}");
                citizen.calls(&name, &called);
                far_end.passes();
                citizen.gives_up(&name, &called);
            }
        }
    }
}

/// What the golden text of a profile promises for this case, as SIPp asserts it. `None` for profiles of telephones, which
/// are within the trust domain always.
fn asserts(profile: &str, trust: &str, withheld: bool) -> Option<String> {
    let case = if withheld { "a withheld number" } else { "a number that may be shown" };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/identity/{profile}.txt"));
    let golden = std::fs::read_to_string(path).unwrap();
    let section = golden.split("=== ").find(|section| section.starts_with(&format!("{case}, {trust} ")));
    let Some(section) = section else {
        assert!(trust == "untrusted" && golden.contains("trusted telephone"), "{profile}: {case}, {trust}");
        return None;
    };
    let record = section.lines().find_map(|line| line.strip_prefix("(record: ")).expect("each case has its record");
    let (_, headers) = record.trim_end_matches(')').split_once(", ").expect("what is shown, and where");
    if headers.is_empty() {
        let nowhere =
            format!("<ereg regexp=\"{NUMBER}\" search_in=\"msg\" check_it_inverse=\"true\" assign_to=\"x\"/>");
        return Some(nowhere);
    }
    let shows = |header: &str| {
        format!("<ereg regexp=\"{NUMBER}\" search_in=\"hdr\" header=\"{header}:\" check_it=\"true\" assign_to=\"x\"/>")
    };
    Some(headers.split(' ').map(shows).collect())
}
