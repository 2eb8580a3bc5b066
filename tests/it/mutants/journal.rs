//! Planted faults of what is written down, and who sees them: I26, I28, I45.

use std::time::Duration;

use lianxian::tickets::entry::Entry;
use lianxian::tickets::fact::{Cause, Fact};

use super::{numbers, seen};
use crate::world::World;
use crate::world::phone::OnInvite;
use crate::world::product::Raw;
use crate::world::store::Disk;

/// Runs the story with every entry changed by `change`; `None` keeps it from the store.
fn with_entries(mut change: impl FnMut(&mut Entry) -> Option<()> + 'static) -> Vec<&'static str> {
    seen("entries", move |_, raw| match raw {
        Raw::Record(mut entry) => change(&mut entry).map(|()| Raw::Record(entry)).into_iter().collect(),
        other => vec![other],
    })
}

#[test]
fn a_success_that_is_told_before_it_is_on_disk_is_seen_by_i26() {
    for disk in [Disk::Good, Disk::Hasty] {
        let mut w = World::new(930);
        w.strict = false;
        let (caller, agent) = w.caller_and_agent_in_talk();
        let seat = w.seat();
        w.on_invite(seat, OnInvite::Answer { after: Duration::from_secs(1) });
        w.store.disk = disk;
        w.transfers(agent, "110");
        w.run(Duration::from_secs(8));
        w.hangs_up(caller);
        w.run(Duration::from_secs(5));
        let expected = if disk == Disk::Good { Vec::new() } else { vec!["I26"] };
        assert_eq!(numbers(&w), expected, "{disk:?}");
    }
}

#[test]
fn an_alarm_that_does_not_rise_is_seen_by_i26() {
    let mut w = World::new(931);
    w.strict = false;
    let (_, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    w.on_invite(seat, OnInvite::Answer { after: Duration::from_secs(1) });
    w.store.disk = Disk::Broken;
    w.product.plant(Box::new(crate::world::sabotage::Plant::new(|_, raw| match raw {
        Raw::Published(notice) if format!("{notice:?}").contains("Unproven") => Vec::new(),
        other => vec![other],
    })));
    w.transfers(agent, "110");
    w.run(Duration::from_secs(8));
    assert_eq!(numbers(&w), ["I26"]);
}

#[test]
fn an_entry_that_is_lost_is_seen_by_i28() {
    let numbers = with_entries(|entry| (entry.id.seq != 2).then_some(()));
    assert_eq!(numbers.first(), Some(&"I28"), "{numbers:?}");
}

#[test]
fn a_legs_end_that_is_left_out_is_seen_by_i45() {
    let mut left_out = false;
    let numbers = with_entries(move |entry| {
        entry.facts.retain(|fact| {
            let skip = !left_out && matches!(fact, Fact::LegEnded { .. });
            left_out = left_out || skip;
            !skip
        });
        Some(())
    });
    assert_eq!(numbers.first(), Some(&"I45"), "{numbers:?}");
}

#[test]
fn an_end_whose_cause_is_left_out_is_seen_by_i45() {
    let numbers = with_entries(|entry| {
        for fact in &mut entry.facts {
            if let Fact::LegEnded { cause, .. } = fact {
                *cause = Cause::default();
            }
        }
        Some(())
    });
    assert_eq!(numbers.first(), Some(&"I45"), "{numbers:?}");
}

#[test]
fn an_answer_that_is_left_out_is_seen_by_i45() {
    let numbers = with_entries(|entry| {
        entry.facts.retain(|fact| !matches!(fact, Fact::Answered { .. }));
        Some(())
    });
    assert_eq!(numbers.first(), Some(&"I45"), "{numbers:?}");
}
