//! How a number over a trunk is called: gateway after gateway, and never a callee who has said no.

use super::*;

fn address(gateway: u8) -> SocketAddr {
    ([203, 0, 113, gateway], 5060).into()
}

fn step(number: &str) -> Step {
    Step::Trunk { trunk: TrunkId::from("carrier"), number: number.into(), class: Class::Normal }
}

fn calling(plan: Vec<Step>, agents: &[&str]) -> Bench {
    let offer = Some(sdp("203.0.113.9", 40_000, "sendrecv"));
    let mut bench = Bench::with(decision(Answering::ByPerson, plan), offer, agents);
    let actions = bench.begin();
    assert_eq!(dialled(&actions), [(FIRST, address(1))]);
    bench
}

fn dialled(actions: &[Action]) -> Vec<(LegId, SocketAddr)> {
    invites(actions).iter().map(|invite| (invite.leg, invite.flow.remote)).collect()
}

fn refused_with(code: u16, q850: u8) -> LegFact {
    LegFact::Failed(Failure { code, cause: Cause { sip: Some(code), q850: Some(q850) }, retry_after: None })
}

#[test]
fn f8_congestion_is_followed_by_the_next_gateway_at_once() {
    for fact in [failed(503), failed(408), failed(500), refused_with(480, 34), refused_with(603, 42)] {
        let mut bench = calling(vec![step("110")], &["9001"]);
        assert_eq!(dialled(&bench.leg(FIRST, fact)), [(SECOND, address(2))]);
        let further = bench.leg(SECOND, failed(503));
        assert_eq!(dialled(&further), [], "every gateway of the trunk has been tried");
        assert!(bench.call.next_timeout().is_some());
    }
}

#[test]
fn f8_a_callee_who_says_no_is_not_rung_again_over_another_trunk_or_step() {
    for code in [486, 600, 603] {
        let mut plan = vec![step("110"), step("110")];
        plan.extend(group());
        let mut bench = calling(plan, &["9001"]);
        let after = bench.leg(FIRST, failed(code));
        assert_eq!(invites(&after).len(), 1, "{code}");
        assert!(matches!(invites(&after)[0].peer, Peer::Softphone(_)), "the next group, not the same number again");
    }
}

#[test]
fn a_number_that_the_trunk_does_not_know_is_not_asked_of_its_other_gateways() {
    for code in [403, 404, 480, 484] {
        let mut bench = calling(vec![step("110"), step("62110000")], &[]);
        assert_eq!(dialled(&bench.leg(FIRST, failed(code))), [(SECOND, address(1))], "{code}: the next step");
    }
}

#[test]
fn f7_a_silent_gateway_is_followed_by_the_next_in_2_s_and_cancelled_at_its_first_word() {
    let mut bench = calling(vec![step("110")], &[]);
    assert!(bench.wait(1).is_empty());
    let actions = bench.wait(1);
    assert_eq!(dialled(&actions), [(SECOND, address(2))]);
    assert!(notices(&actions).contains(&&What::GatewaySilent { leg: FIRST }));
    assert!(orders(&actions, FIRST).is_empty(), "it may still answer, and before a provisional there is no CANCEL");
    bench.leg(SECOND, LegFact::Trying);
    assert!(is_hang_up(&orders(&bench.leg(FIRST, LegFact::Trying), FIRST)));
    let actions = bench.leg(SECOND, answered("203.0.113.7", 5_000));
    assert!(matches!(orders(&actions, CALLER).as_slice(), [LegOrder::Accept { .. }]));
}

#[test]
fn f7_whoever_answers_first_has_the_call_and_the_others_are_let_go() {
    let mut bench = calling(vec![step("110")], &[]);
    bench.wait(2);
    bench.leg(SECOND, LegFact::Progress { code: 180, sdp: None });
    let actions = bench.leg(FIRST, answered("203.0.113.7", 5_000));
    assert!(matches!(orders(&actions, CALLER).as_slice(), [LegOrder::Accept { .. }]), "the silent one was first");
    assert!(is_hang_up(&orders(&actions, SECOND)));
    assert_eq!(bench.call.state_name(), "talking");
}

#[test]
fn a_gateway_that_speaks_in_time_is_left_alone() {
    for word in [LegFact::Trying, LegFact::Progress { code: 183, sdp: None }] {
        let mut bench = calling(vec![step("110")], &[]);
        bench.leg(FIRST, word);
        assert!(bench.wait(3).is_empty());
    }
}

#[test]
fn f7_when_every_gateway_is_silent_the_next_seat_is_rung() {
    let plan = [vec![step("110")], group()].concat();
    let mut bench = calling(plan, &["9001"]);
    bench.wait(2);
    let actions = bench.wait(2);
    assert!(matches!(invites(&actions)[0].peer, Peer::Softphone(_)));
    let late = bench.leg(FIRST, LegFact::Progress { code: 180, sdp: None });
    assert!(is_hang_up(&orders(&late, FIRST)), "somebody else rings by now");
}

#[test]
fn a_silent_gateway_that_speaks_while_nobody_rings_is_welcome() {
    let mut bench = calling(vec![step("110")], &[]);
    bench.wait(2);
    let actions = bench.wait(2);
    assert!(notices(&actions).contains(&&What::NobodyFree { round: 1 }));
    assert!(orders(&bench.leg(FIRST, LegFact::Progress { code: 180, sdp: None }), FIRST).is_empty());
    assert!(bench.wait(5).is_empty(), "the next round does not begin beside it");
    bench.leg(FIRST, answered("203.0.113.7", 5_000));
    assert_eq!(bench.call.state_name(), "talking");
}

#[test]
fn a_gateway_that_seems_dead_is_tried_after_everybody_else_and_not_never() {
    let offer = Some(sdp("203.0.113.9", 40_000, "sendrecv"));
    let plan = [vec![step("110")], group()].concat();
    let mut bench = Bench::with(decision(Answering::ByPerson, plan), offer, &["9001"]);
    bench.desk.down = vec![address(1), address(2)];
    let actions = bench.begin();
    assert!(matches!(invites(&actions)[0].peer, Peer::Softphone(_)));
    assert_eq!(dialled(&bench.leg(FIRST, failed(486))), [(SECOND, address(1))]);
    assert_eq!(dialled(&bench.leg(SECOND, failed(503))), [(LegId(102), address(2))]);
}

#[test]
fn when_the_caller_goes_silent_gateways_are_let_go_too() {
    let mut bench = calling(vec![step("110")], &[]);
    bench.wait(2);
    let actions = bench.leg(CALLER, LegFact::HungUp { cause: Cause::default() });
    assert!(is_hang_up(&orders(&actions, FIRST)));
    assert!(is_hang_up(&orders(&actions, SECOND)));
    assert!(bench.call.next_timeout().is_none());
}
