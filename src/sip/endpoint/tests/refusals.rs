//! What a request earns by what it says.

use super::*;
use crate::sip::endpoint::voice::ALLOWED;
use crate::sip::fact::ReferId;
use crate::sip::order::FirstReport;

fn code(bench: &mut Bench, text: &str) -> String {
    bench.receive(TRUNK, text);
    let sent = bench.only();
    sent.start().split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn each_defect_has_its_own_answer() {
    let contact = format!("{CONTACT}\r\n");
    let with = |extra: &str| request("INVITE", 1, "a1", "", &format!("{contact}{extra}\r\n"), SDP);
    let cases = [
        ("420", with("Require: 100rel, nothing")),
        ("406", with("Accept: text/nobodyKnowsThis")),
        ("422", with("Supported: timer\r\nSession-Expires: 30")),
        ("416", invite("a1").replace("INVITE sip:12345@10.0.0.1", "INVITE nobody:12345")),
        ("415", invite("a1").replace("application/sdp", "application/unknown")),
        ("415", with("Content-Encoding: gzip")),
        ("483", invite("a1").replace("Max-Forwards: 70", "Max-Forwards: 0")),
        ("501", invite("a1").replace("INVITE sip", "DANCE sip").replace("1 INVITE", "1 DANCE")),
        ("405", request("SUBSCRIBE", 1, "a1", "", "Event: presence\r\n", "")),
        ("489", request("NOTIFY", 1, "a1", "", "Event: presence\r\n", "")),
        ("405", request("MESSAGE", 1, "a1", "", "", "")),
        ("405", request("PUBLISH", 1, "a1", "", "", "")),
        ("405", request("REGISTER", 1, "a1", "", &contact, "")),
        ("603", request("REFER", 1, "a1", "", "Refer-To: <sip:0085212345@evil.example>\r\n", "")),
        ("481", request("BYE", 1, "a1", "", "", "")),
        ("481", inside("BYE", 1, "a1", "nobody", "")),
        ("481", request("CANCEL", 1, "a1", "", "", "")),
        ("400", invite("a1").replace("CSeq: 1 INVITE", "CSeq: 4294967296 INVITE")),
        ("200", request("OPTIONS", 1, "a1", "", "", "")),
        ("200", request("OPTIONS", 1, "a1", "", "", "").replace("Max-Forwards: 70", "Max-Forwards: 0")),
    ];
    for (expected, text) in cases {
        let mut bench = Bench::new();
        assert_eq!(code(&mut bench, &text), expected, "{text}");
        assert!(bench.incoming().is_empty());
        bench.assert_empty_in_the_end();
    }
}

#[test]
fn the_answers_say_what_would_be_right() {
    let mut bench = Bench::new();
    bench.receive(TRUNK, &request("INVITE", 1, "a1", "", "Require: 100rel, nothing\r\n", SDP));
    assert_eq!(bench.only().header("Unsupported"), "100rel, nothing");
    bench.receive(TRUNK, &invite("a2").replace("application/sdp", "application/unknown"));
    assert!(bench.only().header("Accept").contains("application/sdp"));
    bench.receive(TRUNK, &request("INVITE", 1, "a3", "", "Session-Expires: 30\r\n", SDP));
    assert_eq!(bench.only().header("Min-SE"), "90");
}

#[test]
fn allow_lists_exactly_what_is_handled() {
    let handled: Vec<&str> = ALLOWED.split(", ").collect();
    let all = [
        "INVITE",
        "ACK",
        "BYE",
        "CANCEL",
        "OPTIONS",
        "REGISTER",
        "PRACK",
        "UPDATE",
        "INFO",
        "REFER",
        "NOTIFY",
        "SUBSCRIBE",
        "MESSAGE",
        "PUBLISH",
    ];
    for method in all {
        let mut bench = Bench::with(refer::exchange());
        let (_, ok) = bench.talking();
        bench.receive(TRUNK, &inside(method, 2, "m1", ok.tag("To"), ""));
        let answers = bench.sent();
        let refused = answers
            .iter()
            .any(|one| ["405", "501", "603", "481"].iter().any(|code| one.is(&format!("SIP/2.0 {code}"))));
        // A CANCEL of nothing is 481 although CANCEL is handled.
        let handles = method == "CANCEL" || !refused;
        assert_eq!(handles, handled.contains(&method), "{method}: {answers:#?}");
        for answer in answers.iter().filter(|one| one.is("SIP/2.0 405")) {
            assert_eq!(answer.header("Allow"), ALLOWED);
        }
    }
    for named in &handled {
        assert!(all.contains(named));
    }
}

#[test]
fn t6_replaces_refer_and_notify_are_announced_wherever_it_matters() {
    let mut bench = Bench::with(refer::exchange());
    bench.receive(TRUNK, &request("OPTIONS", 1, "o1", "", "", "").replace("call-1@", "call-o@"));
    bench.receive(TRUNK, &invite("a1"));
    let leg = bench.incoming()[0].leg;
    bench.order(leg, LegOrder::Progress { code: 180, sdp: None });
    bench.order(leg, LegOrder::Accept { sdp: Bytes::from(SDP) });
    let tag = bench.sent.last().unwrap().tag("To").to_owned();
    bench.receive(TRUNK, &inside("ACK", 1, "a1-ack", &tag, ""));
    bench.order(leg, LegOrder::Offer { sdp: Bytes::from(SDP) });
    bench.receive(TRUNK, &refer::refer(2, &tag, refer::REFER_TO));
    let accept = LegOrder::AcceptRefer { refer: ReferId(2), first: FirstReport::Trying };
    bench.order(leg, accept);
    let before = bench.sent();
    let (_, invite) = bench.calling();
    let all: Vec<Sent> = before.into_iter().chain([invite]).filter(|one| !one.is("SIP/2.0 100 ")).collect();
    assert_eq!(all.len(), 7, "{all:#?}");
    for message in all {
        let allow: Vec<&str> = message.header("Allow").split(", ").collect();
        assert!(allow.contains(&"REFER") && allow.contains(&"NOTIFY"), "{}", message.text);
        assert!(message.header("Supported").split(", ").any(|option| option == "replaces"), "{}", message.text);
    }
}

#[test]
fn the_same_request_over_two_paths_is_482() {
    let mut bench = Bench::new();
    bench.receive(TRUNK, &invite("a1"));
    bench.sent();
    bench.receive(TRUNK, &invite("a2"));
    assert!(bench.only().is("SIP/2.0 482 "));
    assert_eq!(bench.incoming().len(), 1);
}

#[test]
fn a_call_of_ours_that_comes_back_is_482_at_once() {
    let mut bench = Bench::new();
    let (_, ours) = bench.calling();
    let by_call_id = invite("x1").replace("call-1@192.0.2.10", ours.header("Call-ID"));
    bench.receive(TRUNK, &by_call_id);
    assert!(bench.only().is("SIP/2.0 482 "));
    // A peer that makes a new Call-ID but keeps the Via.
    let via = format!("Via: {}\r\nMax-Forwards: 70", ours.header("Via"));
    bench.receive(TRUNK, &invite("x2").replace("Max-Forwards: 70", &via));
    assert!(bench.only().is("SIP/2.0 482 "));
    assert!(bench.incoming().is_empty());
}

#[test]
fn an_answer_without_state_is_the_same_for_a_repetition() {
    let mut bench = Bench::new();
    let text = request("INVITE", 1, "a1", "", "Require: nothing\r\n", SDP);
    bench.receive(TRUNK, &text);
    bench.receive(TRUNK, &text);
    let sent = bench.sent();
    assert_eq!(sent[0].text, sent[1].text);
    bench.receive(TRUNK, &request("ACK", 1, "a1", &format!(";tag={}", sent[0].tag("To")), "", ""));
    assert!(bench.sent().is_empty(), "I2");
}

#[test]
fn an_invite_in_the_form_of_rfc_2543_works() {
    let mut bench = Bench::new();
    let old = |text: String| {
        text.replace(";branch=z9hG4bKa1", "").replace(";tag=caller", "").replace("Max-Forwards: 70\r\n", "")
    };
    bench.receive(TRUNK, &old(invite("a1")));
    let leg = bench.incoming()[0].leg;
    bench.receive(TRUNK, &old(invite("a1")));
    assert!(bench.incoming().is_empty(), "a repetition");
    bench.order(leg, LegOrder::Accept { sdp: Bytes::from(SDP) });
    let ok = bench.sent().pop().unwrap();
    bench.receive(TRUNK, &old(inside("ACK", 1, "a1", ok.tag("To"), "")));
    assert_eq!(bench.facts(), [LegFact::Acked { sdp: None }]);
    bench.receive(TRUNK, &old(inside("BYE", 2, "a1", ok.tag("To"), "")));
    assert!(bench.only().is("SIP/2.0 200 "));
}

#[test]
fn a_notify_and_a_refer_outside_of_any_dialog_are_refused_and_leave_nothing() {
    let mut bench = Bench::with(refer::exchange());
    let cases = [
        ("NOTIFY", "Event: refer\r\n", "481"),
        ("NOTIFY", "Event: message-summary\r\n", "489"),
        ("NOTIFY", "", "489"),
        ("REFER", refer::REFER_TO, "603"),
        ("REFER", "Refer-To: <sip:110@h>\r\nRefer-Sub: false\r\n", "603"),
    ];
    for (index, (method, extra, code)) in cases.into_iter().enumerate() {
        let text = request(method, 1, &format!("o{index}"), "", extra, "");
        bench.receive(TRUNK, &text.replace("call-1@", &format!("call-{index}-o@")));
        let sent = bench.only();
        assert!(sent.is(&format!("SIP/2.0 {code} ")), "{method} {extra}: {}", sent.start());
        assert_eq!(sent.find("Allow-Events"), (code == "489").then_some("refer"));
    }
    assert!(bench.facts().is_empty());
    assert_eq!(bench.endpoint.census(), Census::default(), "no state for any of them");
}
