//! Who calls, as an INVITE tells it.

use super::sip_writer::{SipText, user_of};

/// What an INVITE said of who calls, each number as its last eleven digits.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// From.
    pub from: String,
    /// P-Asserted-Identity.
    pub asserted: Option<String>,
    /// Every number of every other header that names a party.
    pub claimed: Vec<String>,
    /// Whether the number is withheld.
    pub withheld: bool,
}

impl Told {
    /// Reads an INVITE.
    pub fn of(message: &SipText) -> Self {
        let named = ["p-asserted-identity", "p-preferred-identity", "remote-party-id", "diversion", "history-info"];
        let digits = |value: &str| eleven(user_of(value));
        let values = message.headers.iter().filter(|(name, _)| named.contains(&name.trim().to_lowercase().as_str()));
        Self {
            from: digits(message.header("from").unwrap_or_default()),
            asserted: message.header("p-asserted-identity").map(digits),
            claimed: values.map(|(_, value)| digits(value)).filter(|number| number.len() >= 7).collect(),
            withheld: message.header("privacy").is_some_and(|words| words.contains("id"))
                || message.header("from").is_some_and(|from| from.contains("anonymous.invalid")),
        }
    }

    /// The number that counts: the network's word before the telephone's, where the network is trusted.
    pub fn verified(&self, trusted: bool) -> &str {
        self.asserted.as_deref().filter(|_| trusted).unwrap_or(&self.from)
    }
}

/// The citizen's number in From, as its last eleven digits: what ties the legs of a matter together. Where From names
/// nobody, it is what the network asserts.
pub fn number_of(message: &SipText) -> String {
    let from = eleven(user_of(message.header("from").unwrap_or_default()));
    match message.header("p-asserted-identity") {
        Some(asserted) if from.is_empty() => eleven(user_of(asserted)),
        Some(_) | None => from,
    }
}

/// The last eleven digits of a user part.
pub fn eleven(user: &str) -> String {
    let digits: Vec<char> = user.chars().filter(char::is_ascii_digit).collect();
    digits[digits.len().saturating_sub(11)..].iter().collect()
}
