//! The metrics of transfers say what became of them: an answer counts, an acceptance does not (T38, T39).

use std::time::Duration;

use crate::world::phone::{Ending, OnInvite};
use crate::world::{World, town};

const SECOND: Duration = Duration::from_secs(1);

/// Caller and agent in talk, and a seat at 110.
fn in_talk(seed: u64) -> (World, usize, usize, usize) {
    let mut w = World::new(seed);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    (w, caller, agent, seat)
}

fn ended(w: &World, result: &str) -> f64 {
    let series =
        format!("lianxian_transfers_total{{direction=\"12345_TO_110\",mode=\"one_click\",result=\"{result}\"}}");
    w.product.metric(w.now, &series).unwrap_or_else(|| panic!("{series} is shown from the start"))
}

fn observed(w: &World, name: &str, urgency: &str) -> (f64, f64) {
    let read = |what: &str| {
        let series = format!("lianxian_transfer_{name}_{what}{{direction=\"12345_TO_110\",urgency=\"{urgency}\"}}");
        w.product.metric(w.now, &series).unwrap_or_default()
    };
    (read("count"), read("sum"))
}

#[test]
fn a_transfer_is_a_success_when_the_target_has_taken_the_call_and_not_before() {
    let (mut w, caller, agent, seat) = in_talk(421);
    w.on_invite(seat, OnInvite::Answer { after: SECOND * 3 });
    w.transfers(agent, "110");
    w.run(SECOND * 2);
    assert_eq!(observed(&w, "press_to_ring_seconds", "urgent").0, 1.0, "110 is urgent, whatever nobody typed");
    w.run(Duration::from_millis(1_600));
    assert_eq!(ended(&w, "success"), 0.0, "it has answered half a second ago, and may still hang up (promise 3)");
    assert_eq!(observed(&w, "press_to_answer_seconds", "urgent").0, 0.0);
    w.until_talking(caller, seat);
    assert_eq!(w.until_over(agent), Ending::TheirBye);
    assert_eq!(ended(&w, "success"), 1.0);
    let (count, sum) = observed(&w, "press_to_answer_seconds", "urgent");
    assert_eq!(count, 1.0);
    assert!((2.9..3.5).contains(&sum), "from the press to the answer, not to the end of the trial: {sum} s");
    w.hangs_up(caller);
    w.settle();
    let shown = "lianxian_caller_id_presented_total{result=\"number\",trunk=\"police\"}";
    assert_eq!(w.product.metric(w.now, shown), Some(1.0));
    let heard = w.product.metric(w.now, "lianxian_trunk_last_rx_timestamp_seconds{trunk=\"police\"}");
    let start = town::WALL_AT_START_S as f64;
    assert!(heard.is_some_and(|at| at > start && at < start + 60.0), "{heard:?}");
}

#[test]
fn what_became_of_a_transfer_is_told_by_its_true_cause() {
    for (seed, code, result) in [(422, 486, "busy"), (423, 480, "no_answer"), (424, 603, "rejected")] {
        let (mut w, caller, agent, seat) = in_talk(seed);
        w.on_invite(seat, OnInvite::Refuse { code, after: Duration::from_millis(200) });
        w.transfers(agent, "110");
        assert_eq!(w.until_reported(agent), code);
        assert_eq!(ended(&w, result), 1.0, "{code}");
        assert_eq!(ended(&w, "success"), 0.0, "{code}");
        let fallback = format!("lianxian_transfer_fallback_total{{reason=\"{result}\"}}");
        assert_eq!(w.product.metric(w.now, &fallback), Some(1.0), "{code}");
        w.must(w.talking(caller, agent), "nothing has happened to the two");
        w.settle();
    }
}

#[test]
fn an_answer_that_is_taken_back_at_once_is_no_success() {
    let (mut w, caller, agent, seat) = in_talk(425);
    w.on_invite(seat, OnInvite::Answer { after: SECOND });
    w.transfers(agent, "110");
    w.run(Duration::from_millis(1_600));
    w.hangs_up(seat);
    w.until_reported(agent);
    assert_eq!(ended(&w, "success"), 0.0);
    assert_eq!(observed(&w, "press_to_answer_seconds", "urgent").0, 0.0);
    w.until_talking(caller, agent);
    w.settle();
}

#[test]
fn a_caller_who_hangs_up_meanwhile_has_abandoned_the_transfer() {
    let (mut w, caller, agent, seat) = in_talk(426);
    w.on_invite(seat, OnInvite::RingOut);
    w.transfers(agent, "110");
    w.run(SECOND);
    w.hangs_up(caller);
    w.settle();
    assert_eq!((ended(&w, "abandoned"), ended(&w, "success")), (1.0, 0.0));
}
