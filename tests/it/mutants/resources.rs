//! Planted faults of what has no voice on the wire - what is left over, timers, counters, panics, bounds, time - and who
//! sees them: I9, I10, I35 to I37, I45.
//!
//! Where no fault between the product and the world could show it, the judge itself is asked.

use std::collections::BTreeSet;
use std::time::Duration;

use lianxian::base::time::Instant;
use lianxian::call::fault::Fault;
use lianxian::call::notice::What;
use lianxian::media::order::Order;
use lianxian::metrics::{self, Exposition};

use super::{numbers, seen};
use crate::world::invariants::{self, Scene};
use crate::world::ledger::Ledger;
use crate::world::product::Raw;
use crate::world::sabotage::Plant;
use crate::world::step::{Cause, Step};
use crate::world::store::SimStore;
use crate::world::{World, town};

/// One day, the longest that a timer may run.
const DAY: Duration = Duration::from_secs(24 * 3600);

#[test]
#[should_panic(expected = "I9: left over after all have hung up")]
fn a_leg_that_stays_in_the_media_plane_is_seen_by_i9() {
    let mut w = World::new(920);
    // What goes on sounding is seen by I18 before that.
    w.judges_sleep = true;
    w.product.plant(Box::new(Plant::new(|_, raw| match raw {
        Raw::Media(_, Order::Close { .. }) => Vec::new(),
        other => vec![other],
    })));
    w.caller_and_agent_in_talk();
    w.settle();
}

#[test]
fn a_timer_beyond_a_day_is_seen_by_i10() {
    let now = Instant::START + Duration::from_secs(1);
    let (dialable, (_, metrics)) = (town::dialable(&town::settings().routing), metrics::create());
    let store = SimStore::new(0);
    let judge = |next_timeout, latest_timer| {
        let mut scene = quiet(&dialable, &metrics, &store);
        scene.next_timeout = next_timeout;
        scene.latest_timer = latest_timer;
        judged(&mut Ledger::default(), &scene, now)
    };
    assert_eq!(judge(Some(now + DAY), Some(now + DAY)), Vec::<&str>::new());
    let late = now + DAY + Duration::from_nanos(1);
    assert_eq!(judge(Some(late), None), ["I10"], "the next deadline");
    assert_eq!(judge(Some(now), Some(late)), ["I10"], "a deadline behind nearer ones");
}

#[test]
fn a_panic_that_nobody_planted_is_seen_by_i35() {
    let mut w = World::new(922);
    w.strict = false;
    let (_, agent) = w.caller_and_agent_in_talk();
    w.product.arm(Fault::Panic);
    w.holds(agent);
    w.run(Duration::from_secs(3));
    assert_eq!(numbers(&w), ["I35"]);
}

#[test]
fn a_storm_of_answers_to_one_request_is_seen_by_i36() {
    let mut done = false;
    let numbers = seen("says it 300 times", move |_, raw| {
        let storm = !done && matches!(raw, Raw::Sip { .. });
        done = done || storm;
        vec![raw; if storm { 300 } else { 1 }]
    });
    assert!(numbers.contains(&"I36"), "{numbers:?}");
}

#[test]
fn time_that_goes_back_is_seen_by_i37() {
    let (dialable, (_, metrics)) = (town::dialable(&town::settings().routing), metrics::create());
    let store = SimStore::new(0);
    let (scene, mut ledger) = (quiet(&dialable, &metrics, &store), Ledger::default());
    let at = |ms| Instant::START + Duration::from_millis(ms);
    assert_eq!(judged(&mut ledger, &scene, at(20)), Vec::<&str>::new());
    assert_eq!(judged(&mut ledger, &scene, at(20)), Vec::<&str>::new(), "the same instant again");
    assert_eq!(judged(&mut ledger, &scene, at(19)), ["I37"]);
}

#[test]
fn an_end_without_a_cause_is_seen_by_i45() {
    let numbers = seen("nobody knows why", |_, raw| match raw {
        Raw::Published(mut notice) => {
            if let What::Released(record) = &mut notice.what {
                for leg in &mut record.legs {
                    leg.ended = None;
                }
            }
            vec![Raw::Published(notice)]
        }
        other => vec![other],
    });
    assert_eq!(numbers.first(), Some(&"I45"), "{numbers:?}");
}

/// A scene in which nothing is expected and nothing goes on.
fn quiet<'a>(dialable: &'a BTreeSet<String>, metrics: &'a Exposition, store: &'a SimStore) -> Scene<'a> {
    Scene {
        metrics,
        store,
        phones: &[],
        dialable,
        refusals_expected: false,
        success_at_once: false,
        panics_expected: false,
        next_timeout: None,
        look: true,
        latest_timer: None,
        wall_s: 0,
    }
}

/// What the judges say of a deadline that brings nothing.
fn judged(ledger: &mut Ledger, scene: &Scene<'_>, at: Instant) -> Vec<&'static str> {
    let step = Step { at, cause: Cause::Deadline, effects: Vec::new() };
    invariants::after(ledger, scene, &step).into_iter().map(|violation| violation.number).collect()
}
