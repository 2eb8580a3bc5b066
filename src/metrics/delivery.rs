//! Attempts to deliver ticket events, counted by the delivery's own thread.

use std::time::Duration;

use prometheus::{Histogram, IntCounterVec, Registry};

use super::families::{counters, histogram};

/// The built-in ticket store takes a few milliseconds, a foreign one up to its timeout.
const ATTEMPT_S: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

/// The writing side for the delivery. Copies count together.
#[derive(Clone, Debug)]
pub struct DeliveryRecorder {
    events: IntCounterVec,
    retries: IntCounterVec,
    seconds: Histogram,
}

impl DeliveryRecorder {
    pub(super) fn register(r: &Registry) -> Self {
        Self {
            events: counters(
                r,
                "lianxian_ticket_events_total",
                "Attempts to deliver a ticket event, by what came of them: taken, not_now, refused.",
                &["event", "sink", "result"],
            ),
            retries: counters(
                r,
                "lianxian_ticket_retries_total",
                "Attempts that were not the first for their event.",
                &["sink"],
            ),
            seconds: histogram(r, "lianxian_ticket_delivery_seconds", "How long an attempt took.", ATTEMPT_S),
        }
    }

    /// An attempt has ended. `event` and `result` come from closed sets, `sink` from the configuration (V31).
    pub fn attempted(&self, event: &str, sink: &str, result: &str, attempt: u32, took: Duration) {
        self.events.with_label_values(&[event, sink, result]).inc();
        if attempt > 1 {
            self.retries.with_label_values(&[sink]).inc();
        }
        self.seconds.observe(took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics;

    #[test]
    fn an_attempt_is_counted_by_what_came_of_it_and_a_further_one_as_a_retry() {
        let (recorder, exposition) = metrics::create();
        let delivery = recorder.delivery();
        delivery.attempted("tagged", "gov", "not_now", 1, Duration::from_secs(3));
        delivery.attempted("tagged", "gov", "taken", 2, Duration::from_millis(3));
        let text = exposition.text();
        for line in [
            "lianxian_ticket_events_total{event=\"tagged\",result=\"not_now\",sink=\"gov\"} 1",
            "lianxian_ticket_events_total{event=\"tagged\",result=\"taken\",sink=\"gov\"} 1",
            "lianxian_ticket_retries_total{sink=\"gov\"} 1",
            "lianxian_ticket_delivery_seconds_count 2",
        ] {
            assert!(text.contains(line), "{line}");
        }
    }
}
