//! The way into the loop for the HTTP interface, and what the loop tells it.
//!
//! Nothing here makes the loop wait: requests come through a bounded queue, answers go to whoever still waits, the
//! picture of everything is published only when somebody wants a fresh one, and what happened is told through a
//! bounded queue; what does not fit is counted and told as lost.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::clock::Clock;
use crate::base::ids::CommandId;
use crate::base::time::Instant;
use crate::call::command::{CallSelector, Command, Refusal, Reply};
use crate::call::notice::Notice;
use crate::switch::view::CallView;
use crate::switch::{GatewayChange, Switch, View};

/// Requests that wait for the loop.
const REQUESTS: usize = 256;
/// Commands whose answer is awaited. The switch answers at once or not much later; beyond this, commands are refused.
const AWAITED: usize = 1_024;
/// Notices that wait for the HTTP interface.
const TOLD: usize = 4_096;
/// A picture that is younger is good enough.
const FRESH: Duration = Duration::from_millis(100);
/// How long a picture is waited for: the loop comes round many times a second.
const PATIENCE: Duration = Duration::from_secs(2);

/// The asking side. Copies ask the same loop.
#[derive(Clone, Debug)]
pub struct Handle {
    requests: mpsc::Sender<Request>,
    wanted: Arc<Notify>,
    pictures: watch::Receiver<Arc<Picture>>,
    clock: Clock,
}

/// The switch at one moment, with the wall time of that moment.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// What there was.
    pub view: View,
    /// When it was taken.
    pub at: Moment,
}

/// One moment on both clocks: gives the wall time of others near it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    /// On the daemon's time line.
    pub instant: Instant,
    /// Since 1970.
    pub wall: Duration,
}

impl Moment {
    /// The wall time of an instant, since 1970.
    pub fn wall_of(&self, instant: Instant) -> Duration {
        let later = self.wall.saturating_add(instant.since(self.instant));
        later.saturating_sub(self.instant.since(instant))
    }
}

/// One call at one moment.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What there is.
    pub call: CallView,
    /// When.
    pub at: Moment,
}

/// Something that happened, on its way to the HTTP interface.
#[derive(Clone, Debug)]
pub struct Told {
    /// What.
    pub news: News,
    /// When, since 1970.
    pub wall: Duration,
    /// How many of its kind before it found no room.
    pub lost_before: u64,
}

/// What the HTTP interface is told.
#[derive(Clone, Debug)]
pub enum News {
    /// Something happened to a call.
    Call(Notice),
    /// A gateway is believed to work, or no longer.
    Gateway(GatewayChange),
}

/// Why the loop was not asked, or did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unheard {
    /// Too many requests wait already.
    #[error("too many requests wait already")]
    Full,
    /// The daemon is going down.
    #[error("the daemon is going down")]
    Gone,
}

/// What the loop is asked.
#[derive(Debug)]
pub(crate) enum Request {
    /// One call.
    Show { which: CallSelector, answer: oneshot::Sender<Result<Shown, Refusal>> },
    /// A command to a call.
    Order { which: CallSelector, command: Command, answer: oneshot::Sender<Reply> },
}

impl Handle {
    /// Asks for one call. The receiver fails when the daemon goes down.
    pub fn show(&self, which: CallSelector) -> Result<oneshot::Receiver<Result<Shown, Refusal>>, Unheard> {
        let (answer, shown) = oneshot::channel();
        self.ask(Request::Show { which, answer })?;
        Ok(shown)
    }

    /// Gives a command to a call. The receiver fails when the daemon goes down, or has too many commands to answer.
    pub fn order(&self, which: CallSelector, command: Command) -> Result<oneshot::Receiver<Reply>, Unheard> {
        let (answer, outcome) = oneshot::channel();
        self.ask(Request::Order { which, command, answer })?;
        Ok(outcome)
    }

    fn ask(&self, request: Request) -> Result<(), Unheard> {
        self.requests.try_send(request).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => Unheard::Full,
            mpsc::error::TrySendError::Closed(_) => Unheard::Gone,
        })
    }

    /// Everything, at most [`FRESH`] old.
    pub async fn picture(&self) -> Result<Arc<Picture>, Unheard> {
        let mut pictures = self.pictures.clone();
        let fresh = |picture: &Arc<Picture>| {
            picture.at.wall > Duration::ZERO && self.clock.now().since(picture.at.instant) < FRESH
        };
        if fresh(&pictures.borrow()) {
            return Ok(pictures.borrow().clone());
        }
        self.wanted.notify_one();
        let published = tokio::time::timeout(PATIENCE, pictures.wait_for(fresh)).await;
        match published {
            Ok(Ok(picture)) => Ok(picture.clone()),
            Ok(Err(_)) => Err(Unheard::Gone),
            Err(_) => Err(Unheard::Full),
        }
    }

    /// Now, on the daemon's time line.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The daemon's clock.
    pub const fn clock(&self) -> Clock {
        self.clock
    }
}

/// The loop's side.
#[derive(Debug)]
pub struct Desk {
    requests: mpsc::Receiver<Request>,
    wanted: Arc<Notify>,
    pictures: watch::Sender<Arc<Picture>>,
    told: Option<mpsc::Sender<Told>>,
    /// What has not been told since the last thing that was.
    lost: u64,
    lost_in_all: u64,
    awaited: HashMap<CommandId, oneshot::Sender<Reply>>,
    last: u64,
}

/// What the loop wakes for.
#[derive(Debug)]
pub(crate) enum Wish {
    /// Somebody asks.
    Request(Request),
    /// Somebody wants a fresh picture.
    Picture,
}

/// Both sides, and where the notices arrive.
pub fn open(clock: Clock) -> (Handle, Desk, mpsc::Receiver<Told>) {
    let (requests, asked) = mpsc::channel(REQUESTS);
    let (shown, pictures) = watch::channel(Arc::default());
    let (tell, told) = mpsc::channel(TOLD);
    let wanted = Arc::new(Notify::new());
    let handle = Handle { requests, wanted: Arc::clone(&wanted), pictures, clock };
    let desk = Desk {
        requests: asked,
        wanted,
        pictures: shown,
        told: Some(tell),
        lost: 0,
        lost_in_all: 0,
        awaited: HashMap::new(),
        last: 0,
    };
    (handle, desk, told)
}

impl Desk {
    /// The next wish; waits for ever while there is none. Cancelling it loses nothing.
    pub(crate) async fn wish(&mut self) -> Wish {
        tokio::select! {
            Some(request) = self.requests.recv() => Wish::Request(request),
            () = self.wanted.notified() => Wish::Picture,
        }
    }

    /// Shows everything.
    pub(crate) fn publish(&self, view: View, at: Moment) {
        self.pictures.send_replace(Arc::new(Picture { view, at }));
    }

    /// What did not fit into the queue of those who listen, so far. A listener is told of its gap.
    pub(crate) const fn lost_in_all(&self) -> u64 {
        self.lost_in_all
    }

    /// Tells what happened.
    pub(crate) fn tell(&mut self, news: News, at: Moment) {
        let Some(told) = &self.told else { return };
        let wall = match &news {
            News::Call(notice) => at.wall_of(notice.at),
            News::Gateway(_) => at.wall,
        };
        match told.try_send(Told { news, wall, lost_before: self.lost }) {
            Ok(()) => self.lost = 0,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.lost = self.lost.saturating_add(1);
                self.lost_in_all = self.lost_in_all.saturating_add(1);
            }
            // Nobody listens: there is no HTTP interface.
            Err(mpsc::error::TrySendError::Closed(_)) => self.told = None,
        }
    }

    /// A number for a command whose answer goes to `answer`. None when too many answers are awaited already; whoever
    /// asks is told by the end of its channel.
    pub(crate) fn expect(&mut self, answer: oneshot::Sender<Reply>) -> Option<CommandId> {
        if self.awaited.len() >= AWAITED {
            self.awaited.retain(|_, answer| !answer.is_closed());
        }
        if self.awaited.len() >= AWAITED {
            return None;
        }
        self.last += 1;
        let id = CommandId(self.last);
        self.awaited.insert(id, answer);
        Some(id)
    }

    /// The answer to a command.
    pub(crate) fn answer(&mut self, id: CommandId, reply: Reply) {
        if let Some(answer) = self.awaited.remove(&id) {
            // Whoever asked may have gone.
            answer.send(reply).ok();
        }
    }
}

/// Shows one call.
pub(super) fn show(switch: &Switch, which: &CallSelector, at: Moment) -> Result<Shown, Refusal> {
    let id = switch.find(which)?;
    let call = switch.call_view(id).ok_or(Refusal::NoSuchCall)?;
    Ok(Shown { call, at })
}
