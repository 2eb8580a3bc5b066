//! Planted faults of a transfer, and who sees them.

use std::time::Duration;

use super::{at_agent, set, sip};
use crate::world::World;
use crate::world::phone::OnInvite;
use crate::world::product::Raw;
use crate::world::sabotage::Plant;
use crate::world::sip_writer::SipText;

/// Runs a transfer with a planted fault and says which invariants saw it.
fn seen(alter: impl FnMut(Raw) -> Vec<Raw> + 'static) -> Vec<&'static str> {
    let mut alter = alter;
    let mut w = World::new(910);
    w.strict = false;
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    w.on_invite(seat, OnInvite::EarlyThenAnswer { after: Duration::from_secs(3) });
    w.run(Duration::from_secs(1));
    w.product.plant(Box::new(Plant::new(move |_, raw| alter(raw))));
    w.transfers(agent, "110");
    w.run(Duration::from_secs(8));
    w.hangs_up(caller);
    w.run(Duration::from_secs(5));
    w.violations.iter().map(|violation| violation.number).collect()
}

/// Whether it is a report of progress.
fn is_progress(message: &SipText) -> bool {
    message.method() == Some("NOTIFY") && message.body.contains(" 18")
}

/// A BYE in the place of a request of ours.
fn bye_like(message: &SipText) -> SipText {
    let mut bye = message.clone();
    let (number, _) = message.cseq();
    bye.start = message.start.replacen("NOTIFY", "BYE", 1);
    set(&mut bye, "cseq", &format!("{} BYE", number + 1));
    bye.headers
        .retain(|(name, _)| !["event", "subscription-state", "content-type"].contains(&name.to_lowercase().as_str()));
    bye.body.clear();
    bye
}

#[test]
fn a_transfer_without_a_fault_is_sound() {
    assert_eq!(seen(|raw| vec![raw]), Vec::<&str>::new());
}

#[test]
fn an_agent_released_before_the_answer_is_seen_by_i16() {
    let mutated = seen(|raw| {
        sip(
            raw,
            |to, message| {
                if at_agent(to) && is_progress(&message) { vec![bye_like(&message)] } else { vec![message] }
            },
        )
    });
    assert!(mutated.contains(&"I16"), "{mutated:?}");
}

#[test]
fn early_media_told_as_a_success_is_seen_by_i16() {
    let mutated = seen(|raw| {
        sip(raw, |to, mut message| {
            if at_agent(to) && is_progress(&message) {
                message.body = "SIP/2.0 200 OK\r\n".to_owned();
                set(&mut message, "subscription-state", "terminated;reason=noresource");
            }
            vec![message]
        })
    });
    assert!(mutated.contains(&"I16"), "{mutated:?}");
}

#[test]
fn a_transfer_that_is_never_settled_is_seen_by_i41() {
    let mut w = World::new(911);
    w.strict = false;
    let (_, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    w.on_invite(seat, OnInvite::Refuse { code: 486, after: Duration::from_secs(1) });
    let last = |message: &SipText| message.header("subscription-state").is_some_and(|state| state.starts_with("term"));
    w.product.plant(Box::new(Plant::new(move |_, raw| {
        sip(
            raw,
            |_, message| if message.method() == Some("NOTIFY") && last(&message) { Vec::new() } else { vec![message] },
        )
    })));
    w.transfers(agent, "110");
    w.run(Duration::from_secs(40));
    w.judge_the_end();
    let mutated: Vec<&str> = w.violations.iter().map(|violation| violation.number).collect();
    assert!(mutated.contains(&"I41"), "{mutated:?}");
}
