//! The session timer of one dialog, at work (RFC 4028).

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::TalkingTimer;
use super::context::Context;
use super::reinvite::Purpose;
use crate::sip::dialog::session_timer::{self, Refresher, SessionTimer, Wish};
use crate::sip::message::{Headers, Name};

/// The session timer of one dialog and what a refresh needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    timer: Option<SessionTimer>,
    refresh_by: RefreshBy,
    /// The latest session description of ours, which a refresh by re-INVITE repeats.
    local: Option<Bytes>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum RefreshBy {
    Update,
    Reinvite,
}

impl Session {
    /// What the peer's 2xx to our INVITE grants.
    pub fn of_response(cx: &mut Context<'_>, headers: &Headers, offer: Bytes) -> Self {
        let timer = session_timer::granted(headers);
        let session = Self { timer, refresh_by: allowed(headers), local: Some(offer) };
        session.arm(cx);
        session
    }

    /// What we have granted in our 2xx to the peer's INVITE.
    pub fn of_request(cx: &mut Context<'_>, headers: &Headers, timer: Option<SessionTimer>, sdp: &Bytes) -> Self {
        let session = Self { timer, refresh_by: allowed(headers), local: Some(sdp.clone()) };
        session.arm(cx);
        session
    }

    /// The agreed timer.
    pub fn timer(&self) -> Option<SessionTimer> {
        self.timer
    }

    /// The latest session description of ours.
    pub fn local(&self) -> Option<&Bytes> {
        self.local.as_ref()
    }

    /// Keeps the latest session description of ours.
    pub fn remember(&mut self, sdp: &Bytes) {
        self.local = Some(sdp.clone());
    }

    /// The peer's re-INVITE or UPDATE refreshes the session; gives what our 2xx grants.
    pub fn renewed_by_peer(&mut self, cx: &mut Context<'_>, headers: &Headers) -> Option<SessionTimer> {
        match session_timer::asked(headers) {
            Wish::Timer(timer) => self.timer = Some(timer),
            // RFC 4028 9: a refresh without Session-Expires ends the use of the timer.
            Wish::None | Wish::TooShort => self.timer = None,
        }
        self.arm(cx);
        self.timer
    }

    /// The peer's 2xx to our re-INVITE or UPDATE refreshes the session.
    pub fn renewed_by_us(&mut self, cx: &mut Context<'_>, headers: &Headers) {
        // RFC 4028 7.2: a 2xx without Session-Expires leaves no timer.
        self.timer = session_timer::granted(headers);
        self.arm(cx);
    }

    /// How the next refresh is made.
    pub(super) fn refresh_purpose(&self) -> Purpose {
        match self.refresh_by {
            RefreshBy::Reinvite if self.local.is_some() => Purpose::RefreshByReinvite,
            RefreshBy::Reinvite | RefreshBy::Update => Purpose::RefreshByUpdate,
        }
    }

    /// The peer does not take UPDATE after all.
    pub fn refresh_by_reinvite(&mut self) {
        self.refresh_by = RefreshBy::Reinvite;
    }

    fn arm(&self, cx: &mut Context<'_>) {
        cx.stop(TalkingTimer::Refresh);
        cx.stop(TalkingTimer::SessionExpired);
        let Some(timer) = self.timer else { return };
        cx.arm(TalkingTimer::SessionExpired, timer.expires_after());
        if timer.refresher == Refresher::Us {
            cx.arm(TalkingTimer::Refresh, timer.refresh_after());
        }
    }
}

fn allowed(headers: &Headers) -> RefreshBy {
    if headers.has_option(&Name::Allow, "UPDATE") { RefreshBy::Update } else { RefreshBy::Reinvite }
}
