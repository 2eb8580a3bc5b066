//! What a state works with while it handles one event: the call's parts, the stock, and the orders so far.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::base::ids::{CallId, CommandId, LegId};
use crate::base::time::Instant;
use crate::base::timer::TimerTable;
use crate::call::action::{Action, Actions};
use crate::call::command::Refusal;
use crate::call::identity::{self, NewLeg};
use crate::call::journal::Journal;
use crate::call::leg::{Leg, Legs, Phase};
use crate::call::notice::{CallerLoss, Notice, What};
use crate::call::record::{LegEnd, Who};
use crate::call::site::Site;
use crate::call::sound::{Refused, Rules, Sound};
use crate::call::supplies::Supplies;
use crate::call::timer::Timer;
use crate::media::order::{Keys, Order, Source};
use crate::routing::Decision;
use crate::routing::config::Priority;
use crate::routing::recipe::Showing;
use crate::sdp::session::Session;
use crate::sip::fact::{Cause, Peer, ReferId};
use crate::sip::flow::Flow;
use crate::sip::message::Uri;
use crate::sip::order::{LegOrder, OutgoingInvite};

/// What a state works with.
pub(crate) struct Context<'a> {
    pub(super) now: Instant,
    pub(super) call: CallId,
    pub(super) decision: &'a Arc<Decision>,
    /// Hunts that the call has had.
    pub(super) hunts: &'a mut u32,
    pub(super) max_forwards: u8,
    pub(super) legs: &'a mut Legs,
    pub(super) timers: &'a mut TimerTable<Timer>,
    /// The call's record; every change of it is noted.
    pub(super) record: &'a mut Journal,
    pub(super) site: &'a Site,
    pub(super) supplies: &'a mut dyn Supplies,
    pub(super) out: &'a mut Actions,
}

/// Whom to call, and how.
pub(super) struct Callee {
    /// The plan that it stands in, with the identity to show; its urgency counts for the limits.
    pub(super) decision: Arc<Decision>,
    pub(super) who: Who,
    pub(super) peer: Peer,
    pub(super) flow: Flow,
    /// The contact of an agent's softphone; a trunk is called by the number in `who`.
    pub(super) contact: Option<Uri>,
    pub(super) showing: Showing,
    pub(super) rules: Rules,
}

impl Context<'_> {
    /// Orders something on a leg.
    pub(super) fn order(&mut self, leg: LegId, order: LegOrder) {
        self.out.push(Action::Leg { leg, order });
    }

    /// Tells the world.
    pub(super) fn publish(&mut self, what: What) {
        self.out.push(Action::Publish(Notice { call: self.call, at: self.now, what }));
    }

    /// Refuses a command.
    pub(super) fn refuse_command(&mut self, id: CommandId, refusal: Refusal) {
        self.out.push(Action::Reply { id, reply: Err(refusal) });
    }

    /// Ignores a fact on purpose; counted.
    pub(super) fn ignore(&mut self, why: &'static str) {
        self.publish(What::Ignored { why });
    }

    /// Promise 1 is broken: say so, once for each kind of breach that follows another.
    pub(super) fn caller_lost(&mut self, loss: CallerLoss) {
        if self.record.caller_lost(loss) {
            self.publish(What::CallerLost(loss));
        }
    }

    /// Whether a planted fault strikes here.
    #[cfg(feature = "faults")]
    pub(super) fn strikes(&mut self, fault: super::fault::Fault) -> bool {
        self.supplies.strikes(fault)
    }

    // --- timers ---

    /// Arms a timer.
    pub(super) fn start(&mut self, timer: Timer, after: Duration) {
        self.timers.set(timer, self.now + after);
    }

    // --- a leg begins ---

    /// Opens a leg's sockets. `None` if there is no port or no address of the peer's family.
    pub(super) fn open_sound(
        &mut self,
        leg: LegId,
        signalling: SocketAddr,
        rules: Rules,
        priority: Priority,
    ) -> Option<Sound> {
        let media = *self.site.media_for(signalling.ip())?;
        let Some(port) = self.supplies.port(priority) else {
            self.publish(What::PortsExhausted);
            return None;
        };
        let local = SocketAddr::new(media.bind, port);
        let session = Session::new(media.advertised, port, session_id(self.supplies.random()));
        self.out.push(Action::Media(Order::Open { call: self.call, leg, local }));
        Some(Sound::new(local, session, rules).on_link_of(signalling))
    }

    /// Opens a leg's sockets again, on another port, with the session that it had.
    pub(super) fn open_again(&mut self, leg: LegId, old: &Sound) -> Option<Sound> {
        let (local, advertised) = self.another_port(leg, old)?;
        let session = Session::new(advertised, local.port(), session_id(self.supplies.random()));
        Some(old.moved(self.site, local, session))
    }

    /// Opens the sockets of a leg that comes over from another call. Its peer has to be told.
    pub(super) fn open_here(&mut self, leg: LegId, old: &Sound) -> Option<Sound> {
        let (local, advertised) = self.another_port(leg, old)?;
        Some(old.rehomed(local, advertised))
    }

    fn another_port(&mut self, leg: LegId, old: &Sound) -> Option<(SocketAddr, IpAddr)> {
        let media = *self.site.media.iter().find(|media| media.bind == old.local.ip())?;
        let Some(port) = self.supplies.port(self.decision.priority) else {
            self.publish(What::PortsExhausted);
            return None;
        };
        let local = SocketAddr::new(media.bind, port);
        self.out.push(Action::Media(Order::Open { call: self.call, leg, local }));
        Some((local, media.advertised))
    }

    /// Calls somebody. `None` if there is no port for the leg.
    pub(super) fn dial(&mut self, callee: Callee) -> Option<LegId> {
        let leg = self.supplies.leg();
        let mut sound = self.open_sound(leg, callee.flow.remote, callee.rules, callee.decision.priority)?;
        let written = identity::write(
            self.site,
            &NewLeg {
                linkage: self.record.root.unwrap_or(self.call),
                decision: &callee.decision,
                who: &callee.who,
                contact: callee.contact.as_ref(),
                remote: callee.flow.remote,
                showing: callee.showing,
            },
        );
        let invite = OutgoingInvite {
            leg,
            peer: callee.peer,
            flow: callee.flow,
            uri: written.uri,
            from: written.from,
            to: written.to,
            headers: written.headers,
            offer: sound.offer(),
            max_forwards: self.max_forwards,
        };
        self.out.push(Action::Invite(Box::new(invite)));
        self.legs.add(Leg::new(leg, callee.who.clone(), Phase::Called(sound)));
        self.record.begin(self.now, leg, callee.who.clone(), Some(written.summary));
        self.publish(What::Dialled { leg, who: callee.who });
        Some(leg)
    }

    /// Answers the caller with 200: the answer to its offer, or our offer if it made none.
    pub(super) fn accept(&mut self, caller: LegId) {
        let Some(leg) = self.legs.get_mut(caller).filter(|leg| matches!(leg.phase, Phase::Calling(_))) else { return };
        leg.phase = match std::mem::replace(&mut leg.phase, Phase::Leaving) {
            Phase::Calling(mut sound) => {
                let sdp = sound.owed_answer().unwrap_or_else(|| sound.offer());
                self.out.push(Action::Leg { leg: caller, order: LegOrder::Accept { sdp } });
                self.record.answered(self.now, caller);
                Phase::Connected(sound)
            }
            other @ (Phase::Arrived | Phase::Called(_) | Phase::Connected(_) | Phase::Parting(_) | Phase::Leaving) => {
                other
            }
        };
        // Not before: until it has our SDP nothing of ours, not even RTCP, may reach the caller.
        self.agree(caller);
    }

    /// A leg that we called has answered.
    pub(super) fn connected(&mut self, leg: LegId) {
        let Some(entry) = self.legs.get_mut(leg) else { return };
        entry.phase = match std::mem::replace(&mut entry.phase, Phase::Leaving) {
            Phase::Called(sound) => {
                self.record.answered(self.now, leg);
                Phase::Connected(sound)
            }
            other @ (Phase::Arrived | Phase::Calling(_) | Phase::Connected(_) | Phase::Parting(_) | Phase::Leaving) => {
                other
            }
        };
    }

    /// Offers a leg that has come over from another call our new address, both ways and with everything we have, and says
    /// who is behind us now.
    pub(super) fn make_known(&mut self, leg: LegId, decision: &Decision) {
        let Some(entry) = self.legs.get_mut(leg) else { return };
        let who = entry.who.clone();
        let Some(sound) = entry.sound_mut().filter(|sound| sound.is_to_be_told()) else { return };
        let sdp = sound.offer();
        let headers = identity::write_again(self.site, self.call, decision, &who);
        self.order(leg, LegOrder::Present { headers });
        self.order(leg, LegOrder::Offer { sdp });
    }

    // --- its sound ---

    /// The peer offers a new session: it ends here, and is answered at once (trap T48).
    pub(super) fn on_offer(&mut self, leg: LegId, sdp: Option<Bytes>) {
        let site = self.site;
        let Some(sound) = self.legs.sound_mut(leg) else { return };
        let Some(offer) = sdp else {
            let sdp = sound.offer();
            return self.order(leg, LegOrder::Answer { sdp });
        };
        match sound.answer(site, &offer) {
            Ok(sdp) => {
                self.agree(leg);
                self.order(leg, LegOrder::Answer { sdp });
            }
            Err(refused) => {
                self.refused(leg, &refused);
                self.order(leg, LegOrder::RejectOffer { code: refused.code() });
            }
        }
    }

    /// A REFER that leads nowhere here (trap T7).
    pub(super) fn decline_refer(&mut self, leg: LegId, refer: ReferId) {
        self.order(leg, LegOrder::RejectRefer { refer, code: 603 });
    }

    /// The peer answers our offer. False if its answer cannot be used; the session then stays as it was.
    pub(super) fn on_answer(&mut self, leg: LegId, sdp: &[u8]) -> bool {
        let site = self.site;
        let Some(sound) = self.legs.sound_mut(leg) else { return false };
        match sound.conclude(site, sdp) {
            Ok(()) => {
                self.agree(leg);
                true
            }
            Err(refused) => {
                self.refused(leg, &refused);
                false
            }
        }
    }

    /// Tells the media plane what the leg's session is now.
    pub(super) fn agree(&mut self, leg: LegId) {
        if let Some(session) = self.legs.sound(leg).and_then(Sound::to_media) {
            self.out.push(Action::Media(Order::Agree { leg, session }));
        }
    }

    /// Says that a session description was refused.
    pub(super) fn refused(&mut self, leg: LegId, refused: &Refused) {
        self.publish(What::SessionRefused { leg, why: refused.to_string() });
    }

    /// Gives a leg something to hear.
    pub(super) fn hear(&mut self, leg: LegId, source: Source) {
        let Some(sound) = self.legs.sound_mut(leg) else { return };
        if sound.hears != source {
            sound.hears = source.clone();
            self.out.push(Action::Media(Order::Hear { leg, source }));
        }
    }

    /// Says what becomes of the keys that a leg's peer presses in its sound.
    pub(super) fn keys(&mut self, leg: LegId, keys: Keys) {
        let Some(sound) = self.legs.sound_mut(leg) else { return };
        if sound.keys != keys {
            sound.keys = keys;
            self.out.push(Action::Media(Order::Keys { leg, keys }));
        }
    }

    // --- a leg ends ---

    /// Lets a leg go: CANCEL, BYE or a final response, whatever its state asks for. Its sound ends at once.
    pub(super) fn release(&mut self, leg: LegId, cause: Cause) {
        let order = LegOrder::HangUp { cause: cause.clone() };
        self.part(leg, order, LegEnd::Released(cause));
    }

    /// Refuses the caller's INVITE.
    pub(super) fn reject(&mut self, caller: LegId, code: u16, retry_after_s: Option<u32>) {
        let cause = Cause { sip: Some(code), q850: None };
        let order = LegOrder::Reject { code, cause: cause.clone(), retry_after_s };
        self.part(caller, order, LegEnd::Released(cause));
    }

    fn part(&mut self, leg: LegId, order: LegOrder, end: LegEnd) {
        let Some(entry) = self.legs.get_mut(leg) else { return };
        if matches!(entry.phase, Phase::Leaving) {
            return;
        }
        let had_sound = entry.sound().is_some();
        entry.phase = Phase::Leaving;
        self.record.end(self.now, leg, end);
        if had_sound {
            self.close_sound(leg);
        }
        self.order(leg, order);
    }

    /// A leg is over by the peer's doing or by loss.
    pub(super) fn over(&mut self, leg: LegId, end: LegEnd) {
        self.record.end(self.now, leg, end);
        if let Some(entry) = self.legs.remove(leg)
            && entry.sound().is_some()
        {
            self.close_sound(leg);
        }
    }

    fn close_sound(&mut self, leg: LegId) {
        self.timers.stop(Timer::Probe(leg));
        self.timers.stop(Timer::Goodbye(leg));
        self.timers.stop(Timer::NextKey(leg));
        self.out.push(Action::Media(Order::Close { leg }));
    }
}

/// A session id for `o=`: RFC 8866 5.2 wants a number; 63 bits keep it positive in everybody's arithmetic.
const fn session_id(random: u64) -> u64 {
    random >> 1
}
