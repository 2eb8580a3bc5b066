//! The media threads: each runs one [`Plane`] over epoll and owns the sockets of its legs.
//!
//! Decides: which thread a call belongs to (by its id, for its whole life or the thread's), nothing else.
//! Invariants: a thread never waits for anything but epoll; no packet allocates or takes a lock; orders of one call are
//! carried out in order; a fact is delivered or kept until it can be. A thread that has died is replaced, and what its
//! calls want is said again to the new one: they miss a moment of sound and learn nothing of it. A thread that keeps
//! dying is given up: its calls are told, and no call is given to it any more.
//! Does not do: the arithmetic of sound (`media`), ports (`media::ports`, owned by the switch).

mod book;
#[cfg(test)]
mod tests;
mod worker;

use std::collections::VecDeque;
use std::io;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_queue::ArrayQueue;
use nix::sys::eventfd::{EfdFlags, EventFd};
use tokio::sync::mpsc;

use self::book::Book;
use self::worker::Worker;
use super::clock::Clock;
use super::tasks::Tasks;
use crate::base::entropy::Entropy;
use crate::base::ids::{CallId, LegId};
use crate::base::time::Instant;
use crate::media::counters::Counters;
use crate::media::fact::Fact;
use crate::media::library::Library;
use crate::media::order::Order;
use crate::media::plane::{self, Plane};

/// Orders that wait in the queue of one thread.
const QUEUE_LENGTH: usize = 8_192;

/// Orders that wait behind a full queue. A thread that leaves so many undone is dead, which its watcher reports.
const BACKLOG_MAX: usize = 262_144;

/// A thread that has lived for this long had no cause of death that its successor inherits.
const STEADY: Duration = Duration::from_secs(60);

/// Successors that may die young, one after the other, until the place is given up.
const YOUNG_DEATHS_MAX: u8 = 3;

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
    /// Threads that died and were replaced.
    pub replaced: u64,
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
#[derive(Debug, Default)]
pub struct MediaWorkers {
    desks: Vec<Desk>,
    /// What a new thread is made of; `None` once the threads were told to end.
    workshop: Option<Workshop>,
    orders_lost: u64,
    replaced: u64,
    /// What threads that were replaced had counted.
    former: (Counters, SocketCounters),
    /// Legs that were to be opened when no thread lived any more.
    homeless: Vec<(CallId, LegId)>,
}

/// The engine's side of one thread.
#[derive(Debug)]
struct Desk {
    shared: Arc<Shared>,
    backlog: VecDeque<Message>,
    /// What was asked of the thread: whom to tell when it dies, and what its successor must be told.
    book: Book,
    begun: Instant,
    /// Threads of this place that have died young in a row.
    young_deaths: u8,
}

/// What a thread is made of.
#[derive(Debug)]
struct Workshop {
    own_ports: RangeInclusive<u16>,
    library: Arc<Library>,
    clock: Clock,
    entropy: Entropy,
    facts: mpsc::Sender<MediaFact>,
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
    /// A planted fault: the thread panics.
    #[cfg(feature = "faults")]
    Panic,
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
        let mut workshop = Workshop {
            own_ports: settings.own_ports.clone(),
            library: Arc::clone(library),
            clock,
            entropy: entropy.fork(),
            facts: facts.clone(),
        };
        let desk = |_| Ok(Desk::new(workshop.employ(tasks)?, clock.now()));
        let desks = (0..settings.workers.max(1)).map(desk).collect::<io::Result<_>>()?;
        Ok(Self { desks, workshop: Some(workshop), ..Self::default() })
    }

    /// Gives an order to the thread of its call. It never waits.
    pub fn send(&mut self, call: CallId, order: Order) {
        let living = self.desks.iter_mut().enumerate().filter(|(_, desk)| !desk.has_ended());
        match (living.max_by_key(|(index, _)| weight(call, *index)), &order) {
            (Some((_, desk)), _) => {
                desk.book.note(call, &order);
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

    /// Puts a new thread in the place of each that has died, and says to it again what its calls want.
    pub fn replace_dead(&mut self, tasks: &mut Tasks) {
        let Some(workshop) = &mut self.workshop else { return };
        let now = workshop.clock.now();
        for desk in self.desks.iter_mut().filter(|desk| desk.has_ended()) {
            desk.young_deaths = if now.since(desk.begun) < STEADY { desk.young_deaths.saturating_add(1) } else { 0 };
            if desk.young_deaths > YOUNG_DEATHS_MAX {
                continue;
            }
            // A machine that has no thread for us is one more death; the calls are told below.
            let Ok(shared) = workshop.employ(tasks) else { continue };
            let (mut plane, sockets) = desk.counted();
            // Its legs were closed with it, and are opened again.
            plane.closed = plane.opened;
            self.former.0.add(&plane);
            self.former.1.add(&sockets);
            self.replaced += 1;
            desk.shared = shared;
            desk.begun = now;
            desk.backlog.clear();
            desk.backlog.extend(desk.book.orders().map(Message::Order));
            desk.flush();
        }
    }

    /// What the calls of threads that were given up must be told, once each: their legs have no sockets any more.
    pub fn take_lost(&mut self) -> Vec<MediaFact> {
        let mut lost = std::mem::take(&mut self.homeless);
        for desk in self.desks.iter_mut().filter(|desk| desk.has_ended()) {
            self.orders_lost += std::mem::take(&mut desk.backlog).len() as u64;
            lost.extend(std::mem::take(&mut desk.book).legs());
        }
        lost.into_iter().map(|(call, leg)| (call, leg, Fact::OpenFailed)).collect()
    }

    /// What the threads have counted; at most half a second old.
    pub fn statistics(&self) -> Statistics {
        let (plane, sockets) = self.former;
        let mut sum = Statistics { plane, sockets, orders_lost: self.orders_lost, replaced: self.replaced };
        for desk in &self.desks {
            let (plane, sockets) = desk.counted();
            sum.plane.add(&plane);
            sum.sockets.add(&sockets);
        }
        sum
    }

    /// Makes the thread of a call panic: a planted fault.
    #[cfg(feature = "faults")]
    pub fn strike(&mut self, call: CallId) {
        let living = self.desks.iter_mut().enumerate().filter(|(_, desk)| !desk.has_ended());
        if let Some((_, desk)) = living.max_by_key(|(index, _)| weight(call, *index)) {
            desk.push(Message::Panic);
        }
    }

    /// Tells the threads to close all sockets and end; `tasks` reports each one's end.
    pub fn shutdown(&mut self) {
        self.workshop = None;
        for desk in &mut self.desks {
            self.orders_lost += desk.push(Message::Shutdown);
        }
    }
}

impl Workshop {
    /// Starts a thread, watched by `tasks`.
    fn employ(&mut self, tasks: &mut Tasks) -> io::Result<Arc<Shared>> {
        let shared = Arc::new(Shared::new()?);
        let settings = plane::Settings {
            own_ports: self.own_ports.clone(),
            wall_at_start: self.clock.wall().saturating_sub(self.clock.now().since(Instant::START)),
        };
        let plane = Plane::new(settings, Arc::clone(&self.library), self.entropy.fork());
        let worker = Worker::new(plane, Arc::clone(&shared), self.clock, self.facts.clone())?;
        let mark = EndMark(Arc::clone(&shared));
        tasks.thread("media", move || {
            // Dropped last: when the mark is set, the sockets are closed.
            let _mark = mark;
            worker.run();
        })?;
        Ok(shared)
    }
}

impl SocketCounters {
    fn add(&mut self, other: &Self) {
        self.bind_failures += other.bind_failures;
        self.send_failures += other.send_failures;
        self.receive_failures += other.receive_failures;
    }
}

impl Desk {
    const fn new(shared: Arc<Shared>, begun: Instant) -> Self {
        Self { shared, backlog: VecDeque::new(), book: Book::new(), begun, young_deaths: 0 }
    }

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

    /// What the thread has counted; at most half a second old.
    fn counted(&self) -> (Counters, SocketCounters) {
        *self.shared.published.lock().unwrap_or_else(PoisonError::into_inner)
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
