//! Who transfers over a trunk: the agent (工号) of a PBX, whom we know by what the PBX says of it.
//!
//! Decides: the agent of a REFER, for the record, Referred-By and the events: the header that the trunk is configured for
//! (`agent_header`), else Referred-By, else P-Asserted-Identity, else the number that was dialled at the PBX.
//! Invariants: an agent's number is 1 to 32 digits and letters, whatever stood on the wire; what cannot be one counts as
//! not said, and so does the citizen's own number, because agents are shown whole where citizens are masked. What a trunk
//! outside the trust domain says is not believed.
//! Does not do: whether the REFER is obeyed; the agent's name opens no door.

use bytes::Bytes;

use crate::base::ids::{AgentId, LegId};
use crate::call::context::Context;
use crate::call::record::Who;
use crate::routing::CallerId;
use crate::routing::config::{PeerClass, Trunk, Trust};
use crate::sip::fact::Refer;
use crate::sip::message::{Headers, Name, NameAddr};

/// The longest number of an agent.
const MAX_LENGTH: usize = 32;

/// Who refers on the leg of a service party.
pub(super) fn of(cx: &Context<'_>, leg: LegId, refer: &Refer) -> Option<AgentId> {
    match &cx.legs.get(leg)?.who {
        Who::Agent(agent) => Some(agent.clone()),
        Who::Trunk { trunk, number } => {
            let citizen = &cx.decision.caller_id;
            cx.site.routing.trunk(trunk).and_then(|row| over_trunk(row, number, &refer.request.headers, citizen))
        }
        Who::Caller(_) => None,
    }
}

/// The agent in the header that the trunk is configured for, in a citizen's call.
pub(crate) fn by_header(row: &Trunk, headers: &Headers, citizen: &CallerId) -> Option<AgentId> {
    let name = Name::from(row.correlation.agent_header.as_deref()?);
    number_in(headers.get(&name)?).filter(|agent| !is_citizen(row, agent, citizen))
}

/// Whether a PBX has named the citizen as its agent, such as one that writes into Referred-By whose call it moves.
fn is_citizen(row: &Trunk, agent: &AgentId, citizen: &CallerId) -> bool {
    citizen.is_called(agent.as_str(), row.subscription.area_code.as_deref())
}

/// The agent of a REFER that came over a trunk on which `dialled` had been called.
fn over_trunk(row: &Trunk, dialled: &str, headers: &Headers, citizen: &CallerId) -> Option<AgentId> {
    let user = |address: &NameAddr| user(address).filter(|agent| !is_citizen(row, agent, citizen));
    let said = match row.trust {
        Trust::Trusted => by_header(row, headers, citizen)
            .or_else(|| user(&headers.referred_by()?))
            .or_else(|| headers.values(&Name::PAssertedIdentity).find_map(|value| user(&NameAddr::of(&value).ok()?))),
        Trust::Untrusted => None,
    };
    said.or_else(|| by_number(row, dialled))
}

/// The agent of a PBX by the number that was dialled there.
pub(crate) fn by_number(row: &Trunk, dialled: &str) -> Option<AgentId> {
    match row.class {
        PeerClass::Pbx => agent(dialled.as_bytes()),
        // What is dialled there is a service's number, and no agent's.
        PeerClass::Carrier | PeerClass::Linkage => None,
    }
}

/// The number in a name-addr, in a sip or tel URI, or alone.
fn number_in(value: &Bytes) -> Option<AgentId> {
    agent(value.trim_ascii()).or_else(|| user(&NameAddr::of(value).ok()?))
}

/// The user part, without the parameters that networks hang on it (RFC 3261 19.1.6).
fn user(address: &NameAddr) -> Option<AgentId> {
    let user = address.uri.user()?;
    agent(user.split(|byte| *byte == b';').next().unwrap_or_default())
}

fn agent(number: &[u8]) -> Option<AgentId> {
    let fits = (1..=MAX_LENGTH).contains(&number.len()) && number.iter().all(u8::is_ascii_alphanumeric);
    std::str::from_utf8(number).ok().filter(|_| fits).map(AgentId::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::config::Correlation;

    /// A trunk to a PBX, as it is configured for nothing but `agent_header`.
    fn pbx(trust: Trust, class: PeerClass) -> Trunk {
        let row = "id = \"office\"\nnetworks = [\"192.0.2.0/24\"]\ntrust = \"trusted\"\nprofile = \"generic\"";
        let mut row: Trunk = toml::from_str(row).unwrap();
        row.correlation.agent_header = Some("X-Agent-Number".to_owned());
        Trunk { trust, class, ..row }
    }

    fn headers(lines: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::default();
        lines.iter().for_each(|(name, value)| headers.push(Name::from(*name), (*value).to_owned()));
        headers
    }

    fn named(row: &Trunk, lines: &[(&str, &str)]) -> Option<String> {
        over_trunk(row, "6000", &headers(lines), &citizen()).map(|agent| agent.to_string())
    }

    /// A caller of the area code 0755.
    fn citizen() -> CallerId {
        CallerId::plain("075583334444")
    }

    #[test]
    fn the_citizen_is_no_agent_however_the_number_is_written() {
        let mut row = pbx(Trust::Trusted, PeerClass::Pbx);
        row.subscription.area_code = Some("0755".to_owned());
        for citizen in ["075583334444", "8675583334444", "008675583334444", "83334444"] {
            let said = [("X-Agent-Number", citizen), ("Referred-By", "<sip:6002@192.0.2.9>")];
            assert_eq!(named(&row, &said).as_deref(), Some("6002"), "{citizen}: the next source is asked");
            let (uri, tel) = (format!("<sip:{citizen}@192.0.2.9;user=phone>"), format!("<tel:{citizen}>"));
            let said = [("X-Agent-Number", citizen), ("Referred-By", &uri), ("P-Asserted-Identity", &tel)];
            assert_eq!(named(&row, &said).as_deref(), Some("6000"), "{citizen}: what was dialled is no citizen's");
        }
    }

    #[test]
    fn the_configured_header_goes_before_referred_by_the_identity_and_the_number_that_was_dialled() {
        let row = pbx(Trust::Trusted, PeerClass::Pbx);
        let said = [
            ("X-Agent-Number", "6001"),
            ("Referred-By", "<sip:6002@192.0.2.9>"),
            ("P-Asserted-Identity", "<sip:6003@192.0.2.9>"),
        ];
        for (first, agent) in [(0, "6001"), (1, "6002"), (2, "6003"), (3, "6000")] {
            assert_eq!(named(&row, &said[first..]).as_deref(), Some(agent));
        }
        let other_trunk = Trunk { correlation: Correlation::default(), ..row };
        assert_eq!(named(&other_trunk, &said).as_deref(), Some("6002"), "not configured: not read");
        assert_eq!(named(&pbx(Trust::Trusted, PeerClass::Linkage), &[]), None, "a service's number is no agent");
    }

    #[test]
    fn what_an_untrusted_trunk_says_is_not_believed() {
        let said = [("X-Agent-Number", "6001"), ("Referred-By", "<sip:6002@h>"), ("P-Asserted-Identity", "<tel:6003>")];
        assert_eq!(named(&pbx(Trust::Untrusted, PeerClass::Pbx), &said).as_deref(), Some("6000"));
        assert_eq!(named(&pbx(Trust::Untrusted, PeerClass::Linkage), &said), None);
    }

    #[test]
    fn a_number_is_read_in_each_of_its_forms_and_nothing_else_is() {
        let row = pbx(Trust::Trusted, PeerClass::Linkage);
        let said = |value: &str| named(&row, &[("X-Agent-Number", value)]);
        for value in [
            "6001",
            " 6001 ",
            "sip:6001@192.0.2.9",
            "tel:6001",
            "<tel:6001;phone-context=office>",
            "\"坐席\" <sip:6001;noa=national@192.0.2.9:5070;user=phone>;role=agent",
        ] {
            assert_eq!(said(value).as_deref(), Some("6001"), "{value}");
        }
        assert_eq!(said(&"a1".repeat(16)), Some("a1".repeat(16)));
        let too_long = "1".repeat(33);
        for value in
            ["", "6001, 6002", "60\u{660}1", "6001>", "<sip:192.0.2.9>", "<sip:60%0d%0a01@h>", "../6001", &too_long]
        {
            assert_eq!(said(value), None, "{value:?}");
        }
    }
}
