//! The INVITE client transaction: RFC 3261 17.1.1 with the Accepted state of RFC 6026 7.2.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::machine::{Class, Effect, Scene};
use super::timers::{Reliability, Timer};

/// Where our INVITE stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientInvite {
    /// Sent; no response yet.
    Calling(Calling),
    /// A provisional response came; the peer takes its time.
    Proceeding,
    /// A non-2xx final response came and was ACKed; repetitions of it are ACKed again.
    Completed,
    /// A 2xx came; more of them, also from other forks, go up.
    Accepted,
    /// Over.
    Terminated,
}

/// Nothing has been heard yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calling {
    /// When to send it again, counted from the last time. Doubles without the ceiling of T2.
    interval: Duration,
}

/// What can happen to our INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientInput {
    /// A response that matches.
    Response(Class),
    /// A timer of ours has come.
    Timer(Timer),
    /// The transport could not carry it (RFC 3261 17.1.4).
    TransportFailed,
}

impl ClientInvite {
    /// Sends the INVITE for the first time.
    pub fn start(scene: &mut Scene<'_>) -> Self {
        let interval = scene.timing.t1;
        scene.effects.push(Effect::Transmit);
        if scene.reliability == Reliability::Unreliable {
            scene.arm(Timer::A, interval);
        }
        scene.arm(Timer::B, scene.timing.patience());
        Self::Calling(Calling { interval })
    }

    /// Takes one input.
    #[must_use]
    pub fn handle(self, scene: &mut Scene<'_>, input: ClientInput) -> Self {
        match self {
            Self::Calling(calling) => calling.handle(scene, input),
            Self::Proceeding => match input {
                ClientInput::Response(class) => responded(scene, class),
                ClientInput::TransportFailed => failed(scene, Effect::TransportFailed),
                // Armed when nobody waits for the final response any more.
                ClientInput::Timer(Timer::B) => failed(scene, Effect::TimedOut),
                ClientInput::Timer(_) => Self::Proceeding,
            },
            Self::Completed => match input {
                ClientInput::Response(Class::Refusal) => {
                    scene.effects.push(Effect::Acknowledge);
                    Self::Completed
                }
                ClientInput::Response(Class::Provisional | Class::Success) => Self::Completed,
                ClientInput::TransportFailed => Self::Completed,
                ClientInput::Timer(_) => terminated(scene),
            },
            Self::Accepted => match input {
                ClientInput::Response(Class::Success) => {
                    scene.effects.push(Effect::Deliver);
                    Self::Accepted
                }
                ClientInput::Response(Class::Provisional | Class::Refusal) => Self::Accepted,
                ClientInput::TransportFailed => Self::Accepted,
                ClientInput::Timer(_) => terminated(scene),
            },
            Self::Terminated => Self::Terminated,
        }
    }
}

impl Calling {
    fn handle(self, scene: &mut Scene<'_>, input: ClientInput) -> ClientInvite {
        match input {
            ClientInput::Response(class) => responded(scene, class),
            ClientInput::Timer(Timer::A) => {
                // RFC 3261 17.1.1.2: 2*T1, 4*T1 .. without a ceiling, until Timer B.
                let interval = self.interval * 2;
                scene.effects.push(Effect::Transmit);
                scene.arm(Timer::A, interval);
                ClientInvite::Calling(Self { interval })
            }
            ClientInput::Timer(Timer::B) => failed(scene, Effect::TimedOut),
            ClientInput::Timer(_) => ClientInvite::Calling(self),
            ClientInput::TransportFailed => failed(scene, Effect::TransportFailed),
        }
    }
}

fn responded(scene: &mut Scene<'_>, class: Class) -> ClientInvite {
    scene.timers.clear();
    match class {
        Class::Provisional => {
            scene.effects.push(Effect::Deliver);
            ClientInvite::Proceeding
        }
        Class::Success => {
            scene.effects.push(Effect::Deliver);
            scene.arm(Timer::M, scene.timing.patience());
            ClientInvite::Accepted
        }
        Class::Refusal => {
            scene.effects.push(Effect::Acknowledge);
            scene.effects.push(Effect::Deliver);
            match scene.reliability {
                Reliability::Unreliable => {
                    scene.arm(Timer::D, scene.timing.d());
                    ClientInvite::Completed
                }
                Reliability::Reliable => terminated(scene),
            }
        }
    }
}

fn failed(scene: &mut Scene<'_>, how: Effect) -> ClientInvite {
    scene.effects.push(how);
    terminated(scene)
}

fn terminated(scene: &mut Scene<'_>) -> ClientInvite {
    scene.timers.clear();
    ClientInvite::Terminated
}
