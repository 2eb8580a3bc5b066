//! One leg as the wire shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lianxian::base::time::Instant;

use super::super::joins::ReferWatch;
use super::super::sdp_writer::{Direction, Session};
use super::super::sip_writer::SipText;
use super::super::told::Told;

/// Whose side of a matter a leg is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The citizen's.
    Caller,
    /// An agent's or a target's.
    Service,
}

/// One dialog between the product and a party, seen from the wire.
#[derive(Clone, Debug)]
pub struct LegWatch {
    /// The party.
    pub party: usize,
    /// The citizen's number that it is about.
    pub matter: String,
    /// Which side.
    pub side: Side,
    /// What its INVITE said of who calls.
    pub told: Told,
    /// When the INVITE that made it passed.
    pub invited_at: Instant,
    /// CSeq of the INVITE that made it.
    pub invite_cseq: u32,
    /// Our tag and the party's.
    pub tags: (String, String),
    /// Max-Forwards of the INVITE that made it.
    pub max_forwards: u32,
    /// A provisional above 100 or 100 itself has been delivered to us (service) or sent by us (caller).
    pub provisional: bool,
    /// The 2xx to the INVITE: delivered (service) or first sent (caller).
    pub answered_at: Option<Instant>,
    /// The ACK to that 2xx: sent (service) or delivered (caller).
    pub acked_at: Option<Instant>,
    /// A final response above 299 to the INVITE.
    pub refused: Option<(Instant, u16)>,
    /// The party's BYE was delivered.
    pub peer_bye_at: Option<Instant>,
    /// The party's CANCEL was delivered.
    pub peer_cancel_at: Option<Instant>,
    /// Our BYE was first sent.
    pub our_bye_at: Option<Instant>,
    /// Our CANCEL was first sent.
    pub our_cancel_at: Option<Instant>,
    /// The leg answered 481 or 408 to us, or one of our requests was never answered.
    pub lost_at: Option<Instant>,
    /// Our CSeq.
    pub our_cseq: u32,
    /// The highest CSeq delivered from the party.
    pub peer_cseq: u32,
    /// The party's REFERs, by CSeq.
    pub refers: BTreeMap<u32, ReferWatch>,
    /// Our re-INVITE that has no final response yet: CSeq and when it was sent.
    pub our_reinvite: Option<(u32, Instant)>,
    /// Our requests within the dialog that have had no final response: CSeq and when they were first sent.
    pub pending: BTreeMap<u32, Instant>,
    /// CSeqs of our INVITEs whose 2xx was delivered.
    pub answered: BTreeSet<u32>,
    /// Our 2xx to the party's INVITEs that have had no ACK: CSeq and when they were first sent.
    pub owed_acks: BTreeMap<u32, Instant>,
    /// 2xx delivered to us that we have not acknowledged yet: CSeq and when.
    pub unacked_2xx: Vec<(u32, Instant)>,
    /// Our last SDP on this leg.
    pub our_sdp: Option<Session>,
    /// The party's last two SDPs on this leg, newest first.
    pub their_sdp: Vec<Session>,
    /// When the session last changed on either side.
    pub session_at: Instant,
    /// The last packet of any kind that we sent to this leg.
    pub sent_at: Option<Instant>,
    /// The last and first-of-a-row packets with the party's own voice that came in.
    pub voice_in: Option<(Instant, Instant)>,
    /// When another stream's voice was last sent to this leg, by stream.
    pub voice_out: BTreeMap<u32, Instant>,
    /// Whom our latest re-INVITE asserted.
    pub told_again: Option<String>,
    /// It was an agent's consultation, and what it had reached was joined with a citizen's call.
    pub joined: bool,
}

impl LegWatch {
    /// Whether both sides are in talk as far as the wire shows.
    pub fn is_up(&self) -> bool {
        self.answered_at.is_some() && !self.is_over()
    }

    /// Whether it was told that its transfer has succeeded: its place is another's.
    pub fn is_dismissed(&self) -> bool {
        self.refers.values().any(|refer| refer.told == Some(200))
    }

    /// Whether it was told so a moment ago, and our BYE waits for its word on that, for 4 s at most. Who is still there
    /// after that was not released, and is a party as before.
    pub fn is_parting(&self, now: Instant) -> bool {
        let told = |refer: &ReferWatch| refer.settled_at.filter(|_| refer.told == Some(200));
        self.refers.values().filter_map(told).any(|at| now - at <= Duration::from_millis(4100))
    }

    /// Whether a transfer that it asked for by REFER is under way.
    pub fn is_transferring(&self) -> bool {
        let open = |refer: &ReferWatch| !refer.silent && refer.settled_at.is_none();
        self.refers.values().any(|refer| refer.answer.is_some_and(|code| code < 300) && open(refer))
    }

    /// Whether it says that it is being rung, and nobody has told it to stop. Who has said nothing at all may have been
    /// given up long ago: no CANCEL before a provisional (RFC 3261 9.1).
    pub fn is_rung(&self) -> bool {
        let rings = self.side == Side::Service && self.provisional && self.answered_at.is_none();
        rings && !self.is_over() && self.our_cancel_at.is_none()
    }

    /// When a leg that was in talk ended.
    pub fn ended_at(&self) -> Option<Instant> {
        [self.peer_bye_at, self.our_bye_at, self.lost_at].into_iter().flatten().min()
    }

    /// Whether it has ended in any way.
    pub fn is_over(&self) -> bool {
        self.refused.is_some()
            || self.peer_bye_at.is_some()
            || self.our_bye_at.is_some()
            || self.lost_at.is_some()
            || (self.peer_cancel_at.is_some() && self.answered_at.is_none())
    }

    /// The direction that the party's last SDP names.
    pub fn direction(&self) -> Direction {
        self.their_sdp.first().map_or(Direction::Both, |sdp| sdp.direction)
    }
}

pub(super) fn enter_their_sdp(leg: &mut LegWatch, at: Instant, message: &SipText) {
    let Some(session) = message.sdp().and_then(Session::read) else { return };
    if leg.their_sdp.first() != Some(&session) {
        leg.their_sdp.insert(0, session);
        leg.their_sdp.truncate(2);
        leg.session_at = at;
    }
}
