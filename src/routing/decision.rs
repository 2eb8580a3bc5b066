//! The one value that says why a call goes where it goes.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::caller_id::CallerId;
use super::claims::Claims;
use super::config::{Config, CorrelateBy, Hotline, Priority, Step, Trust};
use super::hours::Hours;
use super::locate::{self, Circumstances};
use super::territory::{self, To};
use crate::base::ids::{AgentId, HotlineId, RegionCode, TrunkId};
use crate::base::time::LocalTime;

/// A question to routing: a call that arrives.
#[derive(Clone, Debug)]
pub struct Enquiry<'a> {
    /// What was dialled: the user part of the Request-URI.
    pub called: &'a str,
    /// Who asks.
    pub from: Origin<'a>,
    /// What the INVITE says about its caller.
    pub claims: &'a Claims,
    /// Where the matter is, as far as people said.
    pub region: RegionHints<'a>,
    /// When.
    pub at: LocalTime,
}

/// A question to routing: a call that is up is to be handed to another hotline (转接).
#[derive(Clone, Debug)]
pub struct Handover<'a> {
    /// The hotline that has the call now.
    pub from_hotline: &'a HotlineId,
    /// The agent who asks for it; no agent when a platform or an administrator does.
    pub agent: Option<&'a AgentId>,
    /// What was asked for: the number of a hotline, or what a telephone dialled for it.
    pub to: &'a str,
    /// Where the matter is, as far as people said.
    pub region: RegionHints<'a>,
    /// Where the call itself was located when it arrived.
    pub origin: Option<&'a Located>,
    /// Whose number is shown: the call's identity, never the transferor's.
    pub caller: &'a CallerId,
    /// When.
    pub at: LocalTime,
}

/// Where the matter is, as people said: a code, a name or an alias of `regions.csv`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegionHints<'a> {
    /// What the agent chose.
    pub chosen: Option<&'a str>,
    /// Where the incident is.
    pub incident: Option<&'a str>,
}

/// Where a call comes from.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// A trunk.
    Trunk(&'a TrunkId),
    /// A registered softphone.
    Agent(&'a AgentId),
}

/// Where a call goes, whose number it shows, and why. Owned by the call for its whole life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The hotline that was dialled.
    pub hotline: HotlineId,
    /// How urgent it is.
    pub priority: Priority,
    /// When the caller is answered.
    pub answering: Answering,
    /// The prompt of the hotline's own that a caller who waits hears first.
    #[serde(default)]
    pub announcement: Option<String>,
    /// How long one callee rings.
    pub ring_timeout: Duration,
    /// Who may take the call, in order: only steps that apply now. Never empty.
    pub plan: Vec<Step>,
    /// The territory whose targets these are.
    pub territory: Option<Located>,
    /// Whose number is shown.
    pub caller_id: CallerId,
    /// Who hands the call over, if it is handed over.
    #[serde(default)]
    pub referral: Option<Referral>,
    /// The rules that led here, in order, for `lianxian route` and the record.
    pub why: Vec<Why>,
}

/// A territory (属地), and who said so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
    /// Its code.
    pub code: RegionCode,
    /// Its name, for people: `阿图什市`.
    pub name: String,
    /// Which rule won.
    pub source: LocatedBy,
}

/// Who said where the matter is, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocatedBy {
    /// The agent chose it.
    Agent,
    /// The address of the incident.
    Address,
    /// The number that was called.
    Dnis,
    /// The trunk's or seat's own region.
    Trunk,
    /// The home of the caller's number (归属地): a hint only, and shown as one.
    NumberHint,
    /// The configured default.
    Default,
}

/// Who hands a call over: one transfer's, never an earlier one's (trap T5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Referral {
    /// The agent (工号) who asked for it. `None`: a platform without agents of ours.
    pub agent: Option<AgentId>,
    /// The hotline that hands over.
    pub hotline: HotlineId,
}

/// When the caller is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answering {
    /// When a person answers: until then the caller gets 180 and is not charged.
    ByPerson,
    /// At once; music and announcements until a person comes (排队即应答).
    OnQueue,
}

/// A rule that was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// The called number is a row of `hotlines.toml`.
    HotlineDialled(HotlineId),
    /// The trunk's assertion was believed.
    AssertionBelieved(TrunkId),
    /// The trunk is outside the trust domain: its assertion was removed.
    AssertionRemoved(TrunkId),
    /// The softphone's own number is shown.
    AgentsNumber(AgentId),
    /// The address of the incident begins with no region that we know.
    AddressNotUnderstood,
    /// The row of a territory was used: the call's own, one that it lies in, or one that a target leads through.
    Row {
        /// Its region.
        region: RegionCode,
        /// Its service.
        service: HotlineId,
    },
    /// No territory says anything: the hotline's own plan was used.
    OwnPlan(HotlineId),
    /// This target stands in the plan.
    Target(Step),
    /// This target is closed now.
    Closed {
        /// Which.
        target: To,
        /// When it is open.
        hours: Hours,
    },
    /// The trunk is trusted and its INVITE bears the Resource-Priority of emergencies (RFC 4412).
    ResourcePriority(TrunkId),
    /// A PBX has made this call for the agent who has another one: it shows that one's caller.
    Correlated {
        /// The PBX.
        trunk: TrunkId,
        /// What that is known by.
        by: CorrelateBy,
    },
    /// A PBX from which such calls are expected has made this one, and it is not known for which call: it shows what the
    /// PBX says.
    NotCorrelated {
        /// The PBX.
        trunk: TrunkId,
        /// How many calls fit.
        found: usize,
    },
}

/// Why a call cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The called number is no hotline of ours: 404.
    #[error("the called number is not configured")]
    NotConfigured,
    /// The plan leads to nobody who could ever answer: 404.
    #[error("there is nobody who could answer: no agent in its groups, no gateway on its trunks")]
    NobodyThere,
    /// A call cannot be handed to the hotline that has it.
    #[error("the call is with that hotline already")]
    SameHotline,
    /// The agent chose a region that `regions.csv` does not have.
    #[error("the region is not known")]
    UnknownRegion,
    /// The agent chose a name that several regions have.
    #[error("several regions have that name: choose by code")]
    AmbiguousRegion,
}

/// Decides about one call. The same enquiry and configuration always give the same decision.
pub fn decide(config: &Config, enquiry: &Enquiry<'_>) -> Result<Decision, Refusal> {
    let trunk = match enquiry.from {
        Origin::Trunk(trunk) => config.trunk(trunk),
        Origin::Agent(_) => None,
    };
    let called = locate::called(config, trunk, enquiry.called).ok_or(Refusal::NotConfigured)?;
    let hotline = called.hotline;
    let mut why = vec![Why::HotlineDialled(hotline.number.clone())];
    let caller_id = caller_id(config, enquiry, &mut why);
    let circumstances = Circumstances {
        called: called.region,
        own: locate::own_region(config, enquiry.from),
        before: None,
        caller: &caller_id,
        area: trunk.and_then(|trunk| trunk.subscription.area_code.as_deref()),
    };
    let territory = locate::locate(config, enquiry.region, &circumstances, &mut why)?;
    decision(config, hotline, caller_id, territory, enquiry.at, why)
}

/// Decides where a call that is up is handed to. The same question and configuration always give the same decision.
pub fn decide_transfer(config: &Config, handover: &Handover<'_>) -> Result<Decision, Refusal> {
    let called = locate::called(config, None, handover.to).ok_or(Refusal::NotConfigured)?;
    let hotline = called.hotline;
    if hotline.number == *handover.from_hotline {
        return Err(Refusal::SameHotline);
    }
    let mut why = vec![Why::HotlineDialled(hotline.number.clone())];
    let circumstances =
        Circumstances { called: None, own: None, before: handover.origin, caller: handover.caller, area: None };
    let territory = locate::locate(config, handover.region, &circumstances, &mut why)?;
    let decision = decision(config, hotline, handover.caller.clone(), territory, handover.at, why)?;
    let referral = Referral { agent: handover.agent.cloned(), hotline: handover.from_hotline.clone() };
    Ok(Decision { referral: Some(referral), ..decision })
}

/// Decides about a transfer whose target an agent has reached in a call of its own: the way that led there stands, the
/// number shown from now on is the citizen's.
pub fn decide_join(consultation: &Decision, citizens: &CallerId, referral: Referral) -> Result<Decision, Refusal> {
    if consultation.hotline == referral.hotline {
        return Err(Refusal::SameHotline);
    }
    Ok(Decision { caller_id: citizens.clone(), referral: Some(referral), ..consultation.clone() })
}

/// Whose number is shown: what is believed of a trunk's claims, or the agent's own number.
fn caller_id(config: &Config, enquiry: &Enquiry<'_>, why: &mut Vec<Why>) -> CallerId {
    match enquiry.from {
        Origin::Trunk(trunk) => {
            let row = config.trunk(trunk);
            let trust = row.map_or(Trust::Untrusted, |row| row.trust);
            if enquiry.claims.asserts() {
                why.push(match trust {
                    Trust::Trusted => Why::AssertionBelieved(trunk.clone()),
                    Trust::Untrusted => Why::AssertionRemoved(trunk.clone()),
                });
            }
            let inbound = row.and_then(|row| config.profile(&row.profile)).map(|profile| profile.inbound.clone());
            let area = row.and_then(|row| row.subscription.area_code.as_deref());
            CallerId::over_trunk(enquiry.claims, &inbound.unwrap_or_default(), trust, area)
        }
        Origin::Agent(agent) => {
            why.push(Why::AgentsNumber(agent.clone()));
            CallerId::of_agent(agent)
        }
    }
}

/// Who may take a call now that was decided some time ago: hours pass, and another configuration may have been read
/// since. `None`: the hotline is no more, or nobody could ever answer it; whoever waits goes on by what was decided.
pub fn current_plan(config: &Config, decision: &Decision, at: LocalTime) -> Option<Vec<Step>> {
    let hotline = config.hotline(decision.hotline.as_str())?;
    let region = decision.territory.as_ref().map(|located| &located.code);
    plan(config, hotline, region, at, &mut Vec::new())
}

/// The targets that apply now. `None`: nobody could ever answer, and callers would be kept waiting for ever.
fn plan(
    config: &Config,
    hotline: &Hotline,
    region: Option<&RegionCode>,
    at: LocalTime,
    why: &mut Vec<Why>,
) -> Option<Vec<Step>> {
    let plan = territory::targets(config, hotline, region, at, why);
    plan.iter().any(|step| config.can_answer(step)).then_some(plan)
}

fn decision(
    config: &Config,
    hotline: &Hotline,
    caller_id: CallerId,
    territory: Option<Located>,
    at: LocalTime,
    mut why: Vec<Why>,
) -> Result<Decision, Refusal> {
    let region = territory.as_ref().map(|located| &located.code);
    let plan = plan(config, hotline, region, at, &mut why).ok_or(Refusal::NobodyThere)?;
    Ok(Decision {
        hotline: hotline.number.clone(),
        priority: hotline.priority,
        answering: if hotline.answer_on_queue { Answering::OnQueue } else { Answering::ByPerson },
        announcement: hotline.announcement.clone(),
        ring_timeout: hotline.ring_timeout(),
        plan,
        territory,
        caller_id,
        referral: None,
        why,
    })
}
