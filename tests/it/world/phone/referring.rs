//! The phone presses transfer: REFER, blind or naming another dialog, and INVITE with Replaces; and what it does with
//! the reports.

use std::time::Duration;

use lianxian::base::time::Instant;

use super::super::sip_writer::SipText;
use super::{Phase, Phone, PhoneDialog, Todo};

/// What a phone does with a NOTIFY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnNotify {
    /// Answers 200, and 481 when its dialog is over.
    Accept,
    /// Answers 481 although its dialog lives.
    Unknown,
    /// Answers nothing.
    Ignore,
}

/// The phone's latest REFER in a dialog, and what came of it.
#[derive(Clone, Debug, Default)]
pub struct Referral {
    /// Its CSeq; 0 when there was none.
    pub cseq: u32,
    /// The final response to it.
    pub answer: Option<u16>,
    /// The reports, in order: status, and whether it was the last one. Repetitions do not count.
    pub reports: Vec<(u16, bool)>,
}

impl Phone {
    /// Transfers the other side of a dialog to a number (REFER).
    pub fn refer(&mut self, now: Instant, call_id: &str, number: &str) {
        let refer_to = format!("<sip:{number}@{}>", self.server);
        self.refer_to(now, call_id, &refer_to);
    }

    /// Transfers the other side of a dialog to that of another dialog of ours (REFER with Replaces).
    pub fn refer_to_dialog(&mut self, now: Instant, call_id: &str, other: &str) {
        let server = self.server;
        let Some(other) = self.dialog(other) else { return };
        let escaped = replaces(other).replace('@', "%40").replace(';', "%3B").replace('=', "%3D");
        let refer_to = format!("<sip:{}@{server}?Replaces={escaped}>", other.remote_number());
        self.refer_to(now, call_id, &refer_to);
    }

    /// Transfers with a Refer-To of one's own making.
    pub fn refer_to(&mut self, now: Instant, call_id: &str, refer_to: &str) {
        let number = self.number.clone();
        let server = self.server;
        if self.dialog(call_id).is_none_or(|dialog| dialog.phase != Phase::Up) {
            return;
        }
        let claims = self.manners.refer_claims.clone();
        let refer = self
            .in_dialog(call_id, "REFER")
            .with("Refer-To", refer_to)
            .with("Referred-By", format!("<sip:{number}@{}>", server.ip()));
        let refer = claims.into_iter().fold(refer, |refer, (name, value)| refer.with(name, value));
        let cseq = refer.cseq().0;
        if let Some(dialog) = self.dialog(call_id) {
            dialog.referral = Referral { cseq, ..Referral::default() };
        }
        self.ask(now, refer);
    }

    /// Calls in the place of a dialog of ours (INVITE with Replaces); the Call-ID names the new dialog.
    pub fn call_replacing(&mut self, now: Instant, number: &str, other: &str) -> String {
        let header = self.dialog(other).map(|dialog| replaces(dialog)).unwrap_or_default();
        self.call_with(now, number, &[("Replaces", header)])
    }

    pub(super) fn on_refer_response(&mut self, now: Instant, response: &SipText, code: u16) {
        let bye_after = self.manners.bye_after_refer;
        let call_id = response.call_id().to_owned();
        let Some(dialog) = self.dialog(&call_id) else { return };
        if dialog.referral.cseq != response.cseq().0 {
            return;
        }
        dialog.referral.answer = Some(code);
        if let Some(after) = bye_after.filter(|_| code < 300) {
            self.later(now + after, Todo::HangUp { call_id });
        }
    }

    pub(super) fn on_notify(&mut self, request: &SipText) {
        let call_id = request.call_id().to_owned();
        let on_notify = self.manners.on_notify;
        let last = request.header("subscription-state").is_some_and(|state| state.starts_with("terminated"));
        let status = request.body.split(' ').nth(1).and_then(|code| code.parse().ok());
        let Some(dialog) = self.dialog(&call_id).filter(|dialog| dialog.phase == Phase::Up) else {
            return self.reply(request, 481, "Over");
        };
        match (on_notify, status) {
            (OnNotify::Ignore, _) => {}
            (OnNotify::Unknown, _) => self.reply(request, 481, "Unknown"),
            (OnNotify::Accept, None) => self.reply(request, 400, "No sipfrag"),
            (OnNotify::Accept, Some(status)) => {
                dialog.referral.reports.push((status, last));
                self.reply(request, 200, "OK");
            }
        }
    }
}

/// The name of a dialog as its own phone writes it: the far end's tag is the to-tag (RFC 3891 3).
fn replaces(dialog: &PhoneDialog) -> String {
    let remote = dialog.remote_tag.as_deref().unwrap_or("0");
    format!("{};to-tag={remote};from-tag={}", dialog.call_id, dialog.local_tag)
}

impl super::super::World {
    /// The party transfers the other side of its latest dialog to a number.
    pub fn transfers(&mut self, party: usize, number: &str) {
        self.on_last(party, |phone, now, call_id| phone.refer(now, call_id, number));
    }

    /// The party transfers the other side of one dialog to that of another.
    pub fn transfers_to(&mut self, party: usize, call_id: &str, other: &str) {
        self.with(party, |phone, now| phone.refer_to_dialog(now, call_id, other));
    }

    /// The party calls a number in the place of one of its dialogs. Gives the new dialog's Call-ID.
    pub fn calls_replacing(&mut self, party: usize, number: &str, other: &str) -> String {
        self.with(party, |phone, now| phone.call_replacing(now, number, other))
    }

    /// What came of the party's latest REFER.
    pub fn referral(&self, party: usize) -> &Referral {
        let made = self.phones[party].dialogs.iter().rev().map(|dialog| &dialog.referral);
        made.clone().find(|referral| referral.cseq > 0).unwrap_or_else(|| panic!("party {party} has never referred"))
    }

    /// Waits until the party's latest REFER has had its last report. Gives its status.
    pub fn until_reported(&mut self, party: usize) -> u16 {
        let last = |world: &Self| world.referral(party).reports.iter().find(|(_, last)| *last).map(|(code, _)| *code);
        let done = self.run_until(Duration::from_secs(120), |world| last(world).is_some());
        self.must(done, &format!("the REFER of party {party} is settled"));
        last(self).expect("just waited for")
    }
}
