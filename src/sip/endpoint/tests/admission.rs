//! Who may talk to us, and how much.

use super::*;
use crate::sip::endpoint::admission::{Admission, Source};
use crate::sip::fact::Urgency;

#[test]
fn unknown_sources_meet_silence_whatever_they_send() {
    let mut bench = Bench::new();
    for text in
        [invite("a1"), request("OPTIONS", 1, "o1", "", "", ""), "garbage".into(), "SIP/2.0 200 OK\r\n\r\n".into()]
    {
        bench.receive(STRANGER, &text);
        assert!(bench.sent().is_empty());
        assert_eq!(bench.refusals(), ["unknown_source"]);
    }
    bench.assert_empty_in_the_end();
}

#[test]
fn sources_are_matched_by_network() {
    let mut settings = settings();
    settings.trunks.push(trunk("t3", "192.0.3.128/25"));
    settings.trunks.push(trunk("t6", "2001:db8::/32"));
    let admission = Admission::new(&settings);
    let cases = [
        ("192.0.2.1", Source::Trunk(TrunkId::from("t1"))),
        ("192.0.3.200", Source::Trunk(TrunkId::from("t3"))),
        ("::ffff:192.0.3.200", Source::Trunk(TrunkId::from("t3"))),
        ("2001:db8::1", Source::Trunk(TrunkId::from("t6"))),
        ("2001:db9::1", Source::Unknown),
        ("203.0.113.9", Source::Softphones),
        ("::ffff:203.0.113.9", Source::Softphones),
        ("::ffff:9.9.9.9", Source::Unknown),
        ("0.0.0.0", Source::Unknown),
        ("::", Source::Unknown),
    ];
    for (address, expected) in cases {
        assert_eq!(admission.source(address.parse().unwrap()), expected, "{address}");
    }
}

#[test]
fn requests_inside_a_dialog_from_another_source_change_nothing() {
    let mut bench = Bench::new();
    let (_, ok) = bench.talking();
    let tag = ok.tag("To").to_owned();
    for source in [OTHER_TRUNK, PHONE, STRANGER] {
        for method in ["BYE", "INVITE", "UPDATE", "INFO", "REFER", "OPTIONS"] {
            bench.receive(source, &inside(method, 9, &format!("f{method}{}", source.len()), &tag, ""));
            assert!(bench.sent().is_empty(), "{method} from {source}");
            assert!(!bench.refusals().is_empty());
        }
    }
    bench.receive(TRUNK, &inside("BYE", 2, "real", &tag, ""));
    assert!(bench.only().is("SIP/2.0 200 "), "the real peer's lower CSeq is untouched");
}

#[test]
fn a_cancel_or_ack_from_another_source_changes_nothing() {
    let mut bench = Bench::new();
    bench.receive(TRUNK, &invite("a1"));
    let leg = bench.incoming()[0].leg;
    bench.sent();
    for source in [OTHER_TRUNK, STRANGER] {
        bench.receive(source, &request("CANCEL", 1, "a1", "", "", ""));
        assert!(bench.sent().is_empty() && bench.facts().is_empty());
    }
    bench.order(leg, LegOrder::Accept { sdp: Bytes::from(SDP) });
    let ok = bench.sent().pop().unwrap();
    bench.receive(OTHER_TRUNK, &inside("ACK", 1, "a9", ok.tag("To"), ""));
    assert!(bench.facts().is_empty());
}

#[test]
fn a_response_from_a_host_that_was_not_asked_is_ignored() {
    let mut bench = Bench::new();
    let (_, invite) = bench.calling();
    bench.receive(OTHER_TRUNK, &answer(&invite, 200, "evil", SDP));
    assert!(bench.sent().is_empty() && bench.facts().is_empty());
    // Another host of the same trunk may answer.
    bench.receive("192.0.2.99:5060", &answer(&invite, 180, "b1", ""));
    assert_eq!(bench.facts(), [LegFact::Progress { code: 180, sdp: None }]);
}

#[test]
fn wrong_tags_and_call_ids_are_481() {
    let mut bench = Bench::new();
    let (_, ok) = bench.talking();
    let right = inside("BYE", 2, "w1", ok.tag("To"), "");
    let wrong = [
        right.replace(";tag=caller", ";tag=other").replace("bKw1", "bKw2"),
        right.replace("call-1@192.0.2.10", "call-2@192.0.2.10").replace("bKw1", "bKw3"),
        inside("BYE", 2, "w4", "0000000000000000", ""),
    ];
    for text in wrong {
        bench.receive(TRUNK, &text);
        assert!(bench.only().is("SIP/2.0 481 "));
        assert!(bench.facts().is_empty());
    }
}

#[test]
fn answers_go_to_the_source_host_only() {
    let mut bench = Bench::new();
    let options = request("OPTIONS", 1, "o1", "", "", "");
    let via = "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKo1";
    let cases = [
        ("Via: SIP/2.0/UDP 8.8.8.8:7777;maddr=9.9.9.9;branch=z9hG4bKo1", "192.0.2.10:7777"),
        ("Via: SIP/2.0/UDP 8.8.8.8:7777;rport;branch=z9hG4bKo1", "192.0.2.10:5062"),
        ("Via: SIP/2.0/UDP 8.8.8.8;branch=z9hG4bKo1", "192.0.2.10:5060"),
    ];
    for (forged, expected) in cases {
        bench.receive("192.0.2.10:5062", &options.replace(via, forged));
        let sent = bench.only();
        assert_eq!(sent.flow.remote.to_string(), expected);
        assert!(sent.header("Via").contains("received=192.0.2.10"));
    }
}

#[test]
fn whoever_has_not_proved_itself_gets_at_most_one_and_a_half_times_its_bytes() {
    let mut bench = Bench::new();
    for method in ["OPTIONS", "INVITE", "REGISTER", "MESSAGE", "SUBSCRIBE", "DANCE", "BYE", "REFER"] {
        let short = format!(
            "{method} sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:a>\r\n\
             Call-ID: 1\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
        );
        let long = request(method, 1, "q1", "", CONTACT, "");
        for text in [short, long] {
            bench.receive(PHONE, &text);
            bench.advance(Duration::from_secs(10));
            let answered: usize = bench.sent().iter().map(|one| one.text.len()).sum();
            assert!(answered * 2 <= text.len() * 3, "{method}: {answered} for {}", text.len());
        }
    }
    assert!(bench.incoming().is_empty());
    bench.assert_empty_in_the_end();
}

#[test]
fn a_trunk_that_floods_meets_503_without_state() {
    let mut bench = Bench::new();
    for number in 0..300 {
        let text = invite(&format!("f{number}")).replace("call-1@", &format!("call-{number}@"));
        bench.receive(TRUNK, &text);
    }
    assert_eq!(bench.incoming().len(), 200, "the burst");
    let refused: Vec<_> = bench.sent().into_iter().filter(|one| one.is("SIP/2.0 503 ")).collect();
    assert_eq!(refused.len(), 100);
    assert!(refused.iter().all(|one| one.header("Retry-After") == "5"));
    bench.advance(Duration::from_secs(1));
    bench.receive(TRUNK, &invite("later").replace("call-1@", "call-later@"));
    assert_eq!(bench.incoming().len(), 1);
    // Another trunk is not affected.
    bench.receive(OTHER_TRUNK, &invite("other").replace("call-1@", "call-other@"));
    assert_eq!(bench.incoming().len(), 1);
}

#[test]
fn refusals_that_are_never_acked_are_bounded_and_forgotten_after_timer_h() {
    let mut settings = settings();
    settings.limits.open_invites_per_peer = 50;
    let mut bench = Bench::with(settings);
    for number in 0..150 {
        bench.receive(TRUNK, &invite(&format!("f{number}")).replace("call-1@", &format!("call-{number}@")));
        for call in bench.incoming() {
            bench.order(call.leg, LegOrder::Reject { code: 404, cause: Default::default(), retry_after_s: None });
        }
    }
    assert_eq!(bench.endpoint.census().transactions, 50);
    bench.assert_empty_in_the_end();
    bench.receive(TRUNK, &invite("again").replace("call-1@", "call-again@"));
    assert_eq!(bench.incoming().len(), 1);
}

#[test]
fn no_timer_is_longer_than_a_day() {
    let mut bench = Bench::new();
    let extra = format!("{CONTACT}\r\nSupported: timer\r\nSession-Expires: 99999999999\r\n");
    bench.receive(TRUNK, &request("INVITE", 1, "a1", "", &extra, SDP));
    let leg = bench.incoming()[0].leg;
    bench.order(leg, LegOrder::Accept { sdp: Bytes::from(SDP) });
    let latest = bench.endpoint.census().latest_timer.unwrap();
    assert!(latest.since(bench.now) <= Duration::from_secs(86_400));
}

#[test]
fn a_telephone_with_a_short_register_is_still_challenged() {
    let mut bench = Bench::new();
    let register = "REGISTER sip:10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.5:40000;branch=z9hG4bKr1;rport\r\n\
        Max-Forwards: 70\r\nFrom: <sip:8001@10.0.0.1>;tag=1234abcd\r\nTo: <sip:8001@10.0.0.1>\r\n\
        Call-ID: 0123456789abcdef@203.0.113.5\r\nCSeq: 1 REGISTER\r\nContact: <sip:8001@203.0.113.5:40000>\r\n\
        Expires: 300\r\nContent-Length: 0\r\n\r\n";
    bench.receive(PHONE, register);
    let challenge = bench.only();
    assert!(challenge.is("SIP/2.0 401 ") && challenge.header("WWW-Authenticate").contains("algorithm=MD5"));
    assert!(challenge.text.len() * 2 <= register.len() * 3);
}

#[test]
fn a_host_that_serves_two_trunks_may_speak_on_the_calls_of_both() {
    let mut settings = settings();
    settings.trunks.push(trunk("t3", "192.0.2.10/32"));
    let mut bench = Bench::with(settings);
    // The address alone says t3, the call went out by t1, whose networks hold it as well.
    let (_, invite) = bench.connected();
    bench.receive(TRUNK, &from_callee(&invite, "BYE", 1, "z1", "b1", ""));
    assert!(bench.only().is("SIP/2.0 200 "));
    assert!(matches!(&bench.facts()[..], [LegFact::HungUp { .. }]));
}

#[test]
fn an_invite_that_was_refused_for_overload_stays_refused_when_it_is_repeated() {
    let mut bench = Bench::new();
    for number in 0..201 {
        let text = invite(&format!("f{number}")).replace("call-1@", &format!("call-{number}@"));
        bench.receive(TRUNK, &text);
    }
    let last = invite("f200").replace("call-1@", "call-200@");
    assert_eq!(bench.incoming().len(), 200);
    bench.sent();
    bench.advance(Duration::from_millis(400));
    bench.sent();
    bench.receive(TRUNK, &last);
    assert!(bench.only().is("SIP/2.0 503 "), "though there is room again");
    assert!(bench.incoming().is_empty(), "I1: no ghost call");
}

#[test]
fn an_emergency_passes_when_the_trunk_has_used_up_its_allowance() {
    let mut settings = settings();
    settings.urgent.numbers = vec!["110".to_owned()];
    let mut bench = Bench::with(settings);
    let call = |number: usize, called: &str| {
        let text = invite(&format!("f{number}")).replace("call-1@", &format!("call-{number}@"));
        text.replacen("INVITE sip:12345@", &format!("INVITE sip:{called}@"), 1)
    };
    for number in 0..300 {
        bench.receive(TRUNK, &call(number, "12345"));
    }
    assert_eq!(bench.incoming().len(), 180, "the burst, less the share of emergencies");
    for number in 300..400 {
        bench.receive(TRUNK, &call(number, "110"));
    }
    assert_eq!(bench.incoming().len(), 20);
}

#[test]
fn resource_priority_is_honoured_from_trusted_trunks_with_that_namespace_only() {
    let mut settings = settings();
    settings.urgent.resource_priority.insert(TrunkId::from("t1"), "esnet.0".to_owned());
    let cases = [
        (TRUNK, "esnet.0", Urgency::Urgent),
        (TRUNK, "wps.1, ESNET.3", Urgency::Urgent),
        (TRUNK, "wps.1", Urgency::Ordinary),
        (TRUNK, "esnetx.1", Urgency::Ordinary),
    ];
    for (from, value, expected) in cases {
        let mut bench = Bench::with(settings.clone());
        let text = invite("r1").replacen("Max-Forwards", &format!("Resource-Priority: {value}\r\nMax-Forwards"), 1);
        bench.receive(from, &text);
        let urgency = bench.incoming().into_iter().map(|invite| invite.urgency).next();
        assert_eq!(urgency, Some(expected), "{value}");
    }
}

#[test]
fn a_trunks_other_requests_are_bounded_too() {
    let (mut admission, now) = (Admission::new(&settings()), Instant::START);
    let peer = Peer::Trunk(TrunkId::from("t1"));
    assert_eq!((0..12_000).filter(|_| admission.take_request(now, &peer)).count(), 10_000);
    let later = now + Duration::from_secs(1);
    assert_eq!((0..12_000).filter(|_| admission.take_request(later, &peer)).count(), 2_000);
}
