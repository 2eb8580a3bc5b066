//! The media threads: each runs one [`Plane`] over epoll and owns the sockets of its legs.
//!
//! Decides: which thread a call belongs to (by its id, for its whole life or the thread's), nothing else.
//! Invariants: a thread never waits for anything but epoll; no packet allocates or takes a lock; orders of one call are
//! carried out in order; a fact is delivered or kept until it can be; the calls of a thread that has died are told, and
//! no call is given to it any more.
//! Does not do: the arithmetic of sound (`media`), ports (`media::ports`, owned by the switch).

#[cfg(test)]
mod tests;
mod worker;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_queue::ArrayQueue;
use nix::sys::eventfd::{EfdFlags, EventFd};
use tokio::sync::mpsc;

use self::worker::Worker;
use super::clock::Clock;
use super::tasks::Tasks;
use crate::base::entropy::Entropy;
use crate::base::ids::{CallId, LegId};
use crate::media::counters::Counters;
use crate::media::fact::Fact;
use crate::media::library::Library;
use crate::media::order::Order;
use crate::media::plane::{self, Plane};

/// Orders that wait in the queue of one thread.
const QUEUE_LENGTH: usize = 8_192;

/// Orders that wait behind a full queue. A thread that leaves so many undone is dead, which its watcher reports.
const BACKLOG_MAX: usize = 262_144;

/// A fact from a media thread for a call.
pub type MediaFact = (CallId, LegId, Fact);

/// What the media threads are told once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many threads; at least one is started.
    pub workers: usize,
    /// Our own media ports (V25).
    pub own_ports: RangeInclusive<u16>,
}

/// What the threads have counted together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// The planes' counters, summed.
    pub plane: Counters,
    /// What the sockets counted.
    pub sockets: SocketCounters,
    /// Orders given up because a thread did not take them.
    pub orders_lost: u64,
}

/// What the threads' sockets counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketCounters {
    /// Legs whose ports could not be bound.
    pub bind_failures: u64,
    /// Packets that the kernel did not take.
    pub send_failures: u64,
    /// Reads that failed for another reason than emptiness.
    pub receive_failures: u64,
}

/// The media threads, as the engine's loop holds them.
#[derive(Debug)]
pub struct MediaWorkers {
    desks: Vec<Desk>,
    orders_lost: u64,
    /// Legs that were to be opened when no thread lived any more.
    homeless: Vec<(CallId, LegId)>,
}

/// The engine's side of one thread.
#[derive(Debug)]
struct Desk {
    shared: Arc<Shared>,
    backlog: VecDeque<Message>,
    /// The legs that the thread was told to open and not yet to close: whom to tell when it dies.
    legs: BTreeMap<LegId, CallId>,
}

/// What both sides of one thread hold.
#[derive(Debug)]
struct Shared {
    orders: ArrayQueue<Message>,
    bell: EventFd,
    /// Set while the bell has rung and was not heard yet: a burst of orders makes one system call.
    rung: AtomicBool,
    published: Mutex<(Counters, SocketCounters)>,
    /// Set when the thread has ended and its sockets are closed.
    ended: AtomicBool,
}

/// Marks the end of a thread, however it comes.
struct EndMark(Arc<Shared>);

impl Drop for EndMark {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::SeqCst);
    }
}

#[derive(Debug)]
enum Message {
    Order(Order),
    Shutdown,
}

impl MediaWorkers {
    /// Starts the threads, watched by `tasks`. Facts come through `facts`; while that is full they wait in the thread.
    pub fn start(
        settings: &Settings,
        library: &Arc<Library>,
        clock: Clock,
        entropy: &mut Entropy,
        facts: &mpsc::Sender<MediaFact>,
        tasks: &mut Tasks,
    ) -> io::Result<Self> {
        let mut desks = Vec::new();
        for _ in 0..settings.workers.max(1) {
            let shared = Arc::new(Shared::new()?);
            let plane = plane::Settings {
                own_ports: settings.own_ports.clone(),
                wall_at_start: clock.wall().saturating_sub(clock.now().since(crate::base::time::Instant::START)),
            };
            let plane = Plane::new(plane, Arc::clone(library), entropy.fork());
            let worker = Worker::new(plane, Arc::clone(&shared), clock, facts.clone())?;
            let mark = EndMark(Arc::clone(&shared));
            tasks.thread("media", move || {
                let _mark = mark;
                worker.run();
            })?;
            desks.push(Desk { shared, backlog: VecDeque::new(), legs: BTreeMap::new() });
        }
        Ok(Self { desks, orders_lost: 0, homeless: Vec::new() })
    }

    /// Gives an order to the thread of its call. It never waits.
    pub fn send(&mut self, call: CallId, order: Order) {
        let living = self.desks.iter_mut().enumerate().filter(|(_, desk)| !desk.has_ended());
        match (living.max_by_key(|(index, _)| weight(call, *index)), &order) {
            (Some((_, desk)), _) => {
                desk.note(call, &order);
                self.orders_lost += desk.push(Message::Order(order));
            }
            (None, Order::Open { leg, .. }) => {
                self.homeless.push((call, *leg));
                self.orders_lost += 1;
            }
            (
                None,
                Order::Agree { .. }
                | Order::Hear { .. }
                | Order::Key { .. }
                | Order::Keys { .. }
                | Order::Await { .. }
                | Order::Close { .. },
            ) => {
                self.orders_lost += 1;
            }
        }
    }

    /// Moves on what waits behind queues that were full: after a burst no further order may come for long.
    pub fn flush(&mut self) {
        for desk in &mut self.desks {
            desk.flush();
        }
    }

    /// What the calls of threads that have ended must be told, once each: their legs have no sockets any more.
    pub fn take_lost(&mut self) -> Vec<MediaFact> {
        let mut lost = std::mem::take(&mut self.homeless);
        for desk in self.desks.iter_mut().filter(|desk| desk.has_ended()) {
            self.orders_lost += std::mem::take(&mut desk.backlog).len() as u64;
            lost.extend(std::mem::take(&mut desk.legs).into_iter().map(|(leg, call)| (call, leg)));
        }
        lost.into_iter().map(|(call, leg)| (call, leg, Fact::OpenFailed)).collect()
    }

    /// What the threads have counted; at most half a second old.
    pub fn statistics(&self) -> Statistics {
        let mut sum = Statistics { orders_lost: self.orders_lost, ..Statistics::default() };
        for desk in &self.desks {
            let (plane, sockets) = *desk.shared.published.lock().unwrap_or_else(PoisonError::into_inner);
            sum.plane.add(&plane);
            sum.sockets.bind_failures += sockets.bind_failures;
            sum.sockets.send_failures += sockets.send_failures;
            sum.sockets.receive_failures += sockets.receive_failures;
        }
        sum
    }

    /// Tells the threads to close all sockets and end; `tasks` reports each one's end.
    pub fn shutdown(&mut self) {
        for desk in &mut self.desks {
            self.orders_lost += desk.push(Message::Shutdown);
        }
    }
}

impl Desk {
    /// Queues a message behind those that wait. Gives the number of messages lost.
    fn push(&mut self, message: Message) -> u64 {
        let lost = if self.backlog.len() < BACKLOG_MAX {
            self.backlog.push_back(message);
            0
        } else {
            1
        };
        self.flush();
        lost
    }

    /// Fills the queue from the backlog.
    fn flush(&mut self) {
        if self.backlog.is_empty() {
            return;
        }
        while let Some(message) = self.backlog.pop_front() {
            if let Err(message) = self.shared.orders.push(message) {
                self.backlog.push_front(message);
                break;
            }
        }
        self.shared.ring();
    }

    /// Takes note of which legs the thread has.
    fn note(&mut self, call: CallId, order: &Order) {
        match order {
            Order::Open { leg, .. } => {
                self.legs.insert(*leg, call);
            }
            Order::Close { leg } => {
                self.legs.remove(leg);
            }
            Order::Agree { .. } | Order::Hear { .. } | Order::Key { .. } | Order::Keys { .. } | Order::Await { .. } => {
            }
        }
    }

    fn has_ended(&self) -> bool {
        self.shared.ended.load(Ordering::SeqCst)
    }
}

/// How much a thread wants a call. The call goes to the living thread that wants it most: when one dies, only its own
/// calls go elsewhere (rendezvous hashing, with the finalizer of splitmix64).
const fn weight(call: CallId, index: usize) -> u64 {
    let mixed =
        ((call.0 >> 64) as u64 ^ call.0 as u64).wrapping_add((index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl Shared {
    fn new() -> io::Result<Self> {
        Ok(Self {
            orders: ArrayQueue::new(QUEUE_LENGTH),
            bell: EventFd::from_value_and_flags(0, EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?,
            rung: AtomicBool::new(false),
            published: Mutex::new((Counters::default(), SocketCounters::default())),
            ended: AtomicBool::new(false),
        })
    }

    fn ring(&self) {
        if !self.rung.swap(true, Ordering::SeqCst) {
            // It can only fail when the counter is full, and then the thread has not heard the bell yet.
            self.bell.write(1).ok();
        }
    }

    /// Silences the bell. Called before the queue is emptied, so that an order pushed meanwhile rings again.
    fn silence(&self) {
        self.bell.read().ok();
        self.rung.store(false, Ordering::SeqCst);
    }
}
