//! INVITE with Replaces, and Replaces inside a Refer-To.

use super::refer::{exchange, refer};
use super::*;
use crate::sip::fact::{Cause, ReferTarget, Replaced, ReplacedPhase};

/// A new INVITE with this Replaces.
fn replacing(branch: &str, replaces: &str) -> String {
    invite(branch)
        .replace("call-1@", &format!("call-{branch}@"))
        .replace("CSeq:", &format!("Replaces: {replaces}\r\nCSeq:"))
}

fn code(bench: &mut Bench, text: &str) -> String {
    bench.receive(TRUNK, text);
    let sent = bench.only();
    assert!(bench.incoming().is_empty(), "{text}");
    sent.start().split(' ').nth(1).unwrap().to_owned()
}

fn replaced(bench: &mut Bench, text: &str) -> Option<Replaced> {
    bench.receive(TRUNK, text);
    assert!(bench.only().is("SIP/2.0 100 "));
    let incoming = bench.incoming();
    assert_eq!(incoming.len(), 1);
    incoming[0].replaces
}

#[test]
fn t28_t29_a_replaces_names_one_leg_by_all_three_values_in_either_order() {
    let mut bench = Bench::with(exchange());
    let (leg, ok) = bench.talking();
    let ours = ok.tag("To").to_owned();
    let wanted = Some(Replaced { leg, phase: ReplacedPhase::Confirmed });
    let named = format!("call-1@192.0.2.10;to-tag={ours};from-tag=caller");
    assert_eq!(replaced(&mut bench, &replacing("n1", &named)), wanted);
    let swapped = format!("call-1@192.0.2.10;to-tag=caller;from-tag={ours}");
    assert_eq!(replaced(&mut bench, &replacing("n2", &swapped)), wanted);
    assert_eq!(replaced(&mut bench, &invite("n3").replace("call-1@", "call-n3@")), None);
    for (index, (expected, value)) in [
        ("481", format!("call-9@192.0.2.10;to-tag={ours};from-tag=caller")),
        ("481", format!("call-1@192.0.2.10;to-tag={ours};from-tag=other")),
        ("481", "call-1@192.0.2.10;to-tag=other;from-tag=caller".to_owned()),
        ("481", format!("call-1@192.0.2.10;to-tag={ours};from-tag={ours}")),
        ("486", format!("{named};early-only")),
        ("400", "call-1@192.0.2.10".to_owned()),
        ("400", format!("call-1@192.0.2.10;to-tag={ours}")),
        ("400", format!("{named};to-tag=x")),
        ("400", format!("{named}\r\nReplaces: {named}")),
        ("400", format!("{named}, {named}")),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(code(&mut bench, &replacing(&format!("m{index}"), &value)), expected, "{value}");
    }
    bench.receive(TRUNK, &inside("BYE", 3, "bye", &ours, ""));
    assert!(bench.only().is("SIP/2.0 200 "), "V22: the call is unchanged");
    assert_eq!(bench.facts(), [LegFact::HungUp { cause: Cause::default() }]);
    assert_eq!(code(&mut bench, &replacing("late", &named)), "603", "RFC 3891 3: it has ended");
}

#[test]
fn two_legs_under_one_replaces_are_no_match() {
    let mut bench = Bench::with(exchange());
    // A call of ours that came back to us: both ends are ours, with one Call-ID.
    let (first, invite) = bench.calling();
    bench.receive(TRUNK, &answer(&invite, 180, "b1", ""));
    bench.receive(TRUNK, &self::invite("a1"));
    bench.sent();
    bench.facts();
    let named = format!("{};to-tag={};from-tag=b1", invite.header("Call-ID"), invite.tag("From"));
    let wanted = Some(Replaced { leg: first, phase: ReplacedPhase::Early });
    assert_eq!(replaced(&mut bench, &replacing("n1", &named)), wanted);
    assert_eq!(replaced(&mut bench, &replacing("n2", &format!("{named};early-only"))), wanted);
}

#[test]
fn an_early_dialog_that_the_peer_began_is_not_replaced() {
    let mut bench = Bench::with(exchange());
    bench.receive(TRUNK, &invite("a1"));
    let leg = bench.incoming()[0].leg;
    bench.order(leg, LegOrder::Progress { code: 180, sdp: None });
    let tag = bench.sent().pop().unwrap().tag("To").to_owned();
    bench.facts();
    let named = format!("call-1@192.0.2.10;to-tag={tag};from-tag=caller");
    assert_eq!(code(&mut bench, &replacing("n1", &named)), "481");
}

#[test]
fn v22_v48_only_the_peer_of_a_dialog_replaces_it_and_a_carrier_never() {
    let mut bench = Bench::with(exchange());
    let (_, ok) = bench.talking();
    let named = format!("call-1@192.0.2.10;to-tag={};from-tag=caller", ok.tag("To"));
    bench.receive(OTHER_TRUNK, &replacing("n1", &named).replace("192.0.2.10:5060", OTHER_TRUNK));
    assert!(bench.only().is("SIP/2.0 403 "), "V48: from another trusted trunk");
    assert_eq!(bench.refusals(), ["replaces_of_another"]);
    bench.receive(TRUNK, &inside("BYE", 3, "bye", ok.tag("To"), ""));
    assert_eq!(bench.facts(), [LegFact::HungUp { cause: Cause::default() }], "the victim's call was unchanged");

    let mut carrier = Bench::new();
    let (_, ok) = carrier.talking();
    let named = format!("call-1@192.0.2.10;to-tag={};from-tag=caller", ok.tag("To"));
    assert_eq!(code(&mut carrier, &replacing("n1", &named)), "403");
}

#[test]
fn t44_the_replaces_of_a_refer_is_resolved_to_a_leg_of_the_same_peer() {
    let mut bench = Bench::with(exchange());
    let (_, ok) = bench.talking();
    let (consult, invite) = bench.connected();
    let escape = |text: String| text.replace(';', "%3B").replace('=', "%3D").replace('@', "%40");
    let named = format!("{};to-tag=b1;from-tag={}", invite.header("Call-ID"), invite.tag("From"));
    let attended = |number, value: &str| {
        refer(number, ok.tag("To"), &format!("Refer-To: <sip:x@h?Replaces={}>\r\n", escape(value.to_owned())))
    };
    bench.receive(TRUNK, &attended(2, &named));
    let target = |bench: &mut Bench| match &bench.facts()[..] {
        [LegFact::Referred(refer)] => (refer.id, refer.target.clone()),
        facts => panic!("{facts:?}"),
    };
    let (id, found) = target(&mut bench);
    assert_eq!(found, ReferTarget::Leg(consult));
    let leg = LegId(1);
    bench.order(leg, LegOrder::RejectRefer { refer: id, code: 603 });
    assert!(bench.only().is("SIP/2.0 603 "));
    bench.receive(TRUNK, &attended(3, "nobody;to-tag=b1;from-tag=c1"));
    let (id, found) = target(&mut bench);
    assert_eq!(found, ReferTarget::Unmatched { code: 481 });
    bench.order(leg, LegOrder::RejectRefer { refer: id, code: 404 });
    assert!(bench.only().is("SIP/2.0 404 "));
    bench.receive(TRUNK, &attended(4, &format!("{named};early-only")));
    let (id, found) = target(&mut bench);
    assert_eq!(found, ReferTarget::Unmatched { code: 486 }, "it is early no more");
    bench.order(leg, LegOrder::RejectRefer { refer: id, code: 603 });
    bench.only();
    // Its own dialog.
    let own = format!("call-1@192.0.2.10;to-tag={};from-tag=caller", ok.tag("To"));
    bench.receive(TRUNK, &attended(5, &own));
    assert!(bench.only().is("SIP/2.0 400 "));
}

#[test]
fn v22_a_refer_does_not_reach_the_dialog_of_somebody_else() {
    let mut bench = Bench::with(exchange());
    let (_, ok) = bench.talking();
    let text = invite("o1").replace("192.0.2.10:5060", OTHER_TRUNK).replace("call-1@", "call-o1@");
    bench.receive(OTHER_TRUNK, &text);
    let victim = bench.incoming()[0].leg;
    bench.order(victim, LegOrder::Accept { sdp: Bytes::from(SDP) });
    let tag = bench.sent().pop().unwrap().tag("To").to_owned();
    let value = format!("call-o1%40192.0.2.10%3Bto-tag%3D{tag}%3Bfrom-tag%3Dcaller");
    bench.receive(TRUNK, &refer(2, ok.tag("To"), &format!("Refer-To: <sip:x@h?Replaces={value}>\r\n")));
    assert!(bench.only().is("SIP/2.0 403 "));
    assert_eq!(bench.refusals(), ["replaces_of_another"]);
}
