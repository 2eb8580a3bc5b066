//! What a file of `sip-profiles/` is to routing.

use crate::config::schema::{InboundTable, OutboundTable};
use crate::config::{Placed, ProfileFile};
use crate::routing::profile::{Inbound, Outbound, Profile};

pub(super) fn profile(name: &str, file: &ProfileFile) -> Profile {
    let standard = Profile::named(name);
    Profile {
        rtp_source: file.rtp_source,
        media_networks: file.media_networks.as_ref().map_or(standard.media_networks, |list| list.get_ref().clone()),
        learn_window_ms: file.learn_window_ms.as_ref().map_or(standard.learn_window_ms, |window| *window.get_ref()),
        inbound: inbound(&file.inbound),
        outbound: outbound(&file.outbound),
        refer_reports: file.refer_reports,
        inband_keys: file.inband_keys,
        ..standard
    }
}

fn inbound(table: &InboundTable) -> Inbound {
    let standard = Inbound::default();
    Inbound { caller_from: table.caller_from.as_ref().map_or(standard.caller_from, |list| list.get_ref().clone()) }
}

fn outbound(table: &OutboundTable) -> Outbound {
    let standard = Outbound::default();
    let text = |text: &Placed<String>| text.get_ref().clone();
    Outbound {
        from: table.from.unwrap_or(standard.from),
        withheld_from: table.withheld_from.unwrap_or(standard.withheld_from),
        agents_show: table.agents_show.unwrap_or(standard.agents_show),
        asserted_identity: table.asserted_identity.unwrap_or(standard.asserted_identity),
        preferred_identity: table.preferred_identity.unwrap_or(standard.preferred_identity),
        remote_party_id: table.remote_party_id.unwrap_or(standard.remote_party_id),
        diversion: table.diversion.unwrap_or(standard.diversion),
        history_info: table.history_info.unwrap_or(standard.history_info),
        diverting_number: table.diverting_number.unwrap_or(standard.diverting_number),
        request_uri: table.request_uri.unwrap_or(standard.request_uri),
        to_uri: table.to_uri.unwrap_or(standard.to_uri),
        from_uri: table.from_uri.unwrap_or(standard.from_uri),
        caller_number: table.caller_number.unwrap_or(standard.caller_number),
        called_number: table.called_number.unwrap_or(standard.called_number),
        sent_bare: table.sent_bare.iter().map(text).collect(),
        phone_context: table.phone_context.as_ref().map(text),
        names: table.names.unwrap_or(standard.names),
        user_to_user: table.user_to_user.unwrap_or(standard.user_to_user),
        call_info: table.call_info.as_ref().map(text),
        referred_by: table.referred_by.unwrap_or(standard.referred_by),
        retry_with_own_number_on: table.retry_with_own_number_on.iter().map(|code| *code.get_ref()).collect(),
        retry_with_own_number_on_q850: table
            .retry_with_own_number_on_q850
            .iter()
            .map(|cause| *cause.get_ref())
            .collect(),
        refused_number_header: table.refused_number_header.as_ref().map_or(standard.refused_number_header, text),
        headers: table.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
    }
}
