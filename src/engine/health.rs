//! Whether the daemon lives and takes calls, readable from any thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use super::clock::Clock;
use crate::store::outbox::Condition;

/// A loop that has not come round for so long is hung.
const HUNG: Duration = Duration::from_secs(5);

/// The daemon's state as others see it. Copies show the same.
#[derive(Clone, Debug)]
pub struct Health {
    clock: Clock,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    stage: AtomicU8,
    last_round_ns: AtomicU64,
    outbox: AtomicU8,
}

/// How far the daemon is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not yet listening.
    Starting,
    /// Takes calls.
    Ready,
    /// Takes no new calls; the old ones finish.
    Draining,
    /// Takes calls, but a part of it has died: to be replaced.
    Degraded,
}

impl Stage {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::Degraded => "degraded",
        }
    }
}

impl Health {
    /// A daemon that is starting.
    pub fn new(clock: Clock) -> Self {
        Self { clock, shared: Arc::default() }
    }

    /// How far the daemon is.
    pub fn stage(&self) -> Stage {
        match self.shared.stage.load(Ordering::Relaxed) {
            1 => Stage::Ready,
            2 => Stage::Draining,
            3 => Stage::Degraded,
            _ => Stage::Starting,
        }
    }

    /// Whether the loop comes round.
    pub fn alive(&self) -> bool {
        let last = crate::base::time::Instant::from_nanos(self.shared.last_round_ns.load(Ordering::Relaxed));
        self.clock.now().since(last) < HUNG
    }

    /// How the outbox's disk is, if that is anything to speak of: calls are taken all the same.
    pub fn outbox(&self) -> Option<&'static str> {
        match self.shared.outbox.load(Ordering::Relaxed) {
            1 => Some(Condition::Slow.word()),
            2 => Some(Condition::Full.word()),
            3 => Some(Condition::Broken.word()),
            _ => None,
        }
    }

    pub(super) fn note_outbox(&self, condition: Condition) {
        let number = match condition {
            Condition::Good => 0,
            Condition::Slow => 1,
            Condition::Full => 2,
            Condition::Broken => 3,
        };
        self.shared.outbox.store(number, Ordering::Relaxed);
    }

    pub(super) fn enter(&self, stage: Stage) {
        let number = match stage {
            Stage::Starting => 0,
            Stage::Ready => 1,
            Stage::Draining => 2,
            Stage::Degraded => 3,
        };
        self.shared.stage.store(number, Ordering::Relaxed);
    }

    pub(super) fn round(&self) {
        self.shared.last_round_ns.store(self.clock.now().as_nanos(), Ordering::Relaxed);
    }
}
