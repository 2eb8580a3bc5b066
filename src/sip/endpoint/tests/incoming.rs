//! Calls that come in.

use super::*;
use crate::sip::fact::{Cause, Loss};

#[test]
fn a_call_is_answered_100_at_once_then_rings_then_talks_then_ends() {
    let mut bench = Bench::new();
    bench.receive(TRUNK, &invite("a1"));
    let trying = bench.only();
    assert!(trying.is("SIP/2.0 100 "));
    let call = bench.incoming().pop().unwrap();
    assert_eq!((call.peer, call.max_forwards), (Peer::Trunk(TrunkId::from("t1")), 69));
    assert_eq!(call.offer, Some(Bytes::from(SDP)));
    bench.order(call.leg, LegOrder::Progress { code: 180, sdp: None });
    let ringing = bench.only();
    assert!(ringing.is("SIP/2.0 180 ") && ringing.tag("To").len() >= 16);
    bench.order(call.leg, LegOrder::Accept { sdp: Bytes::from(SDP) });
    let ok = bench.only();
    assert!(ok.is("SIP/2.0 200 ") && ok.body() == SDP);
    assert_eq!(ok.tag("To"), ringing.tag("To"));
    assert!(ok.find("Contact").is_some() && ok.find("Allow").is_some());
    bench.receive(TRUNK, &inside("ACK", 1, "a2", ok.tag("To"), ""));
    assert_eq!(bench.facts(), [LegFact::Acked { sdp: None }]);
    bench.receive(TRUNK, &inside("BYE", 2, "a3", ok.tag("To"), ""));
    assert!(bench.only().is("SIP/2.0 200 "));
    assert_eq!(bench.facts(), [LegFact::HungUp { cause: Cause::default() }]);
    bench.assert_empty_in_the_end();
}

#[test]
fn a_repeated_invite_gets_the_last_response_and_no_second_call() {
    let mut bench = Bench::new();
    bench.receive(TRUNK, &invite("a1"));
    let leg = bench.incoming()[0].leg;
    bench.order(leg, LegOrder::Progress { code: 180, sdp: None });
    bench.sent();
    bench.receive(TRUNK, &invite("a1"));
    assert!(bench.only().is("SIP/2.0 180 "));
    assert!(bench.incoming().is_empty());
    // RFC 6026 8.7: once accepted, the dialog repeats the 2xx, not the transaction.
    bench.order(leg, LegOrder::Accept { sdp: Bytes::from(SDP) });
    bench.sent();
    bench.receive(TRUNK, &invite("a1"));
    assert!(bench.sent().is_empty());
}

#[test]
fn a_2xx_is_repeated_until_its_ack_and_without_one_the_leg_is_lost() {
    let mut bench = Bench::new();
    bench.receive(TRUNK, &invite("a1"));
    let leg = bench.incoming()[0].leg;
    bench.sent();
    bench.order(leg, LegOrder::Accept { sdp: Bytes::from(SDP) });
    bench.advance(Duration::from_secs(31));
    let sent = bench.sent();
    assert!(sent.iter().all(|one| one.is("SIP/2.0 200 ")));
    assert_eq!(seconds(&sent), [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5]);
    assert!(bench.facts().is_empty());
    bench.advance(Duration::from_secs(2));
    assert_eq!(bench.facts(), [LegFact::Lost { loss: Loss::NoAck }]);
    assert!(bench.sent().iter().any(|one| one.is("BYE ")));
    bench.assert_empty_in_the_end();
}

#[test]
fn cancel_gets_200_and_the_invite_487() {
    let mut bench = Bench::new();
    bench.receive(TRUNK, &invite("a1"));
    bench.sent();
    bench.incoming();
    let cancel = request("CANCEL", 1, "a1", "", "Reason: SIP;cause=200\r\n", "");
    bench.receive(TRUNK, &cancel);
    let sent = bench.sent();
    assert!(sent[0].is("SIP/2.0 200 ") && sent[0].header("CSeq") == "1 CANCEL");
    assert!(sent[1].is("SIP/2.0 487 ") && sent[1].header("CSeq") == "1 INVITE");
    assert_eq!(sent[0].tag("To"), sent[1].tag("To"));
    assert_eq!(bench.facts(), [LegFact::HungUp { cause: Cause { sip: Some(200), q850: None } }]);
    bench.receive(TRUNK, &request("ACK", 1, "a1", &format!(";tag={}", sent[1].tag("To")), "", ""));
    bench.advance(Duration::from_secs(4));
    assert!(bench.sent().is_empty(), "the ACK stops the repetition and is not answered");
    bench.assert_empty_in_the_end();
}

#[test]
fn a_refusal_is_repeated_until_its_ack_then_the_leg_is_released() {
    let mut bench = Bench::new();
    bench.receive(TRUNK, &invite("a1"));
    let leg = bench.incoming()[0].leg;
    bench.sent();
    let cause = Cause { sip: None, q850: Some(17) };
    bench.order(leg, LegOrder::Reject { code: 486, cause, retry_after_s: None });
    bench.advance(Duration::from_secs(2));
    let sent = bench.sent();
    assert_eq!(seconds(&sent), [0.0, 0.5, 1.5]);
    assert_eq!(sent[0].header("Reason"), "Q.850;cause=17");
    assert!(bench.facts().is_empty());
    bench.receive(TRUNK, &request("ACK", 1, "a1", &format!(";tag={}", sent[0].tag("To")), "", ""));
    assert_eq!(bench.facts(), [LegFact::Released]);
    bench.assert_empty_in_the_end();
}

#[test]
fn a_refusal_that_is_never_acked_ends_with_timer_h() {
    let mut bench = Bench::new();
    bench.receive(TRUNK, &invite("a1"));
    let leg = bench.incoming()[0].leg;
    bench.order(leg, LegOrder::Reject { code: 486, cause: Cause::default(), retry_after_s: Some(3) });
    assert_eq!(bench.sent().last().unwrap().header("Retry-After"), "3");
    bench.advance(Duration::from_secs(33));
    assert_eq!(bench.facts(), [LegFact::Released]);
    bench.assert_empty_in_the_end();
}

#[test]
fn a_provisional_response_is_repeated_each_minute() {
    let mut bench = Bench::new();
    bench.receive(TRUNK, &invite("a1"));
    let leg = bench.incoming()[0].leg;
    bench.sent();
    bench.order(leg, LegOrder::Progress { code: 182, sdp: None });
    bench.advance(Duration::from_secs(150));
    assert_eq!(seconds(&bench.sent()), [0.0, 60.0, 120.0]);
}

#[test]
fn bye_before_the_final_response_ends_the_invite_with_487() {
    let mut bench = Bench::new();
    bench.receive(TRUNK, &invite("a1"));
    let leg = bench.incoming()[0].leg;
    bench.order(leg, LegOrder::Progress { code: 180, sdp: None });
    let ringing = bench.sent().pop().unwrap();
    bench.receive(TRUNK, &inside("BYE", 2, "a2", ringing.tag("To"), ""));
    let sent = bench.sent();
    assert!(sent[0].is("SIP/2.0 200 ") && sent[1].is("SIP/2.0 487 "));
    assert_eq!(bench.facts(), [LegFact::HungUp { cause: Cause::default() }]);
}

#[test]
fn our_bye_waits_for_the_ack_of_our_2xx() {
    let mut bench = Bench::new();
    bench.receive(TRUNK, &invite("a1"));
    let leg = bench.incoming()[0].leg;
    bench.order(leg, LegOrder::Accept { sdp: Bytes::from(SDP) });
    let ok = bench.sent().pop().unwrap();
    bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
    assert!(bench.sent().is_empty(), "RFC 3261 15: no BYE before the ACK");
    bench.receive(TRUNK, &inside("ACK", 1, "a2", ok.tag("To"), ""));
    let bye = bench.only();
    assert!(bye.is("BYE sip:caller@192.0.2.10"));
    bench.receive(TRUNK, &answer(&bye, 200, "", ""));
    assert_eq!(bench.facts(), [LegFact::Released]);
    bench.assert_empty_in_the_end();
}

#[test]
fn crossing_byes_are_both_answered_and_a_late_one_gets_481() {
    let mut bench = Bench::new();
    let (leg, ok) = bench.talking();
    bench.order(leg, LegOrder::HangUp { cause: Cause { sip: None, q850: Some(16) } });
    let bye = bench.only();
    assert_eq!(bye.header("Reason"), "Q.850;cause=16");
    bench.receive(TRUNK, &inside("BYE", 2, "x1", ok.tag("To"), ""));
    assert!(bench.only().is("SIP/2.0 200 "));
    bench.receive(TRUNK, &answer(&bye, 481, "", ""));
    assert_eq!(bench.facts(), [LegFact::Released]);
    bench.advance(Duration::from_secs(20));
    bench.receive(TRUNK, &inside("BYE", 3, "x2", ok.tag("To"), ""));
    assert!(bench.only().is("SIP/2.0 481 "));
    bench.assert_empty_in_the_end();
}

#[test]
fn our_bye_follows_the_route_set_of_the_invite() {
    let mut bench = Bench::new();
    let routes = "Record-Route: <sip:192.0.2.20:5070;lr>, <sip:192.0.2.30;lr>\r\n";
    bench.receive(TRUNK, &request("INVITE", 1, "a1", "", &format!("{routes}{CONTACT}\r\n"), SDP));
    let leg = bench.incoming()[0].leg;
    bench.order(leg, LegOrder::Accept { sdp: Bytes::from(SDP) });
    let ok = bench.sent().pop().unwrap();
    assert!(ok.find("Record-Route").is_some());
    bench.receive(TRUNK, &inside("ACK", 1, "a2", ok.tag("To"), ""));
    bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
    let bye = bench.only();
    assert!(bye.is("BYE sip:caller@192.0.2.10 SIP/2.0"));
    assert_eq!(bye.flow.remote.to_string(), "192.0.2.20:5070");
    let routes: Vec<_> = bye.text.lines().filter(|line| line.starts_with("Route:")).collect();
    assert_eq!(routes, ["Route: <sip:192.0.2.20:5070;lr>", "Route: <sip:192.0.2.30;lr>"]);
}

#[test]
fn a_strict_router_stands_in_the_request_uri() {
    let mut bench = Bench::new();
    let routes = "Record-Route: <sip:192.0.2.20>\r\n";
    bench.receive(TRUNK, &request("INVITE", 1, "a1", "", &format!("{routes}{CONTACT}\r\n"), SDP));
    let leg = bench.incoming()[0].leg;
    bench.order(leg, LegOrder::Accept { sdp: Bytes::from(SDP) });
    let ok = bench.sent().pop().unwrap();
    bench.receive(TRUNK, &inside("ACK", 1, "a2", ok.tag("To"), ""));
    bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
    let bye = bench.only();
    assert!(bye.is("BYE sip:192.0.2.20 SIP/2.0"), "{}", bye.text);
    assert_eq!(bye.header("Route"), "<sip:caller@192.0.2.10>");
}

#[test]
fn a_delayed_offer_goes_out_in_the_2xx_and_its_answer_comes_in_the_ack() {
    let mut bench = Bench::new();
    bench.receive(TRUNK, &request("INVITE", 1, "a1", "", &format!("{CONTACT}\r\n"), ""));
    let call = bench.incoming().pop().unwrap();
    assert_eq!(call.offer, None);
    bench.order(call.leg, LegOrder::Accept { sdp: Bytes::from(SDP) });
    let ok = bench.sent().pop().unwrap();
    bench.receive(TRUNK, &inside("ACK", 1, "a2", ok.tag("To"), SDP));
    assert_eq!(bench.facts(), [LegFact::Acked { sdp: Some(Bytes::from(SDP)) }]);
}

#[test]
fn our_requests_keep_the_link_of_a_peer_that_is_known_by_a_link_local_address() {
    use std::net::{SocketAddr, SocketAddrV6};
    let on = |port, link| SocketAddr::V6(SocketAddrV6::new("fe80::7".parse().unwrap(), port, 0, link));
    let mut bench = Bench::with(Settings { trunks: vec![trunk("t6", "fe80::/10")], ..settings() });
    let there = Flow { local: "[::]:5060".parse().unwrap(), remote: on(5060, 4), ..flow(TRUNK) };
    let invite = invite("a1").replace("@192.0.2.10>", "@[fe80::7]>").replace("UDP 192.0.2.10", "UDP [fe80::7]");
    bench.receive_over(there, &invite);
    let leg = bench.incoming()[0].leg;
    bench.order(leg, LegOrder::Accept { sdp: Bytes::from(SDP) });
    let ok = bench.sent().pop().unwrap();
    assert_eq!(ok.flow.remote, on(5060, 4));
    bench.receive_over(there, &inside("ACK", 1, "a1-ack", ok.tag("To"), "").replace("@192.0.2.10>", "@[fe80::7]>"));
    bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
    let bye = bench.only();
    assert!(bye.is("BYE "), "{}", bye.text);
    assert_eq!(bye.flow.remote, on(5060, 4), "the Contact says which host, the flow which link");
}
