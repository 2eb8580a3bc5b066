//! Session timers: a session that nobody refreshes is over (RFC 4028).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::sip::message::{Headers, Name};

/// The shortest interval that we accept (RFC 4028 4).
pub const MIN_SE: Duration = Duration::from_secs(90);
/// No timer is longer than this, whatever a peer asks for (V29, I10).
const LONGEST: Duration = Duration::from_secs(86_400);

/// Who refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refresher {
    /// We do.
    Us,
    /// The peer does.
    Peer,
}

/// A session timer that both ends agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionTimer {
    /// The session lasts this long after each refresh.
    pub interval: Duration,
    /// Who refreshes.
    pub refresher: Refresher,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// No session timer.
    None,
    /// This one.
    Timer(SessionTimer),
    /// One that is too short: 422 with our Min-SE.
    TooShort,
}

/// What the peer's INVITE or UPDATE asks for, and who will refresh (RFC 4028 9): the peer if it can, else we.
pub fn asked(headers: &Headers) -> Wish {
    let Some((interval, refresher)) = session_expires(headers) else { return Wish::None };
    if interval < MIN_SE {
        return Wish::TooShort;
    }
    let capable = headers.options(&Name::Supported).iter().any(|option| option.eq_ignore_ascii_case(b"timer"));
    let refresher = match refresher {
        Some(Role::Uas) => Refresher::Us,
        Some(Role::Uac) | None if capable => Refresher::Peer,
        Some(Role::Uac) | None => Refresher::Us,
    };
    Wish::Timer(SessionTimer { interval: interval.min(LONGEST), refresher })
}

/// What the peer's 2xx to our INVITE or UPDATE says (RFC 4028 7.2).
pub fn granted(headers: &Headers) -> Option<SessionTimer> {
    let (interval, refresher) = session_expires(headers)?;
    let refresher = match refresher {
        Some(Role::Uas) => Refresher::Peer,
        Some(Role::Uac) | None => Refresher::Us,
    };
    // A peer that grants less than the minimum would make us flood it with refreshes.
    Some(SessionTimer { interval: interval.clamp(MIN_SE, LONGEST), refresher })
}

impl SessionTimer {
    /// The Session-Expires value of our 2xx to the peer's request.
    pub fn answer_value(&self) -> String {
        let role = match self.refresher {
            Refresher::Us => "uas",
            Refresher::Peer => "uac",
        };
        format!("{};refresher={role}", self.interval.as_secs())
    }

    /// The Session-Expires value of our refresh.
    pub fn refresh_value(&self) -> String {
        let role = match self.refresher {
            Refresher::Us => "uac",
            Refresher::Peer => "uas",
        };
        format!("{};refresher={role}", self.interval.as_secs())
    }

    /// When to refresh, after the last refresh: at half the interval.
    pub fn refresh_after(&self) -> Duration {
        self.interval / 2
    }

    /// When the session is given up, after the last refresh (RFC 4028 10): a little before the interval ends.
    pub fn expires_after(&self) -> Duration {
        self.interval - Duration::from_secs(32).min(self.interval / 3)
    }
}

#[derive(Clone, Copy)]
enum Role {
    Uac,
    Uas,
}

fn session_expires(headers: &Headers) -> Option<(Duration, Option<Role>)> {
    let value = headers.get(&Name::SessionExpires)?;
    let text = std::str::from_utf8(value).ok()?;
    let mut parts = text.split(';').map(str::trim);
    let seconds: u64 = parts.next()?.parse().ok()?;
    let mut role = None;
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        if name.trim().eq_ignore_ascii_case("refresher") {
            role = match value.trim() {
                value if value.eq_ignore_ascii_case("uac") => Some(Role::Uac),
                value if value.eq_ignore_ascii_case("uas") => Some(Role::Uas),
                _ => None,
            };
        }
    }
    Some((Duration::from_secs(seconds), role))
}
