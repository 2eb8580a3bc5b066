//! The INVITE server transaction: RFC 3261 17.2.1 with the Accepted state of RFC 6026 7.1.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::machine::{Class, Effect, Scene};
use super::timers::{Reliability, Timer};

/// Where the peer's INVITE stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerInvite {
    /// No final response yet; the last provisional one answers repetitions.
    Proceeding,
    /// A non-2xx went out and is repeated until its ACK.
    Completed(Completed),
    /// The ACK to our non-2xx came.
    Confirmed,
    /// A 2xx went out. The dialog repeats it; repetitions of the INVITE are swallowed (RFC 6026 8.7).
    Accepted,
    /// Over.
    Terminated,
}

/// The ACK to our non-2xx is awaited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completed {
    /// When to send it again, counted from the last time.
    interval: Duration,
}

/// What can happen to the peer's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerInput {
    /// The request again.
    Repeated,
    /// An ACK that matches by branch.
    Acknowledged,
    /// We respond.
    Respond(Class),
    /// A timer of ours has come.
    Timer(Timer),
    /// The response could not be carried.
    TransportFailed,
}

impl ServerInvite {
    /// Takes one input.
    #[must_use]
    pub fn handle(self, scene: &mut Scene<'_>, input: ServerInput) -> Self {
        match self {
            Self::Proceeding => proceeding(scene, input),
            Self::Completed(completed) => completed.handle(scene, input),
            Self::Confirmed => match input {
                ServerInput::Timer(_) => terminated(scene),
                ServerInput::Repeated
                | ServerInput::Acknowledged
                | ServerInput::Respond(_)
                | ServerInput::TransportFailed => Self::Confirmed,
            },
            Self::Accepted => match input {
                ServerInput::Timer(_) => terminated(scene),
                // Some peers send the ACK of a 2xx with the INVITE's branch.
                ServerInput::Acknowledged => {
                    scene.effects.push(Effect::Deliver);
                    Self::Accepted
                }
                ServerInput::Respond(Class::Success) => {
                    scene.effects.push(Effect::Transmit);
                    Self::Accepted
                }
                ServerInput::TransportFailed => {
                    scene.effects.push(Effect::TransportFailed);
                    Self::Accepted
                }
                ServerInput::Repeated | ServerInput::Respond(Class::Provisional | Class::Refusal) => Self::Accepted,
            },
            Self::Terminated => Self::Terminated,
        }
    }
}

fn proceeding(scene: &mut Scene<'_>, input: ServerInput) -> ServerInvite {
    match input {
        ServerInput::Repeated => {
            scene.effects.push(Effect::Transmit);
            ServerInvite::Proceeding
        }
        ServerInput::Respond(Class::Provisional) => {
            scene.effects.push(Effect::Transmit);
            ServerInvite::Proceeding
        }
        ServerInput::Respond(Class::Success) => {
            scene.effects.push(Effect::Transmit);
            scene.arm(Timer::L, scene.timing.patience());
            ServerInvite::Accepted
        }
        ServerInput::Respond(Class::Refusal) => {
            let interval = scene.timing.t1;
            scene.effects.push(Effect::Transmit);
            if scene.reliability == Reliability::Unreliable {
                scene.arm(Timer::G, interval);
            }
            scene.arm(Timer::H, scene.timing.patience());
            ServerInvite::Completed(Completed { interval })
        }
        ServerInput::TransportFailed => {
            scene.effects.push(Effect::TransportFailed);
            ServerInvite::Proceeding
        }
        ServerInput::Timer(_) => ServerInvite::Proceeding,
        ServerInput::Acknowledged => ServerInvite::Proceeding,
    }
}

impl Completed {
    fn handle(self, scene: &mut Scene<'_>, input: ServerInput) -> ServerInvite {
        match input {
            ServerInput::Repeated => {
                scene.effects.push(Effect::Transmit);
                ServerInvite::Completed(self)
            }
            ServerInput::Timer(Timer::G) => {
                let interval = scene.timing.doubled(self.interval);
                scene.effects.push(Effect::Transmit);
                scene.arm(Timer::G, interval);
                ServerInvite::Completed(Self { interval })
            }
            ServerInput::Timer(Timer::H) => {
                scene.effects.push(Effect::TimedOut);
                terminated(scene)
            }
            ServerInput::Timer(_) => ServerInvite::Completed(self),
            ServerInput::Acknowledged => {
                scene.timers.clear();
                scene.effects.push(Effect::Settled);
                match scene.reliability {
                    Reliability::Unreliable => {
                        scene.arm(Timer::I, scene.timing.t4);
                        ServerInvite::Confirmed
                    }
                    Reliability::Reliable => ServerInvite::Terminated,
                }
            }
            ServerInput::TransportFailed => {
                scene.effects.push(Effect::TransportFailed);
                terminated(scene)
            }
            ServerInput::Respond(_) => ServerInvite::Completed(self),
        }
    }
}

fn terminated(scene: &mut Scene<'_>) -> ServerInvite {
    scene.timers.clear();
    ServerInvite::Terminated
}
