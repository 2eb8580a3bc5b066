//! A transfer under way: what was asked for, and how each step is told to whoever asked and to the world.
//!
//! Decides: whether a wish may become a transfer, and what the transferor and the record learn of it.
//! Invariants: what is told is what happened, with the code as it came (traps T38, T39, T41): 202 is not success and
//! early media is no answer; a transfer ends exactly once ([`Transfer::end`]), and with a REFER that end is its last
//! NOTIFY (I41); nothing is dialled that is not configured (V20).
//! Telephones that are told of success at once (trap T43) or want no reports cannot be told that a transfer has come to
//! nothing. They believe the caller handed over: for 10 s after that their BYE is no goodbye, and the caller is given back
//! as if they had hung up in mid-transfer (`leg::Word`). To be rung once too often is better than to lose a caller.
//! Does not do: the hunt for the target, and who hears whom; the states do.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::ids::{AgentId, CallId, CommandId, HotlineId, LegId, TransferId};
use crate::base::time::Instant;
use crate::call::action::Action;
use crate::call::codes;
use crate::call::command::{Accepted, By, Command, Mode, Particulars, Refusal, Urgency};
use crate::call::consulted::{self, Report};
use crate::call::context::Context;
use crate::call::goodbye;
use crate::call::hunt::{Hunt, Rounds};
use crate::call::leg::Word;
use crate::call::notice::{TransferStep, What};
use crate::call::pair::{Mood, Pair};
use crate::call::proof::{self, Deed, Role};
use crate::call::record::{CallRecord, LegRecord, Outcome, TransferRecord, Trigger, Who};
use crate::call::referrer;
use crate::call::site::Site;
use crate::call::state::{State, Transferring};
use crate::call::timer::{GOODBYE, GOODBYE_OF_ABANDONED, Timer};
use crate::routing::decision::Referral;
use crate::routing::profile::ReferReports;
use crate::routing::{self, Decision, Handover, RegionHints};
use crate::sip::fact::{Last, LegFact, Peer, Refer, ReferId, ReferTarget};
use crate::sip::order::{FirstReport, LegOrder};

/// The most transfers that one call may ask for, those that failed included: its record stays bounded. That nobody can
/// pass a call to and fro for ever is the lower limit of the site (V37).
const MAX_REQUESTS: usize = 100;

/// One transfer under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Transfer {
    pub(super) id: TransferId,
    /// Who asked for it.
    pub(super) transferor: LegId,
    telling: Telling,
}

/// How the transferor is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Telling {
    /// By NOTIFY on its own leg, as its REFER asked.
    Notify(ReferId),
    /// By events only: it asked by a key or a command, or its leg is gone.
    Events,
}

/// What a party or somebody outside wants.
pub(super) enum Wish {
    /// REFER on the party's leg.
    Refer(Box<Refer>),
    /// A command.
    Command(CommandId, Command),
}

/// A transfer that is asked for.
struct Request {
    to: String,
    territory: Option<String>,
    particulars: Particulars,
    agent: Option<AgentId>,
    trigger: Trigger,
    mode: Mode,
    telling: Telling,
    asked: Instant,
    consultation: Option<CallId>,
}

// === wishes ===

/// A wish while caller and party are joined and nothing else is under way.
pub(super) fn enter_upon(cx: &mut Context<'_>, pair: Pair, mood: Mood, wish: Wish) -> State {
    match wish {
        Wish::Refer(refer) => by_refer(cx, pair, mood, &refer),
        Wish::Command(id, command) => by_command(cx, pair, mood, id, command),
    }
}

/// A wish while a transfer is under way that can be given up no more. A second one has to wait (trap T13).
pub(super) fn put_off(cx: &mut Context<'_>, leg: LegId, wish: Wish, cancel: Refusal) {
    match wish {
        Wish::Refer(refer) => refuse_refer(cx, leg, refer.id, Refusal::TransferInProgress),
        Wish::Command(id, Command::Transfer { .. }) => cx.refuse_command(id, Refusal::TransferInProgress),
        Wish::Command(id, Command::CancelTransfer { .. }) => cx.refuse_command(id, cancel),
    }
}

fn by_refer(cx: &mut Context<'_>, pair: Pair, mood: Mood, refer: &Refer) -> State {
    let user = match &refer.target {
        ReferTarget::Uri(uri) => uri.user().and_then(|user| String::from_utf8(user.to_vec()).ok()),
        // The two calls of a consultation are joined by the switch (`join`); these cannot be.
        ReferTarget::Leg(_) => {
            refuse_refer(cx, pair.party, refer.id, Refusal::NothingToJoin);
            return pair.stay(mood);
        }
        ReferTarget::Unmatched { code } => {
            unmatched(cx, pair.party, refer.id, *code);
            return pair.stay(mood);
        }
    };
    let request = Request {
        to: user.unwrap_or_default(),
        territory: None,
        particulars: Particulars::default(),
        agent: referrer::of(cx, pair.party, refer),
        trigger: Trigger::Refer,
        mode: Mode::OneClick,
        telling: Telling::Notify(refer.id),
        asked: cx.now,
        consultation: None,
    };
    match Transfer::begin(cx, pair, request) {
        Ok((transfer, decision)) => {
            let first = first_report(cx, pair.party);
            cx.order(pair.party, LegOrder::AcceptRefer { refer: refer.id, first });
            dial(cx, pair, mood, transfer, decision)
        }
        Err(refusal) => {
            refuse_refer(cx, pair.party, refer.id, refusal);
            pair.stay(mood)
        }
    }
}

/// A REFER whose Replaces names nothing that could be joined. A 481 to the REFER itself would end the dialog with the
/// caller (RFC 5057 5.1), so that it is told as what became of the REFER, as if the target had said it (trap T29).
fn unmatched(cx: &mut Context<'_>, leg: LegId, refer: ReferId, status: u16) {
    match first_report(cx, leg) {
        FirstReport::Trying => {
            cx.order(leg, LegOrder::AcceptRefer { refer, first: FirstReport::Trying });
            cx.order(leg, LegOrder::Notify { refer, status, last: Last::Yes });
            refused(cx, leg, Refusal::NothingToJoin);
        }
        // A telephone that is told of success at once would hang up on the caller.
        FirstReport::SettledAtOnce => refuse_refer(cx, leg, refer, Refusal::NothingToJoin),
    }
}

fn by_command(cx: &mut Context<'_>, pair: Pair, mood: Mood, id: CommandId, command: Command) -> State {
    let (request, by) = match command {
        Command::Transfer { to, mode: mode @ Mode::OneClick, territory, particulars, by } => {
            let agent = match &by {
                By::Agent(agent) => Some(agent.clone()),
                By::Console => agent_of(cx, pair.party),
            };
            let trigger = if id == codes::BY_KEYS { Trigger::FeatureCode } else { Trigger::Command };
            let (telling, asked, consultation) = (Telling::Events, cx.now, None);
            let particulars = *particulars;
            (Request { to, territory, particulars, agent, trigger, mode, telling, asked, consultation }, by)
        }
        Command::Transfer { mode: Mode::Consult | Mode::ThreeWay, .. } => {
            cx.refuse_command(id, Refusal::ModeNotSupported);
            return pair.stay(mood);
        }
        Command::CancelTransfer { .. } => {
            cx.refuse_command(id, Refusal::NoSuchTransfer);
            return pair.stay(mood);
        }
    };
    let begun =
        if may_command(cx, pair.party, &by) { Transfer::begin(cx, pair, request) } else { Err(Refusal::NotYourCall) };
    match begun {
        Ok((transfer, decision)) => {
            let accepted = Accepted::Transfer { call: cx.call, transfer: transfer.id };
            cx.out.push(Action::Reply { id, reply: Ok(accepted) });
            dial(cx, pair, mood, transfer, decision)
        }
        Err(refusal) => {
            cx.refuse_command(id, refusal);
            refused(cx, pair.party, refusal);
            pair.stay(mood)
        }
    }
}

/// Whether whoever gives a command may command this call: an agent only the one that the agent is in.
pub(super) fn may_command(cx: &Context<'_>, party: LegId, by: &By) -> bool {
    match by {
        By::Console => true,
        By::Agent(agent) => cx.legs.get(party).is_some_and(|leg| matches!(&leg.who, Who::Agent(own) if own == agent)),
    }
}

/// Begins to look for the target. Caller and agent stay joined; nothing of theirs is touched (trap T12).
fn dial(cx: &mut Context<'_>, pair: Pair, mood: Mood, transfer: Transfer, decision: Arc<Decision>) -> State {
    let hunt = Hunt::new(cx, decision, None, Rounds::Once);
    let turn = hunt.advance(cx);
    Transferring::go_on(cx, pair, mood, transfer, turn)
}

/// What the telephone learns with our 202: progress as it happens, or success at once (trap T43).
pub(super) fn first_report(cx: &Context<'_>, leg: LegId) -> FirstReport {
    let routing = &cx.site.routing;
    let profile = match cx.legs.get(leg).map(|leg| &leg.who) {
        Some(Who::Agent(_) | Who::Caller(Peer::Softphone(_))) => Some(&routing.softphone_profile),
        Some(Who::Trunk { trunk, .. } | Who::Caller(Peer::Trunk(trunk))) => {
            routing.trunk(trunk).map(|row| &row.profile)
        }
        None => None,
    };
    match profile.and_then(|id| routing.profile(id)).map(|profile| profile.refer_reports) {
        Some(ReferReports::SuccessAtOnce) => FirstReport::SettledAtOnce,
        Some(ReferReports::AsItHappens) | None => FirstReport::Trying,
    }
}

/// The agent on a leg.
pub(super) fn agent_of(cx: &Context<'_>, leg: LegId) -> Option<AgentId> {
    match &cx.legs.get(leg)?.who {
        Who::Agent(agent) => Some(agent.clone()),
        Who::Caller(_) | Who::Trunk { .. } => None,
    }
}

/// The refusal as a final response to the REFER, with one audit line.
fn refuse_refer(cx: &mut Context<'_>, leg: LegId, refer: ReferId, refusal: Refusal) {
    let code = match refusal {
        Refusal::TransferInProgress => 491,
        Refusal::NobodyNow => 480,
        Refusal::NotYourCall => 403,
        Refusal::NoSuchCall
        | Refusal::Ambiguous
        | Refusal::NotTalking
        | Refusal::NoSuchTransfer
        | Refusal::AlreadyAnswered
        | Refusal::NotConfigured
        | Refusal::NothingToJoin
        | Refusal::SameHotline
        | Refusal::UnknownTerritory
        | Refusal::TooManyTransfers
        | Refusal::ModeNotSupported
        | Refusal::Quarantined => 603,
    };
    cx.order(leg, LegOrder::RejectRefer { refer, code });
    refused(cx, leg, refusal);
}

/// One audit line: who wanted a transfer that there is none of.
fn refused(cx: &mut Context<'_>, leg: LegId, why: Refusal) {
    cx.publish(What::TransferRefused { leg, why });
}

// === impl Transfer ===

impl Transfer {
    /// Makes a transfer of a request, or says why not. Nothing has been dialled yet.
    fn begin(cx: &mut Context<'_>, pair: Pair, request: Request) -> Result<(Self, Arc<Decision>), Refusal> {
        room_for_another(cx)?;
        let from = cx.record.hotline_of(pair.party).clone();
        let handover = Handover {
            from_hotline: &from,
            agent: request.agent.as_ref(),
            to: &request.to,
            region: RegionHints { chosen: request.territory.as_deref(), incident: None },
            origin: cx.decision.territory.as_ref(),
            caller: &cx.decision.caller_id,
            at: cx.site.wall.local_time(),
        };
        let decision = Arc::new(routing::decide_transfer(&cx.site.routing, &handover).map_err(refusal)?);
        Ok((Self::enter(cx, pair.party, request, from, &decision), decision))
    }

    /// Makes a transfer of a REFER of `transferor` that names a consultation, or says why not. One that is in the record
    /// already, because a PBX has made it for this call, goes on.
    pub(super) fn of_consultation(
        cx: &mut Context<'_>,
        pair: Pair,
        transferor: LegId,
        refer: &Refer,
        call: CallId,
        consultation: &Decision,
    ) -> Result<(Self, Arc<Decision>), Refusal> {
        let begun = consulted::of_call(cx, call);
        if begun.is_none() {
            room_for_another(cx)?;
        }
        let agent = referrer::of(cx, pair.party, refer);
        let from = cx.record.hotline_of(pair.party).clone();
        let referral = Referral { agent: agent.clone(), hotline: from.clone() };
        let decided = routing::decide_join(consultation, &cx.decision.caller_id, referral);
        let decision = Arc::new(decided.map_err(refusal)?);
        let telling = Telling::Notify(refer.id);
        if let Some(Self { id, .. }) = begun {
            cx.timers.stop(Timer::Consulted(id));
            return Ok((Self { id, transferor, telling }, decision));
        }
        let request = Request {
            to: decision.hotline.as_str().to_owned(),
            territory: None,
            particulars: Particulars::default(),
            agent,
            trigger: Trigger::Refer,
            mode: Mode::Consult,
            telling,
            asked: cx.now,
            consultation: None,
        };
        Ok((Self::enter(cx, transferor, request, from, &decision), decision))
    }

    /// Makes a transfer of a consultation that a PBX has begun for `party`, who has the caller.
    pub(super) fn of_report(cx: &mut Context<'_>, party: LegId, report: &Report) -> Self {
        let request = Request {
            to: report.decision.hotline.as_str().to_owned(),
            territory: None,
            particulars: Particulars::default(),
            agent: report.decision.referral.as_ref().and_then(|referral| referral.agent.clone()),
            trigger: Trigger::NewInvite,
            mode: Mode::Consult,
            telling: Telling::Events,
            asked: report.asked,
            consultation: Some(report.call),
        };
        let from = cx.record.hotline_of(party).clone();
        Self::enter(cx, party, request, from, &report.decision)
    }

    /// A transfer of the record, which nobody is told of but by events.
    pub(super) const fn of_record(record: &TransferRecord) -> Self {
        Self { id: record.id, transferor: record.transferor, telling: Telling::Events }
    }

    /// Enters a transfer into the record.
    fn enter(
        cx: &mut Context<'_>,
        transferor: LegId,
        request: Request,
        from: HotlineId,
        decision: &Arc<Decision>,
    ) -> Self {
        let id = TransferId((u128::from(cx.supplies.random()) << 64) | u128::from(cx.supplies.random()));
        let said = request.particulars.urgency;
        let urgency = said.unwrap_or_else(|| Urgency::of(decision.priority));
        cx.record.request(TransferRecord {
            id,
            trigger: request.trigger,
            mode: request.mode,
            transferor,
            agent: request.agent,
            from,
            decision: Arc::clone(decision),
            particulars: request.particulars,
            requested: request.asked,
            attempts: Vec::new(),
            consultation: request.consultation,
            targets: Vec::new(),
            answered: None,
            ended: None,
        });
        let transfer = Self { id, transferor, telling: request.telling };
        let (trigger, mode) = (request.trigger, request.mode);
        transfer.tell(cx, TransferStep::Requested { trigger, mode, urgency, decision: Arc::clone(decision) });
        transfer
    }

    // --- how it goes ---

    /// What a leg that is being rung says, before the hunt hears it.
    pub(super) fn hear(&self, cx: &mut Context<'_>, leg: LegId, fact: &LegFact) {
        if let LegFact::Progress { code, .. } = fact {
            let rang = cx.record.rang_at(leg).is_some();
            if !rang {
                self.rings(cx, leg);
            }
            self.report(cx, *code, Last::No);
        }
    }

    /// Whom the hunt has let go and whom it rings now.
    pub(super) fn note(&self, cx: &mut Context<'_>, before: &[LegId], hunt: &Hunt) {
        for leg in before.iter().filter(|leg| !hunt.has(**leg)) {
            let code = cx.record.refusal_of(*leg);
            self.tell(cx, TransferStep::NotTaken { leg: *leg, code });
        }
        for leg in hunt.ringing().filter(|leg| !before.contains(leg)) {
            self.reached(cx, leg);
        }
    }

    /// A target is being dialled, or has been reached in a consultation. Nobody is told twice of one whom a PBX has
    /// reached for this call.
    pub(super) fn reached(&self, cx: &mut Context<'_>, leg: LegId) {
        if let Some(who) = cx.legs.get(leg).map(|leg| leg.who.clone())
            && !self.entry(cx).attempts.contains(&leg)
        {
            self.dials(cx, leg, who);
            // In a consultation it may have rung before.
            if cx.record.rang_at(leg).is_some() {
                self.rings(cx, leg);
            }
        }
    }

    /// A target is being dialled.
    pub(super) fn dials(&self, cx: &mut Context<'_>, leg: LegId, who: Who) {
        cx.record.attempt(self.id, leg);
        self.tell(cx, TransferStep::Dialling { leg, who });
    }

    /// A target rings.
    pub(super) fn rings(&self, cx: &mut Context<'_>, leg: LegId) {
        self.tell(cx, TransferStep::Ringing { leg });
    }

    /// A target has answered. Nobody is told twice of one who had answered a PBX before.
    pub(super) fn answered(&self, cx: &mut Context<'_>, leg: LegId) {
        let had = |line: &LegRecord| line.leg == leg && line.answered.is_some();
        if !self.entry(cx).targets.iter().any(had) {
            self.answers(cx, leg);
        }
    }

    /// A target answers.
    pub(super) fn answers(&self, cx: &mut Context<'_>, leg: LegId) {
        self.tell(cx, TransferStep::Answered { leg });
    }

    /// A target has not taken the call: it did not answer, or has hung up or was lost before it had taken it.
    pub(super) fn not_taken(&self, cx: &mut Context<'_>, leg: LegId, code: Option<u16>) {
        if !self.is_over(cx) {
            self.tell(cx, TransferStep::NotTaken { leg, code });
        }
    }

    /// Whether it has ended.
    pub(super) fn is_over(&self, cx: &Context<'_>) -> bool {
        self.entry(cx).ended.is_some()
    }

    /// The target has taken the call. From here on it is a success, whatever its sound does (P5).
    pub(super) fn taken(&self, cx: &mut Context<'_>, leg: LegId) {
        let answered = cx.record.target(self.entry(cx), leg).and_then(|line| line.answered);
        cx.record.taken(answered.unwrap_or(cx.now), self.id);
        if self.end(cx, Outcome::Succeeded(leg), TransferStep::Joined { leg }) {
            proof::begin(cx, self.id);
        }
    }

    /// The target is silent; all three are joined.
    pub(super) fn target_silent(&self, cx: &mut Context<'_>, leg: LegId) {
        self.tell(cx, TransferStep::TargetSilent { leg });
    }

    /// The transferor has gone; the transfer goes on without it.
    pub(super) fn forsaken(&mut self, cx: &mut Context<'_>) {
        self.is_alone(cx);
        self.tell(cx, TransferStep::Forsaken);
    }

    /// The leg that had the caller is gone. Nobody is left to be told, unless the REFER came on the consultation.
    pub(super) fn is_alone(&mut self, cx: &Context<'_>) {
        if !cx.legs.is_parting(self.transferor) {
            self.telling = Telling::Events;
        }
    }

    // --- how it ends ---

    /// The transferor learns that the target has the call, and is released when its telephone has heard it. The join has
    /// long happened; only the last NOTIFY and our BYE wait until the success is on disk.
    pub(super) fn release_transferor(&self, cx: &mut Context<'_>, party: LegId) {
        let leg = self.transferor;
        let role = if party == leg { Role::Party } else { Role::Consulting };
        let deed = match self.telling {
            Telling::Notify(refer) => Deed::Goodbye { leg, refer, role },
            Telling::Events => Deed::Release { leg },
        };
        proof::then(cx, self.id, deed);
        if party != leg {
            proof::then(cx, self.id, Deed::Release { leg: party });
        }
    }

    /// The transferor learns that the target has the call, but stays: all three are joined. On the consultation it goes.
    pub(super) fn report_success(&self, cx: &mut Context<'_>) {
        match self.telling {
            Telling::Notify(refer) if cx.legs.is_parting(self.transferor) => {
                proof::then(cx, self.id, Deed::Goodbye { leg: self.transferor, refer, role: Role::Consulting });
            }
            Telling::Notify(_) | Telling::Events => self.report(cx, 200, Last::Yes),
        }
    }

    /// The target had taken the call and has left before the transferor was told: 480, so that it stays with the caller.
    pub(super) fn report_failure(&self, cx: &mut Context<'_>) {
        self.report_in_vain(cx, 480);
    }

    /// Nobody took the call.
    pub(super) fn failed(&self, cx: &mut Context<'_>, code: u16) {
        self.report_in_vain(cx, code);
        self.end(cx, Outcome::Failed(code), TransferStep::Failed { code });
    }

    /// Nobody took the call, and the agent has gone.
    pub(super) fn given_back(&self, cx: &mut Context<'_>) {
        self.tell(cx, TransferStep::GivenBack);
    }

    /// The agent has given it up (487: the request is terminated).
    pub(super) fn cancelled(&self, cx: &mut Context<'_>) {
        self.report_in_vain(cx, 487);
        self.end(cx, Outcome::Cancelled, TransferStep::Cancelled);
    }

    /// The caller has hung up. Its transferor still learns how the transfer ended (trap T14), but must not take long.
    pub(super) fn abandoned(&self, cx: &mut Context<'_>) {
        self.end(cx, Outcome::Abandoned, TransferStep::Abandoned);
        if let Telling::Notify(refer) = self.telling {
            goodbye::begin(cx, self.transferor, refer, 487, GOODBYE_OF_ABANDONED);
        }
    }

    /// The call was restored after a fault (F5).
    pub(super) fn unknown(&self, cx: &mut Context<'_>) {
        self.report(cx, 500, Last::Yes);
        self.end(cx, Outcome::Unknown, TransferStep::Unknown);
    }

    /// False if it has ended before.
    fn end(&self, cx: &mut Context<'_>, outcome: Outcome, step: TransferStep) -> bool {
        let ended = cx.record.end_transfer(cx.now, self.id, outcome);
        if ended {
            self.tell(cx, step);
        }
        ended
    }

    /// It has come to nothing. Until the transferor's telephone has answered that, its BYE may be that of somebody who
    /// believes the caller in good hands (trap T1), and for a while if it cannot be told (trap T43).
    fn report_in_vain(&self, cx: &mut Context<'_>, status: u16) {
        self.report(cx, status, Last::Yes);
        if let (Telling::Notify(_), Some(leg)) = (self.telling, cx.legs.get_mut(self.transferor)) {
            leg.word = Word::OnItsWay;
        }
    }

    fn report(&self, cx: &mut Context<'_>, status: u16, last: Last) {
        let Telling::Notify(refer) = self.telling else { return };
        match last {
            // The REFER came on the consultation, which ends with the transfer.
            Last::Yes if cx.legs.is_parting(self.transferor) => {
                goodbye::begin(cx, self.transferor, refer, status, GOODBYE);
            }
            Last::Yes | Last::No => cx.order(self.transferor, LegOrder::Notify { refer, status, last }),
        }
    }

    /// What the record has of it.
    pub(super) fn entry<'a>(&self, cx: &'a Context<'_>) -> &'a TransferRecord {
        let found = cx.record.transfers.iter().find(|transfer| transfer.id == self.id);
        found.expect("a transfer is in the record from its beginning")
    }

    fn tell(&self, cx: &mut Context<'_>, step: TransferStep) {
        cx.publish(What::Transfer { transfer: self.id, step });
    }
}

fn room_for_another(cx: &Context<'_>) -> Result<(), Refusal> {
    if has_room(cx.record, cx.site) { Ok(()) } else { Err(Refusal::TooManyTransfers) }
}

/// Whether a call may ask for another transfer: those that were taken or are under way count, and all that were asked for.
pub(super) fn has_room(record: &CallRecord, site: &Site) -> bool {
    let made = &record.transfers;
    let counts = |transfer: &&TransferRecord| transfer.answered.is_some() || transfer.ended.is_none();
    made.iter().filter(counts).count() < site.transfers_per_call && made.len() < MAX_REQUESTS
}

const fn refusal(refusal: routing::Refusal) -> Refusal {
    match refusal {
        routing::Refusal::NotConfigured => Refusal::NotConfigured,
        routing::Refusal::SameHotline => Refusal::SameHotline,
        routing::Refusal::UnknownRegion | routing::Refusal::AmbiguousRegion => Refusal::UnknownTerritory,
        routing::Refusal::NobodyThere => Refusal::NobodyNow,
    }
}
