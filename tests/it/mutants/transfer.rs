//! Planted faults of a transfer, and who sees them.

use std::time::Duration;

use lianxian::sip::flow::{Flow, Transport};

use super::{at_agent, set, sip};
use crate::world::World;
use crate::world::phone::OnInvite;
use crate::world::product::Raw;
use crate::world::sabotage::Plant;
use crate::world::sip_writer::SipText;
use crate::world::town;

/// Runs a transfer with a planted fault and says which invariants saw it.
fn seen(alter: impl FnMut(Raw) -> Vec<Raw> + 'static) -> Vec<&'static str> {
    seen_when(|w, _, seat| w.on_invite(seat, OnInvite::EarlyThenAnswer { after: Duration::from_secs(3) }), alter)
}

/// The same, with agent and seat behaving in some way.
fn seen_when(
    behave: impl FnOnce(&mut World, usize, usize),
    mut alter: impl FnMut(Raw) -> Vec<Raw> + 'static,
) -> Vec<&'static str> {
    let mut w = World::new(910);
    w.strict = false;
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    behave(&mut w, agent, seat);
    w.run(Duration::from_secs(1));
    w.product.plant(Box::new(Plant::new(move |_, raw| alter(raw))));
    w.transfers(agent, "110");
    w.run(Duration::from_secs(8));
    w.hangs_up(caller);
    w.run(Duration::from_secs(5));
    w.violations.iter().map(|violation| violation.number).collect()
}

/// The agent leaves at once; the seat does what is said.
fn agent_goes(manner: OnInvite) -> impl FnOnce(&mut World, usize, usize) {
    move |w, agent, seat| {
        w.phones[agent].manners.bye_after_refer = Some(Duration::from_millis(50));
        w.on_invite(seat, manner);
    }
}

/// Alters what is sent to the seat.
fn to_seat(raw: Raw, change: impl FnOnce(SipText) -> Vec<SipText>) -> Vec<Raw> {
    let mut change = Some(change);
    sip(raw, |to, message| match change.take() {
        Some(change) if to == town::target(0) => change(message),
        Some(_) | None => vec![message],
    })
}

fn is_invite(message: &SipText) -> bool {
    message.method() == Some("INVITE")
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

#[test]
fn a_goodbye_without_the_last_report_is_seen_by_i16() {
    let last = |message: &SipText| message.header("subscription-state").is_some_and(|state| state.starts_with("term"));
    let answers = |w: &mut World, _, seat: usize| w.on_invite(seat, OnInvite::Answer { after: Duration::from_secs(1) });
    let mutated =
        seen_when(answers, move |raw| sip(raw, |_, message| if last(&message) { Vec::new() } else { vec![message] }));
    assert_eq!(mutated, ["I16"]);
}

#[test]
fn a_success_told_of_a_target_that_has_hung_up_is_seen_by_i16() {
    let hastens = |w: &mut World, _, seat: usize| {
        w.on_invite(seat, OnInvite::Answer { after: Duration::from_secs(1) });
        w.phones[seat].manners.hang_up_after = Some(Duration::from_millis(400));
    };
    let mutated = seen_when(hastens, |raw| {
        sip(raw, |_, mut message| {
            if message.method() == Some("NOTIFY") && !message.body.contains(" 1") {
                message.body = "SIP/2.0 200 OK\r\n".to_owned();
            }
            vec![message]
        })
    });
    assert_eq!(mutated, ["I16", "I26"]);
}

/// Trap T1: the commonest way in which others lose the caller.
#[test]
fn a_caller_hung_up_with_the_agent_who_left_a_ringing_target_is_seen_by_i19() {
    let mut w = World::new(912);
    w.strict = false;
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    agent_goes(OnInvite::RingOut)(&mut w, agent, seat);
    let (dialog, remote) = (w.dialog(caller).clone(), w.phones[caller].address);
    let local_tag = dialog.remote_tag.clone().unwrap_or_default();
    let bye = SipText::request("BYE", "sip:caller@198.51.100.101")
        .with("Via", "SIP/2.0/UDP 192.0.2.201:5060;branch=z9hG4bKtakesalong")
        .with("From", format!("{};tag={local_tag}", dialog.remote))
        .with("To", format!("{};tag={}", dialog.local, dialog.local_tag))
        .with("Call-ID", dialog.call_id)
        .with("CSeq", "1 BYE");
    let flow = Flow { transport: Transport::Udp, local: town::server(remote), remote, connection: None };
    w.product.plant(Box::new(Plant::new(move |_, raw| {
        let forsaken = matches!(&raw, Raw::Published(notice) if format!("{notice:?}").contains("Forsaken"));
        let along = forsaken.then(|| Raw::Sip { flow, bytes: bye.to_bytes() });
        std::iter::once(raw).chain(along).collect()
    })));
    w.transfers(agent, "110");
    w.run(Duration::from_secs(3));
    assert_eq!(w.violations.first().map(|violation| violation.number), Some("I19"), "{:?}", w.violations);
}

#[test]
fn a_target_who_hears_nothing_is_seen_by_i14() {
    let mutated = seen(|raw| match raw {
        Raw::Rtp { to, .. } if to.ip() == town::target(0).ip() => Vec::new(),
        other => vec![other],
    });
    assert_eq!(mutated, ["I14"]);
}

#[test]
fn a_caller_without_ringback_when_the_agent_has_gone_is_seen_by_i15() {
    let mut alone = false;
    let mutated = seen_when(agent_goes(OnInvite::Answer { after: Duration::from_secs(6) }), move |raw| {
        alone = alone || matches!(&raw, Raw::Published(notice) if format!("{notice:?}").contains("Forsaken"));
        match raw {
            Raw::Rtp { to, .. } if alone && to.ip() == town::citizen(0).ip() => Vec::new(),
            other => vec![other],
        }
    });
    assert!(mutated.contains(&"I15"), "{mutated:?}");
}

#[test]
fn a_target_that_rings_on_after_the_caller_has_gone_is_seen_by_i18() {
    let rings = |w: &mut World, _, seat: usize| w.on_invite(seat, OnInvite::RingOut);
    let mutated = seen_when(rings, |raw| {
        to_seat(raw, |message| if message.method() == Some("CANCEL") { Vec::new() } else { vec![message] })
    });
    assert_eq!(mutated, ["I18"]);
}

#[test]
fn a_target_that_is_shown_the_agents_number_is_seen_by_i21() {
    let mutated = seen(|raw| {
        to_seat(raw, |mut message| {
            if is_invite(&message) {
                let from = message.header("from").unwrap_or_default().replace("13900001111", "8001");
                set(&mut message, "from", &from);
            }
            vec![message]
        })
    });
    assert!(mutated.contains(&"I21"), "{mutated:?}");
}

#[test]
fn a_target_that_nobody_configured_is_seen_by_i24() {
    let mutated = seen(|raw| {
        to_seat(raw, |mut message| {
            if is_invite(&message) {
                message.start = message.start.replacen("110@", "00442012345678@", 1);
            }
            vec![message]
        })
    });
    assert!(mutated.contains(&"I24"), "{mutated:?}");
}

#[test]
fn the_agents_call_id_on_the_targets_leg_is_seen_by_i8() {
    let mut agents = String::new();
    let mutated = seen(move |raw| {
        sip(raw, |to, message| {
            if at_agent(to) {
                message.call_id().clone_into(&mut agents);
            }
            let leaks = to == town::target(0) && is_invite(&message);
            vec![if leaks { message.with("X-Original", agents.clone()) } else { message }]
        })
    });
    assert!(mutated.contains(&"I8"), "{mutated:?}");
}

#[test]
fn max_forwards_that_does_not_fall_on_the_targets_leg_is_seen_by_i43() {
    let mutated = seen(|raw| {
        to_seat(raw, |mut message| {
            if is_invite(&message) {
                set(&mut message, "max-forwards", "70");
            }
            vec![message]
        })
    });
    assert!(mutated.contains(&"I43"), "{mutated:?}");
}
