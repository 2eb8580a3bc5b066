//! The media threads: each runs one [`Plane`] over epoll and owns the sockets of its legs.
//!
//! Decides: which thread a call belongs to (by its id, for its whole life), nothing else.
//! Invariants: a thread never waits for anything but epoll; no packet allocates or takes a lock; orders of one call are
//! carried out in order; a fact is delivered or kept until it can be.
//! Does not do: the arithmetic of sound (`media`), ports (`media::ports`, owned by the switch).

mod worker;

use std::collections::VecDeque;
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
}

/// The engine's side of one thread.
#[derive(Debug)]
struct Desk {
    shared: Arc<Shared>,
    backlog: VecDeque<Message>,
}

/// What both sides of one thread hold.
#[derive(Debug)]
struct Shared {
    orders: ArrayQueue<Message>,
    bell: EventFd,
    /// Set while the bell has rung and was not heard yet: a burst of orders makes one system call.
    rung: AtomicBool,
    published: Mutex<(Counters, SocketCounters)>,
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
            tasks.thread("media", move || worker.run())?;
            desks.push(Desk { shared, backlog: VecDeque::new() });
        }
        Ok(Self { desks, orders_lost: 0 })
    }

    /// Gives an order to the thread of its call. It never waits.
    pub fn send(&mut self, call: CallId, order: Order) {
        let count = self.desks.len();
        let hash = (call.0 >> 64) as u64 ^ call.0 as u64;
        let index = usize::try_from(hash % count as u64).unwrap_or(0);
        if let Some(desk) = self.desks.get_mut(index) {
            self.orders_lost += desk.push(Message::Order(order));
        }
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
        while let Some(message) = self.backlog.pop_front() {
            if let Err(message) = self.shared.orders.push(message) {
                self.backlog.push_front(message);
                break;
            }
        }
        self.shared.ring();
        lost
    }
}

impl Shared {
    fn new() -> io::Result<Self> {
        Ok(Self {
            orders: ArrayQueue::new(QUEUE_LENGTH),
            bell: EventFd::from_value_and_flags(0, EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?,
            rung: AtomicBool::new(false),
            published: Mutex::new((Counters::default(), SocketCounters::default())),
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
