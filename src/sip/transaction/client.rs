//! The client transaction of every other request: RFC 3261 17.1.2.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::client_invite::ClientInput;
use super::machine::{Class, Effect, Scene};
use super::timers::{Reliability, Timer};

/// Where our request stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Client {
    /// Sent; no response yet.
    Trying(Waiting),
    /// A provisional response came.
    Proceeding(Waiting),
    /// A final response came; repetitions of it are swallowed.
    Completed,
    /// Over.
    Terminated,
}

/// A final response is awaited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// When to send it again, counted from the last time.
    interval: Duration,
}

impl Client {
    /// Sends the request for the first time.
    pub fn start(scene: &mut Scene<'_>) -> Self {
        let interval = scene.timing.t1;
        scene.effects.push(Effect::Transmit);
        if scene.reliability == Reliability::Unreliable {
            scene.arm(Timer::E, interval);
        }
        scene.arm(Timer::F, scene.timing.patience());
        Self::Trying(Waiting { interval })
    }

    /// Takes one input.
    #[must_use]
    pub fn handle(self, scene: &mut Scene<'_>, input: ClientInput) -> Self {
        match self {
            Self::Trying(waiting) => match input {
                ClientInput::Response(class) => responded(scene, class, waiting),
                ClientInput::Timer(Timer::E) => {
                    let interval = scene.timing.doubled(waiting.interval);
                    Self::Trying(again(scene, interval))
                }
                ClientInput::Timer(Timer::F) => failed(scene, Effect::TimedOut),
                ClientInput::Timer(_) => Self::Trying(waiting),
                ClientInput::TransportFailed => failed(scene, Effect::TransportFailed),
                ClientInput::Abandoned => terminated(scene),
            },
            Self::Proceeding(waiting) => match input {
                ClientInput::Response(class) => responded(scene, class, waiting),
                // RFC 3261 17.1.2.2: once the peer has been heard, every T2.
                ClientInput::Timer(Timer::E) => Self::Proceeding(again(scene, scene.timing.t2)),
                ClientInput::Timer(Timer::F) => failed(scene, Effect::TimedOut),
                ClientInput::Timer(_) => Self::Proceeding(waiting),
                ClientInput::TransportFailed => failed(scene, Effect::TransportFailed),
                ClientInput::Abandoned => terminated(scene),
            },
            Self::Completed => match input {
                ClientInput::Response(_) | ClientInput::TransportFailed | ClientInput::Abandoned => Self::Completed,
                ClientInput::Timer(_) => terminated(scene),
            },
            Self::Terminated => Self::Terminated,
        }
    }
}

fn responded(scene: &mut Scene<'_>, class: Class, waiting: Waiting) -> Client {
    scene.effects.push(Effect::Deliver);
    match class {
        Class::Provisional => Client::Proceeding(waiting),
        Class::Success | Class::Refusal => {
            scene.timers.clear();
            match scene.reliability {
                Reliability::Unreliable => {
                    scene.arm(Timer::K, scene.timing.t4);
                    Client::Completed
                }
                Reliability::Reliable => Client::Terminated,
            }
        }
    }
}

fn again(scene: &mut Scene<'_>, interval: Duration) -> Waiting {
    scene.effects.push(Effect::Transmit);
    scene.arm(Timer::E, interval);
    Waiting { interval }
}

fn failed(scene: &mut Scene<'_>, how: Effect) -> Client {
    scene.effects.push(how);
    terminated(scene)
}

fn terminated(scene: &mut Scene<'_>) -> Client {
    scene.timers.clear();
    Client::Terminated
}
