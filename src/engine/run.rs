//! The loop: wait; one mutation; drain; ask for the next deadline.

use std::time::Duration;

use tokio::sync::mpsc;
use tracing_appender::non_blocking::ErrorCounter;

use super::clock::Clock;
use super::handle::{Desk, Wish};
use super::health::{Health, Stage};
use super::media_workers::{MediaFact, MediaWorkers};
use super::ration::Ration;
use super::reload::{Outcome as Reloaded, Reloads};
use super::shutdown::{Ask, Signals};
use super::tasks::{Ended, Outcome, Tasks};
use crate::base::time::{Instant, WallClock};
use crate::metrics::Recorder;
use crate::net::{self, Net};
use crate::store::outbox::{Outbox, Told};
use crate::switch::{Command, Input, Switch};

/// How far the wall clock may stand from where it was to be expected before the switch is told.
const WALL_TOLERANCE_MS: u64 = 50;

/// Inputs of one kind taken in a row before the others get their turn.
const BURST: usize = 64;
/// How often gauges are set.
const PICTURE: Duration = Duration::from_secs(1);
/// How long the peers may take to answer the last goodbyes: a lost one is said a second and a third time.
const GOODBYES: Duration = Duration::from_secs(2);
/// How long the disk may take for what waits to be written at the end.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What the loop needs.
pub struct Parts {
    /// The time line.
    pub clock: Clock,
    /// The signalling sockets.
    pub net: Net,
    /// All decisions.
    pub switch: Switch,
    /// The media threads.
    pub media: MediaWorkers,
    /// What the media threads tell.
    pub facts: mpsc::Receiver<MediaFact>,
    /// Where what happens to calls is kept.
    pub outbox: Outbox,
    /// Has the configuration read again.
    pub reloads: Reloads,
    /// What has come of it.
    pub reloaded: mpsc::Receiver<Reloaded>,
    /// Everything that runs beside the loop.
    pub tasks: Tasks,
    /// The metrics' writing side.
    pub recorder: Recorder,
    /// How the daemon is.
    pub health: Health,
    /// Where the HTTP interface asks and is told.
    pub desk: Desk,
    /// Counts log lines that were dropped.
    pub log_lines_dropped: ErrorCounter,
    /// How long calls may go on after the first signal to end.
    pub drain: Duration,
}

/// The daemon, built and not yet running.
pub struct Engine {
    pub(super) clock: Clock,
    pub(super) net: Net,
    pub(super) switch: Switch,
    pub(super) media: MediaWorkers,
    facts: mpsc::Receiver<MediaFact>,
    pub(super) outbox: Outbox,
    reloads: Reloads,
    reloaded: mpsc::Receiver<Reloaded>,
    tasks: Tasks,
    pub(super) recorder: Recorder,
    pub(super) health: Health,
    pub(super) desk: Desk,
    pub(super) log_lines_dropped: ErrorCounter,
    /// For lines that strangers can cause.
    pub(super) ration: Ration,
    drain: Duration,
    /// Calls that were hung up at the end.
    cut: usize,
}

/// How the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Asked to, and no call was left.
    Drained,
    /// Asked to, and these calls were hung up.
    Cut {
        /// How many.
        calls: usize,
    },
}

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It has not been asked for.
    No,
    /// No new calls; those that are up may go on until then.
    Draining { until: Instant },
    /// Everybody has been told goodbye; the answers are waited for until then.
    Goodbyes { until: Instant },
}

impl End {
    const fn deadline(self) -> Option<Instant> {
        match self {
            Self::No => None,
            Self::Draining { until } | Self::Goodbyes { until } => Some(until),
        }
    }
}

enum Wake {
    Net(net::Event),
    Media(MediaFact),
    Wish(Wish),
    Told(Told),
    Deadline,
    Picture,
    Ended(Ended),
    Reloaded(Reloaded),
    Signal(Ask),
    EndIsDue,
}

impl Engine {
    /// The daemon from its parts.
    pub fn new(parts: Parts) -> Self {
        let Parts {
            clock,
            net,
            switch,
            media,
            facts,
            outbox,
            reloads,
            reloaded,
            tasks,
            recorder,
            health,
            desk,
            log_lines_dropped,
            drain,
        } = parts;
        let ration = Ration::new();
        Self {
            clock,
            net,
            switch,
            media,
            facts,
            outbox,
            reloads,
            reloaded,
            tasks,
            recorder,
            health,
            desk,
            log_lines_dropped,
            ration,
            drain,
            cut: 0,
        }
    }

    /// Runs until a signal ends it.
    pub async fn run(mut self, mut signals: Signals) -> Exit {
        let mut picture = tokio::time::interval(PICTURE);
        let mut end = End::No;
        let mut wall = self.clock.wall_clock();
        self.input(Input::Wall(wall));
        self.health.enter(Stage::Ready);
        loop {
            self.health.round();
            let deadline = self.switch.next_timeout().map(|at| self.clock.deadline(at));
            let drain = end.deadline().map(|at| self.clock.deadline(at));
            let wake = tokio::select! {
                event = self.net.event() => Wake::Net(event),
                Some(fact) = self.facts.recv() => Wake::Media(fact),
                wish = self.desk.wish() => Wake::Wish(wish),
                told = self.outbox.told() => Wake::Told(told),
                () = at(deadline) => Wake::Deadline,
                _ = picture.tick() => Wake::Picture,
                ended = self.tasks.ended() => Wake::Ended(ended),
                Some(reloaded) = self.reloaded.recv() => Wake::Reloaded(reloaded),
                ask = signals.next() => Wake::Signal(ask),
                () = at(drain) => Wake::EndIsDue,
            };
            match wake {
                Wake::Net(event) => self.network(event),
                Wake::Media(fact) => self.sound(fact),
                Wake::Wish(wish) => self.wish(wish),
                Wake::Told(told) => self.told(told),
                Wake::Deadline => {}
                Wake::Picture => {
                    self.tell_lost();
                    self.picture();
                    self.tell_time(&mut wall);
                }
                Wake::Ended(ended) => self.ended(ended),
                Wake::Reloaded(reloaded) => self.reloaded(reloaded),
                Wake::Signal(Ask::Reload) => self.ask_for_reload(),
                Wake::Signal(Ask::End) | Wake::EndIsDue => match self.end(end) {
                    Some(next) => end = next,
                    None => return self.exit().await,
                },
            }
            self.deadlines();
            if end != End::No && self.switch.is_idle() {
                return self.exit().await;
            }
        }
    }

    fn network(&mut self, first: net::Event) {
        self.event(first);
        for _ in 1..BURST {
            let Some(event) = self.net.try_event() else { return };
            self.event(event);
        }
    }

    fn event(&mut self, event: net::Event) {
        self.input(match event {
            net::Event::Received { flow, message } => Input::Received { flow, message },
            net::Event::Unframed { flow, broken } => Input::Unframed { flow, broken },
            net::Event::Failed { flow, failure } => Input::FlowFailed { flow, failure },
        });
    }

    fn sound(&mut self, first: MediaFact) {
        let (call, leg, fact) = first;
        self.input(Input::Media { call, leg, fact });
        for _ in 1..BURST {
            let Ok((call, leg, fact)) = self.facts.try_recv() else { return };
            self.input(Input::Media { call, leg, fact });
        }
    }

    /// The single mutation, and everything that follows from it.
    pub(super) fn input(&mut self, input: Input) {
        self.switch.handle(self.clock.now(), input);
        self.drain();
    }

    /// Whatever is due by now.
    fn deadlines(&mut self) {
        for _ in 0..BURST {
            let now = self.clock.now();
            if self.switch.next_timeout().is_none_or(|at| at > now) {
                return;
            }
            self.switch.handle_timeout(now);
            self.drain();
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.switch.poll() {
            self.execute(output);
        }
        self.media.flush();
    }

    /// Tells the switch when the minute has changed, and when the wall clock is not where it was to be expected: it has
    /// been set, or runs at another pace than our time line (F21).
    fn tell_time(&mut self, told: &mut WallClock) {
        let now = self.clock.wall_clock();
        let aside = now.unix_ms.abs_diff(told.moment(now.at).unix_ms);
        if now.local_time() != told.local_time() || aside > WALL_TOLERANCE_MS {
            *told = now;
            self.input(Input::Wall(now));
        }
    }

    /// Replaces media threads that have died, and tells the calls of those that are given up.
    fn tell_lost(&mut self) {
        self.media.flush();
        self.media.replace_dead(&mut self.tasks);
        for (call, leg, fact) in self.media.take_lost() {
            self.input(Input::Media { call, leg, fact });
        }
    }

    fn ended(&mut self, ended: Ended) {
        match ended.outcome {
            Outcome::Panicked => {
                tracing::error!(event = "task_panicked", task = ended.name, "a part of the daemon has died");
                self.recorder.task_panicked();
                self.health.enter(Stage::Degraded);
            }
            Outcome::Finished | Outcome::Aborted => {
                tracing::warn!(event = "task_ended", task = ended.name, "a part of the daemon has ended");
                self.health.enter(Stage::Degraded);
            }
        }
        self.tell_lost();
    }

    /// The next step towards the end, by a signal or because its time has come; `None`: it is here.
    fn end(&mut self, end: End) -> Option<End> {
        match end {
            End::No => {
                tracing::info!(event = "draining", seconds = self.drain.as_secs(), "no new calls");
                self.health.enter(Stage::Draining);
                self.input(Input::Command(Command::Drain));
                Some(End::Draining { until: self.clock.now() + self.drain })
            }
            End::Draining { .. } => {
                self.cut = self.switch.view().calls.len();
                tracing::warn!(event = "hanging_up", calls = self.cut, "the daemon ends");
                self.input(Input::Command(Command::ShutDown));
                Some(End::Goodbyes { until: self.clock.now() + GOODBYES })
            }
            End::Goodbyes { .. } => None,
        }
    }

    fn ask_for_reload(&self) {
        // Nobody waits for the answer of a signal: the log and the metrics tell it.
        match self.reloads.ask() {
            Ok(_answer) => tracing::info!(event = "reload_asked", by = "SIGHUP"),
            Err(busy) => tracing::warn!(event = "reload_refused", %busy),
        }
    }

    fn reloaded(&mut self, reloaded: Reloaded) {
        match reloaded {
            Reloaded::Taken { settings, followed } => {
                self.input(Input::Reconfigure(settings));
                self.recorder.reloaded(self.clock.wall_seconds());
                tracing::info!(event = "reloaded", "another configuration is in use");
                // Whoever asked may have gone.
                followed.send(()).ok();
            }
            Reloaded::Refused(refused) => {
                self.recorder.reload_refused();
                for problem in &refused.problems {
                    let (file, line, column) = (problem.file.as_str(), problem.line, problem.column);
                    let (key, wrong, right) = (&problem.key, &problem.wrong, &problem.right);
                    tracing::error!(event = "reload_refused", file, line, column, key, wrong, right);
                }
            }
        }
    }

    async fn exit(mut self) -> Exit {
        let calls = self.cut;
        self.picture();
        self.media.shutdown();
        if !self.outbox.close(LAST_WORDS).await {
            tracing::error!(event = "outbox_not_drained", "what waited for the disk is lost");
        }
        if calls == 0 { Exit::Drained } else { Exit::Cut { calls } }
    }
}

/// Waits for a deadline; for ever if there is none.
async fn at(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
