//! The headers of a message: an ordered list of names and bytes.

#![warn(clippy::indexing_slicing)]

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::name::Name;
use super::scan::split_list;

/// The headers of a message, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headers {
    list: Vec<Header>,
    discarded: u16,
}

/// One header line: a name and its value, unfolded and trimmed, not decoded.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The name.
    pub name: Name,
    /// The value's bytes.
    pub value: Bytes,
}

impl Headers {
    pub(in crate::sip) fn with_capacity(count: usize) -> Self {
        Self { list: Vec::with_capacity(count), discarded: 0 }
    }

    /// Every header line, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Header> {
        self.list.iter()
    }

    /// Number of header lines.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The value of the first line of this name.
    pub fn get(&self, name: &Name) -> Option<&Bytes> {
        self.get_all(name).next()
    }

    /// The values of every line of this name, as written: a line may hold a list.
    pub fn get_all(&self, name: &Name) -> impl Iterator<Item = &Bytes> {
        self.list.iter().filter(move |header| header.name == *name).map(|header| &header.value)
    }

    /// Whether a line of this name is there.
    pub fn has(&self, name: &Name) -> bool {
        self.get(name).is_some()
    }

    /// The members of a list header, over all its lines. Not for headers whose values contain commas (Date,
    /// WWW-Authenticate, Authorization).
    pub fn values(&self, name: &Name) -> impl Iterator<Item = Bytes> {
        self.get_all(name).flat_map(|line| split_list(line).map(|member| line.slice_ref(member)))
    }

    /// Adds a line at the end.
    pub fn push(&mut self, name: Name, value: impl Into<Bytes>) {
        self.list.push(Header { name, value: value.into() });
    }

    /// Replaces all lines of this name by one, in the place of the first; adds it at the end if there was none.
    pub fn set(&mut self, name: Name, value: impl Into<Bytes>) {
        let place = self.position(&name).unwrap_or(self.list.len());
        self.remove(&name);
        self.list.insert(place, Header { name, value: value.into() });
    }

    /// Adds a line above the first of its name, else above all: Via and Record-Route grow at the top.
    pub fn insert_first(&mut self, name: Name, value: impl Into<Bytes>) {
        let place = self.position(&name).unwrap_or(0);
        self.list.insert(place, Header { name, value: value.into() });
    }

    /// Removes every line of this name; says how many there were.
    pub fn remove(&mut self, name: &Name) -> usize {
        let before = self.list.len();
        self.list.retain(|header| header.name != *name);
        before.saturating_sub(self.list.len())
    }

    /// Takes the first member of the first line of this name, such as the top Via of a response.
    pub fn remove_first_value(&mut self, name: &Name) -> Option<Bytes> {
        let place = self.position(name)?;
        let line = self.list.get(place)?.value.clone();
        let mut members = split_list(&line);
        let first = members.next().map(|member| line.slice_ref(member));
        match members.next() {
            // The rest of the line stays as it was written.
            Some(second) => {
                let from = (second.as_ptr() as usize).saturating_sub(line.as_ptr() as usize);
                self.list.get_mut(place)?.value = line.slice(from..);
            }
            None => drop(self.list.remove(place)),
        }
        first
    }

    /// Lines of the received message that were no headers and have been left out.
    pub fn discarded(&self) -> u16 {
        self.discarded
    }

    pub(in crate::sip) fn discard(&mut self) {
        self.discarded = self.discarded.saturating_add(1);
    }

    fn position(&self, name: &Name) -> Option<usize> {
        self.list.iter().position(|header| header.name == *name)
    }
}

impl fmt::Debug for Header {
    /// Only values that cannot hold a person's name or number are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let public = [
            Name::Allow,
            Name::CSeq,
            Name::ContentType,
            Name::Event,
            Name::Expires,
            Name::MaxForwards,
            Name::MinSe,
            Name::Require,
            Name::RetryAfter,
            Name::SessionExpires,
            Name::SubscriptionState,
            Name::Supported,
            Name::Unsupported,
            Name::Via,
        ];
        if public.contains(&self.name) {
            write!(f, "{}: {}", self.name, self.value.escape_ascii())
        } else {
            write!(f, "{}: <{} bytes>", self.name, self.value.len())
        }
    }
}
