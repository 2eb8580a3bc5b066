//! Replaces: the dialog whose place an INVITE wants to take (RFC 3891).

#![warn(clippy::indexing_slicing)]

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::headers::Headers;
use super::name::Name;
use super::params::Params;
use super::typed::{HeaderError, is_call_id, is_token};
use super::uri::cut_at;

/// A dialog, named by its Call-ID and both tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaces {
    /// Its Call-ID.
    pub call_id: Bytes,
    /// The tag of whoever is asked: ours, if the peer keeps the order of RFC 3891 3.
    pub to_tag: Bytes,
    /// The tag of the other end. `0` also means none, for a peer of RFC 2543.
    pub from_tag: Bytes,
    /// Which dialogs are meant.
    pub only: Only,
}

/// Which dialogs a Replaces means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Only {
    /// Early and confirmed ones.
    Any,
    /// `early-only`: one that has been answered is left alone.
    Early,
}

impl Replaces {
    /// Reads the value.
    pub fn of(value: &Bytes) -> Result<Self, &'static str> {
        let (call_id, params) = cut_at(b';', value.trim_ascii());
        let call_id = call_id.trim_ascii_end();
        if !is_call_id(call_id) {
            return Err("no call identifier");
        }
        let params = Params::of_header(value, params.unwrap_or_default())?;
        // RFC 3891 6.1: exactly one of each.
        let tag = |name: &str| {
            let mut found = params.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()));
            match (found.next(), found.next()) {
                (Some((_, Some(tag))), None) if is_token(tag) => Ok(tag.clone()),
                _ => Err("a tag is missing, malformed or there twice"),
            }
        };
        let only = if params.has("early-only") { Only::Early } else { Only::Any };
        Ok(Self { call_id: value.slice_ref(call_id), to_tag: tag("to-tag")?, from_tag: tag("from-tag")?, only })
    }

    /// Whether these are the two tags, in either order: some exchanges take their own point of view (trap T28).
    pub fn names(&self, local_tag: &[u8], remote_tag: Option<&Bytes>) -> bool {
        let is_remote = |tag: &Bytes| remote_tag.map_or(&tag[..] == b"0", |remote| remote == tag);
        (self.to_tag == local_tag && is_remote(&self.from_tag))
            || (self.from_tag == local_tag && is_remote(&self.to_tag))
    }
}

impl Headers {
    /// Replaces, if it is there. Several are an error (RFC 3891 3).
    pub fn replaces(&self) -> Result<Option<Replaces>, HeaderError> {
        if !self.has(&Name::Replaces) {
            return Ok(None);
        }
        let of = |problem| HeaderError { name: Name::Replaces, problem };
        Replaces::of(self.single(Name::Replaces)?).map(Some).map_err(of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Replaces, &'static str> {
        Replaces::of(&Bytes::copy_from_slice(value.as_bytes()))
    }

    #[test]
    fn a_replaces_names_a_dialog_by_call_id_and_both_tags_in_either_order() {
        let replaces = read("a84b4c76e66710@pc33 ;to-tag=ours;from-tag=theirs;x=1").unwrap();
        assert_eq!(replaces.call_id, "a84b4c76e66710@pc33");
        assert_eq!(replaces.only, Only::Any);
        let theirs = Bytes::from("theirs");
        assert!(replaces.names(b"ours", Some(&theirs)) && replaces.names(b"theirs", Some(&Bytes::from("ours"))));
        assert!(!replaces.names(b"ours", Some(&Bytes::from("others"))) && !replaces.names(b"ours", None));
        assert!(!replaces.names(b"other", Some(&theirs)));
        assert_eq!(read("a;early-only;from-tag=1;to-tag=2").unwrap().only, Only::Early);
        assert!(read("a;from-tag=0;to-tag=2").unwrap().names(b"2", None), "RFC 2543: no tag");
    }

    #[test]
    fn a_replaces_without_exactly_one_tag_of_each_kind_is_malformed() {
        for value in [
            "",
            "a",
            "a;to-tag=1",
            "a;from-tag=1",
            "a;to-tag=1;from-tag=2;to-tag=3",
            "a;to-tag;from-tag=2",
            "a b;to-tag=1;from-tag=2",
            "a;to-tag=1;from-tag=2,b;to-tag=1;from-tag=2",
            ";to-tag=1;from-tag=2",
        ] {
            assert!(read(value).is_err(), "{value}");
        }
    }
}
