//! From the outbox to the ticket stores: one HTTP attempt for each parcel, and what became of it.
//!
//! Decides: what an answer means ([`answer`]): taken, not now, or refused.
//! Invariants: exactly one attempt a parcel and exactly one report, whatever happens to it (timeout, panic, a ticket store
//! that is not configured any more); the idempotency key goes with every attempt; only the configured host is spoken to -
//! redirects are not followed and proxies of the environment are not used (V34); no secret and no citizen's number is in
//! a report; an answer is read up to [`attempt::LONGEST_ANSWER`] and for a limited time.
//! Does not do: order, retries, pauses (`tickets::schedule`), keep anything (`store`), know the built-in ticket store from
//! a foreign one.
//!
//! The outbox sends [`Parcel`]s into a bounded queue and hears a [`Report`] for each. [`Courier::run`] works on a thread of
//! its own, so that a ticket store that takes its time takes it from nobody else.

mod answer;
mod attempt;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};

use self::attempt::Address;
pub use self::settings::{Answers, Auth, BadCertificates, BadTarget, Replays, Said, Secret, Settings, Target, Trust};
use crate::base::time::WallClock;
use crate::tickets::ids::EventId;
use crate::tickets::parcel::{Parcel, Verdict};
use crate::tickets::ticket::Event;

/// Parcels that wait for the courier.
const WAITING: usize = 64;

/// Attempts under way at a time, over all ticket stores. The schedule gives out fewer for each of them; this bounds a
/// configuration with very many.
const AT_ONCE: usize = 512;

/// What became of one parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The event.
    pub event: EventId,
    /// What it says happened; none, if the record is none of ours.
    pub kind: Option<Event>,
    /// The ticket store that was tried.
    pub store: Arc<str>,
    /// What it said.
    pub verdict: Verdict,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// How long it took.
    pub took: Duration,
}

/// Who hears of each attempt: called on the courier's thread, so it must not wait.
pub type Listener = Box<dyn Fn(Report) + Send>;

/// What time it is: handed in, because only the engine reads the clock.
pub type Clock = Arc<dyn Fn() -> WallClock + Send + Sync>;

/// The ticket stores by name.
type Addresses = Arc<BTreeMap<Arc<str>, Arc<Address>>>;

/// The outbox's and the configuration's end.
#[derive(Clone, Debug)]
pub struct Delivery {
    parcels: mpsc::Sender<Parcel>,
    addresses: watch::Sender<Addresses>,
}

/// The end that does the work.
pub struct Courier {
    parcels: mpsc::Receiver<Parcel>,
    addresses: watch::Receiver<Addresses>,
    clock: Clock,
    listener: Listener,
}

/// Both ends, with the ticket stores of the configuration.
pub fn open(stores: Vec<Settings>, clock: Clock, listener: Listener) -> (Delivery, Courier) {
    let (sender, parcels) = mpsc::channel(WAITING);
    let (told, addresses) = watch::channel(built(stores));
    (Delivery { parcels: sender, addresses: told }, Courier { parcels, addresses, clock, listener })
}

impl Delivery {
    /// Where parcels are handed in.
    pub fn parcels(&self) -> mpsc::Sender<Parcel> {
        self.parcels.clone()
    }

    /// Other ticket stores, after a reload. Attempts under way end with the ones they began with.
    pub fn replace(&self, stores: Vec<Settings>) {
        self.addresses.send_replace(built(stores));
    }
}

fn built(stores: Vec<Settings>) -> Addresses {
    let pairs = stores.into_iter().map(|settings| (Arc::clone(&settings.name), Arc::new(Address::new(settings))));
    Arc::new(pairs.collect())
}

impl Courier {
    /// Works until nobody can hand in a parcel any more and the last attempt has ended.
    pub fn run(self) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.work());
        Ok(())
    }

    async fn work(mut self) {
        let mut under_way = JoinSet::new();
        let mut parcels = HashMap::new();
        loop {
            tokio::select! {
                Some(ended) = under_way.join_next_with_id() => self.tell(ended, &mut parcels),
                parcel = self.parcels.recv(), if under_way.len() < AT_ONCE => match parcel {
                    Some(parcel) => {
                        let begun = (self.clock)();
                        let address = self.addresses.borrow().get(&parcel.store).cloned();
                        let handle = under_way.spawn(attempt(address, parcel.clone(), begun));
                        parcels.insert(handle.id(), (parcel, begun));
                    }
                    None => break,
                },
            }
        }
        while let Some(ended) = under_way.join_next_with_id().await {
            self.tell(ended, &mut parcels);
        }
    }

    fn tell(&self, ended: Result<(Id, Verdict), JoinError>, parcels: &mut HashMap<Id, (Parcel, WallClock)>) {
        let (id, verdict) = match ended {
            Ok(ended) => ended,
            // A bug of ours is no reason to lose the event, nor to send it at once again.
            Err(error) => (error.id(), not_now("the attempt broke off by a fault of our own")),
        };
        let (parcel, begun) = parcels.remove(&id).expect("each attempt has its parcel until it is told");
        let took = (self.clock)().at.since(begun.at);
        let Parcel { event, store, attempt, body, .. } = parcel;
        (self.listener)(Report { event, kind: kind(&body), store, verdict, attempt, took });
    }
}

/// What a ticket says happened.
fn kind(body: &str) -> Option<Event> {
    #[derive(Deserialize)]
    struct Ticket {
        event: Event,
    }
    serde_json::from_str::<Ticket>(body).ok().map(|ticket| ticket.event)
}

async fn attempt(address: Option<Arc<Address>>, parcel: Parcel, now: WallClock) -> Verdict {
    match address {
        Some(address) => address.attempt(&parcel, now).await,
        None => not_now(&format!("no [[ticket_store]] is named {}", parcel.store)),
    }
}

fn not_now(why: &str) -> Verdict {
    Verdict::NotNow { why: why.to_owned(), after: None }
}
