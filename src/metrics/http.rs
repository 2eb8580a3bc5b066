//! Numbers of the HTTP interface, written by its own threads.

use prometheus::{IntCounterVec, IntGauge};

use super::recorder::class;

/// The writing side for the HTTP interface. Copies count together.
#[derive(Clone, Debug)]
pub struct HttpRecorder {
    requests: IntCounterVec,
    streams: IntGauge,
}

impl HttpRecorder {
    pub(super) const fn new(requests: IntCounterVec, streams: IntGauge) -> Self {
        Self { requests, streams }
    }

    /// A request was answered. `route` and `method` come from the list of routes, never from the request (V31).
    pub fn answered(&self, route: &'static str, method: &'static str, code: u16) {
        self.requests.with_label_values(&[route, method, class(code)]).inc();
    }

    /// A stream of events begins; it ends when the answer is dropped.
    pub fn stream_opens(&self) -> OpenStream {
        self.streams.inc();
        OpenStream { streams: self.streams.clone() }
    }
}

/// An open stream of events.
#[derive(Debug)]
pub struct OpenStream {
    streams: IntGauge,
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.streams.dec();
    }
}
