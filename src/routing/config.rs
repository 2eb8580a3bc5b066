//! The rows an administrator writes: trunks, hotlines, groups, agents. Checked for sense by `config`.

use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::gateway::Gateway;
use super::home::Homes;
use super::profile::Profile;
use super::regions::Regions;
use super::territory::Territory;
use crate::base::ids::{AgentId, GroupId, HotlineId, ProfileId, RegionCode, TrunkId};
use crate::base::tag;

/// Everything that routing knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `trunks.toml`: `[[trunk]]`.
    #[serde(default, rename = "trunk")]
    pub trunks: Vec<Trunk>,
    /// `hotlines.toml`: `[[hotline]]`.
    #[serde(default, rename = "hotline")]
    pub hotlines: Vec<Hotline>,
    /// `agents.toml`: `[[group]]`.
    #[serde(default, rename = "group")]
    pub groups: Vec<Group>,
    /// `agents.toml`: `[[agent]]`.
    #[serde(default, rename = "agent")]
    pub agents: Vec<Agent>,
    /// One for each file of `sip-profiles/`.
    #[serde(default, rename = "profile")]
    pub profiles: Vec<Profile>,
    /// The profile of every registered softphone.
    #[serde(default = "softphone")]
    pub softphone_profile: ProfileId,
    /// `territories.toml`: `[[territory]]`.
    #[serde(default, rename = "territory")]
    pub territories: Vec<Territory>,
    /// `regions.csv`, and `[[region]]` of `territories.toml`.
    #[serde(default, rename = "region")]
    pub regions: Regions,
    /// Where numbers are at home: area codes of `territories.toml`, and the number-home file.
    #[serde(default, rename = "area_codes")]
    pub homes: Homes,
    /// `hotlines.toml`: `[[feature_code]]`. None is the beginning of another.
    #[serde(default, rename = "feature_code")]
    pub feature_codes: Vec<FeatureCode>,
    /// Where a call is taken to be from when nothing says it.
    #[serde(default)]
    pub default_region: Option<RegionCode>,
}

fn softphone() -> ProfileId {
    ProfileId::from("softphone")
}

impl Default for Config {
    /// Nothing is configured: every call is refused.
    fn default() -> Self {
        Self {
            trunks: Vec::new(),
            hotlines: Vec::new(),
            groups: Vec::new(),
            agents: Vec::new(),
            profiles: Vec::new(),
            softphone_profile: softphone(),
            territories: Vec::new(),
            regions: Regions::default(),
            homes: Homes::default(),
            feature_codes: Vec::new(),
            default_region: None,
        }
    }
}

impl Config {
    /// The trunk of that name.
    pub fn trunk(&self, id: &TrunkId) -> Option<&Trunk> {
        self.trunks.iter().find(|trunk| trunk.id == *id)
    }

    /// The profile of that name.
    pub fn profile(&self, id: &ProfileId) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.id == *id)
    }

    /// The hotline that people reach by dialling `number`.
    pub fn hotline(&self, number: &str) -> Option<&Hotline> {
        self.hotlines.iter().find(|hotline| hotline.number.as_str() == number)
    }

    /// Whether there is anybody behind a step, absent or busy as they may be now.
    pub fn can_answer(&self, step: &Step) -> bool {
        match step {
            Step::Group { group, .. } => self.members(group).next().is_some(),
            Step::Trunk { trunk, .. } => self.trunk(trunk).is_some_and(|trunk| !trunk.gateways.is_empty()),
        }
    }

    /// The agents of a group, in the order of `agents.toml`.
    pub fn members<'a>(&'a self, group: &'a GroupId) -> impl Iterator<Item = &'a Agent> {
        self.agents.iter().filter(move |agent| agent.groups.contains(group))
    }
}

/// A SIP trunk to a PBX or carrier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trunk {
    /// Its name in configuration, log and metrics.
    pub id: TrunkId,
    /// Source addresses of its signalling: how the trunk is known.
    pub networks: Vec<IpNet>,
    /// Where our calls to it go.
    #[serde(default)]
    pub gateways: Vec<Gateway>,
    /// How often each gateway is asked by OPTIONS whether it works; zero: never.
    #[serde(default = "probe_interval")]
    pub probe_interval: Duration,
    /// How it is spoken to.
    #[serde(default)]
    pub transport: Transport,
    /// Which file of `sip-profiles/` describes it.
    #[serde(default = "generic")]
    pub profile: ProfileId,
    /// Whether its P-Asserted-Identity is believed, and ours is shown to it (RFC 3325).
    #[serde(default)]
    pub trust: Trust,
    /// What kind of peer it is.
    #[serde(default)]
    pub class: PeerClass,
    /// How much it may ask for.
    #[serde(default)]
    pub limits: TrunkLimits,
    /// The Resource-Priority (RFC 4412) of emergency calls over it.
    #[serde(default)]
    pub resource_priority: Option<String>,
    /// What its operator has given us.
    #[serde(default)]
    pub subscription: Subscription,
    /// The region (属地) whose calls it brings.
    #[serde(default)]
    pub region: Option<RegionCode>,
    /// What numbers called over it mean.
    #[serde(default)]
    pub called: Vec<CalledNumber>,
    /// How a new call of a PBX is found to belong to a call that it has.
    #[serde(default)]
    pub correlation: Correlation,
}

/// How a PBX's new INVITE to another hotline is found to belong to the call that its agent has (DESIGN, section 4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Correlation {
    /// What is looked at, in this order. Empty: such an INVITE is a call of its own.
    pub by: Vec<CorrelateBy>,
    /// The header that bears our linkage id, or the Call-ID of our INVITE to the PBX.
    pub header: Option<String>,
    /// The header that bears the agent's number (工号), also in a REFER; without it the agent is who the PBX shows.
    pub agent_header: Option<String>,
}

/// What a PBX's new INVITE is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CorrelateBy {
    /// The configured header.
    Header,
    /// The linkage id in User-to-User (RFC 7433).
    UserToUser,
    /// The agent, who was called by that number.
    Agent,
    /// The citizen's number.
    Caller,
}

/// What the operator of a trunk has given us.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Subscription {
    /// Our own number there, shown where the caller's is not accepted.
    pub number: Option<String>,
    /// Our area code there, with or without its 0: whose numbers are written without one.
    pub area_code: Option<String>,
    /// The SIP domain of our numbers there, and of the numbers that we call; ours and its address if there is none.
    pub domain: Option<String>,
}

/// What a number called over a trunk means: `0898110` is the 110 of one region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalledNumber {
    /// The number as the trunk writes it; `0898110`, `+86898110` and `86898110` are one.
    pub number: String,
    /// The hotline that is meant.
    pub hotline: HotlineId,
    /// The region that is called, if the number says it.
    #[serde(default)]
    pub region: Option<RegionCode>,
}

fn generic() -> ProfileId {
    ProfileId::from("generic")
}

/// 5 s: with two failures and a patience of 2 s a dead gateway is known within 15 s (F7).
const fn probe_interval() -> Duration {
    Duration::from_secs(5)
}

impl Trunk {
    /// A trunk of that name with those gateways, all else as by default.
    pub fn named(id: &str, gateways: Vec<Gateway>) -> Self {
        Self {
            id: TrunkId::from(id),
            networks: Vec::new(),
            gateways,
            probe_interval: probe_interval(),
            transport: Transport::default(),
            profile: generic(),
            trust: Trust::default(),
            class: PeerClass::default(),
            limits: TrunkLimits::default(),
            resource_priority: None,
            subscription: Subscription::default(),
            region: None,
            called: Vec::new(),
            correlation: Correlation::default(),
        }
    }
}

/// The transport of a trunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// Datagrams.
    #[default]
    Udp,
    /// A stream.
    Tcp,
}

/// Whether a peer is in our trust domain (RFC 3324).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Its assertions are believed; it may see a withheld number.
    Trusted,
    /// Its assertions are removed; a withheld number stays withheld from it.
    #[default]
    Untrusted,
}

/// What kind of peer a trunk leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerClass {
    /// A public carrier: never sent a REFER, never obeyed in one.
    #[default]
    Carrier,
    /// A PBX or call-centre platform of an office.
    Pbx,
    /// The other platform of the linkage, by a dedicated trunk (双向联动专线).
    Linkage,
}

/// The limits of one trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrunkLimits {
    /// Calls at the same time, both directions together.
    pub calls: u32,
    /// How many of them only calls to emergency hotlines may use.
    pub emergency_reserve: u32,
    /// New INVITEs a second in each direction, averaged over a few seconds.
    pub invites_per_s: u32,
}

impl Default for TrunkLimits {
    fn default() -> Self {
        Self { calls: 500, emergency_reserve: 50, invites_per_s: 50 }
    }
}

/// A number that people dial, and who may answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hotline {
    /// What is dialled: 12345, 110, ..
    pub number: HotlineId,
    /// Its name for people.
    #[serde(default)]
    pub name: String,
    /// Whether it draws on the reserve when limits bite.
    #[serde(default)]
    pub priority: Priority,
    /// When the caller is answered.
    #[serde(default)]
    pub answer_on_queue: bool,
    /// The prompt that a caller who waits hears first; the common one if not given.
    #[serde(default)]
    pub announcement: Option<String>,
    /// How long one callee rings before the next one is tried, in seconds.
    #[serde(default = "ring_timeout_s")]
    pub ring_timeout_s: u16,
    /// Who may take the call where no territory says it, in this order, round after round.
    pub plan: Vec<Step>,
    /// The tag on the record of a matter that was handed to it. For 12345 and 110 the policy's text, and no other.
    #[serde(default)]
    pub tag: Option<String>,
    /// Which platform its records belong to; by its number, if not given.
    #[serde(default)]
    pub platform: Option<Platform>,
    /// The organisation that keeps its records (组织机构编码); empty if not given.
    #[serde(default)]
    pub org_code: String,
    /// The name of that organisation.
    #[serde(default)]
    pub org_name: String,
}

const fn ring_timeout_s() -> u16 {
    20
}

impl Hotline {
    /// How long one callee rings. At least a second, so that no configuration makes a storm of INVITEs.
    pub fn ring_timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.ring_timeout_s.max(1)))
    }

    /// Which platform its records belong to.
    pub fn platform(&self) -> Platform {
        self.platform.unwrap_or_else(|| Platform::of(self.number.as_str()))
    }

    /// The tag on the record of a matter that was handed to it.
    pub fn tag(&self) -> String {
        let number = self.number.as_str();
        match (tag::prescribed(self.platform().word()), &self.tag) {
            (Some(prescribed), _) => prescribed.to_owned(),
            (None, Some(own)) => own.clone(),
            (None, None) => tag::usual(number),
        }
    }
}

/// Whose records a hotline's are. Several numbers may lead to one platform (R45).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Platform {
    /// 政务服务便民热线.
    #[serde(rename = "12345")]
    Government,
    /// 公安报警.
    #[serde(rename = "110")]
    Police,
    /// 消防救援.
    #[serde(rename = "119")]
    Fire,
    /// 医疗急救.
    #[serde(rename = "120")]
    Medical,
    /// 交通事故报警.
    #[serde(rename = "122")]
    Traffic,
    /// 水电气热, 铁路, and whoever else has a number.
    #[serde(rename = "utility")]
    Utility,
}

impl Platform {
    /// Every platform.
    pub const ALL: [Self; 6] =
        [Self::Government, Self::Police, Self::Fire, Self::Medical, Self::Traffic, Self::Utility];

    /// The platform of a hotline that does not say it.
    pub fn of(number: &str) -> Self {
        Self::ALL.into_iter().find(|platform| platform.word() == number).unwrap_or(Self::Utility)
    }

    /// As it stands in a record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Government => "12345",
            Self::Police => "110",
            Self::Fire => "119",
            Self::Medical => "120",
            Self::Traffic => "122",
            Self::Utility => "utility",
        }
    }
}

/// Keys that an agent types on a telephone without a transfer key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureCode {
    /// The keys: `*110#`. The first one is `*` or `#`.
    pub code: String,
    /// What they ask for.
    pub asks: CodeAsks,
}

/// What a feature code asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeAsks {
    /// 一键转接 to that hotline.
    Transfer(HotlineId),
    /// The transfer under way is given up (取消转接).
    Cancel,
}

/// How urgent the calls of a hotline are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// 110, 119, 120, 122: may use the reserved capacity, is served first when a seat becomes free.
    Emergency,
    /// Everything else.
    #[default]
    Normal,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StepRow", into = "StepRow")]
pub enum Step {
    /// The agents of a group, one after the other, longest idle first.
    Group {
        /// Which group.
        group: GroupId,
        /// What kind of target it is.
        class: Class,
    },
    /// A number reached over a trunk.
    Trunk {
        /// Which trunk.
        trunk: TrunkId,
        /// What is dialled there.
        number: String,
        /// What kind of target it is.
        class: Class,
    },
}

impl Step {
    /// What kind of target it is.
    pub const fn class(&self) -> Class {
        match self {
            Self::Group { class, .. } | Self::Trunk { class, .. } => *class,
        }
    }

    /// Whether both call the same people, of whatever class they are.
    pub fn same_callee(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Group { group, .. }, Self::Group { group: other, .. }) => group == other,
            (Self::Trunk { trunk, number, .. }, Self::Trunk { trunk: other_trunk, number: other_number, .. }) => {
                trunk == other_trunk && number == other_number
            }
            (Self::Group { .. }, Self::Trunk { .. }) | (Self::Trunk { .. }, Self::Group { .. }) => false,
        }
    }
}

/// What kind of target a step is. The order of a plan is the configured one; the class says why a step stands there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A seat or trunk that is kept for the linkage (双向联动专席, 双向联动专线).
    Dedicated,
    /// The ordinary way.
    #[default]
    Normal,
    /// Used when the others are full.
    Overflow,
    /// The duty desk (值班): somebody is always there; the last target of every emergency call.
    DutyDesk,
}

/// A step as it is written: `group = ".."`, or `trunk = ".."` with `number = ".."`; and its `class`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<GroupId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trunk: Option<TrunkId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    #[serde(default)]
    class: Class,
}

impl TryFrom<StepRow> for Step {
    type Error = &'static str;

    fn try_from(row: StepRow) -> Result<Self, Self::Error> {
        let class = row.class;
        match (row.group, row.trunk, row.number) {
            (Some(group), None, None) => Ok(Self::Group { group, class }),
            (None, Some(trunk), Some(number)) if !number.is_empty() => Ok(Self::Trunk { trunk, number, class }),
            _ => Err("a step is either { group = \"..\" } or { trunk = \"..\", number = \"..\" }"),
        }
    }
}

impl From<Step> for StepRow {
    fn from(step: Step) -> Self {
        match step {
            Step::Group { group, class } => Self { group: Some(group), trunk: None, number: None, class },
            Step::Trunk { trunk, number, class } => {
                Self { group: None, trunk: Some(trunk), number: Some(number), class }
            }
        }
    }
}

/// Agents who answer the same calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name in configuration.
    pub id: GroupId,
    /// Its name for people.
    #[serde(default)]
    pub name: String,
    /// The region (属地) that its agents serve: where a call is taken to be from that one of them makes.
    #[serde(default)]
    pub region: Option<RegionCode>,
}

/// An agent. The secret of the softphone belongs to registration and is not kept here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// The operator's number (工号), which the softphone registers as.
    #[serde(rename = "number")]
    pub id: AgentId,
    /// The agent's name.
    #[serde(default)]
    pub name: String,
    /// Which groups the agent belongs to.
    #[serde(default)]
    pub groups: Vec<GroupId>,
}
