//! Calls that go out.

use super::*;
use crate::sip::fact::Cause;

#[test]
fn an_invite_is_answered_acked_and_hung_up() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.calling();
    assert!(invite.is("INVITE sip:110@192.0.2.10 SIP/2.0"));
    assert_eq!((invite.header("Max-Forwards"), invite.header("CSeq")), ("69", "1 INVITE"));
    bench.receive(TRUNK, &answer(&invite, 100, "", ""));
    bench.receive(TRUNK, &answer(&invite, 180, "b1", ""));
    assert_eq!(bench.facts(), [LegFact::Trying, LegFact::Progress { code: 180, sdp: None }]);
    bench.receive(TRUNK, &answer(&invite, 200, "b1", SDP));
    let ack = bench.only();
    assert!(ack.is("ACK sip:caller@192.0.2.10 SIP/2.0"));
    assert_eq!((ack.header("CSeq"), ack.tag("To")), ("1 ACK", "b1"));
    assert_ne!(ack.header("Via"), invite.header("Via"), "the ACK of a 2xx has a branch of its own");
    assert_eq!(bench.facts(), [LegFact::Answered { sdp: Some(Bytes::from(SDP)) }]);
    // The 2xx again: the same ACK again, nothing else (I4).
    bench.receive(TRUNK, &answer(&invite, 200, "b1", SDP));
    assert_eq!(bench.only().text, ack.text);
    assert!(bench.facts().is_empty());
    bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
    let bye = bench.only();
    assert_eq!(bye.header("CSeq"), "2 BYE");
    bench.receive(TRUNK, &answer(&bye, 200, "", ""));
    assert_eq!(bench.facts(), [LegFact::Released]);
    bench.assert_empty_in_the_end();
}

#[test]
fn an_unanswered_invite_is_repeated_by_timer_a_and_fails_by_timer_b() {
    let mut bench = Bench::new();
    bench.calling();
    bench.advance(Duration::from_secs(33));
    assert_eq!(seconds(&bench.sent()), [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]);
    let facts = bench.facts();
    assert!(matches!(&facts[..], [LegFact::Failed(failure)] if failure.code == 408), "{facts:?}");
    bench.assert_empty_in_the_end();
}

#[test]
fn every_refusal_is_acked_and_told_with_its_cause() {
    let mut bench = Bench::new();
    let (_, invite) = bench.calling();
    let extra = "Reason: Q.850;cause=34\r\nRetry-After: 9\r\n";
    bench.receive(TRUNK, &answer_with(&invite, 503, "b1", extra, ""));
    let ack = bench.only();
    assert!(ack.is("ACK sip:110@192.0.2.10 SIP/2.0"));
    assert_eq!((ack.header("Via"), ack.tag("To")), (invite.header("Via"), "b1"));
    let failure = Failure {
        code: 503,
        cause: Cause { sip: Some(503), q850: Some(34) },
        retry_after: Some(Duration::from_secs(9)),
    };
    assert_eq!(bench.facts(), [LegFact::Failed(failure)]);
    bench.receive(TRUNK, &answer_with(&invite, 503, "b1", extra, ""));
    assert_eq!(bench.only().text, ack.text);
    bench.assert_empty_in_the_end();
}

#[test]
fn cancel_is_owed_until_the_first_provisional_response() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.calling();
    bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
    assert!(bench.sent().is_empty(), "RFC 3261 9.1");
    bench.receive(TRUNK, &answer(&invite, 100, "", ""));
    let cancel = bench.only();
    assert!(cancel.is("CANCEL sip:110@192.0.2.10 SIP/2.0"));
    assert_eq!((cancel.header("Via"), cancel.header("CSeq")), (invite.header("Via"), "1 CANCEL"));
    bench.receive(TRUNK, &answer(&cancel, 200, "b1", ""));
    bench.receive(TRUNK, &answer(&invite, 487, "b1", ""));
    assert!(bench.only().is("ACK "));
    assert_eq!(bench.facts(), [LegFact::Released]);
    bench.assert_empty_in_the_end();
}

#[test]
fn a_200_that_crosses_our_cancel_is_acked_and_hung_up() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.calling();
    bench.receive(TRUNK, &answer(&invite, 180, "b1", ""));
    bench.facts();
    bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
    assert!(bench.only().is("CANCEL "));
    bench.receive(TRUNK, &answer(&invite, 200, "b1", SDP));
    let sent = bench.sent();
    assert!(sent[0].is("ACK ") && sent[1].is("BYE "), "{sent:#?}");
    bench.receive(TRUNK, &answer(&sent[1], 200, "", ""));
    assert_eq!(bench.facts(), [LegFact::Released], "never Answered");
    bench.assert_empty_in_the_end();
}

#[test]
fn a_cancelled_invite_without_final_response_is_forgotten_and_a_very_late_200_is_still_ended() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.calling();
    bench.receive(TRUNK, &answer(&invite, 180, "b1", ""));
    bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
    bench.facts();
    bench.advance(Duration::from_secs(33));
    assert_eq!(bench.facts(), [LegFact::Released]);
    bench.sent();
    bench.receive(TRUNK, &answer(&invite, 200, "b1", SDP));
    let sent = bench.sent();
    assert!(sent[0].is("ACK ") && sent[1].is("BYE "), "{sent:#?}");
    bench.receive(TRUNK, &answer(&sent[1], 200, "", ""));
    bench.assert_empty_in_the_end();
}

#[test]
fn the_first_200_of_a_fork_wins_and_the_second_is_acked_and_hung_up() {
    let mut bench = Bench::new();
    let (_, invite) = bench.calling();
    bench.receive(TRUNK, &answer(&invite, 180, "b1", ""));
    bench.receive(TRUNK, &answer(&invite, 183, "b2", SDP));
    bench.receive(TRUNK, &answer(&invite, 200, "b1", SDP));
    bench.sent();
    bench.facts();
    bench.receive(TRUNK, &answer(&invite, 200, "b2", SDP));
    let sent = bench.sent();
    assert!(sent[0].is("ACK ") && sent[0].tag("To") == "b2");
    assert!(sent[1].is("BYE ") && sent[1].tag("To") == "b2");
    assert!(bench.facts().is_empty(), "the winner talks on");
    bench.receive(TRUNK, &answer(&invite, 200, "b2", SDP));
    assert!(bench.only().is("ACK "), "a repetition of the loser is ACKed, not hung up again");
    bench.receive(TRUNK, &answer(&sent[1], 200, "", ""));
    assert!(bench.facts().is_empty());
}

#[test]
fn a_lost_bye_is_repeated_by_timer_e_and_given_up_by_timer_f() {
    let mut bench = Bench::new();
    let (leg, _) = bench.connected();
    bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
    bench.advance(Duration::from_secs(33));
    assert_eq!(seconds(&bench.sent()), [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]);
    assert_eq!(bench.facts(), [LegFact::Released]);
    bench.assert_empty_in_the_end();
}

#[test]
fn a_transport_failure_fails_the_invite_with_503() {
    let mut bench = Bench::new();
    bench.calling();
    bench.endpoint.flow_failed(bench.now, flow(TRUNK), FlowFailure::Refused);
    bench.drain();
    assert!(matches!(&bench.facts()[..], [LegFact::Failed(failure)] if failure.code == 503));
    bench.assert_empty_in_the_end();
}

#[test]
fn credentials_are_never_given_to_a_challenge() {
    let mut bench = Bench::new();
    let (leg, _) = bench.connected();
    bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
    let bye = bench.only();
    let challenge = "Proxy-Authenticate: Digest realm=\"t1\", nonce=\"x\"\r\n";
    bench.receive(TRUNK, &answer_with(&bye, 407, "", challenge, ""));
    assert!(bench.sent().is_empty());
    assert_eq!(bench.facts(), [LegFact::Released]);
}

#[test]
fn an_invite_that_rings_for_ever_is_given_up() {
    let mut bench = Bench::new();
    let (_, invite) = bench.calling();
    bench.receive(TRUNK, &answer(&invite, 180, "b1", ""));
    bench.facts();
    bench.advance(Duration::from_secs(301));
    let cancel = bench.sent().into_iter().find(|one| one.is("CANCEL ")).unwrap();
    bench.receive(TRUNK, &answer(&cancel, 200, "b1", ""));
    bench.receive(TRUNK, &answer(&invite, 487, "b1", ""));
    assert!(matches!(&bench.facts()[..], [LegFact::Failed(failure)] if failure.code == 408));
}

#[test]
fn tags_call_ids_and_branches_are_fresh_on_each_leg() {
    let mut bench = Bench::new();
    let (_, first) = bench.calling();
    let (_, second) = bench.calling();
    for header in ["Via", "From", "Call-ID"] {
        assert_ne!(first.header(header), second.header(header));
    }
    assert!(first.tag("From").len() >= 16);
    assert!(!first.header("Call-ID").contains('@'), "no host of ours or of the other side");
}

#[test]
fn another_forks_200_while_our_bye_is_on_its_way_gets_its_own_ack_and_bye() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.connected();
    bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
    bench.sent();
    bench.receive(TRUNK, &answer(&invite, 200, "b2", SDP));
    let sent = bench.sent();
    assert!(sent[0].is("ACK ") && sent[0].tag("To") == "b2", "{sent:#?}");
    assert!(sent[1].is("BYE ") && sent[1].tag("To") == "b2");
}

#[test]
fn forks_beyond_the_limit_are_left_alone() {
    let mut bench = Bench::new();
    let (_, invite) = bench.connected();
    for fork in 0..100 {
        bench.receive(TRUNK, &answer(&invite, 200, &format!("f{fork}"), SDP));
    }
    assert_eq!(bench.sent().iter().filter(|one| one.is("BYE ")).count(), 15);
}

#[test]
fn a_200_that_does_not_repeat_what_we_said_makes_no_dialog() {
    let mut bench = Bench::new();
    let (_, invite) = bench.calling();
    let right = answer(&invite, 200, "b1", SDP);
    for (from, to) in [("1 INVITE", "2147483647 INVITE"), (invite.tag("From"), "other"), ("Call-ID: ", "Call-ID: x")] {
        bench.receive(TRUNK, &right.replace(from, to));
        assert!(bench.sent().is_empty() && bench.facts().is_empty());
    }
    bench.receive(TRUNK, &right);
    assert!(bench.only().is("ACK "));
}

#[test]
fn an_answered_peer_is_acked_even_if_its_record_route_cannot_be_read() {
    let mut bench = Bench::new();
    let (_, invite) = bench.calling();
    let extra = format!("{CONTACT}\r\nRecord-Route: <<<\r\n");
    bench.receive(TRUNK, &answer_with(&invite, 200, "b1", &extra, SDP));
    assert!(bench.only().is("ACK "));
    assert!(matches!(&bench.facts()[..], [LegFact::Answered { .. }]));
}

#[test]
fn a_bye_that_overtakes_the_200_fails_the_call_at_once_and_the_200_is_acked() {
    let failed = |facts: &[LegFact]| matches!(facts, [LegFact::Failed(failure)] if failure.code == 480);
    for ringing in [false, true] {
        let mut bench = Bench::new();
        let (_, invite) = bench.calling();
        if ringing {
            bench.receive(TRUNK, &answer(&invite, 180, "b1", ""));
            bench.facts();
        }
        bench.receive(TRUNK, &from_callee(&invite, "BYE", 1, "early", "b1", ""));
        let sent = bench.sent();
        assert!(sent[0].is("SIP/2.0 200 "), "{sent:#?}");
        assert_eq!(sent.get(1).map(|one| one.is("CANCEL ")), ringing.then_some(true), "RFC 3261 9.1: {sent:#?}");
        assert!(failed(&bench.facts()), "the hunt goes on");
        bench.receive(TRUNK, &answer(&invite, 200, "b1", SDP));
        assert!(bench.only().is("ACK "), "and no BYE: it has gone");
        bench.receive(TRUNK, &answer(&invite, 200, "b1", SDP));
        assert!(bench.only().is("ACK "), "I3");
        assert!(bench.facts().is_empty());
        bench.assert_empty_in_the_end();
    }
}

#[test]
fn after_an_early_bye_another_fork_is_cancelled_or_sent_home() {
    let mut bench = Bench::new();
    let (_, invite) = bench.calling();
    bench.receive(TRUNK, &from_callee(&invite, "BYE", 1, "early", "b1", ""));
    bench
        .receive(TRUNK, &from_callee(&invite, "BYE", 1, "early2", "b1", "").replace(invite.header("Call-ID"), "other"));
    let sent = bench.sent();
    assert!(sent[0].is("SIP/2.0 200 ") && sent[1].is("SIP/2.0 481 "), "{sent:#?}");
    bench.facts();
    bench.receive(TRUNK, &answer(&invite, 180, "b2", ""));
    let cancel = bench.only();
    assert!(cancel.is("CANCEL "));
    bench.receive(TRUNK, &answer(&invite, 200, "b2", SDP));
    let sent = bench.sent();
    assert!(sent[0].is("ACK ") && sent[1].is("BYE "), "{sent:#?}");
    bench.receive(TRUNK, &answer(&sent[1], 200, "", ""));
    bench.receive(TRUNK, &answer(&cancel, 200, "b2", ""));
    assert!(bench.facts().is_empty(), "it has been told once");
    bench.assert_empty_in_the_end();

    // Never an answer: it ends by itself.
    let mut bench = Bench::new();
    let (_, invite) = bench.calling();
    bench.receive(TRUNK, &from_callee(&invite, "BYE", 1, "early", "b1", ""));
    bench.assert_empty_in_the_end();
}

#[test]
fn a_response_with_several_vias_was_for_somebody_else() {
    let mut bench = Bench::new();
    let (_, invite) = bench.calling();
    let foreign = "\r\nVia: SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKforeign\r\nFrom:";
    bench.receive(TRUNK, &answer(&invite, 200, "b1", SDP).replacen("\r\nFrom:", foreign, 1));
    assert!(bench.sent().is_empty() && bench.facts().is_empty(), "RFC 3261 8.1.3.3, 18.1.2");
    bench.receive(TRUNK, &answer(&invite, 200, "b1", SDP));
    assert!(bench.only().is("ACK "));
}

/// An INVITE of ours to an agent's telephone on UDP, which no network proves.
fn calling_a_softphone(bench: &mut Bench) -> Sent {
    let leg = bench.endpoint.reserve_leg();
    let invite = OutgoingInvite { peer: Peer::Softphone("8001".into()), flow: flow(PHONE), ..outgoing(leg) };
    bench.endpoint.invite(bench.now, invite);
    bench.drain();
    bench.only()
}

#[test]
fn a_200_that_comes_after_timer_b_is_acked_and_hung_up_whoever_was_called() {
    for peer in [TRUNK, PHONE] {
        let mut bench = Bench::new();
        let invite = if peer == TRUNK { bench.calling().1 } else { calling_a_softphone(&mut bench) };
        bench.advance(Duration::from_secs(33));
        assert!(matches!(&bench.facts()[..], [LegFact::Failed(failure)] if failure.code == 408));
        bench.sent();
        // Without a Contact as well: then the INVITE's own target is the best that we know.
        let late = answer_with(&invite, 200, "b1", "", SDP);
        bench.receive(peer, &late);
        let sent = bench.sent();
        assert_eq!(sent.iter().map(|one| one.start().split(' ').next().unwrap()).collect::<Vec<_>>(), ["ACK", "BYE"]);
        assert_eq!((sent[0].header("CSeq"), sent[1].header("CSeq")), ("1 ACK", "2 BYE"));
        assert_eq!((sent[0].flow, sent[0].tag("To"), sent[1].tag("To")), (flow(peer), "b1", "b1"));
        bench.receive(peer, &answer(&sent[1], 200, "", ""));
        // Our ACK was lost: the same ACK again, and no second BYE (I4, I5).
        bench.receive(peer, &late);
        assert_eq!(bench.only().text, sent[0].text);
        assert!(bench.facts().is_empty(), "its failure has been told");
        bench.assert_empty_in_the_end();
    }
}

#[test]
fn a_telephone_that_rings_only_after_timer_b_is_cancelled_once() {
    let mut bench = Bench::new();
    let invite = calling_a_softphone(&mut bench);
    bench.advance(Duration::from_secs(40));
    bench.sent();
    bench.receive(PHONE, &answer(&invite, 180, "b1", ""));
    let cancel = bench.only();
    assert!(cancel.is("CANCEL sip:110@192.0.2.10 SIP/2.0"), "{}", cancel.text);
    assert_eq!((cancel.header("Via"), cancel.header("CSeq")), (invite.header("Via"), "1 CANCEL"));
    bench.receive(PHONE, &answer(&cancel, 200, "b1", ""));
    bench.receive(PHONE, &answer(&invite, 180, "b1", ""));
    assert!(bench.sent().is_empty());
    bench.facts();
    bench.receive(PHONE, &answer(&invite, 487, "b1", ""));
    assert!(bench.only().is("ACK "));
    assert!(bench.facts().is_empty());
    bench.assert_empty_in_the_end();
}

#[test]
fn a_refusal_that_comes_after_timer_b_is_acked_and_told_to_nobody() {
    let mut bench = Bench::new();
    let invite = calling_a_softphone(&mut bench);
    bench.advance(Duration::from_secs(33));
    bench.sent();
    bench.facts();
    for _ in 0..2 {
        bench.receive(PHONE, &answer(&invite, 486, "b1", ""));
        assert!(bench.only().is("ACK sip:110@192.0.2.10 SIP/2.0"));
    }
    assert!(bench.facts().is_empty());
    bench.assert_empty_in_the_end();
}

#[test]
fn an_invite_that_was_given_up_is_remembered_for_another_32_seconds_and_no_longer() {
    let mut bench = Bench::new();
    let invite = calling_a_softphone(&mut bench);
    bench.advance(Duration::from_secs(33));
    assert_eq!((bench.endpoint.census().transactions, bench.endpoint.census().given_up), (0, 1));
    bench.advance(Duration::from_secs(32));
    assert_eq!(bench.endpoint.census(), Census::default());
    bench.sent();
    // From an address that anybody can forge, to a request that nobody remembers: silence.
    bench.receive(PHONE, &answer(&invite, 200, "b1", SDP));
    assert!(bench.sent().is_empty());
}
