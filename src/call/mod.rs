//! One call: a caller's leg and the service's legs, back to back.
//!
//! Decides: what a fact means for the call, who is rung next, who hears whom, and when a leg may end.
//! Invariants: the caller's leg ends by its own BYE or CANCEL, or by a deliberate BYE of the last service party while
//! they talk, and in no other way (I19, `ending`); a lost service leg never takes the caller with it; a connected
//! caller hears a person, ringback, music or an announcement (I15); no 200 before a person answers, unless the hotline
//! says so; every leg's offer and answer end here, so that a hold is our music and never a re-INVITE to the other side.
//! Does not do: anything. Facts come in as [`event::Event`], orders go out as [`action::Action`]; the switch carries
//! them out after the handler has returned, or throws them away when it panicked.
//!
//! Reading order: [`event`], [`action`], `state` (a file for each state), then what the states share: `search` and
//! `hunt` (who is rung), `pair` (two who are joined), `caller`, `ending` (promise 1), `leg` and `sound` (one side),
//! [`record`], and how it is written down: `journal`, and `proof` (what waits for the disk).

#![warn(clippy::wildcard_enum_match_arm)]

pub mod action;
pub mod command;
pub mod event;
#[cfg(feature = "faults")]
pub mod fault;
pub mod identity;
pub mod notice;
pub mod record;
pub mod site;
pub mod supplies;
pub mod timer;

mod caller;
mod case;
mod codes;
mod comfort;
pub(crate) mod consulted;
mod context;
mod ears;
mod ending;
mod goodbye;
mod hunt;
pub(crate) mod join;
mod journal;
mod keys;
pub(crate) mod leg;
mod pair;
mod party;
pub(crate) mod proof;
pub(crate) mod referrer;
mod reopen;
mod replace;
mod search;
mod silence;
mod sound;
mod state;
#[cfg(test)]
mod tests;
mod transfer;
mod trial;
mod words;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::base::ids::{CallId, HotlineId, LegId, TransferId, TrunkId};
use crate::base::time::Instant;
use crate::base::timer::TimerTable;
use crate::routing::Decision;
use crate::sip::fact::{LegFact, Peer, Refer};
use crate::tickets::entry::EntryId;
use action::Actions;
use codes::Taken;
use command::Refusal;
use consulted::Report;
use context::Context;
use ending::Rule;
use event::Event;
use join::{Asked, Consultation};
use journal::{Journal, Left};
use leg::{Leg, Legs, Phase};
use notice::{Unproven, What};
use proof::Proven;
use record::{Ending, LegEnd, Who};
use site::Site;
use state::{Offered, Quarantined, Releasing, State};
use supplies::Supplies;
use timer::Timer;

/// No timer of a call is armed for longer (I10).
const LONGEST_TIMER: Duration = Duration::from_secs(24 * 60 * 60);

/// One call. A plain value: to clone it is to have a checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    id: CallId,
    state: State,
    legs: Legs,
    timers: TimerTable<Timer>,
    record: Journal,
    decision: Arc<Decision>,
    /// Hunts that it has had: the number of the last one.
    hunts: u32,
    max_forwards: u8,
}

/// An INVITE that has been admitted.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The caller's leg.
    pub leg: LegId,
    /// Who sent it.
    pub peer: Peer,
    /// Where its signalling comes from.
    pub signalling: SocketAddr,
    /// What was dialled.
    pub dialled: String,
    /// Its SDP offer.
    pub offer: Option<Bytes>,
    /// Max-Forwards for the legs that follow.
    pub max_forwards: u8,
}

impl Call {
    /// A call that has just been admitted. It does nothing before [`Event::Begin`].
    pub fn new(now: Instant, id: CallId, arrival: Arrival, decision: Decision) -> Self {
        let decision = Arc::new(decision);
        let record = Journal::new(now, id, &arrival, &decision);
        let who = Who::Caller(arrival.peer);
        let mut legs = Legs::default();
        legs.add(Leg::new(arrival.leg, who, Phase::Arrived));
        Self {
            id,
            state: State::Offered(Offered::new(arrival.leg, arrival.signalling, arrival.offer)),
            legs,
            timers: TimerTable::default(),
            record,
            decision,
            hunts: 0,
            max_forwards: arrival.max_forwards,
        }
    }

    /// Takes one fact and says what is to be done about it. Never fails, never waits.
    pub fn handle(&mut self, now: Instant, event: Event, site: &Site, supplies: &mut dyn Supplies, out: &mut Actions) {
        // A copy: the old state stands until the handler has returned (rule 11).
        let before = self.state.clone();
        let rule = Rule::of(&before, &event);
        let mut cx = self.context(now, site, supplies, out);
        comfort::note_ended(&mut cx, &event);
        let after = match aside(&cx, &event) {
            Aside::Leaving(leg) => {
                on_leaving(&mut cx, leg, event);
                before
            }
            Aside::Parting(leg) => {
                goodbye::on_event(&mut cx, leg, event);
                before
            }
            Aside::Consulted(transfer) => {
                consulted::on_confirmed(&mut cx, transfer);
                before
            }
            Aside::Overdue(entry) => {
                proof::settle(&mut cx, entry, Proven::No(Unproven::Late));
                before
            }
            Aside::No => match codes::take(&mut cx, &before, event) {
                Taken::No(event) => before.handle(&mut cx, event),
                Taken::Kept => before,
                Taken::Asked(leg, command) => {
                    let after = before.handle(&mut cx, command);
                    codes::answer(&mut cx, leg);
                    after
                }
            },
        };
        #[cfg(feature = "faults")]
        assert!(!cx.strikes(fault::Fault::Panic), "a planted fault: the handler panics half-way");
        rule.check(&mut cx, &after);
        self.state = after;
        self.finish(now, site, out);
    }

    /// Somebody wants to take the place of one of its legs.
    pub fn replace(
        &mut self,
        now: Instant,
        replaced: LegId,
        newcomer: &Arrival,
        site: &Site,
        supplies: &mut dyn Supplies,
        out: &mut Actions,
    ) {
        let before = self.state.clone();
        let mut cx = self.context(now, site, supplies, out);
        self.state = replace::handle(&mut cx, before, replaced, newcomer);
        self.finish(now, site, out);
    }

    /// What it would bring to a citizen's call, should it be an agent's consultation.
    pub(crate) fn consultation(&self) -> Option<Consultation> {
        Consultation::of(&self.state, &self.legs, &self.record, &self.decision)
    }

    /// A REFER joins a consultation with it. Refused, neither it nor the orders may be used.
    #[expect(clippy::too_many_arguments, reason = "what every handler gets, and the three sides of a REFER")]
    pub(crate) fn join(
        &mut self,
        now: Instant,
        asked: Asked,
        refer: &Refer,
        consultation: Consultation,
        site: &Site,
        supplies: &mut dyn Supplies,
        out: &mut Actions,
    ) -> Result<(), Refusal> {
        let before = self.state.clone();
        let mut cx = self.context(now, site, supplies, out);
        self.state = join::take_in(&mut cx, &before, asked, refer, consultation)?;
        self.finish(now, site, out);
        Ok(())
    }

    /// It has been joined with a citizen's call, whose matter is `root`: what has come over there is gone here.
    #[expect(clippy::too_many_arguments, reason = "what every handler gets, and what was joined with what")]
    pub(crate) fn give_away(
        &mut self,
        now: Instant,
        to: CallId,
        root: CallId,
        moved: &[LegId],
        site: &Site,
        supplies: &mut dyn Supplies,
        out: &mut Actions,
    ) {
        let mut cx = self.context(now, site, supplies, out);
        cx.record.belongs_to(root);
        self.state = join::give_away(&mut cx, to, moved);
        self.finish(now, site, out);
    }

    /// What it tells the call that it was made for, if a PBX has made it for another one.
    pub(crate) fn report(&self) -> Option<Report> {
        Report::of(&self.record, &self.decision)
    }

    /// A consultation that a PBX has made for this call has begun, or has gone a step further.
    pub(crate) fn learn(
        &mut self,
        now: Instant,
        report: &Report,
        site: &Site,
        supplies: &mut dyn Supplies,
        out: &mut Actions,
    ) {
        let party = self.state.party();
        let mut cx = self.context(now, site, supplies, out);
        consulted::learn(&mut cx, party, report);
        self.finish(now, site, out);
    }

    /// Handles every timer that is due.
    pub fn handle_timeout(&mut self, now: Instant, site: &Site, supplies: &mut dyn Supplies, out: &mut Actions) {
        while let Some(timer) = self.timers.expire(now) {
            self.handle(now, Event::Timer(timer), site, supplies, out);
        }
    }

    /// Goes on after a panic, from this last good state: media stays joined, and what may have killed the handler gets
    /// the shortest way through the code that there is.
    pub fn quarantine(&mut self, now: Instant, site: &Site, supplies: &mut dyn Supplies, out: &mut Actions) {
        let before = self.state.clone();
        let mut cx = self.context(now, site, supplies, out);
        cx.publish(What::Quarantined { state: before.name() });
        self.state = Quarantined::begin(&mut cx, before);
        self.finish(now, site, out);
    }

    /// Lets every leg go because the daemon ends. Nobody is lost: it is a deliberate goodbye, and recorded as such.
    pub fn shut_down(&mut self, now: Instant, site: &Site, supplies: &mut dyn Supplies, out: &mut Actions) {
        if matches!(self.state, State::Releasing(_)) {
            return;
        }
        let mut cx = self.context(now, site, supplies, out);
        cx.record.conclude(Ending::ShutDown);
        self.state = Releasing::all(&mut cx, &record::SHUT_DOWN);
        self.finish(now, site, out);
    }

    /// The store has written one of its entries, or could not.
    pub(crate) fn recorded(
        &mut self,
        now: Instant,
        entry: EntryId,
        proven: Proven,
        site: &Site,
        supplies: &mut dyn Supplies,
        out: &mut Actions,
    ) {
        assert_eq!(entry.call, self.id, "an entry comes back to its own call");
        let mut cx = self.context(now, site, supplies, out);
        proof::settle(&mut cx, entry.seq, proven);
        self.finish(now, site, out);
    }

    fn context<'a>(
        &'a mut self,
        now: Instant,
        site: &'a Site,
        supplies: &'a mut dyn Supplies,
        out: &'a mut Actions,
    ) -> Context<'a> {
        Context {
            now,
            call: self.id,
            decision: &self.decision,
            hunts: &mut self.hunts,
            max_forwards: self.max_forwards,
            legs: &mut self.legs,
            timers: &mut self.timers,
            record: &mut self.record,
            site,
            supplies,
            out,
        }
    }

    /// Says that the call is over when it is, and holds what must hold after every event.
    fn finish(&mut self, now: Instant, site: &Site, out: &mut Actions) {
        assert!(self.timers.iter().all(|(_, deadline)| deadline.since(now) <= LONGEST_TIMER), "a timer beyond 24 h");
        if let Some(caller) = self.state.caller() {
            assert!(self.legs.get(caller).is_some(), "a state names a caller's leg that is not there");
            assert!(!self.legs.is_leaving(caller), "a state names a caller's leg that has been let go");
        }
        let all_gone = matches!(self.state, State::Releasing(_)) && self.legs.iter().all(Leg::is_leaving);
        let left = if all_gone { Left::Nobody } else { Left::Call(self.state.conversation()) };
        self.record.close(now, left, &self.legs, site, out);
        if self.is_over() && self.record.released.is_none() {
            self.record.released(now);
            let what = What::Released(Box::new((*self.record).clone()));
            out.push(action::Action::Publish(notice::Notice { call: self.id, at: now, what }));
        }
    }

    // --- what the switch reads off ---

    /// Whether every leg is gone: the call can be forgotten.
    pub const fn is_over(&self) -> bool {
        matches!(self.state, State::Releasing(_)) && self.legs.is_empty()
    }

    /// Its id.
    pub const fn id(&self) -> CallId {
        self.id
    }

    /// When it next wants to be woken.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.timers.next_timeout()
    }

    /// Its state in a word.
    pub const fn state_name(&self) -> &'static str {
        self.state.name()
    }

    /// Why it goes where it goes.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// When its INVITE arrived.
    pub fn arrived(&self) -> Instant {
        self.record.arrived
    }

    /// The plan of those who would be welcome at once, while nobody rings for the call.
    pub fn waits_for(&self) -> Option<&Decision> {
        self.state.waits_for()
    }

    /// The call whose matter it belongs to: itself, or the one that a PBX made it for or that it was joined with.
    pub fn root(&self) -> CallId {
        self.record.root.unwrap_or(self.id)
    }

    /// The same call, made by a PBX for the agent who has the call `root`: its legs show the linkage of that one.
    #[must_use]
    pub fn made_for(mut self, root: CallId) -> Self {
        self.record.belongs_to(root);
        self
    }

    /// What was dialled on a trunk for the service party who has the caller now, if that party is there.
    pub fn party_on(&self, trunk: &TrunkId) -> Option<&str> {
        match &self.legs.get(self.state.party()?)?.who {
            Who::Trunk { trunk: its, number } if its == trunk => Some(number),
            Who::Trunk { .. } | Who::Agent(_) | Who::Caller(_) => None,
        }
    }

    /// The hotline whose service party has the caller now.
    pub fn hotline_of_party(&self) -> Option<&HotlineId> {
        Some(self.record.hotline_of(self.state.party()?))
    }

    /// Whether another transfer may be asked for.
    pub fn has_room_for_a_transfer(&self, site: &Site) -> bool {
        transfer::has_room(&self.record, site)
    }

    /// Whether caller and service party talk or hold, and nothing else is under way.
    pub const fn is_in_talk(&self) -> bool {
        matches!(self.state, State::Talking(_) | State::Held(_))
    }

    /// Its transfers, in the order in which they were asked for; the last one may be under way.
    pub fn transfers(&self) -> &[record::TransferRecord] {
        &self.record.transfers
    }

    /// The caller's leg, while there is one.
    pub(crate) const fn caller(&self) -> Option<LegId> {
        self.state.caller()
    }

    /// The service party whom the caller is joined with.
    pub(crate) const fn party(&self) -> Option<LegId> {
        self.state.party()
    }

    /// Its legs, those that are leaving included.
    pub(crate) fn legs(&self) -> impl Iterator<Item = &Leg> {
        self.legs.iter()
    }
}

/// Whether an event matters to no state: what it is about instead.
enum Aside {
    /// A leg that we have let go.
    Leaving(LegId),
    /// A leg that we are taking leave of.
    Parting(LegId),
    /// It is about a consultation that a PBX has made for this call.
    Consulted(TransferId),
    /// This entry has been waited for long enough.
    Overdue(u32),
    /// It is not.
    No,
}

fn aside(cx: &Context<'_>, event: &Event) -> Aside {
    match event {
        Event::Leg { leg, .. } | Event::Media { leg, .. } if cx.legs.is_leaving(*leg) => Aside::Leaving(*leg),
        Event::Leg { leg, .. } | Event::Media { leg, .. } | Event::Timer(Timer::Goodbye(leg))
            if cx.legs.is_parting(*leg) =>
        {
            Aside::Parting(*leg)
        }
        Event::Timer(Timer::Consulted(transfer)) => Aside::Consulted(*transfer),
        Event::Timer(Timer::Proof(entry)) => Aside::Overdue(*entry),
        Event::Leg { .. }
        | Event::Media { .. }
        | Event::Timer(_)
        | Event::Command { .. }
        | Event::SeatFree
        | Event::Begin => Aside::No,
    }
}

/// A leg that we have let go matters to no state any more: it is forgotten when it says that it is over.
fn on_leaving(cx: &mut Context<'_>, leg: LegId, event: Event) {
    let end = match event {
        Event::Leg { fact, .. } => match fact {
            LegFact::Released => LegEnd::Released(record::NORMAL),
            LegFact::HungUp { cause } => LegEnd::HungUp(record::goodbye(cause)),
            LegFact::Failed(failure) => LegEnd::Failed(record::of_failure(&failure)),
            LegFact::Lost { loss } => LegEnd::Lost(loss),
            LegFact::Trying
            | LegFact::Progress { .. }
            | LegFact::Answered { .. }
            | LegFact::Acked { .. }
            | LegFact::Offered { .. }
            | LegFact::AnswerReceived { .. }
            | LegFact::OfferRefused { .. }
            | LegFact::Digit { .. }
            | LegFact::Referred(_)
            | LegFact::NotifyAnswered { .. } => return cx.ignore("the leg has been let go"),
        },
        Event::Media { .. } | Event::Timer(_) | Event::Command { .. } | Event::SeatFree | Event::Begin => {
            return cx.ignore("the leg has been let go");
        }
    };
    cx.over(leg, end);
}
