//! Reading the configuration again while the daemon runs: a thread of its own, because it reads files.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::check::{PROMPTS, prompt_problem};
use crate::api::Access;
use crate::config::{self, Configuration, Sources};
use crate::delivery::{Delivery, Secret};
use crate::engine::prompts;
use crate::engine::reload::{Outcome, Problem, Refused, Reload};
use crate::media::library::Library;
use crate::store::outbox::Sinks;

/// Reads when it is asked, and hands what is good to the loop.
pub(super) struct Reader {
    /// The main file.
    pub(super) path: PathBuf,
    /// What is in use.
    pub(super) running: Configuration,
    /// Who asks.
    pub(super) asked: mpsc::Receiver<Reload>,
    /// The loop.
    pub(super) told: mpsc::Sender<Outcome>,
    /// Who may use the HTTP interface.
    pub(super) access: Access,
    /// What the delivery shows our own ticket store.
    pub(super) own: Secret,
    /// Who sends to ticket stores.
    pub(super) delivery: Delivery,
    /// Where the outbox learns which hotline has which.
    pub(super) sinks: mpsc::Sender<Sinks>,
    /// The prompts as they were read at the start.
    pub(super) library: Arc<Library>,
}

impl Reader {
    /// Reads until nobody can ask any more.
    pub(super) fn run(mut self) {
        while let Some(Reload { answer }) = self.asked.blocking_recv() {
            let result = match self.read() {
                Ok(read) => self.take(read),
                Err(refused) => {
                    self.told.blocking_send(Outcome::Refused(refused.clone())).ok();
                    Err(refused)
                }
            };
            // Whoever asked may have gone.
            answer.send(result).ok();
        }
    }

    fn read(&self) -> Result<Configuration, Refused> {
        let read = config::reload(&self.running, &Sources::system()).and_then(|read| {
            // They are not taken over, but a restart with them must not fail.
            match prompts::load(&read.prompts, &PROMPTS) {
                Ok(_) => self.has_its_announcements(read),
                Err(error) => Err(vec![prompt_problem(&self.path, &error)]),
            }
        });
        read.map_err(|problems| Refused { problems: problems.iter().map(problem).collect() })
    }

    /// A prompt that came after the start is heard after a restart only.
    fn has_its_announcements(&self, read: Configuration) -> Result<Configuration, Vec<config::Problem>> {
        let named = read.hotlines.hotline.iter().filter_map(|hotline| hotline.announcement.as_ref());
        let missing = named.map(|name| name.get_ref()).find(|name| self.library.prompt(name).is_none());
        let Some(name) = missing else { return Ok(read) };
        let problem = config::Problem {
            file: self.path.clone(),
            line: 1,
            column: 1,
            key: "hotline.announcement".to_owned(),
            wrong: format!("{name}.wav was not there when the daemon started"),
            right: "a restart, which reads the prompts".to_owned(),
        };
        Err(vec![problem])
    }

    fn take(&mut self, read: Configuration) -> Result<(), Refused> {
        let (followed, done) = oneshot::channel();
        let settings = Box::new(read.switch());
        // Both fail only when the daemon is going down.
        if self.told.blocking_send(Outcome::Taken { settings, followed }).is_ok() && done.blocking_recv().is_ok() {
            self.access.replace(read.tokens.clone());
            // An event for a ticket store that the delivery does not know yet would wait for nothing.
            self.delivery.replace(read.ticket_stores(&self.own));
            self.sinks.blocking_send(read.sinks()).ok();
            self.running = read;
        }
        Ok(())
    }
}

fn problem(problem: &config::Problem) -> Problem {
    Problem {
        file: problem.file.display().to_string(),
        line: problem.line,
        column: problem.column,
        key: problem.key.clone(),
        wrong: problem.wrong.clone(),
        right: problem.right.clone(),
    }
}
