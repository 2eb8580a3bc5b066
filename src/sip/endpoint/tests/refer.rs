//! REFER inside a dialog, and the reports on it.

use super::*;
use crate::sip::fact::{Cause, Last, Loss, Notified, Refer, ReferId, ReferTarget, Reports};
use crate::sip::order::FirstReport;

/// A trunk that may refer.
pub(super) fn exchange() -> Settings {
    let mut settings = settings();
    for trunk in &mut settings.trunks {
        trunk.transfers = Transfers::Taken;
    }
    settings
}

pub(super) const REFER_TO: &str = "Refer-To: <sip:110@10.0.0.1>\r\n";

/// A REFER of the trunk inside the dialog of [`invite`].
pub(super) fn refer(number: u32, to_tag: &str, extra: &str) -> String {
    let branch = format!("r{number}");
    request("REFER", number, &branch, &format!(";tag={to_tag}"), &format!("{CONTACT}\r\n{extra}"), "")
}

impl Bench {
    /// A dialog whose REFER has been accepted. Gives the leg, our 200 and the first NOTIFY, not answered yet.
    fn referring(&mut self) -> (LegId, Sent, Sent) {
        let (leg, ok) = self.talking();
        self.receive(TRUNK, &refer(2, ok.tag("To"), REFER_TO));
        self.facts();
        self.order(leg, LegOrder::AcceptRefer { refer: ReferId(2), first: FirstReport::Trying });
        let sent = self.sent();
        assert!(sent[0].is("SIP/2.0 202 ") && sent[1].is("NOTIFY "), "{sent:#?}");
        (leg, ok, sent[1].clone())
    }

    fn notify(&mut self, leg: LegId, status: u16, last: Last) {
        self.order(leg, LegOrder::Notify { refer: ReferId(2), status, last });
    }
}

fn told(last: Last, result: Notified) -> LegFact {
    LegFact::NotifyAnswered { refer: ReferId(2), last, result }
}

#[test]
fn a_refer_is_told_accepted_with_202_and_reported_on_until_it_is_settled() {
    let mut bench = Bench::with(exchange());
    let (leg, ok) = bench.talking();
    let by = "Referred-By: <sip:8001@192.0.2.10>\r\n";
    bench.receive(TRUNK, &refer(2, ok.tag("To"), &format!("{REFER_TO}{by}")));
    assert!(bench.sent().is_empty(), "the call decides");
    let facts = bench.facts();
    let [LegFact::Referred(told_refer)] = &facts[..] else { panic!("{facts:?}") };
    let Refer { id, target, request, reports } = (**told_refer).clone();
    assert_eq!((id, reports), (ReferId(2), Reports::Wanted));
    assert!(matches!(target, ReferTarget::Uri(uri) if uri.to_bytes() == "sip:110@10.0.0.1"));
    assert_eq!(request.headers.referred_by().unwrap().uri.to_bytes(), "sip:8001@192.0.2.10");
    // A repetition while the call thinks is swallowed.
    bench.receive(TRUNK, &refer(2, ok.tag("To"), REFER_TO));
    assert!(bench.sent().is_empty() && bench.facts().is_empty());

    bench.order(leg, LegOrder::AcceptRefer { refer: ReferId(2), first: FirstReport::Trying });
    let sent = bench.sent();
    assert!(sent[0].is("SIP/2.0 202 ") && sent.len() == 2, "T3: the 202 first: {sent:#?}");
    let first = &sent[1];
    assert!(first.is("NOTIFY sip:caller@192.0.2.10 "));
    assert_eq!(first.header("Event"), "refer");
    assert_eq!(first.header("Subscription-State"), "active;expires=3600");
    assert_eq!((first.header("Content-Type"), first.body()), ("message/sipfrag;version=2.0", "SIP/2.0 100 Trying\r\n"));
    bench.receive(TRUNK, &answer(first, 200, "", ""));
    assert_eq!(bench.facts(), [told(Last::No, Notified::Answered(200))]);

    bench.advance(Duration::from_secs(4));
    bench.notify(leg, 180, Last::No);
    let ringing = bench.only();
    assert_eq!(ringing.header("Subscription-State"), "active;expires=3596");
    assert_eq!(ringing.body(), "SIP/2.0 180 Ringing\r\n");
    bench.receive(TRUNK, &answer(&ringing, 200, "", ""));
    bench.facts();
    bench.notify(leg, 200, Last::Yes);
    let last = bench.only();
    assert_eq!(
        (last.header("Subscription-State"), last.body()),
        ("terminated;reason=noresource", "SIP/2.0 200 OK\r\n")
    );
    bench.receive(TRUNK, &answer(&last, 200, "", ""));
    assert_eq!(bench.facts(), [told(Last::Yes, Notified::Answered(200))]);
    bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
    let bye = bench.only();
    assert!(bye.is("BYE "), "nothing is said twice: {bye:#?}");
    bench.receive(TRUNK, &answer(&bye, 200, "", ""));
    bench.assert_empty_in_the_end();
}

#[test]
fn t2_one_notify_is_on_its_way_newer_progress_replaces_older_and_the_last_waits_at_most_a_second() {
    let mut bench = Bench::with(exchange());
    let (leg, _, _) = bench.referring();
    bench.notify(leg, 180, Last::No);
    bench.notify(leg, 183, Last::No);
    assert!(bench.sent().is_empty(), "100 is not answered yet");
    bench.notify(leg, 603, Last::Yes);
    bench.advance(Duration::from_millis(999));
    assert!(bench.sent().iter().all(|one| one.body() == "SIP/2.0 100 Trying\r\n"), "only repetitions");
    bench.advance(Duration::from_millis(1));
    let last = bench.only();
    assert_eq!(
        (last.body(), last.header("Subscription-State")),
        ("SIP/2.0 603 Decline\r\n", "terminated;reason=noresource")
    );
    bench.receive(TRUNK, &answer(&last, 200, "", ""));
    assert_eq!(bench.facts(), [told(Last::Yes, Notified::Answered(200))]);

    // Answered in time, the newest progress goes out alone.
    let mut bench = Bench::with(exchange());
    let (leg, _, first) = bench.referring();
    bench.notify(leg, 180, Last::No);
    bench.notify(leg, 183, Last::No);
    bench.receive(TRUNK, &answer(&first, 200, "", ""));
    assert_eq!(bench.only().body(), "SIP/2.0 183 Session Progress\r\n");
}

#[test]
fn the_fate_of_the_last_notify_is_told_whatever_it_is() {
    for (code, result) in [
        (Some(481), Notified::Answered(481)),
        (Some(401), Notified::Answered(401)),
        (None, Notified::Lost(Loss::Timeout)),
    ] {
        let mut bench = Bench::with(exchange());
        let (leg, ok, first) = bench.referring();
        bench.receive(TRUNK, &answer(&first, 200, "", ""));
        bench.notify(leg, 486, Last::Yes);
        let last = bench.only();
        bench.facts();
        match code {
            Some(code) => bench.receive(TRUNK, &answer(&last, code, "", "")),
            None => bench.advance(Duration::from_secs(33)),
        }
        assert_eq!(bench.facts(), [told(Last::Yes, result)], "and the leg goes on (RFC 5057)");
        bench.sent();
        bench.receive(TRUNK, &inside("BYE", 3, "bye", ok.tag("To"), ""));
        assert!(bench.only().is("SIP/2.0 200 "));
        bench.assert_empty_in_the_end();
    }
}

#[test]
fn a_481_to_progress_ends_the_reports_and_not_the_leg() {
    let mut bench = Bench::with(exchange());
    let (leg, _, first) = bench.referring();
    bench.receive(TRUNK, &answer(&first, 481, "", ""));
    assert_eq!(bench.facts(), [told(Last::No, Notified::Answered(481))]);
    bench.notify(leg, 180, Last::No);
    bench.notify(leg, 200, Last::Yes);
    assert!(bench.sent().is_empty());
    assert_eq!(bench.facts(), [told(Last::Yes, Notified::Moot)]);
    // With the last one waiting, the 481 is its answer too.
    let mut bench = Bench::with(exchange());
    let (leg, _, first) = bench.referring();
    bench.notify(leg, 200, Last::Yes);
    bench.receive(TRUNK, &answer(&first, 481, "", ""));
    assert_eq!(bench.facts(), [told(Last::Yes, Notified::Answered(481))]);
    assert!(bench.sent().is_empty());
}

#[test]
fn a_transferor_that_wants_no_reports_gets_none() {
    let mut bench = Bench::with(exchange());
    let (leg, ok) = bench.talking();
    let extra = format!("{REFER_TO}Refer-Sub: false\r\nSupported: norefersub\r\n");
    bench.receive(TRUNK, &refer(2, ok.tag("To"), &extra));
    assert!(matches!(&bench.facts()[..], [LegFact::Referred(refer)] if refer.reports == Reports::Declined));
    bench.order(leg, LegOrder::AcceptRefer { refer: ReferId(2), first: FirstReport::Trying });
    let accepted = bench.only();
    assert_eq!((accepted.start(), accepted.header("Refer-Sub")), ("SIP/2.0 202 Accepted", "false"));
    bench.notify(leg, 180, Last::No);
    bench.receive(TRUNK, &refer(3, ok.tag("To"), REFER_TO));
    assert!(bench.only().is("SIP/2.0 491 "), "it is under way all the same");
    bench.notify(leg, 200, Last::Yes);
    assert!(bench.sent().is_empty());
    assert_eq!(bench.facts(), [told(Last::Yes, Notified::Moot)]);
}

#[test]
fn a_telephone_that_wants_its_200_at_once_gets_it_and_nothing_else() {
    let mut bench = Bench::with(exchange());
    let (leg, ok) = bench.talking();
    bench.receive(TRUNK, &refer(2, ok.tag("To"), REFER_TO));
    bench.facts();
    bench.order(leg, LegOrder::AcceptRefer { refer: ReferId(2), first: FirstReport::SettledAtOnce });
    let sent = bench.sent();
    assert!(sent[0].is("SIP/2.0 202 "));
    assert_eq!(sent[1].body(), "SIP/2.0 200 OK\r\n");
    assert_eq!(sent[1].header("Subscription-State"), "terminated;reason=noresource");
    bench.receive(TRUNK, &answer(&sent[1], 481, "", ""));
    assert!(bench.facts().is_empty(), "the leg stays");
    bench.notify(leg, 180, Last::No);
    bench.notify(leg, 486, Last::Yes);
    assert_eq!((bench.sent().len(), bench.facts()), (0, vec![told(Last::Yes, Notified::Moot)]));
}

#[test]
fn t13_a_second_refer_while_one_is_open_is_491_and_a_later_one_has_an_event_of_its_own() {
    let mut bench = Bench::with(exchange());
    let (leg, ok, first) = bench.referring();
    bench.receive(TRUNK, &answer(&first, 200, "", ""));
    bench.receive(TRUNK, &refer(3, ok.tag("To"), REFER_TO));
    assert!(bench.only().is("SIP/2.0 491 "));
    bench.notify(leg, 486, Last::Yes);
    bench.sent();
    bench.facts();
    // It tries again at once: it has heard the last word, although it has not answered it.
    bench.receive(TRUNK, &refer(4, ok.tag("To"), REFER_TO));
    let facts = bench.facts();
    assert!(matches!(&facts[..], [LegFact::NotifyAnswered { last: Last::Yes, .. }, LegFact::Referred(_)]), "{facts:?}");
    bench.order(leg, LegOrder::AcceptRefer { refer: ReferId(4), first: FirstReport::Trying });
    assert_eq!(bench.sent()[1].header("Event"), "refer;id=4");
}

#[test]
fn t7_t45_a_refer_of_a_carrier_is_declined_and_counted() {
    let mut bench = Bench::new();
    let (_, ok) = bench.talking();
    bench.receive(TRUNK, &refer(2, ok.tag("To"), REFER_TO));
    assert!(bench.only().is("SIP/2.0 603 "));
    assert_eq!(bench.refusals(), ["refer_refused"]);
    bench.receive(TRUNK, &inside("BYE", 3, "bye", ok.tag("To"), ""));
    assert_eq!(bench.facts(), [LegFact::HungUp { cause: Cause::default() }], "the call is unchanged");
}

#[test]
fn v20_v21_v23_a_refer_that_is_malformed_smuggles_or_belongs_to_nobody_moves_nothing() {
    let long = |length| format!("Refer-To: <sip:{}@h>\r\n", "1".repeat(length));
    let (long, huge) = (long(3_000), long(60_000));
    let cases = [
        ("400", ""),
        ("400", "Refer-To: <sip:110@h>\r\nRefer-To: <sip:119@h>\r\n"),
        ("400", "Refer-To: <sip:110@h>, <sip:119@h>\r\n"),
        ("400", "Refer-To: 110\r\n"),
        ("400", &long),
        ("513", &huge),
        ("403", "Refer-To: <sip:110@h?P-Asserted-Identity=%3Csip%3A1%40h%3E>\r\n"),
        ("403", "Refer-To: <sip:110@h?Replaces=1%3Bto-tag%3Da%3Bfrom-tag%3Db&Route=%3Csip%3Aevil%3E>\r\n"),
        ("403", "Refer-To: <sip:110@h;method=BYE>\r\n"),
        ("403", "Refer-To: <http://evil.example/>\r\n"),
        ("420", "Refer-To: <sip:110@h>\r\nRequire: multiple-refer\r\n"),
    ];
    for (expected, extra) in cases {
        let mut bench = Bench::with(exchange());
        let (_, ok) = bench.talking();
        bench.receive(TRUNK, &refer(2, ok.tag("To"), extra));
        let sent = bench.only();
        assert!(sent.is(&format!("SIP/2.0 {expected} ")), "{extra:.80}: {}", sent.start());
        assert!(!bench.events.iter().any(|event| matches!(event, Event::Leg { .. })), "{extra:.80}");
    }
    let mut bench = Bench::with(exchange());
    let (_, ok) = bench.talking();
    let tag = ok.tag("To").to_owned();
    let good = refer(2, &tag, REFER_TO);
    bench.receive(TRUNK, &good.replace("call-1@", "call-2@"));
    assert!(bench.only().is("SIP/2.0 481 "), "T33: somebody else's Call-ID");
    bench.receive(TRUNK, &good.replace(";tag=caller", ";tag=other").replace("z9hG4bKr2", "z9hG4bKr3"));
    assert!(bench.only().is("SIP/2.0 481 "), "V23: a wrong tag");
    bench.receive(TRUNK, &good.replace("CSeq: 2", "CSeq: 1").replace("z9hG4bKr2", "z9hG4bKr4"));
    assert!(bench.only().is("SIP/2.0 500 "), "V23: a lower CSeq");
    bench.receive(OTHER_TRUNK, &good.replace("z9hG4bKr2", "z9hG4bKr5"));
    assert!(bench.sent().is_empty(), "V47: the right dialog from the wrong trunk");
    bench.receive(TRUNK, &request("REFER", 1, "r6", "", REFER_TO, "").replace("call-1@", "call-3@"));
    assert!(bench.only().is("SIP/2.0 603 "), "V20: no dialog, nobody to move");
    assert!(bench.facts().is_empty());
}

#[test]
fn the_transferors_bye_ends_the_reports_without_a_word() {
    for accepted in [false, true] {
        let mut bench = Bench::with(exchange());
        let (leg, ok) = bench.talking();
        bench.receive(TRUNK, &refer(2, ok.tag("To"), REFER_TO));
        bench.facts();
        if accepted {
            bench.order(leg, LegOrder::AcceptRefer { refer: ReferId(2), first: FirstReport::Trying });
            bench.notify(leg, 180, Last::No);
            bench.sent();
        }
        bench.receive(TRUNK, &inside("BYE", 3, "bye", ok.tag("To"), ""));
        let sent = bench.sent();
        assert!(sent[0].is("SIP/2.0 200 "), "{sent:#?}");
        // T1: a BYE that is faster than the 202 ends the REFER too (RFC 3261 15.1.2).
        assert_eq!(sent.get(1).map(|one| one.is("SIP/2.0 487 ")), (!accepted).then_some(true), "{sent:#?}");
        assert_eq!(bench.facts(), [LegFact::HungUp { cause: Cause::default() }]);
        bench.order(leg, LegOrder::Notify { refer: ReferId(2), status: 200, last: Last::Yes });
        bench.advance(Duration::from_secs(2));
        assert!(bench.sent().iter().all(|one| one.body() == "SIP/2.0 100 Trying\r\n"), "repetitions at most");
        bench.assert_empty_in_the_end();
    }
}

#[test]
fn i41_our_bye_is_preceded_by_a_last_report() {
    for (ordered, body) in [(None, "SIP/2.0 487 Request Terminated\r\n"), (Some(200), "SIP/2.0 200 OK\r\n")] {
        let mut bench = Bench::with(exchange());
        let (leg, _, _) = bench.referring();
        if let Some(status) = ordered {
            bench.notify(leg, status, Last::Yes);
        }
        bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
        let sent = bench.sent();
        assert!(sent[0].is("NOTIFY ") && sent[1].is("BYE ") && sent.len() == 2, "{sent:#?}");
        assert_eq!((sent[0].body(), sent[0].header("Subscription-State")), (body, "terminated;reason=noresource"));
        bench.receive(TRUNK, &answer(&sent[0], 481, "", ""));
        bench.receive(TRUNK, &answer(&sent[1], 200, "", ""));
        assert_eq!(bench.facts(), [LegFact::Released]);
        bench.assert_empty_in_the_end();
    }
}

#[test]
fn a_refer_without_a_decision_or_an_end_is_ended() {
    let mut bench = Bench::with(exchange());
    let (leg, ok) = bench.talking();
    bench.receive(TRUNK, &refer(2, ok.tag("To"), REFER_TO));
    bench.facts();
    bench.advance(Duration::from_secs(10));
    assert!(bench.only().is("SIP/2.0 500 "));
    bench.order(leg, LegOrder::AcceptRefer { refer: ReferId(2), first: FirstReport::Trying });
    assert!(bench.sent().is_empty(), "too late");

    let (leg, _, first) = {
        let mut other = Bench::with(exchange());
        let found = other.referring();
        bench = other;
        found
    };
    bench.receive(TRUNK, &answer(&first, 200, "", ""));
    bench.advance(Duration::from_secs(3_600));
    let sent = bench.sent();
    assert_eq!(sent[0].header("Subscription-State"), "terminated;reason=timeout");
    bench.receive(TRUNK, &answer(&sent[0], 200, "", ""));
    bench.facts();
    bench.notify(leg, 200, Last::Yes);
    assert_eq!(bench.facts(), [told(Last::Yes, Notified::Moot)]);
}

#[test]
fn a_notify_to_us_belongs_to_nothing() {
    let mut bench = Bench::new();
    let (_, ok) = bench.talking();
    let tag = format!(";tag={}", ok.tag("To"));
    for (number, event, code) in [(2, "Event: refer\r\n", "481"), (3, "Event: dialog\r\n", "489"), (4, "", "489")] {
        bench.receive(TRUNK, &request("NOTIFY", number, &format!("n{number}"), &tag, event, ""));
        let sent = bench.only();
        assert!(sent.is(&format!("SIP/2.0 {code} ")), "{event}");
        assert_eq!(sent.find("Allow-Events"), (code == "489").then_some("refer"));
    }
    assert!(bench.facts().is_empty(), "the session is not touched");
}

#[test]
fn a_leg_with_an_open_refer_survives_its_checkpoint() {
    let mut bench = Bench::with(exchange());
    let (leg, _, first) = bench.referring();
    bench.notify(leg, 180, Last::No);
    let checkpoint = serde_json::to_string(&bench.endpoint.export_leg(leg).unwrap()).unwrap();
    bench.endpoint.drop_leg(leg);
    bench.endpoint.import_leg(serde_json::from_str(&checkpoint).unwrap());
    bench.receive(TRUNK, &answer(&first, 200, "", ""));
    let ringing = bench.only();
    assert_eq!(ringing.body(), "SIP/2.0 180 Ringing\r\n");
    bench.receive(TRUNK, &answer(&ringing, 200, "", ""));
    bench.facts();
    bench.notify(leg, 200, Last::Yes);
    assert_eq!(bench.only().body(), "SIP/2.0 200 OK\r\n");
}
