//! Decisions as tables.

mod regions;
mod territories;

use bytes::Bytes;

use super::caller_id::Source;
use super::config::{
    Agent, Class, Hotline, PeerClass, Priority, Step, Subscription, Transport, Trunk, TrunkLimits, Trust,
};
use super::decision::{Origin, RegionHints, Why};
use super::profile::Inbound;
use super::*;
use crate::base::ids::{AgentId, GroupId, HotlineId, ProfileId, TrunkId};
use crate::base::time::LocalTime;
use crate::routing::gateway::Gateway;

fn trunk(id: &str, trust: Trust) -> Trunk {
    Trunk {
        id: TrunkId::from(id),
        networks: vec!["192.0.2.0/24".parse().unwrap()],
        gateways: Gateway::in_order(["192.0.2.1:5060".parse().unwrap()]),
        probe_interval: std::time::Duration::ZERO,
        transport: Transport::Udp,
        profile: ProfileId::from("generic"),
        trust,
        class: PeerClass::Carrier,
        limits: TrunkLimits::default(),
        resource_priority: None,
        subscription: Subscription::default(),
        region: None,
        called: Vec::new(),
        correlation: Default::default(),
    }
}

fn seats() -> Step {
    Step::Group { group: GroupId::from("seats"), class: Class::Normal }
}

/// A call from somewhere to something, at no special time.
fn enquiry<'a>(called: &'a str, from: Origin<'a>, claims: &'a Claims) -> Enquiry<'a> {
    Enquiry { called, from, claims, region: RegionHints::default(), at: LocalTime::default() }
}

fn config() -> Config {
    Config {
        trunks: vec![trunk("trusted", Trust::Trusted), trunk("foreign", Trust::Untrusted)],
        hotlines: vec![Hotline {
            number: HotlineId::from("12345"),
            name: "政务服务便民热线".into(),
            priority: Priority::Normal,
            answer_on_queue: false,
            announcement: None,
            ring_timeout_s: 15,
            plan: vec![seats()],
            tag: None,
            platform: None,
            org_code: String::new(),
            org_name: String::new(),
        }],
        agents: vec![Agent { id: AgentId::from("8001"), name: String::new(), groups: vec![GroupId::from("seats")] }],
        ..Config::default()
    }
}

fn claim(number: &'static str) -> Claim {
    Claim { number: Bytes::from_static(number.as_bytes()), ..Claim::default() }
}

fn claims(from: &'static str, asserted: &[&'static str]) -> Claims {
    Claims { from: claim(from), asserted: asserted.iter().map(|number| claim(number)).collect(), ..Claims::default() }
}

fn number_over(trunk: &str, claims: &Claims) -> (String, Source) {
    let trunk = TrunkId::from(trunk);
    let enquiry = enquiry("12345", Origin::Trunk(&trunk), claims);
    let decision = decide(&config(), &enquiry).unwrap();
    (decision.caller_id.number.reveal().to_owned(), decision.caller_id.source)
}

#[test]
fn only_a_configured_number_is_served() {
    let (trunk, claims) = (TrunkId::from("trusted"), claims("13900001111", &[]));
    for called in ["12346", "", "0012345", "12345x", "110"] {
        let enquiry = enquiry(called, Origin::Trunk(&trunk), &claims);
        assert_eq!(decide(&config(), &enquiry), Err(Refusal::NotConfigured), "{called}");
    }
}

#[test]
fn a_plan_in_which_nobody_could_ever_answer_is_not_served() {
    let (trunk, claims) = (TrunkId::from("trusted"), claims("13900001111", &[]));
    let enquiry = enquiry("12345", Origin::Trunk(&trunk), &claims);
    let mut empty = config();
    empty.agents.clear();
    assert_eq!(decide(&empty, &enquiry), Err(Refusal::NobodyThere));
    empty.hotlines[0].plan.push(Step::Trunk { trunk: trunk.clone(), number: "110".into(), class: Class::Normal });
    assert!(decide(&empty, &enquiry).is_ok());
}

#[test]
fn i23_an_assertion_is_believed_inside_the_trust_domain_only() {
    for (over, from, asserted, number, source) in [
        ("trusted", "13900001111", &["13900002222"][..], "13900002222", Source::Asserted),
        ("trusted", "13900001111", &[][..], "13900001111", Source::From),
        ("trusted", "anonymous", &["+8613900002222", "13900002222"][..], "+8613900002222", Source::Asserted),
        ("trusted", "13900001111", &["switchboard", "13900002222"][..], "13900002222", Source::Asserted),
        ("foreign", "13900001111", &["110"][..], "13900001111", Source::From),
        ("unknown", "13900001111", &["110"][..], "13900001111", Source::From),
    ] {
        assert_eq!(number_over(over, &claims(from, asserted)), (number.to_owned(), source), "{over} {asserted:?}");
    }
}

#[test]
fn a_number_that_would_break_a_header_is_no_number() {
    for bad in ["1390000\r\n1111", "a b", "<sip:x>", "139;x=y", "\u{4e2d}"] {
        assert_eq!(number_over("foreign", &claims(bad, &[])).0, "", "{bad:?}");
    }
}

#[test]
fn the_decision_says_why() {
    let (trunk, claims) = (TrunkId::from("foreign"), claims("13900001111", &["110"]));
    let decision = decide(&config(), &enquiry("12345", Origin::Trunk(&trunk), &claims)).unwrap();
    let why = [
        Why::HotlineDialled(HotlineId::from("12345")),
        Why::AssertionRemoved(trunk),
        Why::OwnPlan(HotlineId::from("12345")),
        Why::Target(seats()),
    ];
    assert_eq!(decision.why, why);
}

#[test]
fn a_softphone_shows_its_own_number_whatever_it_claims() {
    let (agent, claims) = (AgentId::from("8001"), claims("110", &["110"]));
    let decision = decide(&config(), &enquiry("12345", Origin::Agent(&agent), &claims)).unwrap();
    assert_eq!(decision.caller_id.number.reveal(), "8001");
}

#[test]
fn i22_a_withheld_number_is_seen_in_the_trust_domain_only() {
    let mut restricted = claims("13900001111", &[]);
    restricted.privacy.read(b"id");
    let caller = CallerId::over_trunk(&restricted, &Inbound::default(), Trust::Untrusted, None);
    assert!(caller.visible_to(Trust::Trusted));
    assert!(!caller.visible_to(Trust::Untrusted));
}

#[test]
fn a_step_is_a_group_or_a_trunk_with_a_number() {
    let step = |text: &str| toml::from_str::<Step>(text);
    assert_eq!(step("group = \"seats\"").unwrap(), seats());
    assert!(step("trunk = \"t\"\nnumber = \"110\"").is_ok());
    for bad in ["", "trunk = \"t\"", "group = \"g\"\ntrunk = \"t\"", "group = \"g\"\nnumber = \"1\"", "grup = \"g\""] {
        assert!(step(bad).is_err(), "{bad}");
    }
}
