//! What is told: a closed set of events, each with its number, its time and its call. Numbers of citizens are masked.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::shape::{Ending, Party, TransferOutcome, loss};
use crate::base::calendar::rfc3339;
use crate::base::ids::{CallId, LegId, TransferId};
use crate::call::notice::{CallerLoss, RefusedFor, TransferStep, What};
use crate::call::record::{CallRecord, Trigger};
use crate::routing::config::Priority;
use crate::switch::GatewayChange;

/// One event.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Event {
    /// Its number. Numbers rise, over a restart too; the next one may be more than one higher.
    pub(super) seq: u64,
    /// When it happened, RFC 3339.
    time: String,
    /// The call, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<String>,
    /// What happened.
    #[serde(flatten)]
    kind: Kind,
}

impl Event {
    pub(super) fn new(seq: u64, since_1970: Duration, call: Option<CallId>, kind: Kind) -> Self {
        Self { seq, time: rfc3339(since_1970), call: call.map(|call| call.to_string()), kind }
    }
}

/// What happened.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(tag = "type")]
pub(crate) enum Kind {
    /// A call was admitted.
    #[serde(rename = "call.arrived")]
    CallArrived {
        /// What was dialled.
        hotline: String,
        /// How urgent it is: `normal` or `emergency`.
        priority: &'static str,
        /// The number that is shown, masked.
        caller: String,
        /// The caller's leg.
        leg: String,
        /// Who calls: over which trunk, or which agent.
        party: Party,
    },
    /// A call was refused at the door.
    #[serde(rename = "call.refused")]
    CallRefused {
        /// The SIP status.
        code: u16,
        /// Why, in a word.
        reason: &'static str,
    },
    /// Everybody in the plan is busy, absent or has refused: the caller waits.
    #[serde(rename = "call.waiting")]
    CallWaiting {
        /// Rounds made, from 1.
        round: u32,
    },
    /// A party holds the call: the other hears music.
    #[serde(rename = "call.held")]
    CallHeld,
    /// Nobody holds the call any more.
    #[serde(rename = "call.resumed")]
    CallResumed,
    /// The promise that no caller is lost was broken. An alarm.
    #[serde(rename = "call.caller_lost")]
    CallerLost {
        /// How, in a word.
        reason: &'static str,
    },
    /// The call was restored after a fault of ours. An alarm.
    #[serde(rename = "call.quarantined")]
    CallQuarantined {
        /// The state it was in.
        state: &'static str,
    },
    /// The call is over.
    #[serde(rename = "call.released")]
    CallReleased {
        /// Why.
        #[serde(flatten)]
        ending: Ending,
        /// From the INVITE to the end, in milliseconds.
        lasted_ms: u64,
        /// From the INVITE to a person's answer, in milliseconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        answered_after_ms: Option<u64>,
        /// How its transfers ended.
        transfers: Vec<TransferEnd>,
    },
    /// Somebody is being called.
    #[serde(rename = "party.dialled")]
    PartyDialled {
        /// The leg.
        leg: String,
        /// Who.
        party: Party,
    },
    /// A telephone rings.
    #[serde(rename = "party.ringing")]
    PartyRinging {
        /// The leg.
        leg: String,
        /// Since the call arrived, in milliseconds.
        after_ms: u64,
    },
    /// Somebody did not take the call; the next one is tried.
    #[serde(rename = "party.not_taken")]
    PartyNotTaken {
        /// The leg.
        leg: String,
        /// The final SIP status, if one came.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<u16>,
    },
    /// A gateway did not answer at all; the next one is tried.
    #[serde(rename = "party.gateway_silent")]
    PartyGatewaySilent {
        /// The leg.
        leg: String,
    },
    /// A person has answered and talks with the caller.
    #[serde(rename = "party.answered")]
    PartyAnswered {
        /// The leg.
        leg: String,
        /// Who.
        party: Party,
        /// Since the call arrived, in milliseconds.
        after_ms: u64,
    },
    /// A party was lost, not hung up; the caller is kept.
    #[serde(rename = "party.lost")]
    PartyLost {
        /// The leg.
        leg: String,
        /// How, in a word.
        reason: &'static str,
    },
    /// A leg is silent though it may speak.
    #[serde(rename = "sound.silent")]
    SoundSilent {
        /// The leg.
        leg: String,
        /// Whether it was ever heard.
        ever_heard: bool,
    },
    /// A silent leg speaks again.
    #[serde(rename = "sound.resumed")]
    SoundResumed {
        /// The leg.
        leg: String,
    },
    /// A leg has been silent for a minute. An alarm.
    #[serde(rename = "sound.silent_too_long")]
    SoundSilentTooLong {
        /// The leg.
        leg: String,
    },
    /// A leg could not be given sound. An alarm.
    #[serde(rename = "sound.failed")]
    SoundFailed {
        /// The leg, unless no port was free for it.
        #[serde(skip_serializing_if = "Option::is_none")]
        leg: Option<String>,
    },
    /// A transfer was asked for and accepted.
    #[serde(rename = "transfer.requested")]
    TransferRequested {
        /// The transfer.
        transfer: String,
        /// By what it was asked for: `refer`, `feature_code`, `command`, `replaces` or `new_invite`.
        trigger: &'static str,
        /// The hotline it goes to.
        to: String,
        /// The agent (工号) who asked, if that is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        agent: Option<String>,
    },
    /// A transfer was asked for and refused; nothing was dialled.
    #[serde(rename = "transfer.refused")]
    TransferRefused {
        /// The leg of the party that has the call.
        leg: String,
        /// Why.
        reason: String,
    },
    /// A target is being dialled.
    #[serde(rename = "transfer.dialling")]
    TransferDialling {
        /// The transfer.
        transfer: String,
        /// The target's leg.
        leg: String,
        /// Who.
        party: Party,
    },
    /// A target rings.
    #[serde(rename = "transfer.ringing")]
    TransferRinging {
        /// The transfer.
        transfer: String,
        /// The target's leg.
        leg: String,
    },
    /// A target did not take the call; the next one is tried, if there is one.
    #[serde(rename = "transfer.not_taken")]
    TransferNotTaken {
        /// The transfer.
        transfer: String,
        /// The target's leg.
        leg: String,
        /// The final SIP status, if one came.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<u16>,
    },
    /// A target has answered. The transfer has succeeded only with `transfer.joined`.
    #[serde(rename = "transfer.answered")]
    TransferAnswered {
        /// The transfer.
        transfer: String,
        /// The target's leg.
        leg: String,
    },
    /// The target answered 2 s ago and has not been heard: all three are joined. An alarm.
    #[serde(rename = "transfer.target_silent")]
    TransferTargetSilent {
        /// The transfer.
        transfer: String,
        /// The target's leg.
        leg: String,
    },
    /// The agent has gone before the target answered: the transfer goes on.
    #[serde(rename = "transfer.forsaken")]
    TransferForsaken {
        /// The transfer.
        transfer: String,
    },
    /// The target has the call: the transfer has succeeded.
    #[serde(rename = "transfer.joined")]
    TransferJoined {
        /// The transfer.
        transfer: String,
        /// The target's leg.
        leg: String,
    },
    /// Nobody took the call.
    #[serde(rename = "transfer.failed")]
    TransferFailed {
        /// The transfer.
        transfer: String,
        /// The final SIP status of the last target; 480 when nobody could be rung.
        code: u16,
    },
    /// The agent has given the transfer up.
    #[serde(rename = "transfer.cancelled")]
    TransferCancelled {
        /// The transfer.
        transfer: String,
    },
    /// The caller has hung up meanwhile.
    #[serde(rename = "transfer.abandoned")]
    TransferAbandoned {
        /// The transfer.
        transfer: String,
    },
    /// The call was restored after a fault: how the transfer would have ended nobody knows. Not a success.
    #[serde(rename = "transfer.unknown")]
    TransferUnknown {
        /// The transfer.
        transfer: String,
    },
    /// The agent had gone and nobody took the call: the caller goes back to the agent's side.
    #[serde(rename = "transfer.given_back")]
    TransferGivenBack {
        /// The transfer.
        transfer: String,
    },
    /// A gateway is believed to work, or no longer. Agents are not told.
    #[serde(rename = "trunk.gateway")]
    TrunkGateway {
        /// The trunk.
        trunk: String,
        /// Where the gateway is.
        address: String,
        /// `up`, `down` or `half_open`.
        state: &'static str,
    },
    /// Events before this one are missing here: read `/v1/calls` afresh.
    #[serde(rename = "gap")]
    Gap {
        /// The number after which events were asked for, if that is the reason.
        #[serde(skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
        /// How many are missing, if that is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        lost: Option<u64>,
    },
    /// The stream ends here, by us.
    #[serde(rename = "cut")]
    Cut {
        /// Why, and what to do.
        reason: &'static str,
    },
}

/// How a transfer of a call that is over ended.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TransferEnd {
    /// The transfer.
    transfer: String,
    /// How it ended.
    #[serde(flatten)]
    outcome: TransferOutcome,
}

/// The event of a notice; none for what is only for the log.
pub(super) fn kind_of(what: &What) -> Option<Kind> {
    let leg = |leg: &LegId| leg.to_string();
    Some(match what {
        What::Arrived { hotline, priority, caller, leg: calling, who } => Kind::CallArrived {
            hotline: hotline.to_string(),
            priority: self::priority(*priority),
            caller: caller.to_string(),
            leg: leg(calling),
            party: Party::of(who),
        },
        What::Refused { code, why } => Kind::CallRefused { code: *code, reason: refused_for(*why) },
        What::Dialled { leg: dialled, who } => Kind::PartyDialled { leg: leg(dialled), party: Party::of(who) },
        What::Ringing { leg: ringing, after } => {
            Kind::PartyRinging { leg: leg(ringing), after_ms: milliseconds(*after) }
        }
        What::NotTaken { leg: rung, code } => Kind::PartyNotTaken { leg: leg(rung), code: *code },
        What::GatewaySilent { leg: dialled } => Kind::PartyGatewaySilent { leg: leg(dialled) },
        What::NobodyFree { round } => Kind::CallWaiting { round: *round },
        What::Answered { leg: answered, who, waited } => {
            Kind::PartyAnswered { leg: leg(answered), party: Party::of(who), after_ms: milliseconds(*waited) }
        }
        What::Held => Kind::CallHeld,
        What::Resumed => Kind::CallResumed,
        What::PartyLost { leg: lost, loss: how } => Kind::PartyLost { leg: leg(lost), reason: loss(*how) },
        What::CallerLost(how) => Kind::CallerLost { reason: caller_loss(*how) },
        What::Silent { leg: silent, ever_heard } => Kind::SoundSilent { leg: leg(silent), ever_heard: *ever_heard },
        What::SoundResumed { leg: heard } => Kind::SoundResumed { leg: leg(heard) },
        What::SilentTooLong { leg: silent } => Kind::SoundSilentTooLong { leg: leg(silent) },
        What::MediaFailed { leg: failed } => Kind::SoundFailed { leg: Some(leg(failed)) },
        What::PortsExhausted => Kind::SoundFailed { leg: None },
        What::Quarantined { state } => Kind::CallQuarantined { state },
        What::Transfer { transfer, step } => transfer_kind(*transfer, step),
        What::Released(record) => released(record),
        What::TransferRefused { leg: asked, why } => Kind::TransferRefused { leg: leg(asked), reason: why.to_string() },
        What::Correlated { .. }
        | What::NotCorrelated { .. }
        | What::SessionRefused { .. }
        | What::Unproven { .. }
        | What::Ignored { .. } => {
            return None;
        }
    })
}

/// The event of a gateway.
pub(super) fn gateway(change: &GatewayChange) -> Kind {
    let (trunk, address) = (change.trunk.to_string(), change.address.to_string());
    Kind::TrunkGateway { trunk, address, state: change.state }
}

fn transfer_kind(transfer: TransferId, step: &TransferStep) -> Kind {
    let transfer = transfer.to_string();
    match step {
        TransferStep::Requested { trigger, decision, .. } => {
            let agent = decision.referral.as_ref().and_then(|referral| referral.agent.as_ref());
            Kind::TransferRequested {
                transfer,
                trigger: self::trigger(*trigger),
                to: decision.hotline.to_string(),
                agent: agent.map(ToString::to_string),
            }
        }
        TransferStep::Dialling { leg, who } => {
            Kind::TransferDialling { transfer, leg: leg.to_string(), party: Party::of(who) }
        }
        TransferStep::Ringing { leg } => Kind::TransferRinging { transfer, leg: leg.to_string() },
        TransferStep::NotTaken { leg, code } => Kind::TransferNotTaken { transfer, leg: leg.to_string(), code: *code },
        TransferStep::Answered { leg } => Kind::TransferAnswered { transfer, leg: leg.to_string() },
        TransferStep::TargetSilent { leg } => Kind::TransferTargetSilent { transfer, leg: leg.to_string() },
        TransferStep::Forsaken => Kind::TransferForsaken { transfer },
        TransferStep::Joined { leg } => Kind::TransferJoined { transfer, leg: leg.to_string() },
        TransferStep::Failed { code } => Kind::TransferFailed { transfer, code: *code },
        TransferStep::Cancelled => Kind::TransferCancelled { transfer },
        TransferStep::Abandoned => Kind::TransferAbandoned { transfer },
        TransferStep::Unknown => Kind::TransferUnknown { transfer },
        TransferStep::GivenBack => Kind::TransferGivenBack { transfer },
    }
}

fn released(record: &CallRecord) -> Kind {
    let lasted = record.released.map_or(Duration::ZERO, |released| released.since(record.arrived));
    let transfers = record
        .transfers
        .iter()
        .map(|transfer| TransferEnd { transfer: transfer.id.to_string(), outcome: TransferOutcome::of(transfer) });
    Kind::CallReleased {
        ending: Ending::of(record),
        lasted_ms: milliseconds(lasted),
        answered_after_ms: record.answered.map(|answered| milliseconds(answered.since(record.arrived))),
        transfers: transfers.collect(),
    }
}

// === Words: closed sets ===

pub(crate) const fn priority(priority: Priority) -> &'static str {
    match priority {
        Priority::Normal => "normal",
        Priority::Emergency => "emergency",
    }
}

pub(crate) const fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Refer => "refer",
        Trigger::FeatureCode => "feature_code",
        Trigger::Command => "command",
        Trigger::Replaces => "replaces",
        Trigger::NewInvite => "new_invite",
    }
}

const fn refused_for(why: RefusedFor) -> &'static str {
    match why {
        RefusedFor::NotConfigured => "not_configured",
        RefusedFor::CallLimit => "call_limit",
        RefusedFor::TrunkLimit => "trunk_limit",
        RefusedFor::Draining => "draining",
        RefusedFor::NoPort => "no_port",
        RefusedFor::Session => "session",
        RefusedFor::Broken => "broken",
    }
}

const fn caller_loss(how: CallerLoss) -> &'static str {
    match how {
        CallerLoss::HungUpByUs => "hung_up_by_us",
        CallerLoss::DeadAir => "dead_air",
        CallerLoss::NoMedia => "no_media",
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
