//! What comes out of the switch, carried out in order by the engine.

use bytes::Bytes;

use crate::base::ids::{CallId, CommandId};
use crate::call::command::Reply;
use crate::call::notice::Notice;
use crate::media;
use crate::sip::fact::Observation;
use crate::sip::flow::Flow;
use crate::switch::gateways::GatewayChange;
use crate::tickets::entry::Entry;

/// One output.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send one message. On TCP without a connection, `net` reuses one to that address or opens one; what is sent on
    /// one flow keeps its order (trap T3).
    Send {
        /// Where to.
        flow: Flow,
        /// The message.
        message: Bytes,
    },
    /// Close a stream after what was sent before.
    Disconnect {
        /// Which.
        flow: Flow,
    },
    /// An order for the media worker of this call.
    Media {
        /// The call.
        call: CallId,
        /// The order.
        order: media::order::Order,
    },
    /// What has happened to a call is to be written to disk as a whole. Nothing waits for it here: it comes back as
    /// [`super::Input::Recorded`] or [`super::Input::RecordFailed`].
    Record(Box<Entry>),
    /// Something happened to a call: for log, metrics and events.
    Publish(Notice),
    /// What became of a command.
    Reply {
        /// Which command.
        id: CommandId,
        /// Accepted, or why not.
        reply: Reply,
    },
    /// Something happened on the SIP side: for log, metrics and audit.
    Observed(Observation),
    /// A trunk's gateway works again, or does not any more: for log, metrics and alarm.
    Gateway(GatewayChange),
}
