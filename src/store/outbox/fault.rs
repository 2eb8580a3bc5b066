//! Faults that a test plants in the disk: a released binary has none of this.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use super::write::Fault;

/// What the disk does from now on.
#[derive(Debug, Default)]
pub struct Faults {
    refusal: AtomicU8,
    slow_ms: AtomicU64,
}

/// How a disk refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It takes everything.
    None,
    /// ENOSPC.
    Full,
    /// EIO.
    Broken,
}

impl Faults {
    /// The disk refuses every commit so, or takes them again.
    pub fn refuse(&self, refusal: Refusal) {
        let number = match refusal {
            Refusal::None => 0,
            Refusal::Full => 1,
            Refusal::Broken => 2,
        };
        self.refusal.store(number, Ordering::Relaxed);
    }

    /// Every commit takes so long.
    pub fn slow(&self, span: Duration) {
        self.slow_ms.store(u64::try_from(span.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) async fn strike(&self) -> Result<(), Fault> {
        tokio::time::sleep(Duration::from_millis(self.slow_ms.load(Ordering::Relaxed))).await;
        match self.refusal.load(Ordering::Relaxed) {
            0 => Ok(()),
            1 => Err(Fault::Full),
            _ => Err(Fault::Broken(sqlx::Error::Io(std::io::ErrorKind::Other.into()))),
        }
    }
}
