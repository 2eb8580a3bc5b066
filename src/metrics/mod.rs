//! What an operator can ask for as numbers: `lianxian_*`, in the text format of Prometheus.
//!
//! Decides: the name, the labels and the buckets of every metric.
//! Invariants: no counter is touched in pure code - the engine shows its outputs to [`Recorder::notice`] and
//! [`Recorder::observe`]; label values come from closed sets and from the configuration, never from a peer, so that the
//! number of series is bounded (V31); no call id, number or agent is a label; nothing is locked for a packet.
//! Does not do: HTTP (`api`), history (Prometheus), alarms (`deploy`).

mod absolute;
mod delivery;
mod families;
mod http;
mod outbox;
mod recorder;
mod transfers;

#[cfg(test)]
mod tests;

pub use delivery::DeliveryRecorder;
pub use families::Families;
pub use http::{HttpRecorder, OpenStream};
pub use outbox::{OutboxPicture, SinkRow};
pub use recorder::{Outside, Recorder};

use prometheus::{Encoder, Registry, TextEncoder};

/// The readable side: cheap to clone, asked from any thread.
#[derive(Clone, Debug)]
pub struct Exposition {
    registry: Registry,
}

impl Exposition {
    /// Everything, in the text format of Prometheus.
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        // Writing to memory fails only for a metric without a name, and ours have one.
        TextEncoder::new().encode(&self.registry.gather(), &mut text).ok();
        String::from_utf8(text).unwrap_or_default()
    }
}

/// The media type of [`Exposition::text`].
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// Makes every metric: the writing side for the engine, the reading side for the admin listener.
pub fn create() -> (Recorder, Exposition) {
    let registry = Registry::new();
    let families = Families::register(&registry);
    (Recorder::new(families), Exposition { registry })
}
