//! What goes into the switch.

use bytes::Bytes;

use crate::base::ids::{CallId, CommandId, LegId};
use crate::base::time::WallClock;
use crate::call;
use crate::call::command::CallSelector;
use crate::media;
use crate::sip::flow::{Flow, FlowFailure};
use crate::switch::settings::Settings;
use crate::tickets::entry::EntryId;

/// One input. The engine hands in one, then drains the outputs (the single-mutation rule).
#[derive(Clone, Debug)]
pub enum Input {
    /// A datagram, or one framed message of a stream.
    Received {
        /// Where from.
        flow: Flow,
        /// The message.
        message: Bytes,
    },
    /// A stream sent something that cannot be framed; `net` has cut it there.
    Unframed {
        /// Where from.
        flow: Flow,
        /// What is wrong and, where one is possible, the answer.
        broken: crate::sip::wire::Broken,
    },
    /// A flow carries nothing any more, or a send on it failed.
    FlowFailed {
        /// Which.
        flow: Flow,
        /// Why.
        failure: FlowFailure,
    },
    /// A fact from a media worker.
    Media {
        /// The call it belongs to.
        call: CallId,
        /// The leg.
        leg: LegId,
        /// What happened.
        fact: media::fact::Fact,
    },
    /// What a call wanted recorded is on disk, and outlives the process.
    Recorded(EntryId),
    /// What a call wanted recorded could not be written.
    RecordFailed(EntryId),
    /// What the clock on the wall shows: at the start, whenever the minute changes, and after a jump (F21).
    Wall(WallClock),
    /// Another configuration, checked as a whole.
    Reconfigure(Box<Settings>),
    /// A command from outside.
    Command(Command),
}

/// A command from the API or the engine.
#[derive(Clone, Debug)]
pub enum Command {
    /// Take no new calls (`503` with Retry-After); the old ones finish.
    Drain,
    /// Hang up what is left, with BYE, CANCEL or a final response to every leg: the daemon ends.
    ShutDown,
    /// Something is asked of one call. Answered exactly once by [`super::Output::Reply`], before the outputs of this
    /// input are drained.
    Call {
        /// The command's number.
        id: CommandId,
        /// Which call is meant.
        call: CallSelector,
        /// What is asked.
        command: call::command::Command,
    },
}
