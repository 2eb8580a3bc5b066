//! The recipe of a kind of peer: how our INVITEs to it show who calls.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `[outbound]` of a profile. The defaults are those of a peer that keeps to RFC 3261 and RFC 3325.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Outbound {
    /// Whose number stands in From.
    pub from: FromShows,
    /// What stands in From when the number is withheld and the trunk is trusted: it has the number in
    /// P-Asserted-Identity either way.
    pub withheld_from: WithheldFrom,
    /// What is shown for a call that an agent makes.
    pub agents_show: AgentsShow,
    /// The form of P-Asserted-Identity. Whether it is written follows the trust of the trunk alone (trap T54).
    pub asserted_identity: Asserted,
    /// Whether P-Preferred-Identity is written.
    pub preferred_identity: bool,
    /// Whether Remote-Party-ID is written.
    pub remote_party_id: bool,
    /// Whether Diversion is written (RFC 5806).
    pub diversion: bool,
    /// Whether History-Info is written (RFC 7044).
    pub history_info: bool,
    /// Which number of ours the call is said to have been diverted from.
    pub diverting_number: DivertingNumber,
    /// The form of the Request-URI.
    pub request_uri: UriForm,
    /// The form of To.
    pub to_uri: UriForm,
    /// The form of From.
    pub from_uri: UriForm,
    /// How the caller's number is written.
    pub caller_number: NumberForm,
    /// How the called number is written.
    pub called_number: NumberForm,
    /// Numbers that never get a country code, beside those of fewer than seven digits.
    pub sent_bare: Vec<String>,
    /// The phone-context of tel: URIs whose number has no country code (RFC 3966 5.1.5).
    pub phone_context: Option<String>,
    /// How the caller's name is written.
    pub names: Names,
    /// Whether User-to-User carries the linkage id (RFC 7433).
    pub user_to_user: bool,
    /// The address of the live record, with `{linkage}`; written as Call-Info.
    pub call_info: Option<String>,
    /// Whether Referred-By names the agent who transfers (RFC 3892).
    pub referred_by: bool,
    /// Statuses that mean that the peer does not accept the number: once more with the trunk's own number.
    pub retry_with_own_number_on: Vec<u16>,
    /// Q.850 causes that mean the same, under whatever status.
    pub retry_with_own_number_on_q850: Vec<u8>,
    /// The header that carries the citizen's number then.
    pub refused_number_header: String,
    /// More headers: name and value, with `{number}`, `{agent}`, `{hotline}`, `{territory}`, `{linkage}`.
    pub headers: BTreeMap<String, String>,
}

impl Default for Outbound {
    fn default() -> Self {
        Self {
            from: FromShows::Caller,
            withheld_from: WithheldFrom::Number,
            agents_show: AgentsShow::Agent,
            asserted_identity: Asserted::Sip,
            preferred_identity: false,
            remote_party_id: false,
            diversion: false,
            history_info: false,
            diverting_number: DivertingNumber::Hotline,
            request_uri: UriForm::Sip,
            to_uri: UriForm::Sip,
            from_uri: UriForm::Sip,
            caller_number: NumberForm::AsReceived,
            called_number: NumberForm::AsReceived,
            sent_bare: Vec::new(),
            phone_context: None,
            names: Names::AsReceived,
            user_to_user: false,
            call_info: None,
            referred_by: false,
            retry_with_own_number_on: Vec::new(),
            retry_with_own_number_on_q850: Vec::new(),
            refused_number_header: "X-Citizen-Number".to_owned(),
            headers: BTreeMap::new(),
        }
    }
}

impl Outbound {
    /// Whether a failure says that the peer does not accept the number that we showed.
    pub fn refuses_number(&self, code: u16, q850: Option<u8>) -> bool {
        self.retry_with_own_number_on.contains(&code)
            || q850.is_some_and(|cause| self.retry_with_own_number_on_q850.contains(&cause))
    }
}

/// Whose number stands in From.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromShows {
    /// The caller's.
    Caller,
    /// The trunk's own: carriers that accept nothing else. The caller's goes into P-Asserted-Identity.
    OwnNumber,
}

/// What stands in From towards a trusted trunk when the caller's number is withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithheldFrom {
    /// The number: the peer is the receiver, and its telephones show From (110).
    Number,
    /// Nobody: the peer passes From on (RFC 3323 4.1.1.3).
    Anonymous,
}

/// What is shown for a call that an agent makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentsShow {
    /// The agent's number (工号).
    Agent,
    /// The trunk's own number.
    OwnNumber,
}

/// The form of P-Asserted-Identity (RFC 3325 9.1: one sip:, one tel:, or one of each).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asserted {
    /// `<sip:number@host>`
    Sip,
    /// `<tel:number>`
    Tel,
    /// Both, sip: first.
    Both,
}

/// Which number of ours the call is said to have been diverted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DivertingNumber {
    /// The hotline that was called: 12345.
    Hotline,
    /// The trunk's own number: carriers that check it against the subscription.
    OwnNumber,
}

/// The form of a URI that holds a telephone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UriForm {
    /// `sip:number@host`
    Sip,
    /// `sip:number@host;user=phone`
    SipPhone,
    /// `tel:number`
    Tel,
}

/// How a telephone number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberForm {
    /// As the network, or the configuration, wrote it.
    AsReceived,
    /// With `+` and country code from seven digits up; short numbers bare.
    International,
    /// As it is dialled within the country.
    National,
}

/// How the caller's name is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Names {
    /// Byte by byte as it came.
    AsReceived,
    /// In UTF-8 (RFC 3261).
    Utf8,
    /// In GBK; what it lacks becomes `?`.
    Gbk,
    /// In GB 18030.
    Gb18030,
    /// Not at all.
    None,
}
