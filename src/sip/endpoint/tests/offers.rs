//! Offers inside a dialog: re-INVITE, UPDATE, glare, session timers, keys.

use super::*;
use crate::sip::fact::{Cause, Loss};

fn offer(bench: &mut Bench, leg: LegId) -> Sent {
    bench.order(leg, LegOrder::Offer { sdp: Bytes::from(SDP) });
    bench.only()
}

#[test]
fn a_reinvite_of_the_peer_is_offered_answered_and_acked() {
    let mut bench = Bench::new();
    let (leg, ok) = bench.talking();
    bench.receive(TRUNK, &inside("INVITE", 2, "r1", ok.tag("To"), SDP));
    assert_eq!(bench.facts(), [LegFact::Offered { sdp: Some(Bytes::from(SDP)) }]);
    assert!(bench.sent().is_empty());
    bench.order(leg, LegOrder::Answer { sdp: Bytes::from(SDP) });
    assert!(bench.only().is("SIP/2.0 200 "));
    bench.receive(TRUNK, &inside("ACK", 2, "r2", ok.tag("To"), ""));
    bench.advance(Duration::from_secs(40));
    assert!(bench.sent().is_empty() && bench.facts().is_empty());
}

#[test]
fn a_reinvite_without_sdp_gets_our_offer_and_its_ack_the_answer() {
    let mut bench = Bench::new();
    let (leg, ok) = bench.talking();
    bench.receive(TRUNK, &inside("INVITE", 2, "r1", ok.tag("To"), ""));
    assert_eq!(bench.facts(), [LegFact::Offered { sdp: None }]);
    bench.order(leg, LegOrder::Answer { sdp: Bytes::from(SDP) });
    bench.sent();
    bench.receive(TRUNK, &inside("ACK", 2, "r2", ok.tag("To"), SDP));
    assert_eq!(bench.facts(), [LegFact::Acked { sdp: Some(Bytes::from(SDP)) }]);
}

#[test]
fn an_unacked_2xx_to_a_reinvite_loses_the_leg() {
    let mut bench = Bench::new();
    let (leg, ok) = bench.talking();
    bench.receive(TRUNK, &inside("INVITE", 2, "r1", ok.tag("To"), SDP));
    bench.order(leg, LegOrder::Answer { sdp: Bytes::from(SDP) });
    bench.facts();
    bench.advance(Duration::from_secs(33));
    assert_eq!(bench.facts(), [LegFact::Lost { loss: Loss::NoAck }]);
    bench.assert_empty_in_the_end();
}

#[test]
fn a_second_reinvite_before_the_answer_to_the_first_gets_500() {
    let mut bench = Bench::new();
    let (_, ok) = bench.talking();
    bench.receive(TRUNK, &inside("INVITE", 2, "r1", ok.tag("To"), SDP));
    bench.receive(TRUNK, &inside("INVITE", 3, "r2", ok.tag("To"), SDP));
    let refused = bench.only();
    assert!(refused.is("SIP/2.0 500 ") && refused.find("Retry-After").is_some());
}

#[test]
fn an_offer_that_the_call_leaves_unanswered_is_refused_in_the_end() {
    let mut bench = Bench::new();
    let (_, ok) = bench.talking();
    bench.receive(TRUNK, &inside("INVITE", 2, "r1", ok.tag("To"), SDP));
    bench.advance(Duration::from_secs(11));
    assert!(bench.sent()[0].is("SIP/2.0 500 "));
}

#[test]
fn crossing_offers_both_get_491_and_ours_is_tried_again() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.connected();
    let ours = offer(&mut bench, leg);
    bench.receive(TRUNK, &from_callee(&invite, "INVITE", 1, "g1", "b1", SDP));
    assert!(bench.only().is("SIP/2.0 491 "));
    bench.receive(TRUNK, &from_callee(&invite, "ACK", 1, "g1", "b1", ""));
    assert!(bench.facts().is_empty());
    bench.receive(TRUNK, &answer(&ours, 491, "", ""));
    assert!(bench.only().is("ACK "));
    bench.advance(Duration::from_millis(2_090));
    assert!(bench.sent().is_empty(), "we made the Call-ID: not before 2.1 s");
    bench.advance(Duration::from_secs(2));
    let again = bench.sent();
    assert!(again[0].is("INVITE ") && again[0].header("CSeq") == "3 INVITE", "{again:#?}");
    bench.receive(TRUNK, &answer(&again[0], 200, "", SDP));
    assert_eq!(bench.facts(), [LegFact::AnswerReceived { sdp: Bytes::from(SDP) }]);
}

#[test]
fn the_peers_offer_during_our_back_off_wins_and_the_call_decides_anew() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.connected();
    let ours = offer(&mut bench, leg);
    bench.receive(TRUNK, &answer(&ours, 491, "", ""));
    bench.receive(TRUNK, &from_callee(&invite, "INVITE", 1, "g1", "b1", SDP));
    let facts = bench.facts();
    assert_eq!(facts, [LegFact::OfferRefused { code: 491 }, LegFact::Offered { sdp: Some(Bytes::from(SDP)) }]);
    bench.sent();
    bench.order(leg, LegOrder::Answer { sdp: Bytes::from(SDP) });
    assert!(bench.only().is("SIP/2.0 200 "));
    bench.receive(TRUNK, &from_callee(&invite, "ACK", 1, "g2", "b1", ""));
    bench.advance(Duration::from_secs(10));
    assert!(bench.sent().is_empty(), "the older offer never comes back");
}

#[test]
fn endless_491_is_told_but_never_ends_the_leg() {
    let mut bench = Bench::new();
    let (leg, _) = bench.connected();
    let mut ours = offer(&mut bench, leg);
    let mut tries = 1;
    loop {
        bench.receive(TRUNK, &answer(&ours, 491, "", ""));
        if bench.facts() == [LegFact::OfferRefused { code: 491 }] {
            break;
        }
        bench.sent();
        bench.advance(Duration::from_secs(5));
        ours = bench.sent().into_iter().find(|one| one.is("INVITE ")).unwrap();
        tries += 1;
        assert!(tries < 20);
    }
    assert_eq!(bench.endpoint.census().legs, 1);
}

#[test]
fn a_second_offer_waits_for_the_first_and_the_newest_wins() {
    let mut bench = Bench::new();
    let (leg, _) = bench.connected();
    let first = offer(&mut bench, leg);
    for version in ["two", "three"] {
        bench.order(leg, LegOrder::Offer { sdp: Bytes::from(version) });
    }
    assert!(bench.sent().is_empty(), "I6: one at a time");
    bench.receive(TRUNK, &answer(&first, 200, "", SDP));
    let sent = bench.sent();
    assert!(sent[0].is("ACK ") && sent[1].is("INVITE ") && sent[1].body() == "three", "{sent:#?}");
}

#[test]
fn our_bye_queues_behind_the_ack_that_we_owe_to_a_reinvite() {
    let mut bench = Bench::new();
    let (leg, _) = bench.connected();
    let ours = offer(&mut bench, leg);
    bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
    assert!(bench.sent().is_empty());
    bench.receive(TRUNK, &answer(&ours, 200, "", SDP));
    let sent = bench.sent();
    assert!(sent[0].is("ACK ") && sent[1].is("BYE "), "{sent:#?}");
    // And when no final response comes, it does not wait for ever; a late 200 is still ACKed.
    let (leg, _) = bench.connected();
    let ours = offer(&mut bench, leg);
    bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
    bench.advance(Duration::from_secs(3));
    assert!(bench.sent().iter().any(|one| one.is("BYE ")));
    bench.receive(TRUNK, &answer(&ours, 200, "", SDP));
    assert!(bench.only().is("ACK "));
}

#[test]
fn a_reinvite_that_meets_481_or_silence_loses_the_leg() {
    for (code, loss) in [(Some(481), Loss::DialogUnknown), (Some(408), Loss::Timeout), (None, Loss::Timeout)] {
        let mut bench = Bench::new();
        let (leg, _) = bench.connected();
        let ours = offer(&mut bench, leg);
        match code {
            Some(code) => bench.receive(TRUNK, &answer(&ours, code, "", "")),
            None => bench.advance(Duration::from_secs(33)),
        }
        assert_eq!(bench.facts(), [LegFact::Lost { loss }]);
        bench.assert_empty_in_the_end();
    }
}

#[test]
fn a_refused_offer_leaves_the_session_as_it_was() {
    let mut bench = Bench::new();
    let (leg, _) = bench.connected();
    let ours = offer(&mut bench, leg);
    bench.receive(TRUNK, &answer(&ours, 488, "", ""));
    assert_eq!(bench.facts(), [LegFact::OfferRefused { code: 488 }]);
    assert_eq!(bench.endpoint.census().legs, 1);
}

#[test]
fn update_with_an_offer_is_answered_and_without_one_refreshes_the_target() {
    let mut bench = Bench::new();
    let (leg, ok) = bench.talking();
    bench.receive(TRUNK, &inside("UPDATE", 2, "u1", ok.tag("To"), SDP));
    assert_eq!(bench.facts(), [LegFact::Offered { sdp: Some(Bytes::from(SDP)) }]);
    bench.order(leg, LegOrder::Answer { sdp: Bytes::from(SDP) });
    assert!(bench.only().is("SIP/2.0 200 "));
    let moved = request("UPDATE", 3, "u2", &format!(";tag={}", ok.tag("To")), "Contact: <sip:new@192.0.2.77>\r\n", "");
    bench.receive(TRUNK, &moved);
    assert!(bench.only().is("SIP/2.0 200 "));
    bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
    let bye = bench.only();
    assert!(bye.is("BYE sip:new@192.0.2.77 "));
    assert_eq!(bye.flow.remote.to_string(), "192.0.2.77:5060");
}

#[test]
fn a_target_outside_of_the_trunks_networks_is_named_but_never_sent_to() {
    let mut bench = Bench::new();
    let (leg, ok) = bench.talking();
    let moved = request("UPDATE", 2, "u2", &format!(";tag={}", ok.tag("To")), "Contact: <sip:x@127.0.0.1>\r\n", "");
    bench.receive(TRUNK, &moved);
    bench.sent();
    bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
    let bye = bench.only();
    assert!(bye.is("BYE sip:x@127.0.0.1 "));
    assert_eq!(bye.flow.remote.to_string(), TRUNK);
}

#[test]
fn a_bye_during_the_peers_reinvite_ends_it_with_487() {
    let mut bench = Bench::new();
    let (leg, ok) = bench.talking();
    bench.receive(TRUNK, &inside("INVITE", 2, "r1", ok.tag("To"), SDP));
    bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
    let sent = bench.sent();
    assert!(sent[0].is("SIP/2.0 487 ") && sent[1].is("BYE "), "{sent:#?}");
}

#[test]
fn a_lower_cseq_never_acts() {
    let mut bench = Bench::new();
    let (_, ok) = bench.talking();
    bench.receive(TRUNK, &inside("INVITE", 7, "r1", ok.tag("To"), SDP));
    bench.facts();
    for (method, number) in [("BYE", 7), ("BYE", 1), ("INFO", 2)] {
        bench.receive(TRUNK, &inside(method, number, &format!("low{method}{number}"), ok.tag("To"), ""));
        assert!(bench.only().is("SIP/2.0 500 "));
        assert!(bench.facts().is_empty());
    }
}

#[test]
fn keys_come_and_go_by_info() {
    let mut bench = Bench::new();
    let (leg, ok) = bench.talking();
    let cases = [
        ("application/dtmf-relay", "Signal=5\r\nDuration=200\r\n", Some(('5', 200))),
        ("application/dtmf-relay", "Signal= * \r\n", Some(('*', 160))),
        ("application/dtmf", "11", Some(('#', 160))),
        ("application/dtmf", "x", None),
        ("text/plain", "5", None),
    ];
    for (index, (kind, body, key)) in cases.into_iter().enumerate() {
        let number = index as u32 + 2;
        let extra = format!("Content-Type: {kind}\r\n");
        let text = request("INFO", number, &format!("i{index}"), &format!(";tag={}", ok.tag("To")), &extra, "")
            .replace("Content-Length: 0\r\n\r\n", &format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        bench.receive(TRUNK, &text);
        let response = bench.only();
        let facts = bench.facts();
        match key {
            Some((digit, duration)) => {
                assert!(response.is("SIP/2.0 200 "));
                assert_eq!(facts, [LegFact::Digit { digit, duration: Duration::from_millis(duration) }]);
                // The same INFO again is the same key, not a second one (I44).
                bench.receive(TRUNK, &text);
                assert!(bench.only().is("SIP/2.0 200 ") && bench.facts().is_empty());
            }
            None => assert!(response.is("SIP/2.0 400 ") || response.is("SIP/2.0 415 ")),
        }
    }
    bench.order(leg, LegOrder::Digit { digit: '9', duration_ms: 120 });
    let info = bench.only();
    assert!(info.is("INFO ") && info.body() == "Signal=9\r\nDuration=120\r\n");
}

#[test]
fn a_session_that_the_peer_promised_to_refresh_and_did_not_is_lost() {
    let mut bench = Bench::new();
    let extra = format!("{CONTACT}\r\nSupported: timer\r\nSession-Expires: 90\r\n");
    bench.receive(TRUNK, &request("INVITE", 1, "a1", "", &extra, SDP));
    let leg = bench.incoming()[0].leg;
    bench.order(leg, LegOrder::Accept { sdp: Bytes::from(SDP) });
    let ok = bench.sent().pop().unwrap();
    assert_eq!((ok.header("Session-Expires"), ok.header("Require")), ("90;refresher=uac", "timer"));
    bench.receive(TRUNK, &inside("ACK", 1, "a2", ok.tag("To"), ""));
    bench.facts();
    bench.advance(Duration::from_secs(50));
    let refresh = request("UPDATE", 2, "u1", &format!(";tag={}", ok.tag("To")), &extra, "");
    bench.receive(TRUNK, &refresh);
    assert_eq!(bench.sent().pop().unwrap().header("Session-Expires"), "90;refresher=uac");
    bench.advance(Duration::from_secs(59));
    assert!(bench.facts().is_empty());
    bench.advance(Duration::from_secs(2));
    assert_eq!(bench.facts(), [LegFact::Lost { loss: Loss::SessionExpired }]);
    assert!(bench.sent().iter().any(|one| one.is("BYE ")));
}

#[test]
fn a_session_that_we_promised_to_refresh_is_refreshed_at_half_its_interval() {
    for (allow, method) in [("INVITE, UPDATE", "UPDATE "), ("INVITE", "INVITE ")] {
        let mut bench = Bench::new();
        let (_, invite) = bench.calling();
        let extra = format!("{CONTACT}\r\nAllow: {allow}\r\nSession-Expires: 100;refresher=uac\r\n");
        bench.receive(TRUNK, &answer_with(&invite, 200, "b1", &extra, SDP));
        bench.sent();
        bench.advance(Duration::from_secs(50));
        let refresh = bench.only();
        assert!(refresh.is(method), "{}", refresh.text);
        assert_eq!(refresh.header("Session-Expires"), "100;refresher=uac");
        let body = if method == "INVITE " { SDP } else { "" };
        assert_eq!(refresh.body(), body);
        bench.receive(TRUNK, &answer_with(&refresh, 200, "", &extra, body));
        bench.facts();
        bench.advance(Duration::from_secs(49));
        assert!(bench.facts().is_empty());
    }
}

#[test]
fn a_hang_up_is_never_forgotten_when_the_peer_offers_again_instead_of_its_ack() {
    for method in ["INVITE", "UPDATE"] {
        let mut bench = Bench::new();
        let (leg, ok) = bench.talking();
        bench.receive(TRUNK, &inside("INVITE", 2, "r1", ok.tag("To"), SDP));
        bench.order(leg, LegOrder::Answer { sdp: Bytes::from(SDP) });
        bench.facts();
        bench.sent();
        bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
        bench.receive(TRUNK, &inside(method, 3, "r2", ok.tag("To"), SDP));
        assert!(bench.only().is("SIP/2.0 491 "));
        assert!(bench.facts().is_empty(), "nothing is offered to a call that has let go");
        bench.advance(Duration::from_secs(1));
        assert!(bench.sent().iter().any(|one| one.is("BYE ")), "I18");
        bench.advance(Duration::from_secs(33));
        assert_eq!(bench.facts(), [LegFact::Released]);
        bench.assert_empty_in_the_end();
    }
}

#[test]
fn an_offer_that_waited_for_an_ack_is_refused_when_the_peer_offers_first() {
    let mut bench = Bench::new();
    let (leg, ok) = bench.talking();
    bench.receive(TRUNK, &inside("INVITE", 2, "r1", ok.tag("To"), SDP));
    bench.order(leg, LegOrder::Answer { sdp: Bytes::from(SDP) });
    bench.order(leg, LegOrder::Offer { sdp: Bytes::from("ours") });
    bench.facts();
    bench.receive(TRUNK, &inside("INVITE", 3, "r2", ok.tag("To"), SDP));
    let offered = LegFact::Offered { sdp: Some(Bytes::from(SDP)) };
    assert_eq!(bench.facts(), [LegFact::OfferRefused { code: 491 }, offered]);
}

#[test]
fn a_reinvite_that_is_answered_100_and_nothing_more_loses_the_leg() {
    let mut bench = Bench::new();
    let (leg, _) = bench.connected();
    let ours = offer(&mut bench, leg);
    bench.advance(Duration::from_secs(1));
    bench.receive(TRUNK, &answer(&ours, 100, "", ""));
    bench.advance(Duration::from_secs(33));
    assert_eq!(bench.facts(), [LegFact::Lost { loss: Loss::Timeout }]);
    assert!(bench.sent().iter().any(|one| one.is("BYE ")));
    // The answer comes after all: ACK, and a BYE of its own.
    bench.receive(TRUNK, &answer(&ours, 200, "", SDP));
    assert!(bench.sent().iter().any(|one| one.is("ACK ")));
    assert_eq!(bench.endpoint.census().legs, 0);
    bench.assert_empty_in_the_end();
}

#[test]
fn a_refused_offer_is_not_what_the_session_is_refreshed_with() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.calling();
    let extra = format!("{CONTACT}\r\nAllow: INVITE\r\nSession-Expires: 100;refresher=uac\r\n");
    bench.receive(TRUNK, &answer_with(&invite, 200, "b1", &extra, SDP));
    bench.sent();
    bench.order(leg, LegOrder::Offer { sdp: Bytes::from("refused") });
    let ours = bench.only();
    bench.receive(TRUNK, &answer(&ours, 488, "", ""));
    bench.sent();
    bench.advance(Duration::from_secs(50));
    let refresh = bench.only();
    assert_eq!(refresh.body(), SDP);
}
