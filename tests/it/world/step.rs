//! One step of the product as the world sees it: what went in, and all that came out.

use std::net::SocketAddr;
use std::sync::Arc;

use lianxian::base::ids::LegId;
use lianxian::base::time::Instant;
use lianxian::call::notice::Notice;
use lianxian::media;
use lianxian::sip::fact::Observation;
use lianxian::tickets::entry::{Entry, EntryId};

use super::sip_writer::SipText;
use super::store::Word;

/// What went in.
#[derive(Clone, Debug)]
pub enum Cause {
    /// A SIP message.
    Sip {
        /// Whose address it came from.
        party: Option<usize>,
        /// What.
        message: Arc<SipText>,
    },
    /// A packet at a media port.
    Rtp {
        /// Whose address it came from.
        party: Option<usize>,
        /// Our port.
        to: SocketAddr,
        /// The stream whose sound it carries.
        stream: Option<u32>,
    },
    /// A fact of the media plane.
    Media(LegId, media::fact::Fact),
    /// What the store says of an entry.
    Disk(EntryId, Word),
    /// A flow failed, a command came, or bytes that are no message.
    Other(&'static str),
    /// A deadline.
    Deadline,
}

/// What came out.
#[derive(Clone, Debug)]
pub enum Effect {
    /// A SIP message.
    Sip {
        /// Whose address it goes to.
        party: Option<usize>,
        /// What.
        message: Arc<SipText>,
    },
    /// A packet.
    Rtp {
        /// Our port.
        from: SocketAddr,
        /// Where to.
        to: SocketAddr,
        /// The packet.
        packet: Vec<u8>,
    },
    /// An order to the media plane.
    Media(media::order::Order),
    /// An entry of a call's journal.
    Recorded(Box<Entry>),
    /// A notice.
    Published(Notice),
    /// An observation.
    Observed(Observation),
}

/// One mutation of the product and its outcome.
#[derive(Clone, Debug)]
pub struct Step {
    /// When.
    pub at: Instant,
    /// What went in.
    pub cause: Cause,
    /// What came out, in order.
    pub effects: Vec<Effect>,
}
