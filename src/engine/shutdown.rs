//! The signals that end the daemon.

use std::io;

use nix::sys::signal::SigSet;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes the signals over from their defaults. Call it inside a runtime.
    pub fn take() -> io::Result<Self> {
        // A parent that holds signals back for itself hands that on to us.
        let mut ours = SigSet::empty();
        ours.add(nix::sys::signal::Signal::SIGTERM);
        ours.add(nix::sys::signal::Signal::SIGINT);
        ours.thread_unblock()?;
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// The next one. Cancelling it loses nothing.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
