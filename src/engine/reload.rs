//! Asking for the configuration to be read again: by the administrators' listener and by SIGHUP, one at a time.

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use crate::switch::Settings;

/// One wish for a reload.
#[derive(Debug)]
pub struct Reload {
    /// Where the answer goes; whoever asked may have gone.
    pub answer: oneshot::Sender<Result<(), Refused>>,
}

/// Why the configuration that was read is not used. The old one stays in use, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// The key.
    pub key: String,
    /// What is wrong.
    pub wrong: String,
    /// What would be right.
    pub right: String,
}

/// The asking side. Copies ask the same reader.
#[derive(Clone, Debug)]
pub struct Reloads(mpsc::Sender<Reload>);

/// What has come of a reload.
#[derive(Debug)]
pub enum Outcome {
    /// Another configuration, checked as a whole.
    Taken {
        /// What the switch is to follow.
        settings: Box<Settings>,
        /// Told when it does.
        followed: oneshot::Sender<()>,
    },
    /// The configuration in use stays.
    Refused(Refused),
}

/// A reload is under way and another one waits already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the configuration is being read already")]
pub struct UnderWay;

impl Reloads {
    /// Asks for a reload. The receiver fails when the daemon goes down.
    pub fn ask(&self) -> Result<oneshot::Receiver<Result<(), Refused>>, UnderWay> {
        let (answer, answered) = oneshot::channel();
        self.0.try_send(Reload { answer }).map_err(|_| UnderWay)?;
        Ok(answered)
    }
}

/// Both sides; one wish may wait while one is being fulfilled.
pub fn requests() -> (Reloads, mpsc::Receiver<Reload>) {
    let (ask, asked) = mpsc::channel(1);
    (Reloads(ask), asked)
}
