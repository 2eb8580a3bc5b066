//! The server transaction of every other request: RFC 3261 17.2.2 with RFC 4320 (no provisional response, no late 408).

use serde::{Deserialize, Serialize};

use super::machine::{Class, Effect, Scene};
use super::server_invite::ServerInput;
use super::timers::{Reliability, Timer};

/// Where the peer's request stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Server {
    /// Not answered yet; repetitions are swallowed.
    Trying,
    /// Answered; repetitions get the same answer.
    Completed,
    /// Over.
    Terminated,
}

impl Server {
    /// Takes one input.
    #[must_use]
    pub fn handle(self, scene: &mut Scene<'_>, input: ServerInput) -> Self {
        match self {
            Self::Trying => match input {
                ServerInput::Respond(Class::Success | Class::Refusal) => {
                    scene.effects.push(Effect::Transmit);
                    scene.timers.clear();
                    match scene.reliability {
                        Reliability::Unreliable => {
                            scene.arm(Timer::J, scene.timing.patience());
                            Self::Completed
                        }
                        Reliability::Reliable => Self::Terminated,
                    }
                }
                // RFC 4320 4.1: a provisional response to a non-INVITE only delays the peer.
                ServerInput::Respond(Class::Provisional) => Self::Trying,
                ServerInput::TransportFailed => {
                    scene.effects.push(Effect::TransportFailed);
                    Self::Terminated
                }
                // An answer that comes later than this is of no use to the peer, whose Timer F has fired.
                ServerInput::Timer(_) => Self::Terminated,
                ServerInput::Repeated | ServerInput::Acknowledged => Self::Trying,
            },
            Self::Completed => match input {
                ServerInput::Repeated => {
                    scene.effects.push(Effect::Transmit);
                    Self::Completed
                }
                ServerInput::Timer(_) | ServerInput::TransportFailed => {
                    scene.timers.clear();
                    Self::Terminated
                }
                ServerInput::Acknowledged | ServerInput::Respond(_) => Self::Completed,
            },
            Self::Terminated => Self::Terminated,
        }
    }
}
