//! Tasks and threads with a name and a watcher: none dies unseen (trap E5).

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use tokio::task::{AbortHandle, Id, JoinSet};

/// Everything the engine has set running beside its loop.
#[derive(Debug, Default)]
pub struct Tasks {
    set: JoinSet<Outcome>,
    names: HashMap<Id, &'static str>,
}

/// The end of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its name.
    pub name: &'static str,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned.
    Finished,
    /// It panicked: a bug, to be counted and made known.
    Panicked,
    /// It was aborted by us.
    Aborted,
}

impl Tasks {
    /// Sets a future running on the current runtime.
    pub fn spawn(&mut self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let handle = self.set.spawn(async move {
            work.await;
            Outcome::Finished
        });
        self.names.insert(handle.id(), name);
        handle
    }

    /// Sets a function running on a thread of its own, watched like a task.
    pub fn thread(&mut self, name: &'static str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let (ended, outcome) = tokio::sync::oneshot::channel();
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let outcome = match std::panic::catch_unwind(AssertUnwindSafe(work)) {
                Ok(()) => Outcome::Finished,
                Err(_) => Outcome::Panicked,
            };
            // Nobody listens any more once the daemon is going down.
            ended.send(outcome).ok();
        })?;
        let handle = self.set.spawn(async move { outcome.await.unwrap_or(Outcome::Panicked) });
        self.names.insert(handle.id(), name);
        Ok(())
    }

    /// The next task that ends; waits for ever while none runs.
    pub async fn ended(&mut self) -> Ended {
        let (id, outcome) = match self.set.join_next_with_id().await {
            None => return std::future::pending().await,
            Some(Ok((id, outcome))) => (id, outcome),
            Some(Err(error)) => (error.id(), if error.is_panic() { Outcome::Panicked } else { Outcome::Aborted }),
        };
        Ended { name: self.names.remove(&id).unwrap_or("unnamed"), outcome }
    }

    /// How many run.
    pub fn len(&self) -> usize {
        self.set.len()
    }

    /// Whether none runs.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_in_a_task_or_a_thread_is_seen_with_its_name() {
        let mut tasks = Tasks::default();
        tasks.spawn("works", async {});
        assert_eq!(tasks.ended().await, Ended { name: "works", outcome: Outcome::Finished });
        tasks.spawn("breaks", async { panic!("planted") });
        assert_eq!(tasks.ended().await, Ended { name: "breaks", outcome: Outcome::Panicked });
        tasks.thread("thread", || panic!("planted")).unwrap();
        assert_eq!(tasks.ended().await, Ended { name: "thread", outcome: Outcome::Panicked });
        assert!(tasks.is_empty());
    }
}
