//! A name and a URI, before they are written.

use std::fmt;

use crate::base::pii::Pii;
use crate::routing::caller_id::DisplayName;
use crate::routing::profile::UriForm;

/// `"display" <target>;params`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The name; written in the profile's character set.
    pub display: Option<DisplayName>,
    /// The URI.
    pub target: Target,
    /// Parameters of the header, in order; a value that is no token comes with its quotes.
    pub params: Vec<(&'static str, String)>,
}

impl Address {
    /// A bare address.
    pub(super) const fn bare(target: Target) -> Self {
        Self { display: None, target, params: Vec::new() }
    }
}

/// A URI that holds a telephone number, or the URI of nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// sip: or tel:.
    pub form: UriForm,
    /// The user part, or the number of a tel: URI.
    pub user: String,
    /// The host of a sip: URI.
    pub host: String,
    /// Its port, where it is not the default.
    pub port: Option<u16>,
    /// Parameters of the URI, in order, `user=phone` aside.
    pub params: Vec<(&'static str, String)>,
    /// Headers of the URI (RFC 3261 19.1.1), as in History-Info.
    pub headers: Vec<(&'static str, String)>,
}

impl Target {
    /// A sip: URI.
    pub(super) fn sip(user: impl Into<String>, host: impl Into<String>) -> Self {
        Self {
            form: UriForm::Sip,
            user: user.into(),
            host: host.into(),
            port: None,
            params: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// The number that it holds.
    pub(super) fn number(&self) -> String {
        match self.host.ends_with(".invalid") {
            true => String::new(),
            false => self.user.clone(),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}:{}@{}", self.form, Pii::new(self.user.as_str()), self.host)
    }
}
