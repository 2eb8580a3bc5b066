//! Personal data: a value that prints masked and gives itself whole only to those who ask by name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Personal data of a citizen, such as a telephone number.
///
/// `Debug` and `Display` print it masked (`139****1111`), so that no log, metric or page shows it by accident. It is
/// whole on the wire, in the ticket, and for those entitled, through [`Pii::reveal`].
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pii(String);

impl Pii {
    /// Takes personal data into custody.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The whole value. Call it only to write the wire, the ticket, or the answer to an entitled reader.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pii {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.chars().count();
        // Short codes (110, 12345) name a service, not a person.
        if count <= 5 {
            return f.write_str(&self.0);
        }
        let (head, tail) = if count >= 9 { (3, 4) } else { (2, 2) };
        let first: String = self.0.chars().take(head).collect();
        let last: String = self.0.chars().skip(count - tail).collect();
        write!(f, "{first}****{last}")
    }
}

impl fmt::Debug for Pii {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pii({self})")
    }
}
