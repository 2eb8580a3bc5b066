//! The words that stand for values of `routing` and `sip`, as their JSON schemas list them.

use schemars::{Schema, SchemaGenerator, json_schema};

/// Words and what each means; a test compares them with what the values read.
type Words = &'static [(&'static str, &'static str)];

pub(super) const TRUST: Words = &[
    ("trusted", "Its asserted identities are believed; it may see a withheld number (RFC 3325)."),
    ("untrusted", "Its assertions are removed; a withheld number stays withheld from it."),
];
pub(super) const PEER_CLASS: Words = &[
    ("carrier", "A public carrier: never sent a REFER, never obeyed in one."),
    ("pbx", "A PBX or call-centre platform of an office."),
    ("linkage", "The other platform of the linkage, by a dedicated trunk (双向联动专线)."),
];
pub(super) const PRIORITY: Words = &[
    ("emergency", "May use the reserved capacity, and is served first when a seat becomes free."),
    ("normal", "Everything else."),
];
pub(super) const REFER_REPORTS: Words = &[
    ("as_it_happens", "Progress and outcome, as they happen."),
    ("success_at_once", "200 OK right behind our 202, for telephones that mishandle progress."),
];
pub(super) const RTP_SOURCE: Words = &[
    ("sdp", "Exactly the address and port of its SDP."),
    ("same_host", "The address of its SDP, any port."),
    ("networks", "Any address in media_networks."),
    ("learn", "The first plausible source within learn_window_ms after each new SDP."),
];
pub(super) const ALGORITHM: Words =
    &[("SHA-256", "RFC 8760; some old telephones give up when they see it."), ("MD5", "What every telephone knows.")];

pub(super) const CALLER_FROM: Words = &[
    ("pai", "P-Asserted-Identity (RFC 3325)."),
    ("from", "From."),
    ("rpid", "Remote-Party-ID of the calling party."),
    ("ppi", "P-Preferred-Identity."),
    ("diversion", "The topmost Diversion: the telephone that forwards."),
];
pub(super) const CORRELATE: Words = &[
    ("header", "correlation_header."),
    ("user_to_user", "The linkage id in User-to-User (RFC 7433)."),
    ("agent", "The agent, who was called by that number."),
    ("caller", "The citizen's number."),
];
pub(super) const FROM_SHOWS: Words = &[
    ("caller", "The caller's number."),
    ("own_number", "The trunk's own number; the caller's stands in P-Asserted-Identity."),
];
pub(super) const WITHHELD_FROM: Words = &[
    ("number", "The number: the peer is the receiver, and its telephones show From."),
    ("anonymous", "Nobody: the peer passes From on; the number stands in P-Asserted-Identity."),
];
pub(super) const AGENTS_SHOW: Words =
    &[("agent", "The agent's number (工号)."), ("own_number", "The trunk's own number.")];
pub(super) const ASSERTED: Words =
    &[("sip", "One sip: URI."), ("tel", "One tel: URI."), ("both", "One sip: and one tel: URI.")];
pub(super) const DIVERTING_NUMBER: Words = &[
    ("hotline", "The hotline that was called: 12345."),
    ("own_number", "The trunk's own number: carriers that check it against the subscription."),
];
pub(super) const URI_FORM: Words =
    &[("sip", "sip:NUMBER@HOST"), ("sip_phone", "sip:NUMBER@HOST;user=phone"), ("tel", "tel:NUMBER")];
pub(super) const NUMBER_FORM: Words = &[
    ("as_received", "As the network, or the configuration, wrote it."),
    ("international", "With + and country code from seven digits up; shorter ones bare."),
    ("national", "As it is dialled within the country: 13800138000, 02161234567."),
];
pub(super) const NAMES: Words = &[
    ("as_received", "Byte by byte as the name came."),
    ("utf8", "In UTF-8 (RFC 3261)."),
    ("gbk", "In GBK; what it lacks becomes a question mark."),
    ("gb18030", "In GB 18030."),
    ("none", "Not at all."),
];
pub(super) const CLASS: Words = &[
    ("dedicated", "A seat or trunk that is kept for the linkage (双向联动专席, 双向联动专线)."),
    ("normal", "The ordinary way."),
    ("overflow", "Used when the others are full."),
    ("duty_desk", "The duty desk (值班): somebody is always there; the last target of every emergency call."),
];
pub(super) const PLATFORM: Words = &[
    ("12345", "政务服务便民热线"),
    ("110", "公安报警"),
    ("119", "消防救援"),
    ("120", "医疗急救"),
    ("122", "交通事故报警"),
    ("utility", "水电气热, and whoever else has a number"),
];
pub(super) const LEVEL: Words = &[("province", "省级"), ("city", "地级"), ("county", "县级")];

fn one_of(words: Words) -> Schema {
    let words: Vec<Schema> =
        words.iter().map(|(word, meaning)| json_schema!({ "const": word, "description": meaning })).collect();
    json_schema!({ "oneOf": words })
}

pub(super) fn trust(_: &mut SchemaGenerator) -> Schema {
    one_of(TRUST)
}

pub(super) fn peer_class(_: &mut SchemaGenerator) -> Schema {
    one_of(PEER_CLASS)
}

pub(super) fn platform(_: &mut SchemaGenerator) -> Schema {
    one_of(PLATFORM)
}

pub(super) fn priority(_: &mut SchemaGenerator) -> Schema {
    one_of(PRIORITY)
}

pub(super) fn rtp_source(_: &mut SchemaGenerator) -> Schema {
    one_of(RTP_SOURCE)
}

pub(super) fn refer_reports(_: &mut SchemaGenerator) -> Schema {
    one_of(REFER_REPORTS)
}

pub(super) fn algorithms(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": one_of(ALGORITHM) })
}

pub(super) fn from_shows(_: &mut SchemaGenerator) -> Schema {
    one_of(FROM_SHOWS)
}

pub(super) fn withheld_from(_: &mut SchemaGenerator) -> Schema {
    one_of(WITHHELD_FROM)
}

pub(super) fn agents_show(_: &mut SchemaGenerator) -> Schema {
    one_of(AGENTS_SHOW)
}

pub(super) fn asserted(_: &mut SchemaGenerator) -> Schema {
    one_of(ASSERTED)
}

pub(super) fn diverting_number(_: &mut SchemaGenerator) -> Schema {
    one_of(DIVERTING_NUMBER)
}

pub(super) fn uri_form(_: &mut SchemaGenerator) -> Schema {
    one_of(URI_FORM)
}

pub(super) fn number_form(_: &mut SchemaGenerator) -> Schema {
    one_of(NUMBER_FORM)
}

pub(super) fn names(_: &mut SchemaGenerator) -> Schema {
    one_of(NAMES)
}

pub(super) fn callers_from(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": one_of(CALLER_FROM) })
}

pub(super) fn correlate(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": one_of(CORRELATE) })
}

pub(super) fn class(_: &mut SchemaGenerator) -> Schema {
    one_of(CLASS)
}

pub(super) fn level(_: &mut SchemaGenerator) -> Schema {
    one_of(LEVEL)
}

pub(super) fn hours(_: &mut SchemaGenerator) -> Schema {
    let line = json_schema!({ "type": "string", "pattern": "^[A-Z][a-z]{2}(-[A-Z][a-z]{2})? [0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$" });
    json_schema!({ "oneOf": [line, { "type": "array", "items": line, "minItems": 1 }] })
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;
    use crate::routing::config::{Class, CorrelateBy, PeerClass, Platform, Priority, Trust};
    use crate::routing::profile::{
        AgentsShow, Asserted, CallerFrom, DivertingNumber, FromShows, Names, NumberForm, ReferReports, RtpSource,
        UriForm, WithheldFrom,
    };
    use crate::routing::regions::Level;
    use crate::sip::auth::Algorithm;

    /// The reader names all words that it knows when it is given one that it does not.
    fn known<T: DeserializeOwned>() -> Vec<String> {
        let error = serde_json::from_str::<T>("\"?\"").err().expect("`?` is no word").to_string();
        error.split('`').skip(3).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_schemas_list_exactly_the_words_that_are_read() {
        let lists = [
            (TRUST, known::<Trust>()),
            (PEER_CLASS, known::<PeerClass>()),
            (PLATFORM, known::<Platform>()),
            (PRIORITY, known::<Priority>()),
            (CLASS, known::<Class>()),
            (LEVEL, known::<Level>()),
            (RTP_SOURCE, known::<RtpSource>()),
            (REFER_REPORTS, known::<ReferReports>()),
            (ALGORITHM, known::<Algorithm>()),
            (CALLER_FROM, known::<CallerFrom>()),
            (CORRELATE, known::<CorrelateBy>()),
            (FROM_SHOWS, known::<FromShows>()),
            (WITHHELD_FROM, known::<WithheldFrom>()),
            (AGENTS_SHOW, known::<AgentsShow>()),
            (ASSERTED, known::<Asserted>()),
            (DIVERTING_NUMBER, known::<DivertingNumber>()),
            (URI_FORM, known::<UriForm>()),
            (NUMBER_FORM, known::<NumberForm>()),
            (NAMES, known::<Names>()),
        ];
        for (words, mut known) in lists {
            let mut listed: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            listed.sort_unstable();
            known.sort();
            assert_eq!(listed, known);
        }
    }
}
