//! The record `linkage-ticket/1`: one service's record of one contact, as it stands with one event.
//!
//! The field names and words are the format itself, so that this type is what is written. Fields that nobody has filled
//! in are empty or null, never left out: a reader of another make finds the same names every time.

use serde::{Deserialize, Serialize};

use crate::base::calendar::Moment;
use crate::base::pii::Pii;
use crate::tickets::fact::Presentation;
use crate::tickets::ids::{EventId, LinkageId, TicketId};
use crate::tickets::tag::Tag;

/// The version of the format.
pub const SCHEMA: &str = "linkage-ticket/1";

/// One record with one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// [`SCHEMA`].
    pub schema: String,
    /// The idempotency key of this event.
    pub event_id: EventId,
    /// The record.
    pub ticket_id: TicketId,
    /// The event's number within its record, from 1; 0 until the outbox has sealed it.
    pub seq: u64,
    /// [`Ticket::hash`] of the event before; empty for the first.
    pub prev_hash: String,
    /// SHA-256 over `prev_hash` and this event without its hash, in hexadecimal (可追溯).
    pub hash: String,
    /// What happened.
    pub event: Event,
    /// When it happened.
    pub at: Moment,
    /// The contact: joins both services' records.
    pub linkage_id: LinkageId,
    /// An earlier 接处警记录单 (R9).
    pub related_id: Option<String>,
    /// Such as 先期处置后移交 (R9).
    pub stage: Option<String>,
    /// Which way the matter goes.
    pub direction: Direction,
    /// How it was handed over.
    pub mode: Mode,
    /// The service that hands it over.
    pub from: Side,
    /// The service that it is handed to.
    pub to: Side,
    /// 首接: the platform that had the citizen first; written once (R5).
    pub first_platform: String,
    /// Its operator.
    pub first_agent: String,
    /// When it answered.
    pub first_answered_at: Option<Moment>,
    /// 属地.
    pub region: Option<Region>,
    /// 渠道来源: `01` is the telephone.
    pub channel: String,
    /// The policy's tags.
    pub tags: Vec<Tag>,
    /// The citizen.
    pub caller: Caller,
    /// The officer on the scene (R20).
    pub officer: Option<Officer>,
    /// 诉求.
    pub appeal: Appeal,
    /// 警情.
    pub incident: Incident,
    /// The row of a catalogue of matters.
    pub category: Option<Category>,
    /// 紧急 or not.
    pub urgency: Urgency,
    /// 1 特别重大 to 4 一般.
    pub event_level: Option<u8>,
    /// 涉众, 涉稳, ..
    pub flags: Vec<String>,
    /// 要求信息保密 (R19).
    pub confidential: Confidential,
    /// Who takes the matter (R3 to R6).
    pub negotiation: Negotiation,
    /// 已转出, 已受理, 放弃, ..; empty while it is open.
    pub disposition: String,
    /// 登记, 已推送, .., 结案.
    pub status: Status,
    /// 回退, with its reason.
    #[serde(rename = "return")]
    pub returned: Option<Return>,
    /// 补录.
    pub supplement: Option<Supplement>,
    /// 限时办结.
    pub deadline_at: Option<Moment>,
    /// 督办.
    pub urged_count: u32,
    /// 反馈.
    pub feedback: Option<Feedback>,
    /// The call, if there was one.
    pub call: Option<CallFacts>,
    /// Where it was written.
    pub trace: Trace,
}

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// 登记.
    Created,
    /// A handover began.
    TransferStarted,
    /// The target has the call, in the records of a system that tags at another time; ours does both at once.
    TransferSucceeded,
    /// Nobody took the call, the agent gave it up, or the citizen hung up.
    TransferFailed,
    /// A third party joined.
    ThreeWayJoined,
    /// A third party left.
    ThreeWayLeft,
    /// The services have agreed.
    Negotiated,
    /// The target has the call: tag and 结案.
    Tagged,
    /// 工单推送.
    Pushed,
    /// 接收.
    Received,
    /// 补录.
    Supplemented,
    /// 回退.
    Returned,
    /// 反馈.
    Feedback,
    /// 值班长.
    Escalated,
    /// 督办.
    Urged,
    /// 结案.
    Closed,
    /// 作废.
    Voided,
}

/// Which way a matter goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// From 12345 to 110.
    #[serde(rename = "12345_TO_110")]
    From12345To110,
    /// From 110 to 12345.
    #[serde(rename = "110_TO_12345")]
    From110To12345,
    /// From 12345 to anybody else.
    #[serde(rename = "12345_TO_OTHER")]
    From12345ToOther,
    /// From 110 to anybody else.
    #[serde(rename = "110_TO_OTHER")]
    From110ToOther,
    /// Between two others: the format has no word for it.
    #[serde(rename = "OTHER")]
    Other,
}

/// How a matter is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// 一键转接.
    OneClick,
    /// 通话转.
    Consult,
    /// 三方通话.
    ThreeWay,
    /// 工单推送.
    Ticket,
    /// 值班长.
    Supervisor,
    /// 升级.
    Escalation,
}

/// 登记 .. 作废 (section 4 of the format).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Status {
    /// Written down.
    #[serde(rename = "登记")]
    Registered,
    /// Sent to the other side.
    #[serde(rename = "已推送")]
    Pushed,
    /// Taken by the other side.
    #[serde(rename = "已接收")]
    Received,
    /// Completed by the other side.
    #[serde(rename = "已补录")]
    Supplemented,
    /// Given back by the other side.
    #[serde(rename = "已回退")]
    Returned,
    /// Being worked on.
    #[serde(rename = "办理中")]
    InHand,
    /// Answered.
    #[serde(rename = "已反馈")]
    Answered,
    /// Closed.
    #[serde(rename = "结案")]
    Closed,
    /// Void.
    #[serde(rename = "作废")]
    Void,
}

/// How urgent a matter is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// 非紧急.
    #[default]
    Normal,
    /// 紧急.
    Urgent,
}

/// One service's side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// `12345`, `110`, ..
    pub platform: String,
    /// 工单编号 or 接处警记录单: carried verbatim, never parsed.
    pub record_no: Option<String>,
    /// Its organisation code.
    pub org_code: String,
    /// Its name.
    pub org_name: String,
    /// Its operator.
    pub agent: Operator,
}

/// 工号信息 (R13).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// 工号.
    pub no: String,
    /// Name.
    pub name: String,
    /// Extension.
    pub ext: String,
}

/// 属地.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// GB/T 2260, 6 to 12 digits.
    pub code: String,
    /// Its name.
    pub name: String,
    /// `province`, `city`, `county`, ..; empty if unknown.
    pub level: String,
    /// `agent`, `address`, `trunk`, `dnis`, `number_hint` or `default`.
    pub source: String,
}

/// The citizen. The call-back number may be another one than the calling number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// As received.
    pub number_raw: Pii,
    /// Normalised.
    pub number_e164: Pii,
    /// What the other side was shown (携号).
    pub presented_number: Pii,
    /// Whether it may be shown.
    pub presentation: Presentation,
    /// 姓名.
    pub name: Pii,
    /// GB/T 2261.1: 0, 1, 2, 9.
    pub sex: String,
    /// 联系方式.
    pub contact: Pii,
    /// 证件类型.
    pub id_type: String,
    /// 证件号码.
    pub id_no: Pii,
    /// ISO 639.
    pub language: String,
}

/// The officer on the scene.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Officer {
    /// 民警姓名.
    pub name: String,
    /// 派出所.
    pub station: String,
    /// 民警联系方式.
    pub contact: String,
}

/// 诉求.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appeal {
    /// 01 咨询 .. 06 表扬; empty if nobody has said.
    #[serde(rename = "type")]
    pub kind: String,
    /// 诉求主题.
    pub title: Pii,
    /// 诉求内容.
    pub content: Pii,
}

/// 警情.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Where.
    pub address: Pii,
    /// When.
    pub time: Option<Moment>,
    /// Longitude.
    pub lon: Option<f64>,
    /// Latitude.
    pub lat: Option<f64>,
}

/// A row of a catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    /// The catalogue.
    pub scheme: String,
    /// Its version.
    pub version: String,
    /// The row.
    pub code: String,
    /// Its words.
    pub name: String,
}

/// 要求信息保密.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confidential {
    /// Whether.
    pub value: bool,
    /// What.
    pub scope: Vec<String>,
}

/// Who takes the matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Negotiation {
    /// Whether it has to be talked over.
    pub required: bool,
    /// `12345`, `110` or `none`.
    pub decision: String,
    /// 协商一致, 首接先行受理 or 110先行处置.
    pub basis: Option<String>,
    /// Both 工号.
    pub agents: Vec<String>,
    /// When.
    pub at: Option<Moment>,
}

/// 回退.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    /// The reason's code.
    pub reason_code: String,
    /// In words.
    pub text: String,
}

/// 补录.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supplement {
    /// The fields that were filled in.
    pub fields: Vec<String>,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Option<Moment>,
}

/// 反馈.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// What was done.
    pub result: String,
    /// When.
    pub at: Option<Moment>,
    /// By whom.
    pub org: String,
    /// 满意度.
    pub satisfied: Option<bool>,
}

/// The call that the event belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallFacts {
    /// The call.
    pub call_id: String,
    /// The transfer.
    pub transfer_id: Option<String>,
    /// Its legs.
    pub leg_ids: Vec<String>,
    /// The trunk it came in on; empty from a softphone.
    pub trunk_in: String,
    /// What was dialled.
    pub dnis: String,
    /// When it arrived.
    pub started_at: Moment,
    /// When a person first answered.
    pub answered_at: Option<Moment>,
    /// When the handover was asked for.
    pub transfer_requested_at: Option<Moment>,
    /// When the target rang.
    pub target_ringing_at: Option<Moment>,
    /// When the target answered.
    pub target_answered_at: Option<Moment>,
    /// When the call ended.
    pub ended_at: Option<Moment>,
    /// Seconds on hold.
    pub hold_s: u32,
    /// `in_progress`, `success`, `busy`, `no_answer`, `rejected`, `failed`, `cancelled`, `abandoned`.
    pub result: String,
    /// The final SIP status of the target.
    pub sip_code: Option<u16>,
    /// The Q.850 cause.
    pub q850: Option<u8>,
    /// Recordings.
    pub recording_ref: Vec<String>,
    /// Quality, 1 to 5.
    pub mos: Option<f64>,
    /// The codec of the target's leg.
    pub codec: String,
}

/// Where a record was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The daemon.
    pub instance: String,
    /// A trace of the integrator's.
    pub trace_id: String,
    /// The configuration in force.
    pub config_version: String,
}
