//! `GET /v1/events`: what happens, as it happens, to everybody who may see it.
//!
//! Decides: the number of each event, who may see it, what is kept for those who come back.
//! Invariants: numbers rise, over a restart too; who comes back with the number of the last event it saw misses
//! nothing, or is told by an explicit `gap`; a reader that falls out of what is kept is cut with a reason; an agent
//! sees events of a call only while it is in the call; citizens' numbers are masked.
//! Does not do: history beyond the last [`KEPT`] events.

mod audience;
mod event;
mod ring;
mod stream;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

pub(super) use event::{Event, Kind, priority, trigger};
pub(super) use stream::__path_events;
pub(super) use stream::events;

use super::access::{Access, Client};
use super::problem::{self, Problem};
use crate::call::notice::Notice;
use crate::engine::clock::Clock;
use crate::engine::handle::{News, Told};
use audience::Audience;
use ring::{Line, Ring};

/// Events kept for those who come back: minutes at a busy hour.
const KEPT: usize = 4_096;
/// Streams at a time.
const STREAMS: usize = 64;
/// Streams of one client at a time.
const STREAMS_OF_ONE: usize = 8;

/// Everything that was told lately, and who listens. Copies share it.
#[derive(Clone, Debug)]
pub(crate) struct Hub {
    shared: Arc<Mutex<Shared>>,
    newest: watch::Sender<u64>,
    room: Arc<Semaphore>,
    access: Access,
    clock: Clock,
}

#[derive(Debug)]
struct Shared {
    ring: Ring,
    audience: Audience,
    /// Names of clients with a stream, once for each.
    listening: Vec<Arc<str>>,
}

impl Hub {
    /// A hub whose numbers begin with the time of its making, so that they go on rising over a restart.
    pub(super) fn new(access: Access, clock: Clock) -> Self {
        // Microseconds since 1970 stay below 2^53, the largest whole number of JavaScript, for two centuries.
        let first = u64::try_from(clock.wall().as_micros()).unwrap_or_default();
        let shared = Shared { ring: Ring::new(first, KEPT), audience: Audience::default(), listening: Vec::new() };
        Self {
            shared: Arc::new(Mutex::new(shared)),
            newest: watch::Sender::new(first),
            room: Arc::new(Semaphore::new(STREAMS)),
            access,
            clock,
        }
    }

    /// Takes in what the loop tells until it ends.
    pub(super) async fn run(&self, mut told: mpsc::Receiver<Told>) {
        while let Some(one) = told.recv().await {
            self.take(&one);
        }
    }

    /// Takes in one thing that happened.
    pub(super) fn take(&self, told: &Told) {
        let mut shared = self.lock();
        let shared = &mut *shared;
        if told.lost_before > 0 {
            let kind = Kind::Gap { after: None, lost: Some(told.lost_before) };
            shared.ring.push(told.wall, None, kind, ring::Seen::ByAll);
        }
        match &told.news {
            News::Call(Notice { call, at: _, what }) => {
                let seen = shared.audience.follow(*call, what);
                if let Some(kind) = event::kind_of(what) {
                    shared.ring.push(told.wall, Some(*call), kind, ring::Seen::By(seen));
                }
            }
            News::Gateway(change) => {
                let nobody = ring::Seen::By(ring::Agents::new());
                shared.ring.push(told.wall, None, event::gateway(change), nobody);
            }
        }
        self.newest.send_replace(shared.ring.newest());
    }

    /// Listens from the event after `after`, or from now on.
    pub(super) fn subscribe(&self, client: Client, after: Option<u64>) -> Result<Subscription, Problem> {
        let busy = |detail: &str, right: String| Err(Problem::new(problem::Kind::Busy, detail, right).retry_after(5));
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            return busy("too many event streams are open", format!("at most {STREAMS} at a time"));
        };
        let mut shared = self.lock();
        if shared.listening.iter().filter(|name| **name == client.name).count() >= STREAMS_OF_ONE {
            return busy("this token has too many event streams", format!("at most {STREAMS_OF_ONE} at a time"));
        }
        shared.listening.push(Arc::clone(&client.name));
        let cursor = after.unwrap_or_else(|| shared.ring.newest());
        drop(shared);
        let wake = self.newest.subscribe();
        Ok(Subscription { hub: self.clone(), client, cursor, started: Started::No, wake, _room: room })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One reader of events.
#[derive(Debug)]
pub(super) struct Subscription {
    hub: Hub,
    client: Client,
    /// The number of the last event that was looked at.
    cursor: u64,
    started: Started,
    wake: watch::Receiver<u64>,
    _room: OwnedSemaphorePermit,
}

/// Whether a reader has had its first look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Started {
    No,
    Yes,
}

/// What a reader is given next.
#[derive(Clone, Debug)]
pub(super) enum Next {
    /// An event.
    Line(Arc<Line>),
    /// Nothing happened for a while.
    Quiet,
    /// The end, and why.
    Cut(&'static str),
}

/// Why a reader is cut.
const TOO_SLOW: &str = "too slow: events were lost, connect again with after=";
const WITHDRAWN: &str = "the token was withdrawn";
const ENDED: &str = "the daemon is going down, connect again with after=";

impl Subscription {
    /// What comes next, or quiet after `patience`. Cancelling it loses nothing.
    pub(super) async fn next(&mut self, patience: Duration) -> Next {
        let quiet = tokio::time::sleep(patience);
        tokio::pin!(quiet);
        loop {
            // Marked as seen before looking, so that what comes while looking wakes us again.
            self.wake.borrow_and_update();
            match self.look() {
                Some(next) => return next,
                None => {
                    tokio::select! {
                        changed = self.wake.changed() => {
                            if changed.is_err() {
                                return Next::Cut(ENDED);
                            }
                        }
                        () = &mut quiet => return self.quiet(),
                    }
                }
            }
        }
    }

    fn quiet(&self) -> Next {
        if self.hub.access.stands(&self.client) { Next::Quiet } else { Next::Cut(WITHDRAWN) }
    }

    /// The next event that the client may see, if there is one.
    fn look(&mut self) -> Option<Next> {
        let shared = self.hub.lock();
        let ring = &shared.ring;
        if !ring.reaches(self.cursor) {
            return Some(match self.started {
                Started::Yes => Next::Cut(TOO_SLOW),
                Started::No => {
                    self.started = Started::Yes;
                    let gap = Arc::new(ring.gap(self.cursor, self.hub.clock.wall()));
                    self.cursor = gap.seq();
                    Next::Line(gap)
                }
            });
        }
        self.started = Started::Yes;
        let found = ring.after(self.cursor).find(|line| line.is_for(&self.client.role));
        self.cursor = found.map_or_else(|| ring.newest(), |line| line.seq());
        found.map(|line| Next::Line(Arc::clone(line)))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut shared = self.hub.lock();
        if let Some(index) = shared.listening.iter().position(|name| *name == self.client.name) {
            shared.listening.swap_remove(index);
        }
    }
}
