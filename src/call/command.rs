//! What a desk, a CTI client or an administrator asks of a call, and what is said to it.
//!
//! A command names its leg and its transfer by id (trap T40) and is answered exactly once: accepted, or refused with
//! the reason. To be accepted is not to have succeeded: how a transfer ends is told by [`super::notice::What::Transfer`].

use serde::{Deserialize, Serialize};

use crate::base::ids::{AgentId, CallId, TransferId};
use crate::base::pii::Pii;
use crate::routing::config::Priority;

/// What is asked of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Hand the caller to another hotline (转接).
    Transfer {
        /// The hotline: `110`, `12345`, ..
        to: String,
        /// How.
        mode: Mode,
        /// The territory that the agent chose: a code, name or alias of `regions.csv`.
        territory: Option<String>,
        /// What the receiver and the ticket learn of the matter.
        particulars: Box<Particulars>,
        /// Who asks.
        by: By,
    },
    /// Give a transfer up before the target answers (取消转接).
    CancelTransfer {
        /// Which transfer.
        transfer: TransferId,
        /// Who asks.
        by: By,
    },
}

/// Which call is meant: an outside client need not know our ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallSelector {
    /// By our id.
    Id(CallId),
    /// By the SIP Call-ID of any of its legs.
    SipCallId(String),
    /// The call that this agent is in.
    Agent(AgentId),
    /// The call of this caller, by the number as the call shows it.
    Caller(Pii),
}

/// How a call is transferred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// 一键转接: the target is dialled while caller and agent stay joined; the agent is released when it has answered.
    #[default]
    OneClick,
    /// 通话转: the agent talks to the target first.
    Consult,
    /// 三方通话: the target joins the conversation.
    ThreeWay,
}

/// Who gives a command. Its role and token have been checked where it came in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum By {
    /// An agent, who may command only the call that the agent is in.
    Agent(AgentId),
    /// A supervisor, an administrator or another system.
    Console,
}

/// What is known of the matter when it is handed over. Everything is optional: on an urgent transfer nobody types.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Particulars {
    /// The row of the catalogue of matters (分流转办事项清单).
    pub category: Option<String>,
    /// 特别重大 / 重大 / 较大 / 一般事件: 1 to 4, 1 the gravest.
    pub event_level: Option<u8>,
    /// 紧急 / 非紧急.
    pub urgency: Option<Urgency>,
    /// Flags of the matter, from a closed list of the catalogue.
    pub flags: Vec<String>,
    /// 诉求, in the agent's words. Personal data.
    pub summary: Option<Pii>,
    /// Whether the citizen wants to stay unnamed in what is passed on.
    pub confidential: bool,
}

/// The kind of a matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// 非紧急.
    Normal,
    /// 紧急.
    Urgent,
}

impl Urgency {
    /// As urgent as the hotline that has to do with the matter: nobody types when it is urgent.
    pub const fn of(priority: Priority) -> Self {
        match priority {
            Priority::Emergency => Self::Urgent,
            Priority::Normal => Self::Normal,
        }
    }
}

/// What has been accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// The transfer has begun.
    Transfer {
        /// The call.
        call: CallId,
        /// The transfer.
        transfer: TransferId,
    },
    /// The transfer has been given up; caller and agent go on, or the caller is given back.
    Cancelled {
        /// The call.
        call: CallId,
        /// The transfer.
        transfer: TransferId,
    },
}

/// Why a command is not carried out. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// The selector names no call.
    #[error("there is no such call")]
    NoSuchCall,
    /// The selector names several calls.
    #[error("several calls are meant")]
    Ambiguous,
    /// The agent who asks is not the one who has the call.
    #[error("the agent is not the one who has this call")]
    NotYourCall,
    /// Caller and agent are not in talk.
    #[error("the caller is not in talk with an agent")]
    NotTalking,
    /// A transfer of this call is under way.
    #[error("a transfer of this call is under way")]
    TransferInProgress,
    /// There is no such transfer, or it is over.
    #[error("there is no such transfer under way")]
    NoSuchTransfer,
    /// The target has answered: there is nothing left to cancel.
    #[error("the target has answered")]
    AlreadyAnswered,
    /// The target is no hotline of ours, or one for which there is nobody.
    #[error("the target is not configured")]
    NotConfigured,
    /// The call is with that hotline already.
    #[error("the call is with that hotline already")]
    SameHotline,
    /// The territory is not in `regions.csv`.
    #[error("the territory is not known")]
    UnknownTerritory,
    /// The other call that a REFER names is none that could be joined with this one: not in talk and nobody sought in
    /// it, or the agent is not the one who began it.
    #[error("the two calls cannot be joined")]
    NothingToJoin,
    /// Nobody could answer now: no target is open that has an agent or a gateway.
    #[error("no target could answer now")]
    NobodyNow,
    /// The call has been transferred as often as a call may be (V37).
    #[error("the call has been transferred too often")]
    TooManyTransfers,
    /// This way of transferring is not offered.
    #[error("this mode of transfer is not offered")]
    ModeNotSupported,
    /// The call has been restored after a fault and serves only hang-ups (F5).
    #[error("the call is quarantined after a fault")]
    Quarantined,
}

/// What is said to whoever gave a command.
pub type Reply = Result<Accepted, Refusal>;
