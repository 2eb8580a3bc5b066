//! The JSON of calls and their parties: types of the edge, made from the switch's own.

use serde::Serialize;
use utoipa::ToSchema;

use crate::call::record::{self, CallRecord, Outcome, TransferRecord, Who};
use crate::sip::fact::{Loss, Peer};

/// Who is on a leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Party {
    /// `caller`, `agent` or `service`: a number of the configuration reached over a trunk.
    pub(super) role: &'static str,
    /// The agent's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agent: Option<String>,
    /// The trunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trunk: Option<String>,
    /// The service's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) number: Option<String>,
}

impl Party {
    pub(super) fn of(who: &Who) -> Self {
        let party = |role| Self { role, agent: None, trunk: None, number: None };
        match who {
            Who::Caller(Peer::Trunk(trunk)) => Self { trunk: Some(trunk.to_string()), ..party("caller") },
            Who::Caller(Peer::Softphone(agent)) => Self { agent: Some(agent.to_string()), ..party("caller") },
            Who::Agent(agent) => Self { agent: Some(agent.to_string()), ..party("agent") },
            Who::Trunk { trunk, number } => {
                Self { trunk: Some(trunk.to_string()), number: Some(number.clone()), ..party("service") }
            }
        }
    }
}

/// Why a call is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Ending {
    /// `caller_hung_up`, `service_party_hung_up`, `joined`, `caller_unreachable`, `shut_down`, `refused` or `caller_lost`.
    ending: &'static str,
    /// The SIP status of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    /// How the caller became unreachable, in a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl Ending {
    pub(super) fn of(record: &CallRecord) -> Self {
        let plain = |ending| Self { ending, code: None, reason: None };
        match (&record.ending, record.caller_lost) {
            (_, Some(_)) | (Some(record::Ending::CallerLost) | None, None) => plain("caller_lost"),
            (Some(record::Ending::ShutDown), None) => plain("shut_down"),
            (Some(record::Ending::CallerHungUp), None) => plain("caller_hung_up"),
            (Some(record::Ending::ServicePartyHungUp), None) => plain("service_party_hung_up"),
            (Some(record::Ending::Joined(_)), None) => plain("joined"),
            (Some(record::Ending::Refused(code)), None) => Self { code: Some(*code), ..plain("refused") },
            (Some(record::Ending::CallerUnreachable(how)), None) => {
                Self { reason: Some(loss(*how)), ..plain("caller_unreachable") }
            }
        }
    }
}

/// How far a transfer is, or how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct TransferOutcome {
    /// `under_way`, `succeeded`, `failed`, `cancelled`, `abandoned` or `unknown`.
    pub(super) state: &'static str,
    /// The final SIP status of a failed one, as it came from the last target.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    /// The leg that took the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    leg: Option<String>,
}

impl TransferOutcome {
    pub(super) fn of(transfer: &TransferRecord) -> Self {
        let plain = |state| Self { state, code: None, leg: None };
        match transfer.ended.map(|(_, outcome)| outcome) {
            None => plain("under_way"),
            Some(Outcome::Succeeded(leg)) => Self { leg: Some(leg.to_string()), ..plain("succeeded") },
            Some(Outcome::Failed(code)) => Self { code: Some(code), ..plain("failed") },
            Some(Outcome::Cancelled) => plain("cancelled"),
            Some(Outcome::Abandoned) => plain("abandoned"),
            Some(Outcome::Unknown) => plain("unknown"),
        }
    }
}

/// How something was lost, in a word.
pub(super) const fn loss(how: Loss) -> &'static str {
    match how {
        Loss::DialogUnknown => "dialog_unknown",
        Loss::Timeout => "timeout",
        Loss::NoAck => "no_ack",
        Loss::Transport => "transport",
        Loss::SessionExpired => "session_expired",
    }
}
