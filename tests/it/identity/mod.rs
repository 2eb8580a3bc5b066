//! What each shipped profile shows of the caller: golden texts, one file for each profile in `tests/fixtures/identity`.
//!
//! A text is what leaves, header by header, in the cases that a carrier or a PBX can meet. To look at a change, run the
//! test with `LIANXIAN_GOLDEN=write` and read the difference.

mod promises;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bytes::Bytes;
use lianxian::base::ids::{AgentId, CallId, HotlineId, RegionCode, TrunkId};
use lianxian::base::time::WallClock;
use lianxian::call::identity::{NewLeg, Written, write};
use lianxian::call::record::Who;
use lianxian::call::site::Site;
use lianxian::config::{Sources, load};
use lianxian::routing::caller_id::DisplayName;
use lianxian::routing::chain::{Diversion, read};
use lianxian::routing::claims::{Claim, PrivacyWords};
use lianxian::routing::config::Priority;
use lianxian::routing::decision::{Answering, Located, LocatedBy, Referral};
use lianxian::routing::recipe::Showing;
use lianxian::routing::{CallerId, Config, Decision, Presentation};
use lianxian::sip::message::{Host, Uri};

/// The citizen, as the network writes the number.
const CITIZEN: &str = "+8613800138000";
/// Every profile for a trunk that is shipped.
const TRUNKS: &[&str] = &["generic", "telecom-ims", "mobile-ims", "e1-gateway", "asterisk", "freeswitch", "huawei"];
/// Every profile for agents that is shipped.
const TELEPHONES: &[&str] = &["softphone", "browser"];

/// One case of a golden text.
struct Case {
    name: &'static str,
    trusted: bool,
    decision: Decision,
    showing: Showing,
}

#[test]
fn every_profile_shows_what_its_golden_text_says() {
    let mut wrong = Vec::new();
    for profile in TRUNKS.iter().chain(TELEPHONES) {
        let path = root().join(format!("tests/fixtures/identity/{profile}.txt"));
        let text = golden(profile);
        if std::env::var("LIANXIAN_GOLDEN").is_ok_and(|wish| wish == "write") {
            std::fs::write(&path, &text).unwrap();
        }
        let known = std::fs::read_to_string(&path).unwrap_or_default();
        let differing = text.lines().zip(known.lines()).find(|(new, old)| new != old);
        if known != text {
            wrong.push(format!("{profile}: {differing:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_golden_text_is_there_for_every_shipped_profile() {
    let mut shipped: Vec<String> = std::fs::read_dir(root().join("sip-profiles"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut known: Vec<&str> = TRUNKS.iter().chain(TELEPHONES).copied().collect();
    shipped.sort();
    known.sort_unstable();
    assert_eq!(shipped, known);
}

fn golden(profile: &str) -> String {
    let mut text = format!("What sip-profiles/{profile}.toml shows of {CITIZEN}, who called 12345.\n");
    for case in cases() {
        let trust = if case.trusted { "trusted" } else { "untrusted" };
        let at_telephone = TELEPHONES.contains(&profile);
        // Softphones are within the trust domain, and no number of theirs is ever refused.
        if at_telephone && (!case.trusted || case.showing == Showing::OwnNumber) {
            continue;
        }
        let written = shown(profile, &case);
        let kind = if at_telephone { "telephone" } else { "trunk" };
        write!(text, "\n=== {}, {trust} {kind}\n{}", case.name, lines(&written)).unwrap();
    }
    text
}

/// The parts of an INVITE that the recipe decides, as on the wire.
fn lines(written: &Written) -> String {
    let mut text = format!("INVITE {} SIP/2.0\n", plain(&written.uri.to_bytes()));
    writeln!(text, "From: {}", plain(&written.from.to_bytes())).unwrap();
    writeln!(text, "To: {}", plain(&written.to.to_bytes())).unwrap();
    for (name, value) in &written.headers {
        writeln!(text, "{name}: {}", plain(value)).unwrap();
    }
    let summary = &written.summary;
    let shown = serde_json::to_string(&summary.shown).unwrap();
    writeln!(text, "(record: {}, {})", shown.trim_matches('"'), summary.carried_by.join(" ")).unwrap();
    text
}

/// Bytes that are no UTF-8 are shown as escapes: a golden text is for reading.
fn plain(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.escape_ascii().to_string(), str::to_owned)
}

/// What leaves in one case.
fn shown(profile: &str, case: &Case) -> Written {
    static SHIPPED: OnceLock<Config> = OnceLock::new();
    let mut routing = SHIPPED.get_or_init(shipped).clone();
    let agent = AgentId::from("1002");
    let contact = Uri::parse(b"sip:1002@198.51.100.8:40000;transport=tcp").unwrap();
    let (who, contact) = if TELEPHONES.contains(&profile) {
        routing.softphone_profile = profile.into();
        (Who::Agent(agent), Some(&contact))
    } else {
        let trust = if case.trusted { "trusted" } else { "untrusted" };
        (Who::Trunk { trunk: TrunkId::from(format!("{profile}-{trust}").as_str()), number: "110".into() }, None)
    };
    let site = Site {
        routing,
        listeners: Vec::new(),
        media: Vec::new(),
        media_ports: (20_000, 20_999),
        host: Host::Name(Bytes::from_static(b"hotline.example")),
        wall: WallClock::default(),
        transfers_per_call: 10,
    };
    let leg = NewLeg {
        linkage: CallId(0x0123_4567_89ab_cdef_0011_2233_4455_6677),
        decision: &case.decision,
        who: &who,
        contact,
        remote: "192.0.2.9:5060".parse().unwrap(),
        showing: case.showing,
    };
    write(&site, &leg)
}

fn cases() -> Vec<Case> {
    let case =
        |name, trusted, caller_id| Case { name, trusted, decision: decision(caller_id), showing: Showing::Citizen };
    let named =
        || CallerId { display: DisplayName::new(Bytes::from_static("张三".as_bytes())), ..CallerId::plain(CITIZEN) };
    let mut words = PrivacyWords::default();
    words.read(b"id;user;critical");
    let withheld = || CallerId { presentation: Presentation::Restricted, privacy: words.clone(), ..named() };
    let unknown = || CallerId::plain("");
    let hand_over = |mut case: Case| {
        case.decision.hotline = HotlineId::from("110");
        case.decision.referral =
            Some(Referral { agent: Some(AgentId::from("1001")), hotline: HotlineId::from("12345") });
        case
    };
    let refused = |case: Case| Case { showing: Showing::OwnNumber, ..case };
    vec![
        case("a number that may be shown", true, named()),
        case("a number that may be shown", false, named()),
        case("a withheld number", true, withheld()),
        case("a withheld number", false, withheld()),
        case("no number", true, unknown()),
        case("no number", false, unknown()),
        case("a call of agent 1001", true, CallerId::of_agent(&AgentId::from("1001"))),
        case("a call of agent 1001", false, CallerId::of_agent(&AgentId::from("1001"))),
        case("a call that came through two numbers", true, diverted()),
        case("a call that came through two numbers", false, diverted()),
        hand_over(case("handed from 12345 to 110 by agent 1001", true, named())),
        hand_over(case("handed from 12345 to 110 by agent 1001", false, named())),
        hand_over(case("handed from 12345 to 110 by agent 1001, number withheld", true, withheld())),
        hand_over(case("handed from 12345 to 110 by agent 1001, number withheld", false, withheld())),
        refused(hand_over(case("the same after a 403: once more with our own number", true, named()))),
        refused(hand_over(case("the same after a 403: once more with our own number", false, named()))),
        refused(hand_over(case("the same after a 403, number withheld", false, withheld()))),
    ]
}

/// 02161110000, busy, to a private number that did not answer, to us.
fn diverted() -> CallerId {
    let by = |number: &'static str, reason: &'static str, private| Diversion {
        by: Claim { number: Bytes::from_static(number.as_bytes()), ..Claim::default() },
        reason: Bytes::from_static(reason.as_bytes()),
        private,
    };
    let latest_first = [by("13911112222", "no-answer", true), by("02161110000", "user-busy", false)];
    CallerId { chain: read(&latest_first, &[], None), ..CallerId::plain(CITIZEN) }
}

fn decision(caller_id: CallerId) -> Decision {
    Decision {
        hotline: HotlineId::from("12345"),
        priority: Priority::Normal,
        answering: Answering::ByPerson,
        announcement: None,
        ring_timeout: std::time::Duration::from_secs(20),
        plan: Vec::new(),
        territory: Some(Located {
            code: RegionCode::from("653001"),
            name: "阿图什市".into(),
            source: LocatedBy::Agent,
        }),
        caller_id,
        referral: None,
        why: Vec::new(),
    }
}

/// The shipped configuration and its profiles, each on a trusted and an untrusted trunk with a subscription, read as the daemon reads them.
fn shipped() -> Config {
    let mut trunks = std::fs::read_to_string(root().join("config/trunks.toml")).unwrap();
    for (at, profile) in TRUNKS.iter().enumerate() {
        for trust in ["trusted", "untrusted"] {
            write!(
                trunks,
                "\n[[trunk]]\nid = \"{profile}-{trust}\"\nprofile = \"{profile}\"\ntrust = \"{trust}\"\n\
                 networks = [\"172.{}.{}.0/24\"]\nnumber = \"02161234567\"\narea_code = \"021\"\n{}",
                16 + at,
                u8::from(trust == "trusted"),
                // A carrier gives a SIP domain; a PBX is called at its address.
                if profile.ends_with("-ims") { "domain = \"ims.example.cn\"\n" } else { "" },
            )
            .unwrap();
        }
    }
    // Telephones in a browser are agents' too: a trunk that nobody calls has its profile read.
    trunks.push_str("[[trunk]]\nid = \"page\"\nprofile = \"browser\"\nnetworks = [\"172.30.99.0/24\"]\n");
    let read = move |path: &Path| match path.file_name().and_then(|name| name.to_str()) {
        Some("trunks.toml") => Ok(trunks.clone()),
        _ => std::fs::read_to_string(path),
    };
    let environment = |_: &str| Some("long-Enough-4-all".to_owned());
    let read_bytes = |path: &Path| read(path).map(String::into_bytes);
    let sources = Sources {
        read: &read,
        read_bytes: &read_bytes,
        is_folder: &|_| true,
        is_file: &|_| true,
        mode: &|_| None,
        environment: &environment,
    };
    let configuration = load(&root().join("config/lianxian.toml"), &sources);
    configuration.map_err(|problems| format!("{problems:#?}")).unwrap().routing()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
