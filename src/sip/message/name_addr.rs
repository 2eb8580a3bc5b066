//! A name, a URI and parameters: From, To, Contact, Route and every identity header.

#![warn(clippy::indexing_slicing)]

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::params::Params;
use super::scan::{Scanner, quotable, unescape};
use super::text::{self, Charset};
use super::uri::{Uri, cut_at};

/// `"display" <uri>;params` (RFC 3261 20.10), or the form without brackets.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NameAddr {
    /// The name, as the bytes between the quotes or the words before the bracket: escapes and character set untouched.
    pub display: Option<Bytes>,
    /// The URI.
    pub uri: Uri,
    /// The header's parameters (not the URI's).
    pub params: Params,
}

impl NameAddr {
    /// A bare address.
    pub fn new(uri: Uri) -> Self {
        Self { display: None, uri, params: Params::default() }
    }

    /// Reads one value.
    pub fn parse(value: &[u8]) -> Result<Self, &'static str> {
        Self::of(&Bytes::copy_from_slice(value))
    }

    /// Reads one value without copying it.
    pub fn of(value: &Bytes) -> Result<Self, &'static str> {
        let parts = Parts::read(value)?;
        let display = match parts.name {
            Name::None => None,
            Name::Quoted(content) => Some(value.slice_ref(content)),
            Name::Words(words) => Some(words_as_name(value, words)),
        };
        let uri = Uri::of(value, parts.uri).map_err(|error| error.0)?;
        Ok(Self { display, uri, params: Params::of_header(value, parts.params)? })
    }

    /// Whether [`NameAddr::of`] can read it.
    pub(in crate::sip) fn check(value: &[u8]) -> Result<(), &'static str> {
        let parts = Parts::read(value)?;
        Uri::check(parts.uri).map_err(|error| error.0)?;
        Params::check_header(parts.params)
    }

    /// The same with another name, given as text and written in `charset`.
    #[must_use]
    pub fn with_display(mut self, name: &str, charset: Charset) -> Self {
        self.display = Some(text::quoted(name, charset));
        self
    }

    /// The name as text, for people to read; control characters are escaped.
    pub fn display_text(&self) -> Option<String> {
        self.display.as_ref().map(|name| text::decode(&unescape(name)))
    }

    /// The tag parameter.
    pub fn tag(&self) -> Option<&Bytes> {
        self.params.value("tag").filter(|tag| !tag.is_empty())
    }

    /// Sets the tag parameter.
    pub fn set_tag(&mut self, tag: impl Into<Bytes>) {
        self.params.set("tag", Some(tag.into()));
    }

    /// The same with a tag.
    #[must_use]
    pub fn with_tag(mut self, tag: impl Into<Bytes>) -> Self {
        self.set_tag(tag);
        self
    }

    /// The value as written on the wire: always with brackets, the name always quoted.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(96);
        if let Some(name) = &self.display {
            out.push(b'"');
            if needs_care(name) {
                out.extend(quotable(name));
            } else {
                out.extend_from_slice(name);
            }
            out.extend_from_slice(b"\" ");
        }
        out.push(b'<');
        self.uri.write(&mut out);
        out.push(b'>');
        self.params.write(&mut out);
        out.into()
    }
}

/// A value cut into its parts.
struct Parts<'a> {
    name: Name<'a>,
    uri: &'a [u8],
    params: &'a [u8],
}

enum Name<'a> {
    None,
    /// What stands between the quotes.
    Quoted(&'a [u8]),
    /// What stands before the bracket.
    Words(&'a [u8]),
}

impl<'a> Parts<'a> {
    fn read(value: &'a [u8]) -> Result<Self, &'static str> {
        let text = value.trim_ascii();
        let (name, rest) = match text.first() {
            Some(b'"') => {
                let end = Scanner::new(text).closing_quote(0).ok_or("a quoted string has no end")?;
                let rest = text.get(end..).and_then(|rest| rest.get(1..)).unwrap_or_default().trim_ascii_start();
                (Name::Quoted(text.get(1..end).unwrap_or_default()), rest)
            }
            Some(_) | None => match memchr::memchr2(b'<', b';', text).and_then(|at| text.split_at_checked(at)) {
                Some((words, rest)) if rest.first() == Some(&b'<') => {
                    let words = words.trim_ascii_end();
                    (if words.is_empty() { Name::None } else { Name::Words(words) }, rest)
                }
                Some(_) | None => return Self::bare(text),
            },
        };
        let inside = rest.strip_prefix(b"<").ok_or("no address behind the name")?;
        let (uri, tail) = cut_at(b'>', inside);
        let tail = tail.ok_or("an address has no closing bracket")?.trim_ascii_start();
        let params = match tail.split_first() {
            None => &[],
            Some((b';', params)) => params,
            Some(_) => return Err("something stands behind the address"),
        };
        Ok(Self { name, uri: uri.trim_ascii(), params })
    }

    /// RFC 3261 20: without brackets every parameter is the header's, and `?` and `,` are not allowed.
    fn bare(text: &'a [u8]) -> Result<Self, &'static str> {
        let (uri, params) = cut_at(b';', text);
        if memchr::memchr2(b'?', b',', uri).is_some() {
            return Err("an address with `?` or `,` needs brackets");
        }
        Ok(Self { name: Name::None, uri: uri.trim_ascii_end(), params: params.unwrap_or_default() })
    }
}

impl fmt::Debug for NameAddr {
    /// Name and user part are masked: they may be a citizen's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.display.is_some() { "\"***\" " } else { "" };
        write!(f, "{name}<{:?}>", self.uri)
    }
}

/// Words that stood without quotes are kept; a quote or a backslash among them must not gain a meaning by our quoting.
fn words_as_name(value: &Bytes, words: &[u8]) -> Bytes {
    if needs_care(words) { quotable(words).into() } else { value.slice_ref(words) }
}

/// Whether a name has bytes that must be looked at before they stand between quotes.
fn needs_care(name: &[u8]) -> bool {
    name.iter().any(|byte| matches!(byte, b'"' | b'\\' | 0..0x20 | 0x7f..))
}
