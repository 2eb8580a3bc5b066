//! Planted faults of identity, and who sees them: I21 to I23.

use lianxian::base::time::Instant;

use super::{at_agent, set, sip};
use crate::world::World;
use crate::world::phone::Line;
use crate::world::product::Raw;
use crate::world::sabotage::Plant;
use crate::world::sip_writer::SipText;
use crate::world::town;

const CITIZEN: &str = "13900001111";
const FORGED: &str = "17000000110";

/// A citizen who withholds the number calls an untrusted trunk; somebody behind that trunk calls 12345 and asserts what
/// nobody believes.
fn story(alter: impl FnMut(Instant, Raw) -> Vec<Raw> + 'static) -> Vec<&'static str> {
    let mut w = World::new(901);
    w.strict = false;
    w.product.plant(Box::new(Plant::new(alter)));
    let (agent, county) = (w.agent("8001"), w.add("96110", town::county(0), Line::Udp));
    let shy = w.citizen(CITIZEN);
    w.phones[shy].manners.claims = vec![("Privacy", "id".to_owned())];
    w.calls(shy, "96110");
    w.until_talking(shy, county);
    w.hangs_up(shy);
    w.run(std::time::Duration::from_secs(2));
    let liar = w.add("13900002222", town::county(1), Line::Udp);
    w.phones[liar].manners.claims = vec![("P-Asserted-Identity", format!("<tel:{FORGED}>"))];
    w.calls(liar, "12345");
    w.until_talking(liar, agent);
    w.hangs_up(liar);
    w.run(std::time::Duration::from_secs(2));
    let identity = ["I21", "I22", "I23"];
    w.violations.iter().map(|violation| violation.number).filter(|number| identity.contains(number)).collect()
}

fn is_new_invite(message: &SipText) -> bool {
    message.method() == Some("INVITE") && message.tag("to").is_none()
}

#[test]
fn without_a_fault_no_identity_is_missed() {
    assert_eq!(story(|_, raw| vec![raw]), Vec::<&str>::new());
}

#[test]
fn the_agents_number_in_place_of_the_callers_is_seen_by_i21() {
    let seen = story(|_, raw| {
        sip(raw, |remote, mut message| {
            if at_agent(remote) && is_new_invite(&message) {
                let from = message.header("from").unwrap_or_default().replace("13900002222", "8002");
                set(&mut message, "from", &from);
            }
            vec![message]
        })
    });
    assert!(seen.contains(&"I21"), "{seen:?}");
}

#[test]
fn a_withheld_number_in_any_header_is_seen_by_i22() {
    let seen = story(|_, raw| {
        sip(raw, |remote, message| {
            let leaks = !town::is_trusted(remote) && is_new_invite(&message);
            vec![if leaks { message.with("X-Number", CITIZEN) } else { message }]
        })
    });
    assert!(seen.contains(&"I22"), "{seen:?}");
}

#[test]
fn an_assertion_of_a_stranger_that_is_passed_on_is_seen_by_i23() {
    let seen = story(|_, raw| {
        sip(raw, |remote, message| {
            let copies = at_agent(remote) && is_new_invite(&message);
            let asserted = format!("<tel:{FORGED}>");
            vec![if copies { message.with("P-Asserted-Identity", asserted) } else { message }]
        })
    });
    assert!(seen.contains(&"I23"), "{seen:?}");
}
