//! `sip-profiles/NAME.toml`: how one kind of peer behaves.

use std::collections::BTreeMap;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Placed;
use crate::routing::profile::{
    AgentsShow, Asserted, CallerFrom, DivertingNumber, FromShows, Names, NumberForm, ReferReports, RtpSource, UriForm,
    WithheldFrom,
};

/// `sip-profiles/NAME.toml`: how one kind of peer behaves.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileFile {
    /// What kind of peer it describes, for people.
    #[serde(default)]
    pub description: String,
    /// Whose RTP is accepted.
    #[schemars(schema_with = "super::words::rtp_source")]
    pub rtp_source: RtpSource,
    /// Where its media may live; the trunk's signalling networks if not given.
    #[schemars(with = "Vec<String>")]
    pub media_networks: Option<Placed<Vec<IpNet>>>,
    /// What its telephones are told of a transfer that they asked for by REFER: `as_it_happens`, or `success_at_once`
    /// for those that mishandle progress.
    #[serde(default)]
    #[schemars(schema_with = "super::words::refer_reports")]
    pub refer_reports: ReferReports,
    /// Whether feature codes may be typed as tones in the voice, for telephones and gateways without telephone-events
    /// (RFC 4733). Where events were agreed, they alone count. Not for telephones that send INFO for each key and leave
    /// its tones in the voice: each would count twice. Of each key of a code the caller hears the first 40 ms.
    #[serde(default)]
    pub inband_keys: bool,
    /// With `rtp_source = "learn"`: how long after a new SDP a source may be learned, in milliseconds.
    pub learn_window_ms: Option<Placed<u32>>,
    /// How it tells us who calls.
    #[serde(default)]
    pub inbound: InboundTable,
    /// How we tell it who calls (携号).
    #[serde(default)]
    pub outbound: OutboundTable,
}

/// `[inbound]`: how the peer tells us who calls.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InboundTable {
    /// Where the caller's number is looked for, in this order; `["pai", "from"]` if not given. All but `from` are
    /// believed of a trusted trunk only.
    #[schemars(schema_with = "super::words::callers_from")]
    pub caller_from: Option<Placed<Vec<CallerFrom>>>,
}

/// `[outbound]`: how we tell the peer who calls. What is not given is as RFC 3261 and RFC 3325 have it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutboundTable {
    /// Whose number stands in From; `caller` if not given.
    #[schemars(schema_with = "super::words::from_shows")]
    pub from: Option<FromShows>,
    /// What stands in From towards a trusted trunk when the number is withheld; `number` if not given.
    #[schemars(schema_with = "super::words::withheld_from")]
    pub withheld_from: Option<WithheldFrom>,
    /// What is shown for a call that an agent makes; `agent` if not given.
    #[schemars(schema_with = "super::words::agents_show")]
    pub agents_show: Option<AgentsShow>,
    /// The form of P-Asserted-Identity, which every trusted trunk gets; `sip` if not given.
    #[schemars(schema_with = "super::words::asserted")]
    pub asserted_identity: Option<Asserted>,
    /// Whether P-Preferred-Identity is written.
    pub preferred_identity: Option<bool>,
    /// Whether Remote-Party-ID is written.
    pub remote_party_id: Option<bool>,
    /// Whether Diversion is written (RFC 5806): the whole way of the call, and ourselves.
    pub diversion: Option<bool>,
    /// Whether History-Info is written (RFC 7044): the whole way of the call, and ourselves.
    pub history_info: Option<bool>,
    /// Which number of ours stands in Diversion and History-Info; `hotline` if not given.
    #[schemars(schema_with = "super::words::diverting_number")]
    pub diverting_number: Option<DivertingNumber>,
    /// The form of the Request-URI; `sip` if not given.
    #[schemars(schema_with = "super::words::uri_form")]
    pub request_uri: Option<UriForm>,
    /// The form of To; `sip` if not given.
    #[schemars(schema_with = "super::words::uri_form")]
    pub to_uri: Option<UriForm>,
    /// The form of From, P-Preferred-Identity and Remote-Party-ID; `sip` if not given.
    #[schemars(schema_with = "super::words::uri_form")]
    pub from_uri: Option<UriForm>,
    /// How the caller's number is written; `as_received` if not given.
    #[schemars(schema_with = "super::words::number_form")]
    pub caller_number: Option<NumberForm>,
    /// How the called number is written; `as_received` if not given: as the configuration has it.
    #[schemars(schema_with = "super::words::number_form")]
    pub called_number: Option<NumberForm>,
    /// Numbers that never get a country code, beside those of fewer than seven digits.
    pub sent_bare: Vec<Placed<String>>,
    /// The phone-context of tel: URIs whose number has no country code, such as `+86`.
    pub phone_context: Option<Placed<String>>,
    /// How the caller's name is written; `as_received` if not given.
    #[schemars(schema_with = "super::words::names")]
    pub names: Option<Names>,
    /// Whether User-to-User carries the linkage id (RFC 7433).
    pub user_to_user: Option<bool>,
    /// The address of the live record, written as Call-Info; `{linkage}` stands for the linkage id.
    pub call_info: Option<Placed<String>>,
    /// Whether Referred-By names the agent who transfers (RFC 3892).
    pub referred_by: Option<bool>,
    /// Statuses that mean that the caller's number is not accepted: once more with the trunk's own number.
    pub retry_with_own_number_on: Vec<Placed<u16>>,
    /// Q.850 causes that mean the same, under whatever status.
    pub retry_with_own_number_on_q850: Vec<Placed<u8>>,
    /// The header that carries the citizen's number then; `X-Citizen-Number` if not given.
    pub refused_number_header: Option<Placed<String>>,
    /// More headers: name and value. `{number}`, `{agent}`, `{hotline}`, `{territory}` and `{linkage}` are filled in; a
    /// header of which one has nothing to say is left out.
    pub headers: BTreeMap<String, Placed<String>>,
}
