//! The `;name=value` parameters of a header value or a URI.

#![warn(clippy::indexing_slicing)]

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::scan::{Scanner, unquote};

/// More parameters than this on one value is an attack, not a message.
const COUNT_MAX: usize = 64;

/// Parameters in their order, as written: neither unquoted nor unescaped. Names compare without case (RFC 3261 7.3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Params {
    list: Vec<(Bytes, Option<Bytes>)>,
}

impl Params {
    /// The value of the first parameter of this name: `None` if it is absent, `Some(None)` if it has no value.
    pub fn get(&self, name: &str) -> Option<Option<&Bytes>> {
        self.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// The value of the first parameter of this name, if it has one.
    pub fn value(&self, name: &str) -> Option<&Bytes> {
        self.get(name).flatten()
    }

    /// The value without the quotes and escapes of a quoted string.
    pub fn unquoted(&self, name: &str) -> Option<Bytes> {
        self.value(name).map(unquote)
    }

    /// Whether a parameter of this name is there.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Sets a parameter in its place, or adds it at the end.
    pub fn set(&mut self, name: &str, value: Option<Bytes>) {
        match self.list.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes())) {
            Some(parameter) => parameter.1 = value,
            None => self.list.push((Bytes::copy_from_slice(name.as_bytes()), value)),
        }
    }

    /// Removes every parameter of this name.
    pub fn remove(&mut self, name: &str) {
        self.list.retain(|(known, _)| !known.eq_ignore_ascii_case(name.as_bytes()));
    }

    /// Keeps the parameters whose names, as they stand, are wanted.
    pub fn retain(&mut self, wanted: impl Fn(&Bytes) -> bool) {
        self.list.retain(|(name, _)| wanted(name));
    }

    /// All parameters, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, Option<&Bytes>)> {
        self.list.iter().map(|(name, value)| (name, value.as_ref()))
    }

    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Reads `a=b;c;d="e"`: the parameters of a header value. `part` lies in `source`. Empty ones are skipped.
    pub(super) fn of_header(source: &Bytes, part: &[u8]) -> Result<Self, &'static str> {
        let mut list = Vec::new();
        each_of_header(part, |name, value| list.push(owned(source, name, value)))?;
        Ok(Self { list })
    }

    /// Reads `a=b;c`: the parameters of a URI, which know no quotes. `part` lies in `source`.
    pub(super) fn of_uri(source: &Bytes, part: &[u8]) -> Result<Self, &'static str> {
        let mut list = Vec::new();
        each_of_uri(part, |name, value| list.push(owned(source, name, value)))?;
        Ok(Self { list })
    }

    /// Whether `part` can be read by [`Params::of_header`].
    pub(super) fn check_header(part: &[u8]) -> Result<(), &'static str> {
        each_of_header(part, |_, _| ())
    }

    /// Whether `part` can be read by [`Params::of_uri`].
    pub(super) fn check_uri(part: &[u8]) -> Result<(), &'static str> {
        each_of_uri(part, |_, _| ())
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for (name, value) in self.iter() {
            out.push(b';');
            out.extend_from_slice(name);
            if let Some(value) = value {
                out.push(b'=');
                out.extend_from_slice(value);
            }
        }
    }
}

fn each_of_header<'a>(part: &'a [u8], mut take: impl FnMut(&'a [u8], Option<&'a [u8]>)) -> Result<(), &'static str> {
    if part.is_empty() {
        return Ok(());
    }
    for (count, item) in Scanner::new(part).split(b';').filter(|item| !item.is_empty()).enumerate() {
        let (name, value) = cut_equals(item);
        if !is_word(name) || !value.is_none_or(is_value) {
            return Err("a parameter is malformed");
        }
        if count == COUNT_MAX {
            return Err("too many parameters");
        }
        take(name, value);
    }
    Ok(())
}

fn each_of_uri<'a>(part: &'a [u8], mut take: impl FnMut(&'a [u8], Option<&'a [u8]>)) -> Result<(), &'static str> {
    for (count, item) in part.split(|byte| *byte == b';').filter(|item| !item.is_empty()).enumerate() {
        let (name, value) = cut_equals(item);
        if !is_word(name) || !value.is_none_or(is_word_or_empty) {
            return Err("a URI parameter is malformed");
        }
        if count == COUNT_MAX {
            return Err("too many parameters");
        }
        take(name, value);
    }
    Ok(())
}

/// The commonest names are not counted references into the message, because they are the same in every one.
fn owned(source: &Bytes, name: &[u8], value: Option<&[u8]>) -> (Bytes, Option<Bytes>) {
    const COMMON: [&[u8]; 6] = [b"tag", b"branch", b"rport", b"lr", b"transport", b"user"];
    let common = COMMON.iter().find(|common| **common == name).map(|common| Bytes::from_static(common));
    (common.unwrap_or_else(|| source.slice_ref(name)), value.map(|value| source.slice_ref(value)))
}

fn cut_equals(item: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(b'=', item).and_then(|at| item.split_at_checked(at)) {
        Some((name, rest)) => (name.trim_ascii_end(), rest.get(1..).map(<[u8]>::trim_ascii_start)),
        None => (item, None),
    }
}

fn is_word(word: &[u8]) -> bool {
    !word.is_empty() && is_word_or_empty(word)
}

fn is_word_or_empty(word: &[u8]) -> bool {
    !word.iter().fold(false, |found, byte| found | matches!(byte, 0..=b' ' | b'"' | b',' | b'<' | b'>' | 0x7f))
}

fn is_value(value: &[u8]) -> bool {
    match value.first() {
        Some(b'"') => Scanner::new(value).closing_quote(0).and_then(|end| end.checked_add(1)) == Some(value.len()),
        Some(_) | None => is_word_or_empty(value),
    }
}
