//! People who are nobody: unknown sources, forged requests, sprayed packets (V1, V2, V23, V46, V47, V49, V51).

use std::net::SocketAddr;
use std::time::Duration;

use crate::world::World;
use crate::world::phone::Phase;
use crate::world::sdp_writer::{Direction, Session};
use crate::world::sip_writer::SipText;
use crate::world::sound::{Rtp, Sound, voice};
use crate::world::town;

/// The stream of a stranger: no party has it.
const ALIEN: u32 = 0x00FE_DCBA;

fn packet(sequence: u16, ssrc: u32) -> Vec<u8> {
    let payload = voice(ALIEN, u32::from(sequence));
    Rtp { marker: false, kind: 8, sequence, timestamp: u32::from(sequence) * 160, ssrc, payload }.to_bytes()
}

/// Sprays alien sound over a range of the product's media ports.
fn spray(w: &mut World, from: SocketAddr, ports: std::ops::Range<u16>, ssrc: u32) {
    for port in ports {
        for sequence in 0..4 {
            w.inject_rtp(from, SocketAddr::new(town::PRODUCT, port), packet(sequence, ssrc));
        }
    }
}

fn heard_alien(w: &World, party: usize) -> u64 {
    w.phones[party].dialogs.iter().map(|dialog| dialog.heard.count(Sound::Stream(ALIEN))).sum()
}

fn got_nothing(w: &World, stranger: SocketAddr) {
    let got: Vec<_> = w.strays.iter().filter(|(address, _)| address.ip() == stranger.ip()).collect();
    assert!(got.is_empty(), "the stranger was sent {got:?}");
}

#[test]
fn an_rtp_spray_is_sent_nothing_and_heard_by_nobody() {
    let mut w = World::new(401);
    let stranger = town::stranger(0);
    let agent = w.agent("8001");
    let caller = w.citizen("13900001111");
    spray(&mut w, stranger, town::MEDIA_FIRST..town::MEDIA_LAST, 7);
    w.calls(caller, "12345");
    // Before the first legal packet, and after.
    w.run(Duration::from_millis(20));
    spray(&mut w, stranger, town::MEDIA_FIRST..town::MEDIA_LAST, 7);
    w.until_talking(caller, agent);
    for round in 0..20 {
        spray(&mut w, stranger, town::MEDIA_FIRST..town::MEDIA_LAST, round);
        w.run(Duration::from_millis(100));
    }
    // With the SSRC that the agent's telephone really uses.
    let ssrc = 0x4C58_0000 | w.dialog(agent).stream;
    spray(&mut w, stranger, town::MEDIA_FIRST..town::MEDIA_LAST, ssrc);
    w.run(Duration::from_secs(1));
    assert!(w.talking(caller, agent));
    assert_eq!((heard_alien(&w, caller), heard_alien(&w, agent)), (0, 0));
    got_nothing(&w, stranger);
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn a_pause_of_speech_lets_no_stranger_in() {
    for (seed, pause_ms) in [(402, 300), (403, 3_000), (404, 30_000)] {
        let mut w = World::new(seed);
        let stranger = town::stranger(0);
        let (caller, agent) = w.caller_and_agent_in_talk();
        w.phones[agent].set_health(crate::world::phone::Health::Mute);
        w.run(Duration::from_millis(pause_ms));
        for _ in 0..10 {
            spray(&mut w, stranger, town::MEDIA_FIRST..town::MEDIA_LAST, 9);
            w.run(Duration::from_millis(50));
        }
        w.phones[agent].set_health(crate::world::phone::Health::Well);
        w.run(Duration::from_secs(1));
        assert!(w.talking(caller, agent), "after {pause_ms} ms of silence");
        assert_eq!((heard_alien(&w, caller), heard_alien(&w, agent)), (0, 0), "after {pause_ms} ms of silence");
        got_nothing(&w, stranger);
        w.hangs_up(caller);
        w.settle();
    }
}

/// A request within the dialog of `party`, forged by somebody else: all identifiers right but what `spoil` changes.
fn forged(w: &World, party: usize, method: &str, cseq: u32) -> SipText {
    let dialog = w.dialog(party);
    let to_tag = dialog.remote_tag.clone().unwrap_or_default();
    let request = SipText::request(method, &dialog.target)
        .with("Via", format!("SIP/2.0/UDP 100.64.0.101:5060;branch=z9hG4bKforged{party}{method}{cseq}"))
        .with("Max-Forwards", "70")
        .with("From", format!("{};tag={}", dialog.local, dialog.local_tag))
        .with("To", format!("{};tag={to_tag}", dialog.remote))
        .with("Call-ID", dialog.call_id.clone())
        .with("CSeq", format!("{cseq} {method}"))
        .with("Contact", "<sip:x@100.64.0.101>");
    match method {
        "INVITE" | "UPDATE" => {
            let theft = Session {
                owner: "x".into(),
                id: 1,
                version: 9,
                address: SocketAddr::new(town::stranger(0).ip(), 40_000),
                codecs: dialog.mine.codecs.clone(),
                direction: Direction::Both,
            };
            request.with_sdp(&theft.write())
        }
        _ => request,
    }
}

#[test]
fn a_forged_request_from_a_strangers_address_changes_nothing() {
    for (index, method) in ["BYE", "INVITE", "UPDATE", "INFO", "REFER", "CANCEL", "ACK"].iter().enumerate() {
        let mut w = World::new(410 + index as u64);
        let (caller, agent) = w.caller_and_agent_in_talk();
        for party in [caller, agent] {
            let request = forged(&w, party, method, 1000);
            w.inject(town::stranger(0), request.to_bytes());
            w.run(Duration::from_secs(2));
            assert!(w.talking(caller, agent), "{method} by a stranger in the dialog of party {party}");
        }
        got_nothing(&w, town::stranger(0));
        w.hangs_up(caller);
        w.settle();
    }
}

#[test]
fn a_request_of_one_party_in_the_dialog_of_another_changes_nothing() {
    // The right Call-ID and tags, from an address that we know, but not the one of this dialog (V47).
    for (index, method) in ["BYE", "INVITE", "UPDATE", "CANCEL"].iter().enumerate() {
        let mut w = World::new(420 + index as u64);
        let (caller, agent) = w.caller_and_agent_in_talk();
        let other_agent = w.agent("8002");
        let request = forged(&w, caller, method, 1000);
        w.with(other_agent, |phone, _| phone.say(&request));
        w.run(Duration::from_secs(2));
        assert!(w.talking(caller, agent), "{method} by an agent in the citizen's dialog");
        let request = forged(&w, agent, method, 1000);
        w.with(caller, |phone, _| phone.say(&request));
        w.run(Duration::from_secs(2));
        assert!(w.talking(caller, agent), "{method} by a citizen in the agent's dialog");
        w.hangs_up(caller);
        w.settle();
    }
}

#[test]
fn a_wrong_tag_or_a_low_cseq_changes_nothing() {
    let mut w = World::new(430);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let call_id = w.dialog(caller).call_id.clone();
    for (index, (name, from, to)) in
        [("To", "tag=", "tag=wrong"), ("From", "tag=", "tag=wrong"), ("CSeq", "", "0 BYE")].iter().enumerate()
    {
        w.with(caller, |phone, _| {
            let mut bye = phone.in_dialog(&call_id, "BYE");
            for (header, value) in &mut bye.headers {
                if header == name {
                    *value = if from.is_empty() { (*to).to_owned() } else { value.replacen(from, to, 1) };
                }
            }
            phone.say(&bye);
        });
        w.run(Duration::from_secs(1));
        assert!(w.talking(caller, agent), "case {index}: {name}");
        assert_eq!(w.phase(agent), Some(Phase::Up), "case {index}: {name}");
    }
    assert_eq!(w.phones[caller].got("200 BYE"), 0);
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn an_unknown_source_meets_silence() {
    let mut w = World::new(440);
    let stranger = town::stranger(0);
    for (index, method) in
        ["INVITE", "OPTIONS", "REGISTER", "MESSAGE", "SUBSCRIBE", "BYE", "NONSENSE"].iter().enumerate()
    {
        let request = SipText::request(method, "sip:12345@192.0.2.201")
            .with("Via", format!("SIP/2.0/UDP 100.64.0.101:5060;branch=z9hG4bKs{index}"))
            .with("Max-Forwards", "70")
            .with("From", "<sip:x@100.64.0.101>;tag=x")
            .with("To", "<sip:12345@192.0.2.201>")
            .with("Call-ID", format!("stranger{index}"))
            .with("CSeq", format!("1 {method}"));
        w.inject(stranger, request.to_bytes());
        w.inject(stranger, b"\x00\x01\x02 no SIP at all".to_vec());
        w.run(Duration::from_secs(1));
    }
    got_nothing(&w, stranger);
    w.settle();
}

#[test]
fn an_answer_goes_to_the_source_whatever_via_says() {
    let mut w = World::new(441);
    let caller = w.citizen("13900001111");
    let victim = town::stranger(5);
    let options = SipText::request("OPTIONS", "sip:192.0.2.201")
        .with("Via", format!("SIP/2.0/UDP {victim};maddr={};rport;branch=z9hG4bKmaddr", victim.ip()))
        .with("Max-Forwards", "70")
        .with("From", "<sip:x@198.51.100.101>;tag=x")
        .with("To", "<sip:192.0.2.201>")
        .with("Call-ID", "reflection")
        .with("CSeq", "1 OPTIONS");
    w.with(caller, |phone, _| phone.say(&options));
    w.run(Duration::from_secs(5));
    got_nothing(&w, victim);
    assert_eq!(w.phones[caller].got("200 OPTIONS"), 1);
    w.settle();
}

#[test]
fn a_call_of_ours_that_comes_back_is_a_loop() {
    // A trunk that sends everything back, with Max-Forwards reset: refused at the first return (V51).
    let mut w = World::new(442);
    w.refusals_expected = true;
    let seat = w.seat();
    w.on_invite(seat, crate::world::phone::OnInvite::RingOut);
    let caller = w.citizen("13900001111");
    w.calls(caller, "110");
    w.run(Duration::from_secs(1));
    let ours = w.dialog(seat).invite.clone();
    let mut back = ours.clone();
    back.start = format!("INVITE sip:110@{} SIP/2.0", town::server(town::target(0)));
    for (name, value) in &mut back.headers {
        match name.to_ascii_lowercase().as_str() {
            "max-forwards" => *value = "70".into(),
            "via" => *value = format!("SIP/2.0/UDP {};branch=z9hG4bKback, {value}", town::target(0)),
            _ => {}
        }
    }
    let before = w.phones[seat].dialogs.len();
    w.strict = false;
    w.with(seat, |phone, _| phone.say(&back));
    w.run(Duration::from_secs(2));
    assert_eq!(w.phones[seat].got("482 INVITE"), 1, "{:?}\n{}", w.violations, w.story());
    assert_eq!(w.phones[seat].dialogs.len(), before, "no second INVITE");
    w.hangs_up(caller);
}
