//! The outbox as numbers: how the disk takes what is written, and what waits for each ticket store.

use std::collections::BTreeSet;
use std::time::Duration;

use prometheus::{Histogram, IntGauge, IntGaugeVec, Registry};

use super::absolute::Absolute;
use super::families::{absolute, gauge, gauges, histogram};

/// A commit is a millisecond on a good disk, and late from half a second on (I26).
const COMMIT_S: &[f64] = &[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0];

/// The outbox as it is now.
#[derive(Clone, Copy, Debug)]
pub struct OutboxPicture<'a> {
    /// Whether the disk takes what is written.
    pub writable: bool,
    /// Entries that wait in memory.
    pub waiting: usize,
    /// Entries lost so far.
    pub lost: u64,
    /// Commits that failed so far.
    pub failed_commits: u64,
    /// What is free on the disk, in bytes.
    pub free_bytes: u64,
    /// Each ticket store that something waits for.
    pub sinks: &'a [SinkRow<'a>],
}

/// What waits for one ticket store.
#[derive(Clone, Copy, Debug)]
pub struct SinkRow<'a> {
    /// The ticket store, by its name in the configuration.
    pub name: &'a str,
    /// Events that it has yet to take.
    pub pending: u64,
    /// How long the oldest of them has been waiting.
    pub oldest: Duration,
    /// Events that it refuses.
    pub dead: u64,
}

#[derive(Debug)]
pub(super) struct OutboxFamilies {
    commit_seconds: Histogram,
    writable: IntGauge,
    waiting: IntGauge,
    free_bytes: IntGauge,
    lost: Absolute,
    failed_commits: Absolute,
    pending: IntGaugeVec,
    oldest: IntGaugeVec,
    dead: IntGaugeVec,
    /// Ticket stores that something has waited for: 0 is shown, not absent.
    seen: BTreeSet<String>,
}

impl OutboxFamilies {
    pub(super) fn register(r: &Registry) -> Self {
        let sink = &["sink"];
        Self {
            commit_seconds: histogram(
                r,
                "lianxian_outbox_commit_seconds",
                "How long a commit of the outbox took.",
                COMMIT_S,
            ),
            writable: gauge(r, "lianxian_outbox_writable", "Whether the disk takes what happens to calls. Must be 1."),
            waiting: gauge(r, "lianxian_outbox_waiting_entries", "Entries that wait in memory for the disk."),
            free_bytes: gauge(r, "lianxian_outbox_free_bytes", "What is free on the disk of the outbox."),
            lost: absolute(r, "lianxian_outbox_lost_total", "Entries that were never written. Must be 0."),
            failed_commits: absolute(r, "lianxian_outbox_failed_commits_total", "Commits that the disk refused."),
            pending: gauges(r, "lianxian_ticket_outbox_pending", "Events that a ticket store has yet to take.", sink),
            oldest: gauges(r, "lianxian_ticket_outbox_oldest_seconds", "How long the oldest of them has waited.", sink),
            dead: gauges(r, "lianxian_ticket_dead_letters", "Events that a ticket store refuses.", sink),
            seen: BTreeSet::new(),
        }
    }

    pub(super) fn committed(&self, took: Duration) {
        self.commit_seconds.observe(took.as_secs_f64());
    }

    pub(super) fn picture(&mut self, picture: &OutboxPicture<'_>) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.writable.set(i64::from(picture.writable));
        self.waiting.set(i64::try_from(picture.waiting).unwrap_or(i64::MAX));
        self.free_bytes.set(number(picture.free_bytes));
        self.lost.follow(picture.lost);
        self.failed_commits.follow(picture.failed_commits);
        let gone = self.seen.iter().filter(|seen| picture.sinks.iter().all(|row| row.name != seen.as_str()));
        for name in gone {
            for gauge in [&self.pending, &self.oldest, &self.dead] {
                gauge.with_label_values(&[name]).set(0);
            }
        }
        for row in picture.sinks {
            self.pending.with_label_values(&[row.name]).set(number(row.pending));
            self.oldest.with_label_values(&[row.name]).set(number(row.oldest.as_secs()));
            self.dead.with_label_values(&[row.name]).set(number(row.dead));
            self.seen.insert(row.name.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics;

    #[test]
    fn what_waited_for_a_ticket_store_is_shown_as_0_when_nothing_waits_any_more() {
        let (mut recorder, exposition) = metrics::create();
        let rows = [SinkRow { name: "gov", pending: 3, oldest: Duration::from_secs(120), dead: 1 }];
        let full =
            OutboxPicture { writable: false, waiting: 7, lost: 2, failed_commits: 4, free_bytes: 9, sinks: &rows };
        recorder.outbox(&full);
        recorder.committed(Duration::from_millis(3));
        let text = exposition.text();
        for line in [
            "lianxian_outbox_writable 0",
            "lianxian_outbox_lost_total 2",
            "lianxian_ticket_outbox_pending{sink=\"gov\"} 3",
            "lianxian_ticket_outbox_oldest_seconds{sink=\"gov\"} 120",
            "lianxian_ticket_dead_letters{sink=\"gov\"} 1",
            "lianxian_outbox_commit_seconds_count 1",
        ] {
            assert!(text.contains(line), "{line}");
        }
        recorder.outbox(&OutboxPicture { sinks: &[], ..full });
        assert!(exposition.text().contains("lianxian_ticket_outbox_pending{sink=\"gov\"} 0"));
    }
}
