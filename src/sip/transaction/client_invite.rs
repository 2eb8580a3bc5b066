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
    /// Nothing came in 64*T1 and its user has been told. For another 64*T1 a late response is still understood: the peer
    /// may have heard us all the time. A refusal is ACKed; a 2xx goes up, to be ACKed and hung up (RFC 3261 13.2.2.4); a
    /// provisional response goes up once, to be answered by a CANCEL (RFC 3261 9.1).
    GivenUp,
    /// Given up, and cancelled as far as possible: only a late final response still matters.
    Recalled,
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
    /// Its user has cancelled it and waits no longer for the final response.
    Abandoned,
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
                // Timer B, if nobody waits for the final response any more, goes on.
                ClientInput::Response(Class::Provisional) => {
                    scene.effects.push(Effect::Deliver);
                    Self::Proceeding
                }
                ClientInput::Response(class) => responded(scene, class),
                ClientInput::TransportFailed => failed(scene, Effect::TransportFailed),
                // Armed when nobody waits for the final response any more.
                ClientInput::Timer(Timer::B) => failed(scene, Effect::TimedOut),
                ClientInput::Timer(_) => Self::Proceeding,
                ClientInput::Abandoned => remembered(scene, Self::Recalled),
            },
            Self::Completed => match input {
                ClientInput::Response(Class::Refusal) => {
                    scene.effects.push(Effect::Acknowledge);
                    Self::Completed
                }
                ClientInput::Response(Class::Provisional | Class::Success) => Self::Completed,
                ClientInput::TransportFailed | ClientInput::Abandoned => Self::Completed,
                ClientInput::Timer(_) => terminated(scene),
            },
            Self::Accepted => match input {
                ClientInput::Response(Class::Success) => {
                    scene.effects.push(Effect::Deliver);
                    Self::Accepted
                }
                ClientInput::Response(Class::Provisional | Class::Refusal) => Self::Accepted,
                ClientInput::TransportFailed | ClientInput::Abandoned => Self::Accepted,
                ClientInput::Timer(_) => terminated(scene),
            },
            Self::GivenUp => match input {
                ClientInput::Response(Class::Provisional) => {
                    scene.effects.push(Effect::Deliver);
                    remembered(scene, Self::Recalled)
                }
                ClientInput::Response(class @ (Class::Success | Class::Refusal)) => too_late(scene, class),
                ClientInput::Abandoned => Self::GivenUp,
                ClientInput::TransportFailed | ClientInput::Timer(_) => terminated(scene),
            },
            Self::Recalled => match input {
                ClientInput::Response(Class::Provisional) | ClientInput::Abandoned => Self::Recalled,
                ClientInput::Response(class @ (Class::Success | Class::Refusal)) => too_late(scene, class),
                ClientInput::TransportFailed | ClientInput::Timer(_) => terminated(scene),
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
            ClientInput::Timer(Timer::B) => {
                scene.effects.push(Effect::TimedOut);
                remembered(scene, ClientInvite::GivenUp)
            }
            ClientInput::Timer(_) => ClientInvite::Calling(self),
            ClientInput::TransportFailed => failed(scene, Effect::TransportFailed),
            ClientInput::Abandoned => remembered(scene, ClientInvite::GivenUp),
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

/// A final response after we gave up. Its user has been told of the failure already, so that a refusal is ACKed only.
fn too_late(scene: &mut Scene<'_>, class: Class) -> ClientInvite {
    let state = responded(scene, class);
    if class == Class::Refusal {
        scene.effects.retain(|effect| *effect != Effect::Deliver);
    }
    state
}

fn remembered(scene: &mut Scene<'_>, state: ClientInvite) -> ClientInvite {
    scene.timers.clear();
    scene.arm(Timer::M, scene.timing.patience());
    state
}

fn failed(scene: &mut Scene<'_>, how: Effect) -> ClientInvite {
    scene.effects.push(how);
    terminated(scene)
}

fn terminated(scene: &mut Scene<'_>) -> ClientInvite {
    scene.timers.clear();
    ClientInvite::Terminated
}
