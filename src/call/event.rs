//! What a call hears: facts, each said once.

use crate::base::ids::{CommandId, LegId};
use crate::call::command::Command;
use crate::call::timer::Timer;
use crate::media;
use crate::sip::fact::LegFact;

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The call has been admitted and its plan is known: serve it.
    Begin,
    /// Something happened on a leg.
    Leg {
        /// Which leg.
        leg: LegId,
        /// What happened.
        fact: LegFact,
    },
    /// Something happened to a leg's sound.
    Media {
        /// Which leg.
        leg: LegId,
        /// What happened.
        fact: media::fact::Fact,
    },
    /// A deadline has come.
    Timer(Timer),
    /// Somebody outside asks for something. It is answered exactly once, by [`super::action::Action::Reply`].
    Command {
        /// To whom the reply goes.
        id: CommandId,
        /// What is asked.
        command: Command,
    },
    /// An agent of a group in the plan has become free while nobody rings for this call.
    SeatFree,
}
