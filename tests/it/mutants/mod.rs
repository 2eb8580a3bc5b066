//! Planted faults that the invariants must catch: each test breaks the product in one way and names who sees it.
//!
//! The saboteur stands between the product and the world, so that what is judged is the judging.

mod identity;
mod journal;
mod resources;
mod tickets;
mod transfer;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use lianxian::base::time::Instant;
use lianxian::call::notice::What;
use lianxian::media::order::{Order, Source};

use crate::world::World;
use crate::world::net::{Faults, Way};
use crate::world::phone::{OnInvite, Phase, codecs};
use crate::world::product::Raw;
use crate::world::sabotage::Plant;
use crate::world::sip_writer::SipText;
use crate::world::sound::{Rtp, key_of};
use crate::world::town;

/// Two calls at once, one by queue; keys, hold, an agent who vanishes, a caller who hangs up.
fn story(w: &mut World) {
    let agents = [w.agent("8001"), w.agent("8002"), w.agent("9001")];
    let callers = [w.citizen("13900001111"), w.citizen("13900002222")];
    w.on_invite(agents[1], OnInvite::Answer { after: Duration::from_secs(6) });
    // A telephone that knows keys only by INFO: a key asks it something.
    w.phones[agents[1]].manners.codecs = codecs(&[(8, "PCMA")]);
    w.calls(callers[0], "12345");
    w.run(Duration::from_secs(3));
    w.calls(callers[1], "12319");
    w.run(Duration::from_secs(10));
    for key in "15".chars() {
        w.with(callers[0], |phone, now| {
            let call_id = phone.last().map(|dialog| dialog.call_id.clone()).unwrap_or_default();
            phone.press_by_rtp(now, &call_id, key);
        });
        w.run(Duration::from_secs(1));
    }
    w.holds(agents[0]);
    w.run(Duration::from_secs(3));
    w.resumes(agents[0]);
    w.run(Duration::from_secs(3));
    // The second agent's telephone restarts; the caller's next key finds that out.
    w.phones[agents[1]].forget();
    w.with(callers[1], |phone, now| {
        let up = phone.live().find(|dialog| dialog.phase == Phase::Up).map(|dialog| dialog.call_id.clone());
        if let Some(call_id) = up {
            phone.press_by_info(now, &call_id, '3');
        }
    });
    w.run(Duration::from_secs(10));
    w.hangs_up(callers[0]);
    w.run(Duration::from_secs(5));
    w.hangs_up(callers[1]);
    w.run(Duration::from_secs(5));
}

/// Runs the story with a planted fault and says which invariants saw it.
fn seen(name: &'static str, alter: impl FnMut(Instant, Raw) -> Vec<Raw> + 'static) -> Vec<&'static str> {
    let w = played(alter);
    let numbers = numbers(&w);
    if name.is_empty() && !w.violations.is_empty() {
        panic!("{:?}\n{}", w.violations, w.story());
    }
    numbers
}

/// The world in which the story has been played with a planted fault.
fn played(alter: impl FnMut(Instant, Raw) -> Vec<Raw> + 'static) -> World {
    let mut w = World::new(900);
    w.strict = false;
    let faults = Faults { double: 200, ..Faults::NONE };
    w.net.sip.insert(Way::In, faults);
    w.product.plant(Box::new(Plant::new(alter)));
    story(&mut w);
    w
}

/// The invariants that did not hold.
fn numbers(w: &World) -> Vec<&'static str> {
    w.violations.iter().map(|violation| violation.number).collect()
}

/// Whether the address is an agent's.
fn at_agent(address: SocketAddr) -> bool {
    (0..town::AGENTS.len()).any(|index| town::agent(index) == address)
}

/// Alters the SIP messages for which `change` gives something else.
fn sip(raw: Raw, mut change: impl FnMut(SocketAddr, SipText) -> Vec<SipText>) -> Vec<Raw> {
    match raw {
        Raw::Sip { flow, bytes } => match SipText::parse(&bytes) {
            Some(message) => change(flow.remote, message)
                .into_iter()
                .map(|message| Raw::Sip { flow, bytes: message.to_bytes() })
                .collect(),
            None => vec![Raw::Sip { flow, bytes }],
        },
        other => vec![other],
    }
}

fn set(message: &mut SipText, name: &str, value: &str) {
    for (header, old) in &mut message.headers {
        if header.eq_ignore_ascii_case(name) {
            value.clone_into(old);
        }
    }
}

fn is_2xx_to_invite(message: &SipText) -> bool {
    message.code() == Some(200) && message.cseq().1 == "INVITE"
}

#[test]
fn without_a_fault_the_story_is_sound() {
    assert_eq!(seen("", |_, raw| vec![raw]), Vec::<&str>::new());
}

#[test]
fn a_callee_that_is_told_twice_is_seen_by_i31() {
    let twice = |_, raw: Raw| match &raw {
        Raw::Published(notice) if matches!(notice.what, What::Dialled { .. }) => {
            vec![Raw::Published(notice.clone()), raw]
        }
        _ => vec![raw],
    };
    for (mut w, expected) in [(played(|_, raw| vec![raw]), &[][..]), (played(twice), &["I31"])] {
        w.run(Duration::from_secs(40));
        w.judge_the_end();
        assert_eq!(numbers(&w), expected, "{:?}", w.violations);
    }
}

#[test]
fn an_invite_answered_twice_is_seen_by_i1() {
    let numbers = seen("answers twice", |_, raw| {
        sip(raw, |_, message| {
            if !is_2xx_to_invite(&message) {
                return vec![message];
            }
            let mut second = message.clone();
            let to = message.header("to").unwrap_or_default().replace(";tag=", ";tag=again");
            set(&mut second, "to", &to);
            vec![message, second]
        })
    });
    assert_eq!(numbers.first(), Some(&"I1"), "{numbers:?}");
}

#[test]
fn an_answer_to_an_ack_is_seen_by_i2() {
    let numbers = seen("answers an ACK", |_, raw| {
        sip(raw, |_, message| {
            let mut answer = message.clone();
            set(&mut answer, "cseq", "1 ACK");
            if is_2xx_to_invite(&message) { vec![message, answer] } else { vec![message] }
        })
    });
    assert!(numbers.contains(&"I2"), "{numbers:?}");
}

#[test]
fn a_swallowed_ack_is_seen_by_i3() {
    let numbers = seen("no ACK", |_, raw| {
        sip(raw, |to, message| if at_agent(to) && message.method() == Some("ACK") { Vec::new() } else { vec![message] })
    });
    assert_eq!(numbers, ["I3"]);
}

#[test]
fn a_second_effect_of_a_repeated_request_is_seen_by_i4() {
    let mut said: BTreeMap<String, u32> = BTreeMap::new();
    let numbers = seen("new answer each time", move |_, raw| {
        sip(raw, |_, message| {
            let mut message = message;
            if message.code().is_some_and(|code| code >= 200) {
                let times = said.entry(message.branch().to_owned() + message.cseq().1).or_default();
                *times += 1;
                let words = format!("OK {times}");
                message = message.with("X-Times", words);
            }
            vec![message]
        })
    });
    assert_eq!(numbers.first(), Some(&"I4"), "{numbers:?}");
}

#[test]
fn a_lower_cseq_of_ours_is_seen_by_i5() {
    let numbers = seen("CSeq goes back", |_, raw| {
        sip(raw, |to, message| {
            let mut message = message;
            if at_agent(to) && message.method() == Some("BYE") {
                set(&mut message, "cseq", "0 BYE");
            }
            vec![message]
        })
    });
    assert_eq!(numbers, ["I5"]);
}

#[test]
fn two_reinvites_at_once_are_seen_by_i6() {
    let mut done = false;
    let numbers = seen("two re-INVITEs", move |_, raw| {
        sip(raw, |to, message| {
            if done || !at_agent(to) || message.method() != Some("ACK") || message.tag("to").is_none() {
                return vec![message];
            }
            done = true;
            let number = message.cseq().0;
            let mut out = vec![message.clone()];
            for step in 1..=2 {
                let mut again = message.clone();
                again.start = again.start.replacen("ACK", "INVITE", 1);
                set(&mut again, "cseq", &format!("{} INVITE", number + step));
                set(&mut again, "via", &format!("SIP/2.0/UDP 192.0.2.201:5060;branch=z9hG4bKmutant{step}"));
                out.push(again);
            }
            out
        })
    });
    assert!(numbers.contains(&"I6"), "{numbers:?}");
}

#[test]
fn an_sdp_version_that_does_not_count_is_seen_by_i7() {
    let numbers = seen("version jumps", |_, raw| {
        sip(raw, |to, message| {
            let mut message = message;
            if at_agent(to) && is_2xx_to_invite(&message) {
                let line = message.body.lines().find(|line| line.starts_with("o=")).unwrap_or_default().to_owned();
                let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
                words[2] = (words[2].parse::<u64>().unwrap_or(0) + 7).to_string();
                message.body = message.body.replace(&line, &words.join(" "));
            }
            vec![message]
        })
    });
    assert_eq!(numbers, ["I7"]);
}

#[test]
fn a_call_id_on_the_wrong_leg_is_seen_by_i8() {
    let mut caller = String::new();
    let numbers = seen("leaks the Call-ID", move |_, raw| {
        sip(raw, |to, message| {
            if !at_agent(to) {
                message.call_id().clone_into(&mut caller);
                return vec![message];
            }
            if message.method() == Some("INVITE") {
                vec![message.with("X-Original", caller.clone())]
            } else {
                vec![message]
            }
        })
    });
    assert_eq!(numbers, ["I8"]);
}

#[test]
fn a_port_used_by_two_is_seen_by_i11() {
    let mut first = None;
    let numbers = seen("one port for all", move |_, raw| match raw {
        Raw::Media(call_id, Order::Open { call, leg, local }) => {
            let local = *first.get_or_insert(local);
            vec![Raw::Media(call_id, Order::Open { call, leg, local })]
        }
        other => vec![other],
    });
    assert_eq!(numbers.first(), Some(&"I11"), "{numbers:?}");
}

#[test]
fn sound_of_another_call_is_seen_by_i12() {
    // What the first caller hears, the second one hears as well.
    let mut heard: Vec<u8> = Vec::new();
    let numbers = seen("bleeds", move |_, raw| match raw {
        Raw::Rtp { from, to, packet } if to.ip() == town::citizen(0).ip() => {
            heard.clone_from(&packet);
            vec![Raw::Rtp { from, to, packet }]
        }
        Raw::Rtp { from, to, packet } if to.ip() == town::citizen(1).ip() && from.port() % 2 == 0 => {
            vec![Raw::Rtp { from, to, packet }, Raw::Rtp { from, to, packet: heard.clone() }]
        }
        other => vec![other],
    });
    assert_eq!(numbers.first(), Some(&"I12"), "{numbers:?}");
}

#[test]
fn sound_to_an_address_that_no_sdp_names_is_seen_by_i13() {
    let numbers = seen("wrong port", |_, raw| match raw {
        Raw::Rtp { from, mut to, packet } => {
            to.set_port(to.port() + 10);
            vec![Raw::Rtp { from, to, packet }]
        }
        other => vec![other],
    });
    assert_eq!(numbers.first(), Some(&"I13"), "{numbers:?}");
}

#[test]
fn sound_one_way_only_is_seen_by_i14() {
    let numbers = seen("one way", |_, raw| match raw {
        Raw::Rtp { to, .. } if at_agent(SocketAddr::new(to.ip(), 5060)) => Vec::new(),
        other => vec![other],
    });
    assert_eq!(numbers, ["I14"]);
}

#[test]
fn silence_in_the_queue_is_seen_by_i15() {
    let numbers = seen("no music", |_, raw| match raw {
        Raw::Media(_, Order::Hear { source: Source::Prompt { .. } | Source::Ringback, .. }) => Vec::new(),
        other => vec![other],
    });
    assert_eq!(numbers, ["I15"]);
}

#[test]
fn silence_when_the_agents_telephone_has_vanished_is_seen_by_i17() {
    let mut lost = false;
    let numbers = seen("no comfort", move |_, raw| match raw {
        Raw::Published(notice) => {
            lost = lost || matches!(notice.what, What::PartyLost { .. });
            vec![Raw::Published(notice)]
        }
        Raw::Media(_, Order::Hear { source: Source::Prompt { .. } | Source::Ringback, .. }) if lost => Vec::new(),
        Raw::Rtp { to, .. } if lost && to.ip() == town::citizen(1).ip() => Vec::new(),
        other => vec![other],
    });
    assert_eq!(numbers, ["I17"]);
}

#[test]
fn an_agent_who_is_not_told_that_the_caller_hung_up_is_seen_by_i18() {
    let numbers = seen("no BYE to the agent", |_, raw| {
        sip(raw, |to, message| if at_agent(to) && message.method() == Some("BYE") { Vec::new() } else { vec![message] })
    });
    assert_eq!(numbers.first(), Some(&"I18"), "{numbers:?}");
}

#[test]
fn hanging_up_on_the_caller_is_seen_by_i19() {
    // A BYE made of the 200 that the second caller got, as soon as its agent is lost.
    let mut last_200: Option<(Raw, SipText)> = None;
    let numbers = seen("gives up", move |_, raw| {
        if let Raw::Sip { flow, bytes } = &raw
            && let Some(message) = SipText::parse(bytes)
            && is_2xx_to_invite(&message)
            && !at_agent(flow.remote)
        {
            last_200 = Some((raw.clone(), message));
        }
        let lost = matches!(&raw, Raw::Published(notice) if format!("{notice:?}").contains("PartyLost"));
        match (&last_200, lost) {
            (Some((Raw::Sip { flow, .. }, answer)), true) => {
                let bye = SipText::request("BYE", "sip:caller@198.51.100.101")
                    .with("Via", "SIP/2.0/UDP 192.0.2.201:5060;branch=z9hG4bKgivesup")
                    .with("From", answer.header("to").unwrap_or_default())
                    .with("To", answer.header("from").unwrap_or_default())
                    .with("Call-ID", answer.call_id())
                    .with("CSeq", "1 BYE");
                vec![raw, Raw::Sip { flow: *flow, bytes: bye.to_bytes() }]
            }
            (_, _) => vec![raw],
        }
    });
    assert!(numbers.contains(&"I19"), "{numbers:?}");
}

#[test]
fn max_forwards_that_does_not_fall_is_seen_by_i43() {
    let numbers = seen("Max-Forwards 70", |_, raw| {
        sip(raw, |_, message| {
            let mut message = message;
            if message.method() == Some("INVITE") {
                set(&mut message, "max-forwards", "70");
            }
            vec![message]
        })
    });
    assert_eq!(numbers.first(), Some(&"I43"), "{numbers:?}");
}

#[test]
fn a_key_that_comes_twice_is_seen_by_i44() {
    let numbers = seen("keys twice", |_, raw| match raw {
        Raw::Rtp { from, to, packet } => {
            let again = Rtp::parse(&packet).filter(|rtp| rtp.payload.len() == 4).and_then(|mut rtp| {
                let (_, end) = key_of(&rtp.payload)?;
                rtp.timestamp = rtp.timestamp.wrapping_add(8);
                end.then(|| rtp.to_bytes())
            });
            let copies = again.into_iter().map(|packet| Raw::Rtp { from, to, packet });
            std::iter::once(Raw::Rtp { from, to, packet: packet.clone() }).chain(copies).collect()
        }
        other => vec![other],
    });
    assert_eq!(numbers, ["I44"]);
}

#[test]
fn a_number_that_nobody_configured_is_seen_by_i24() {
    let mut w = World::new(901);
    w.strict = false;
    w.seat();
    w.product.plant(Box::new(Plant::new(|_, raw| {
        sip(raw, |to, message| {
            let mut message = message;
            if to == town::target(0) && message.method() == Some("INVITE") {
                message.start = message.start.replacen("110@", "00442012345678@", 1);
            }
            vec![message]
        })
    })));
    let caller = w.citizen("13900001111");
    w.calls(caller, "110");
    w.run(Duration::from_secs(5));
    assert_eq!(w.violations.first().map(|violation| violation.number), Some("I24"), "{:?}", w.violations);
}

#[test]
fn a_refused_emergency_is_seen_by_i39() {
    let mut w = World::new(902);
    w.strict = false;
    w.product.plant(Box::new(Plant::new(|_, raw| {
        sip(raw, |_, message| {
            let mut message = message;
            let called = message.header("to").unwrap_or_default().contains("sip:110@");
            if called && message.code() == Some(180) {
                message.start = "SIP/2.0 503 Service Unavailable".to_owned();
            }
            vec![message]
        })
    })));
    w.seat();
    let caller = w.citizen("13900001111");
    w.calls(caller, "110");
    w.run(Duration::from_secs(1));
    assert!(w.violations.iter().any(|violation| violation.number == "I39"), "{:?}", w.violations);
}
