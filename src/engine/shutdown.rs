//! The signals that end the daemon, and the one that has its configuration read again.

use std::io;

use nix::sys::signal::SigSet;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT; SIGHUP.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// SIGTERM, SIGINT: to end.
    End,
    /// SIGHUP: to read the configuration again.
    Reload,
}

impl Signals {
    /// Takes the signals over from their defaults. Call it inside a runtime.
    pub fn take() -> io::Result<Self> {
        // A parent that holds signals back for itself hands that on to us.
        let mut ours = SigSet::empty();
        ours.add(nix::sys::signal::Signal::SIGTERM);
        ours.add(nix::sys::signal::Signal::SIGINT);
        ours.add(nix::sys::signal::Signal::SIGHUP);
        ours.thread_unblock()?;
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The next one. Cancelling it loses nothing.
    pub async fn next(&mut self) -> Ask {
        tokio::select! {
            _ = self.terminate.recv() => Ask::End,
            _ = self.interrupt.recv() => Ask::End,
            _ = self.hang_up.recv() => Ask::Reload,
        }
    }
}
