//! Hold, offers, keys, addresses.

use super::*;

#[test]
fn an_agents_hold_in_any_form_is_our_music_and_no_message_to_the_caller() {
    for held in [
        sdp("198.51.100.8", 4_000, "sendonly"),
        sdp("198.51.100.8", 4_000, "inactive"),
        sdp("0.0.0.0", 4_000, "sendrecv"),
        sdp("198.51.100.8", 0, "sendrecv"),
    ] {
        let mut bench = Bench::talking(&["8001"]);
        let actions = bench.leg(FIRST, LegFact::Offered { sdp: Some(held.clone()) });
        assert!(matches!(orders(&actions, FIRST).as_slice(), [LegOrder::Answer { .. }]), "{held:?}");
        assert!(orders(&actions, CALLER).is_empty(), "{held:?}");
        assert_eq!(hears(&actions, CALLER), Some(music()), "{held:?}");
        assert_eq!(bench.call.state_name(), "held");
        let actions = bench.leg(FIRST, LegFact::Offered { sdp: Some(sdp("198.51.100.8", 4_000, "sendrecv")) });
        assert_eq!(hears(&actions, CALLER), Some(Source::Leg(FIRST)), "{held:?}");
        assert_eq!(bench.call.state_name(), "talking");
    }
}

#[test]
fn a_reinvite_without_sdp_gets_our_offer_and_its_ack_concludes_it() {
    let mut bench = Bench::talking(&["8001"]);
    let actions = bench.leg(CALLER, LegFact::Offered { sdp: None });
    assert!(matches!(orders(&actions, CALLER).as_slice(), [LegOrder::Answer { .. }]));
    let actions = bench.leg(CALLER, LegFact::Acked { sdp: Some(sdp("203.0.113.10", 40_002, "sendrecv")) });
    let moved = |action: &Action| match action {
        Action::Media(Order::Agree { leg: CALLER, session }) => session.send_to == "203.0.113.10:40002".parse().ok(),
        _ => false,
    };
    assert!(actions.iter().any(moved));
}

#[test]
fn v25_an_offer_that_points_where_it_must_not_is_refused() {
    for (address, port, code) in [
        ("203.0.113.9", 40_000, None),
        ("127.0.0.1", 40_000, Some(488)),
        ("198.51.100.8", 40_000, Some(488)),
        ("224.0.0.5", 40_000, Some(488)),
        ("255.255.255.255", 40_000, Some(488)),
        ("192.0.2.1", 20_010, Some(488)),
        ("0.0.0.0", 40_000, None),
    ] {
        let offer = Some(sdp(address, port, "sendrecv"));
        let mut bench = Bench::with(decision(Answering::ByPerson, group()), offer, &["8001"]);
        let actions = bench.begin();
        let rejected = orders(&actions, CALLER).into_iter().find_map(|order| match order {
            LegOrder::Reject { code, .. } => Some(code),
            _ => None,
        });
        assert_eq!(rejected, code, "{address}:{port}");
        assert_eq!(losses(&actions), 0);
    }
}

#[test]
fn v25_a_reinvite_that_points_where_it_must_not_leaves_the_session_as_it_was() {
    let mut bench = Bench::talking(&["8001"]);
    let actions = bench.leg(CALLER, LegFact::Offered { sdp: Some(sdp("198.51.100.99", 40_000, "sendrecv")) });
    assert_eq!(orders(&actions, CALLER), [LegOrder::RejectOffer { code: 488 }]);
    assert!(!actions.iter().any(|action| matches!(action, Action::Media(_))));
}

#[test]
fn i44_a_key_passes_once_in_the_form_that_the_other_side_has() {
    let key = Fact::Key { digit: '5', duration_ms: 100 };
    let info = LegFact::Digit { digit: '5', duration: Duration::from_millis(100) };
    // Both have telephone-events: the media plane has relayed it.
    let mut bench = Bench::talking(&["8001"]);
    assert!(orders(&bench.sound(CALLER, key.clone()), FIRST).is_empty());
    let generated = |action: &Action| matches!(action, Action::Media(Order::Key { leg: FIRST, digit: '5', .. }));
    assert_eq!(bench.leg(CALLER, info.clone()).iter().filter(|action| generated(action)).count(), 1);
    // The agent has none: INFO.
    let mut bench = Bench::group(&["8001"]);
    bench.begin();
    bench.leg(FIRST, LegFact::Answered { sdp: Some(plain_sdp("198.51.100.8", 4_000)) });
    let by_info = [LegOrder::Digit { digit: '5', duration_ms: 100 }];
    assert_eq!(orders(&bench.sound(CALLER, key), FIRST), by_info);
    assert_eq!(orders(&bench.leg(CALLER, info), FIRST), by_info);
}

/// What the media plane does not relay the call presses: keys that were withheld, keys of one of three.
#[test]
fn i44_a_key_that_is_not_relayed_is_pressed_by_us() {
    let generated = |action: &Action| matches!(action, Action::Media(Order::Key { leg: CALLER, digit: '5', .. }));
    let mut bench = Bench::talking(&["8001"]);
    bench.call.legs.sound_mut(FIRST).unwrap().keys = Keys::Withheld;
    let actions = bench.sound(FIRST, Fact::Key { digit: '5', duration_ms: 100 });
    assert_eq!(actions.iter().filter(|action| generated(action)).count(), 1);
}

#[test]
fn an_ack_without_the_answer_that_it_owes_gets_our_offer_again() {
    let mut bench = Bench::with(decision(Answering::ByPerson, group()), None, &["8001"]);
    bench.begin();
    bench.leg(FIRST, answered("198.51.100.8", 4_000));
    let actions = bench.leg(CALLER, LegFact::Acked { sdp: None });
    assert!(matches!(orders(&actions, CALLER).as_slice(), [LegOrder::Offer { .. }]));
    assert_eq!(losses(&bench.leg(CALLER, LegFact::OfferRefused { code: 488 })), 1);
}
