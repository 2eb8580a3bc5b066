//! What an INVITE says about its caller: claims, of which [`super::caller_id`] believes some.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::chain::{Diversion, Entry};

/// The longest user part that is taken for a number, in bytes: a telephone number has at most 15 digits (E.164).
const MAX_NUMBER: usize = 64;

/// What an INVITE says about its caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// From.
    pub from: Claim,
    /// P-Asserted-Identity, in order: up to one sip: and one tel: URI.
    pub asserted: Vec<Claim>,
    /// P-Preferred-Identity.
    pub preferred: Vec<Claim>,
    /// Remote-Party-ID of the calling party.
    pub remote_party: Vec<RemoteParty>,
    /// Diversion, the latest first, as it stands in the message.
    pub diversions: Vec<Diversion>,
    /// History-Info, in order.
    pub history: Vec<Entry>,
    /// Privacy.
    pub privacy: PrivacyWords,
}

impl Claims {
    /// Whether there is anything that only a trusted trunk is believed.
    pub fn asserts(&self) -> bool {
        !(self.asserted.is_empty()
            && self.preferred.is_empty()
            && self.remote_party.is_empty()
            && self.diversions.is_empty()
            && self.history.is_empty())
    }
}

/// One name-addr.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// The user part of a sip: URI or the number of a tel: URI, decoded and without parameters.
    pub number: Bytes,
    /// The host of a sip: URI.
    pub host: Bytes,
    /// The display name.
    pub display: Option<Bytes>,
}

impl Claim {
    /// The number, if it can be one: nothing that would mean something else in a header.
    pub fn number(&self) -> Option<&str> {
        let number = std::str::from_utf8(&self.number).ok()?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '*' | '#' | '-' | '.' | '_');
        let number = (number.len() <= MAX_NUMBER && number.chars().all(plain)).then_some(number)?;
        (!number.is_empty() && !self.is_nobody()).then_some(number)
    }

    /// Whether the number can be dialled.
    pub fn is_dialable(&self) -> bool {
        self.number().is_some_and(|number| {
            let digits = number.strip_prefix('+').unwrap_or(number);
            !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())
        })
    }

    /// Whether it says that the caller does not want to be known (RFC 3323 4.1.1.3, TS 23.003 13.6).
    pub fn is_anonymous(&self) -> bool {
        let user = ["anonymous", "restricted", "private", "withheld"];
        user.iter().any(|word| self.number.eq_ignore_ascii_case(word.as_bytes()))
            || self.host.eq_ignore_ascii_case(b"anonymous.invalid")
    }

    /// Whether it names nobody: withheld, or unknown to the network (TS 23.003 13.7).
    fn is_nobody(&self) -> bool {
        let user = ["unknown", "unavailable"];
        self.is_anonymous()
            || user.iter().any(|word| self.number.eq_ignore_ascii_case(word.as_bytes()))
            || self.host.eq_ignore_ascii_case(b"unknown.invalid")
    }
}

/// Remote-Party-ID (draft-ietf-sip-privacy-04).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteParty {
    /// Who.
    pub claim: Claim,
    /// Whether `privacy` withholds the number: `full` or `uri`.
    pub private: bool,
}

/// The words of Privacy (RFC 3323 4.2, RFC 3325 9.3, RFC 7044 10.1), each once, in the order in which we write them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PrivacyWords(Vec<PrivacyWord>);

/// One word of Privacy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PrivacyWord {
    /// The network withholds the asserted identity.
    Id,
    /// The caller asks for its From, Call-ID and so on to be replaced.
    User,
    /// The caller asks for headers that name it to be hidden.
    Header,
    /// The caller asks for its media address to be hidden.
    Session,
    /// History-Info is withheld.
    History,
    /// Nothing is to be withheld, whatever the subscription says.
    None,
    /// Rather no call than a call without the above.
    Critical,
}

const WORDS: &[(PrivacyWord, &str)] = &[
    (PrivacyWord::Id, "id"),
    (PrivacyWord::User, "user"),
    (PrivacyWord::Header, "header"),
    (PrivacyWord::Session, "session"),
    (PrivacyWord::History, "history"),
    (PrivacyWord::None, "none"),
    (PrivacyWord::Critical, "critical"),
];

impl PrivacyWord {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        WORDS.iter().find(|(word, _)| *word == self).map_or("id", |(_, text)| text)
    }
}

impl PrivacyWords {
    /// Takes in a value of Privacy: words between semicolons, by some peers between commas. Unknown ones are left out.
    pub fn read(&mut self, value: &[u8]) {
        for word in value.split(|byte| matches!(byte, b';' | b',')).map(<[u8]>::trim_ascii) {
            if let Some((known, _)) = WORDS.iter().find(|(_, text)| word.eq_ignore_ascii_case(text.as_bytes())) {
                self.add(*known);
            }
        }
    }

    /// Adds a word.
    pub fn add(&mut self, word: PrivacyWord) {
        if let Err(place) = self.0.binary_search(&word) {
            self.0.insert(place, word);
        }
    }

    /// Whether a word is there.
    pub fn has(&self, word: PrivacyWord) -> bool {
        self.0.contains(&word)
    }

    /// The words.
    pub fn iter(&self) -> impl Iterator<Item = PrivacyWord> {
        self.0.iter().copied()
    }

    /// Whether they withhold the number. `session` does too: who hides its address hides its number.
    pub fn withhold(&self) -> bool {
        [PrivacyWord::Id, PrivacyWord::User, PrivacyWord::Header, PrivacyWord::Session]
            .iter()
            .any(|word| self.has(*word))
    }
}
