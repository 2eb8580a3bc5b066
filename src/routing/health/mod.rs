//! Whether a gateway works: what its answers, its silence and our probes say (中继健康).
//!
//! Decides: when a gateway is asked by OPTIONS, and whether a call may be sent to it.
//! Invariants: a gateway that says nothing is down within 15 s; a 503 to a probe is no sign of health; whatever kind a
//! failure is, it counts (trap T36); a gateway that comes back takes one call at a time until one has gone through or a
//! second probe is answered; a gateway that asks for rest by Retry-After gets it.
//! Does not do: sending. The switch asks [`Health::on_time`] what is due and tells what came of it.
//!
//! ```text
//!        two failures, a 503 to a probe, Retry-After              an answer, or the rest is over
//!   Up ---------------------------------------------> Down -----------------------------------> HalfOpen
//!    ^                                                 ^                                        |   |
//!    |                                                 +---- a failure -------------------------+   |
//!    +----------------- a second answer, or a call that goes through -------------------------------+
//! ```

use std::time::Duration;

use crate::base::time::Instant;

/// How long a probe waits for an answer.
pub const PROBE_PATIENCE: Duration = Duration::from_secs(2);

/// How soon a gateway that gave no answer is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Failures without a success between them that make a gateway `Down`.
const FAILURES: u8 = 2;

/// The longest rest that a Retry-After gets: a peer that asks for a day would be forgotten.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// How long the one call of a half-open gateway may go without a word before another one is tried.
const TRIAL: Duration = Duration::from_secs(5);

/// The health of one gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether it works.
    state: State,
    /// Since when.
    since: Instant,
    /// Failures without a success between them.
    failures: u8,
    /// When it was last heard.
    heard: Option<Instant>,
    /// How often it is asked; zero: never.
    interval: Duration,
    /// What the next deadline is for.
    next: Option<(Instant, Next)>,
}

/// Whether a gateway works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does, as far as we know.
    Up,
    /// It does not.
    Down,
    /// It has answered again; one call at a time tries it.
    HalfOpen(Trial),
}

/// The one call that may try a half-open gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// None is under way.
    Free,
    /// One has been, since then.
    Taken(Instant),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// A probe is to be sent.
    Ask,
    /// The answer to the probe is overdue.
    Answer,
    /// The rest that the peer asked for is over.
    Rested,
}

/// What a gateway has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A message of its own, which says only that it lives: a 100, a request.
    Heard,
    /// It does its work: a final response to a probe, a provisional or final one to a call, other than 503.
    Works,
    /// 503, with the Retry-After that it asks for.
    Overloaded(Option<Duration>),
    /// It gave no answer, or could not be reached.
    Failed,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// A probe is to be sent.
    Probe,
    /// Nothing that concerns others.
    Nothing,
}

/// Whether a call may be sent to a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Yes.
    Open,
    /// Yes, as its one trial.
    Trial,
    /// Only if there is no other way.
    LastResort,
    /// It has asked for rest: only an emergency that has no other way.
    Resting,
}

impl Health {
    /// A gateway of which nothing is known yet: it is believed to work, and asked after `first`. `interval` zero: it is
    /// never asked.
    pub fn new(now: Instant, interval: Duration, first: Duration) -> Self {
        let next = if interval.is_zero() { None } else { Some((now + first, Next::Ask)) };
        Self { state: State::Up, since: now, failures: 0, heard: None, interval, next }
    }

    /// How often it is asked.
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// Whether it works.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Since when it is in that state.
    pub const fn since(&self) -> Instant {
        self.since
    }

    /// When it was last heard.
    pub const fn heard(&self) -> Option<Instant> {
        self.heard
    }

    /// Whether a call may be sent to it.
    pub fn access(&self, now: Instant) -> Access {
        match self.state {
            State::Up => Access::Open,
            State::HalfOpen(Trial::Free) => Access::Trial,
            State::HalfOpen(Trial::Taken(since)) if now.since(since) >= TRIAL => Access::Trial,
            State::HalfOpen(Trial::Taken(_)) => Access::LastResort,
            State::Down if matches!(self.next, Some((_, Next::Rested))) => Access::Resting,
            State::Down => Access::LastResort,
        }
    }

    /// A call is sent to it.
    pub const fn call_begins(&mut self, now: Instant) {
        if let State::HalfOpen(trial) = &mut self.state {
            *trial = Trial::Taken(now);
        }
    }

    /// A call has shown something of it.
    pub fn on_call(&mut self, now: Instant, sign: Sign) {
        match sign {
            Sign::Heard => self.heard = Some(now),
            Sign::Works => {
                self.heard = Some(now);
                self.failures = 0;
                self.change(now, State::Up);
            }
            Sign::Overloaded(rest) => {
                self.heard = Some(now);
                self.overloaded(now, rest);
            }
            Sign::Failed => self.failed(now),
        }
    }

    /// A probe has been answered, or not. `jitter` in thousandths of a tenth of the interval: 0 to 2,000.
    pub fn on_probe(&mut self, now: Instant, sign: Sign, jitter: u16) {
        if matches!(self.next, Some((_, Next::Rested))) {
            // It has asked for rest meanwhile; that an OPTIONS is answered does not end the rest.
            return;
        }
        if sign == Sign::Failed && !matches!(self.next, Some((_, Next::Answer))) {
            // That has been counted when its time was up.
            return;
        }
        self.next = self.later(now, jitter);
        match sign {
            Sign::Heard | Sign::Works => {
                self.heard = Some(now);
                self.failures = 0;
                match self.state {
                    State::Up | State::HalfOpen(_) => self.change(now, State::Up),
                    State::Down => self.change(now, State::HalfOpen(Trial::Free)),
                }
            }
            Sign::Overloaded(rest) => {
                self.heard = Some(now);
                self.failures = FAILURES;
                self.overloaded(now, rest);
            }
            Sign::Failed => {
                self.failed(now);
                if self.state == State::Up {
                    self.next = Some((now + ASK_AGAIN, Next::Ask));
                }
            }
        }
    }

    /// When [`Health::on_time`] is next wanted.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.next.map(|(at, _)| at)
    }

    /// Its deadline has come.
    pub fn on_time(&mut self, now: Instant, jitter: u16) -> Due {
        match self.next {
            Some((at, _)) if at > now => Due::Nothing,
            None => Due::Nothing,
            Some((_, Next::Answer)) => {
                self.on_probe(now, Sign::Failed, jitter);
                Due::Nothing
            }
            Some((_, Next::Rested)) => {
                self.change(now, State::HalfOpen(Trial::Free));
                self.ask(now)
            }
            Some((_, Next::Ask)) if self.proved_alive(now) => {
                self.next = self.later(now, jitter);
                Due::Nothing
            }
            Some((_, Next::Ask)) => self.ask(now),
        }
    }

    /// Traffic has answered the question already. A gateway that does not work is asked all the same.
    fn proved_alive(&self, now: Instant) -> bool {
        self.state == State::Up
            && self.failures == 0
            && self.heard.is_some_and(|heard| now.since(heard) < self.interval)
    }

    fn ask(&mut self, now: Instant) -> Due {
        if self.interval.is_zero() {
            self.next = None;
            return Due::Nothing;
        }
        self.next = Some((now + PROBE_PATIENCE, Next::Answer));
        Due::Probe
    }

    /// 0.9 to 1.1 intervals from now, so that gateways are not asked in step.
    fn later(&self, now: Instant, jitter: u16) -> Option<(Instant, Next)> {
        if self.interval.is_zero() {
            return None;
        }
        let tenth = self.interval / 10;
        let pause = tenth * 9 + tenth * u32::from(jitter.min(2_000)) / 1_000;
        Some((now + pause, Next::Ask))
    }

    fn overloaded(&mut self, now: Instant, rest: Option<Duration>) {
        let Some(rest) = rest else { return self.failed(now) };
        self.change(now, State::Down);
        self.next = Some((now + rest.clamp(ASK_AGAIN, LONGEST_REST), Next::Rested));
    }

    fn failed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        match self.state {
            State::Up if self.failures < FAILURES => {}
            State::Up | State::HalfOpen(_) => {
                self.change(now, State::Down);
                // Without probes only time can bring it back.
                if self.interval.is_zero() {
                    self.next = Some((now + LONGEST_REST / 2, Next::Rested));
                }
            }
            State::Down => {}
        }
    }

    fn change(&mut self, now: Instant, state: State) {
        if self.state != state {
            self.state = state;
            self.since = now;
        }
        match state {
            // A rest that is over for another reason.
            State::Up if matches!(self.next, Some((_, Next::Rested))) => self.next = self.later(now, 1_000),
            State::Up | State::Down | State::HalfOpen(_) => {}
        }
    }
}

impl State {
    /// In a closed set of words, for views and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::HalfOpen(_) => "half_open",
        }
    }
}

#[cfg(test)]
mod tests;
