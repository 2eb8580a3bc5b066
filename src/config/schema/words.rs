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
pub(super) const RTP_SOURCE: Words = &[
    ("sdp", "Exactly the address and port of its SDP."),
    ("same_host", "The address of its SDP, any port."),
    ("networks", "Any address in media_networks."),
    ("learn", "The first plausible source within learn_window_ms after each new SDP."),
];
pub(super) const ALGORITHM: Words =
    &[("SHA-256", "RFC 8760; some old telephones give up when they see it."), ("MD5", "What every telephone knows.")];

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

pub(super) fn priority(_: &mut SchemaGenerator) -> Schema {
    one_of(PRIORITY)
}

pub(super) fn rtp_source(_: &mut SchemaGenerator) -> Schema {
    one_of(RTP_SOURCE)
}

pub(super) fn algorithms(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": one_of(ALGORITHM) })
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;
    use crate::routing::config::{PeerClass, Priority, Trust};
    use crate::routing::profile::RtpSource;
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
            (PRIORITY, known::<Priority>()),
            (RTP_SOURCE, known::<RtpSource>()),
            (ALGORITHM, known::<Algorithm>()),
        ];
        for (words, mut known) in lists {
            let mut listed: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            listed.sort_unstable();
            known.sort();
            assert_eq!(listed, known);
        }
    }
}
