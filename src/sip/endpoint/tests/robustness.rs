//! Loss, streams that close, and legs that are put away and taken back.

use super::*;
use crate::sip::fact::{Cause, Loss};
use crate::sip::flow::ConnectionId;

fn stream(connection: u64) -> Flow {
    let remote = "192.0.2.10:33333".parse().unwrap();
    Flow { transport: Transport::Tcp, remote, connection: Some(ConnectionId(connection)), ..flow(TRUNK) }
}

fn over_tcp(text: &str) -> String {
    text.replace("SIP/2.0/UDP", "SIP/2.0/TCP")
}

#[test]
fn a_leg_survives_being_serialised_dropped_and_restored_in_every_state() {
    let mut bench = Bench::new();
    let put_away = |bench: &mut Bench, leg: LegId| {
        let before = bench.endpoint.export_leg(leg).unwrap();
        let bytes = serde_json::to_vec(&before).unwrap();
        bench.endpoint.drop_leg(leg);
        let restored: LegCheckpoint = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(bench.endpoint.import_leg(restored), leg);
        assert_eq!(bench.endpoint.export_leg(leg).unwrap(), before, "I32");
    };
    let (leg, invite) = bench.calling();
    put_away(&mut bench, leg);
    bench.receive(TRUNK, &answer(&invite, 180, "b1", ""));
    put_away(&mut bench, leg);
    bench.receive(TRUNK, &answer(&invite, 200, "b1", SDP));
    put_away(&mut bench, leg);
    bench.sent();
    bench.receive(TRUNK, &answer(&invite, 200, "b1", SDP));
    assert!(bench.only().is("ACK "));
    bench.order(leg, LegOrder::Offer { sdp: Bytes::from(SDP) });
    put_away(&mut bench, leg);
    let ours = bench.only();
    bench.receive(TRUNK, &answer(&ours, 491, "", ""));
    put_away(&mut bench, leg);
    bench.advance(Duration::from_secs(4));
    assert!(bench.sent().iter().any(|one| one.is("INVITE ")));
    bench.receive(TRUNK, &from_callee(&invite, "BYE", 5, "z1", "b1", ""));
    assert!(bench.facts().contains(&LegFact::HungUp { cause: Cause::default() }));
    bench.assert_empty_in_the_end();
}

#[test]
fn an_accepted_invite_survives_a_restore_and_goes_on_repeating_its_200() {
    let mut bench = Bench::new();
    bench.receive(TRUNK, &invite("a1"));
    let leg = bench.incoming()[0].leg;
    bench.order(leg, LegOrder::Accept { sdp: Bytes::from(SDP) });
    let checkpoint = bench.endpoint.export_leg(leg).unwrap();
    bench.endpoint.drop_leg(leg);
    bench.endpoint.import_leg(checkpoint);
    let ok = bench.sent().pop().unwrap();
    bench.advance(Duration::from_millis(600));
    assert!(bench.only().is("SIP/2.0 200 "));
    bench.receive(TRUNK, &inside("ACK", 1, "a2", ok.tag("To"), ""));
    assert_eq!(bench.facts(), [LegFact::Acked { sdp: None }]);
}

#[test]
fn a_stream_that_closes_while_a_call_rings_does_not_end_it() {
    let mut bench = Bench::new();
    bench.receive_over(stream(7), &over_tcp(&invite("a1")));
    let leg = bench.incoming()[0].leg;
    bench.sent();
    bench.endpoint.flow_failed(bench.now, stream(7), FlowFailure::Closed);
    bench.order(leg, LegOrder::Progress { code: 180, sdp: None });
    let ringing = bench.only();
    assert_eq!((ringing.flow.connection, ringing.flow.remote.to_string()), (None, "192.0.2.10:5060".into()));
    // The new connection fails, too: nobody can be answered.
    bench.endpoint.flow_failed(bench.now, ringing.flow, FlowFailure::Refused);
    bench.drain();
    assert_eq!(bench.facts(), [LegFact::Lost { loss: Loss::Transport }]);
    bench.assert_empty_in_the_end();
}

#[test]
fn requests_follow_the_peer_to_its_new_stream() {
    let mut bench = Bench::new();
    bench.receive_over(stream(7), &over_tcp(&invite("a1")));
    let leg = bench.incoming()[0].leg;
    bench.order(leg, LegOrder::Accept { sdp: Bytes::from(SDP) });
    let ok = bench.sent().pop().unwrap();
    assert_eq!(ok.flow, stream(7));
    bench.receive_over(stream(7), &over_tcp(&inside("ACK", 1, "a2", ok.tag("To"), "")));
    bench.endpoint.flow_failed(bench.now, stream(7), FlowFailure::Closed);
    bench.drain();
    assert_eq!(bench.facts(), [LegFact::Acked { sdp: None }], "a closed stream ends no call");
    bench.receive_over(stream(8), &over_tcp(&inside("OPTIONS", 2, "a3", ok.tag("To"), "")));
    bench.sent();
    bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
    assert_eq!(bench.only().flow, stream(8));
}

#[test]
fn every_request_of_ours_is_repeated_when_lost() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.calling();
    bench.advance(Duration::from_millis(500));
    assert!(bench.only().is("INVITE "));
    bench.receive(TRUNK, &answer(&invite, 200, "b1", SDP));
    bench.sent();
    for (order, method) in [
        (LegOrder::Digit { digit: '1', duration_ms: 100 }, "INFO "),
        (LegOrder::Offer { sdp: Bytes::from(SDP) }, "INVITE "),
    ] {
        bench.order(leg, order);
        bench.advance(Duration::from_millis(500));
        let sent = bench.sent();
        assert_eq!(sent.iter().filter(|one| one.is(method)).count(), 2, "{method}");
    }
}

#[test]
fn hostile_bytes_from_a_trunk_never_end_the_endpoint() {
    let mut bench = Bench::new();
    let (_, ok) = bench.talking();
    let whole = inside("INVITE", 2, "h1", ok.tag("To"), SDP);
    for end in 0..whole.len() {
        bench.receive(TRUNK, &whole[..end]);
    }
    bench.advance(Duration::from_secs(60));
    bench.sent();
    bench.receive(TRUNK, &request("OPTIONS", 1, "alive", "", "", ""));
    assert!(bench.only().is("SIP/2.0 200 "));
}

#[test]
fn invites_over_streams_that_are_reset_leave_nothing_after_32_seconds() {
    let mut bench = Bench::new();
    for number in 0..50 {
        let text = over_tcp(&invite(&format!("t{number}"))).replace("call-1@", &format!("call-{number}@"));
        bench.receive_over(stream(number), &text);
        bench.endpoint.flow_failed(bench.now, stream(number), FlowFailure::Closed);
    }
    bench.sent();
    assert_eq!(bench.incoming().len(), 50);
    bench.advance(Duration::from_secs(20));
    // Nobody listens at the sent-by addresses.
    for one in bench.sent() {
        assert!(one.is("SIP/2.0 100 ") && one.flow.connection.is_none());
        bench.endpoint.flow_failed(bench.now, one.flow, FlowFailure::Refused);
    }
    bench.drain();
    let facts = bench.facts();
    assert_eq!(facts.len(), 50);
    assert!(facts.iter().all(|fact| *fact == LegFact::Lost { loss: Loss::Transport }));
    assert_eq!(bench.endpoint.census().transactions, 0);
    bench.assert_empty_in_the_end();
}

#[test]
fn an_unreachable_port_ends_no_call_of_a_trunk_that_only_waits() {
    let mut bench = Bench::new();
    // A citizen in the queue, one being answered, a target that rings, two that talk.
    bench.receive(TRUNK, &invite("q1").replace("call-1@", "call-queue@"));
    let queued = bench.incoming()[0].leg;
    bench.order(queued, LegOrder::Progress { code: 180, sdp: None });
    bench.receive(TRUNK, &invite("q2").replace("call-1@", "call-answer@"));
    let answered = bench.incoming()[0].leg;
    bench.order(answered, LegOrder::Accept { sdp: Bytes::from(SDP) });
    bench.sent();
    let (_, ringing) = bench.calling();
    bench.receive(TRUNK, &answer(&ringing, 180, "b1", ""));
    let (talking, _) = bench.connected();
    bench.order(talking, LegOrder::Offer { sdp: Bytes::from(SDP) });
    bench.facts();
    for _ in 0..5 {
        bench.endpoint.flow_failed(bench.now, flow(TRUNK), FlowFailure::Refused);
        bench.drain();
    }
    assert!(bench.facts().is_empty());
    assert_eq!(bench.endpoint.census().legs, 4);
}
