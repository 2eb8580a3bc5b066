//! The phone as a server: what it does with the product's requests.

use std::time::Duration;

use lianxian::base::time::Instant;

use super::super::sdp_writer::{Direction, Session};
use super::super::sip_writer::{SipText, uri_of};
use super::hearing::Voice;
use super::{Ending, Heard, Line, OnInvite, PATIENCE, Phase, Phone, PhoneDialog, PhoneOutput, Referral, T1, T2, Todo};

impl Phone {
    pub(super) fn on_request(&mut self, now: Instant, request: &SipText) {
        let method = request.method().unwrap_or_default().to_owned();
        if method == "ACK" {
            return self.on_ack(now, request);
        }
        let key = (request.branch().to_owned(), method.clone());
        if let Some(again) = self.answered.get(&key) {
            if !again.is_empty() {
                let again = again.clone();
                self.out.push_back(PhoneOutput::Sip(again));
            }
            return;
        }
        if self.manners.on_invite == OnInvite::Deaf && method == "INVITE" && request.tag("to").is_none() {
            return;
        }
        match method.as_str() {
            "INVITE" if request.tag("to").is_none() => self.on_new_invite(now, request),
            "INVITE" => self.on_reinvite(now, request),
            "BYE" => self.on_bye(now, request),
            "CANCEL" => self.on_cancel(now, request),
            "INFO" => self.on_info(now, request),
            "NOTIFY" => self.on_notify(request),
            "OPTIONS" => self.reply(request, self.manners.on_options, "Here"),
            _ => self.reply(request, 405, "Method Not Allowed"),
        }
    }

    pub(super) fn reply(&mut self, request: &SipText, code: u16, reason: &str) {
        let mut response = SipText::response(code, reason, request);
        let tag = self
            .dialogs
            .iter()
            .find(|dialog| dialog.call_id == request.call_id())
            .map_or_else(|| format!("{}{}xstateless", super::super::MARK, self.id), |dialog| dialog.local_tag.clone());
        if code > 100 && request.tag("to").is_none() {
            for (name, value) in &mut response.headers {
                if name.eq_ignore_ascii_case("to") {
                    value.push_str(&format!(";tag={tag}"));
                }
            }
        }
        if let Some(seconds) = self.manners.retry_after_s.filter(|_| code >= 500) {
            response = response.with("Retry-After", seconds.to_string());
        }
        let bytes = response.to_bytes();
        let key = (request.branch().to_owned(), request.method().unwrap_or_default().to_owned());
        self.answered.insert(key, bytes.clone());
        self.out.push_back(PhoneOutput::Sip(bytes));
    }

    fn on_new_invite(&mut self, now: Instant, request: &SipText) {
        let call_id = request.call_id().to_owned();
        let local_tag = self.token();
        let mine = self.session(Direction::Both);
        let mut routes: Vec<String> = request.all("record-route").map(str::to_owned).collect();
        routes.dedup();
        let dialog = PhoneDialog {
            call_id: call_id.clone(),
            local_tag,
            remote_tag: request.tag("from").map(str::to_owned),
            local: request.header("to").unwrap_or_default().to_owned(),
            remote: request.header("from").unwrap_or_default().split(";tag=").next().unwrap_or_default().to_owned(),
            target: uri_of(request.header("contact").unwrap_or_default()).to_owned(),
            routes,
            cseq: 0,
            remote_cseq: request.cseq().0,
            phase: Phase::Ringing,
            invite: request.clone(),
            stream: self.next_stream(),
            mine,
            theirs: request.sdp().and_then(Session::read),
            heard: Heard::default(),
            provisionals: Vec::new(),
            up_at: None,
            pressed: Vec::new(),
            referral: Referral::default(),
            voice: Voice::default(),
            unacknowledged: None,
            acknowledgement: None,
            wants: Direction::Both,
            before: Direction::Both,
            reinvite: None,
        };
        let busy = self.live().count() > 0 && self.registration.is_some();
        self.dialogs.push(dialog);
        if busy {
            return self.refuse(now, &call_id, 486);
        }
        if let OnInvite::Mute { after } = self.manners.on_invite {
            // Repetitions of the INVITE are not answered either.
            self.answered.insert((request.branch().to_owned(), "INVITE".to_owned()), Vec::new());
            return self.later(now + after, Todo::Answer { call_id });
        }
        self.reply(request, 100, "Trying");
        let (todo, after) = match self.manners.on_invite {
            OnInvite::Answer { after } => (Todo::Answer { call_id: call_id.clone() }, after),
            OnInvite::EarlyThenAnswer { after } => {
                self.ring_early(now, &call_id);
                return self.later(now + after, Todo::Answer { call_id });
            }
            OnInvite::Refuse { code, after } => {
                return self.later(now + after, Todo::Refuse { call_id, code });
            }
            OnInvite::RingOut | OnInvite::AnswerDespiteCancel { .. } => return self.reply(request, 180, "Ringing"),
            OnInvite::Deaf | OnInvite::Mute { .. } => return,
        };
        self.reply(request, 180, "Ringing");
        self.later(now + after, todo);
    }

    fn ring_early(&mut self, now: Instant, call_id: &str) {
        let contact = self.contact();
        let Some(dialog) = self.dialog(call_id) else { return };
        let invite = dialog.invite.clone();
        let answer = answer_to(&dialog.mine, dialog.theirs.as_ref());
        dialog.mine = answer.clone();
        let tag = dialog.local_tag.clone();
        let mut response = SipText::response(183, "Session Progress", &invite).with("Contact", contact);
        tag_to(&mut response, &tag);
        let bytes = response.with_sdp(&answer.write()).to_bytes();
        self.answered.insert((invite.branch().to_owned(), "INVITE".into()), bytes.clone());
        self.out.push_back(PhoneOutput::Sip(bytes));
        self.start_voice(now, call_id);
    }

    /// Picks up.
    pub fn answer(&mut self, now: Instant, call_id: &str) {
        let contact = self.contact();
        let Some(dialog) = self.dialog(call_id) else { return };
        if dialog.phase != Phase::Ringing {
            return;
        }
        let invite = dialog.invite.clone();
        let session = answer_to(&dialog.mine, dialog.theirs.as_ref());
        dialog.mine = session.clone();
        let tag = dialog.local_tag.clone();
        let mut response = SipText::response(200, "OK", &invite)
            .with("Contact", contact)
            .with("User-Agent", format!("{}{}x", super::super::MARK, self.id));
        tag_to(&mut response, &tag);
        if !self.manners.answers_without_sdp {
            response = response.with_sdp(&session.write());
        }
        self.say_2xx(now, call_id, &invite, &response);
        self.go_up(now, call_id);
    }

    fn say_2xx(&mut self, now: Instant, call_id: &str, request: &SipText, response: &SipText) {
        let bytes = response.to_bytes();
        self.answered.insert((request.branch().to_owned(), "INVITE".into()), bytes.clone());
        if let Some(dialog) = self.dialog(call_id) {
            dialog.unacknowledged = Some(bytes.clone());
        }
        self.out.push_back(PhoneOutput::Sip(bytes));
        let call_id = call_id.to_owned();
        self.later(now + T1, Todo::Repeat2xx { call_id, wait: T1, until: now + PATIENCE });
    }

    pub(super) fn repeat_2xx(&mut self, now: Instant, call_id: String, wait: Duration, until: Instant) {
        let Some(bytes) = self.dialog(&call_id).and_then(|dialog| dialog.unacknowledged.clone()) else { return };
        if now >= until {
            self.end(now, &call_id, Ending::Silence);
            return;
        }
        self.out.push_back(PhoneOutput::Sip(bytes));
        let wait = (wait * 2).min(T2);
        self.later(now + wait, Todo::Repeat2xx { call_id, wait, until });
    }

    /// Refuses a call that rings here.
    pub fn refuse(&mut self, now: Instant, call_id: &str, code: u16) {
        let Some(dialog) = self.dialog(call_id) else { return };
        if dialog.phase != Phase::Ringing {
            return;
        }
        let invite = dialog.invite.clone();
        self.end(now, call_id, Ending::Refused(code));
        self.refuse_request(now, &invite, code);
    }

    fn refuse_request(&mut self, now: Instant, request: &SipText, code: u16) {
        self.reply(request, code, "No");
        let key = (request.branch().to_owned(), "INVITE".to_owned());
        if self.line == Line::Udp {
            self.later(now + T1, Todo::RepeatRefusal { key, wait: T1, until: now + PATIENCE });
        }
    }

    pub(super) fn repeat_refusal(&mut self, now: Instant, key: (String, String), wait: Duration, until: Instant) {
        if now >= until || self.answered.contains_key(&(key.0.clone(), "acked".into())) {
            return;
        }
        if let Some(bytes) = self.answered.get(&key) {
            let bytes = bytes.clone();
            self.out.push_back(PhoneOutput::Sip(bytes));
        }
        let wait = (wait * 2).min(T2);
        self.later(now + wait, Todo::RepeatRefusal { key, wait, until });
    }

    fn on_ack(&mut self, now: Instant, ack: &SipText) {
        self.answered.insert((ack.branch().to_owned(), "acked".into()), Vec::new());
        let call_id = ack.call_id().to_owned();
        let Some(dialog) = self.dialog(&call_id) else { return };
        if matches!(dialog.phase, Phase::Over(Ending::Mine)) {
            // It has hung up before.
            dialog.unacknowledged = None;
        }
        if matches!(dialog.phase, Phase::Up) {
            dialog.unacknowledged = None;
            if let Some(theirs) = ack.sdp().and_then(Session::read) {
                dialog.theirs = Some(theirs);
            }
        }
        let _ = now;
    }

    fn on_reinvite(&mut self, now: Instant, request: &SipText) {
        let call_id = request.call_id().to_owned();
        let contact = self.contact();
        if let Some(code) = self.manners.refuses_offers {
            return self.refuse_request(now, request, code);
        }
        let Some(dialog) = self.dialog(&call_id).filter(|dialog| dialog.phase == Phase::Up) else {
            return self.refuse_request(now, request, 481);
        };
        if dialog.reinvite.is_some() {
            return self.refuse_request(now, request, 491);
        }
        dialog.remote_cseq = request.cseq().0;
        if let Some(offer) = request.sdp().and_then(Session::read) {
            let direction = match offer.direction {
                Direction::SendOnly => Direction::ReceiveOnly,
                Direction::Inactive => Direction::Inactive,
                Direction::Both | Direction::ReceiveOnly => dialog.wants,
            };
            let mut mine = answer_to(&dialog.mine, Some(&offer));
            mine.direction = direction;
            if mine != dialog.mine {
                mine.version += 1;
            }
            dialog.theirs = Some(offer);
            dialog.mine = mine;
        }
        let sdp = dialog.mine.write();
        let response = SipText::response(200, "OK", request).with("Contact", contact).with_sdp(&sdp);
        self.say_2xx(now, &call_id, request, &response);
    }

    fn on_bye(&mut self, now: Instant, request: &SipText) {
        let call_id = request.call_id().to_owned();
        let known = self.dialog(&call_id).map(|dialog| dialog.phase);
        match known {
            Some(Phase::Over(Ending::Forgotten)) | None => self.reply(request, 481, "Unknown"),
            Some(Phase::Over(_)) => self.reply(request, 481, "Over"),
            Some(_) => {
                self.reply(request, 200, "OK");
                if let Some(dialog) = self.dialog(&call_id) {
                    dialog.unacknowledged = None;
                }
                self.end(now, &call_id, Ending::TheirBye);
            }
        }
    }

    fn on_cancel(&mut self, now: Instant, request: &SipText) {
        let call_id = request.call_id().to_owned();
        let phase = self.dialog(&call_id).map(|dialog| (dialog.phase, dialog.invite.clone()));
        match phase {
            Some((Phase::Ringing, invite)) => {
                self.reply(request, 200, "OK");
                if let OnInvite::AnswerDespiteCancel { after } = self.manners.on_invite {
                    return self.later(now + after, Todo::Answer { call_id });
                }
                self.end(now, &call_id, Ending::TheirCancel);
                self.refuse_request(now, &invite, 487);
            }
            Some((Phase::Over(Ending::Forgotten), _)) | None => self.reply(request, 481, "Unknown"),
            Some(_) => self.reply(request, 200, "OK"),
        }
    }

    fn on_info(&mut self, now: Instant, request: &SipText) {
        let call_id = request.call_id().to_owned();
        let Some(dialog) = self.dialog(&call_id).filter(|dialog| dialog.phase == Phase::Up) else {
            return self.reply(request, 481, "Unknown");
        };
        let digit = request
            .body
            .lines()
            .find_map(|line| line.split_once('=').filter(|(key, _)| key.trim().eq_ignore_ascii_case("signal")))
            .and_then(|(_, value)| value.trim().chars().next());
        if let Some(digit) = digit {
            dialog.heard.keys.push((now, digit));
        }
        self.reply(request, 200, "OK");
    }
}

/// Our session cut to the codecs that the other side named, in our order.
fn answer_to(mine: &Session, theirs: Option<&Session>) -> Session {
    let mut answer = mine.clone();
    if let Some(theirs) = theirs {
        answer.codecs =
            theirs.codecs.iter().filter(|(_, name)| mine.codecs.iter().any(|(_, own)| own == name)).cloned().collect();
    }
    answer
}

fn tag_to(response: &mut SipText, tag: &str) {
    for (name, value) in &mut response.headers {
        if name.eq_ignore_ascii_case("to") && !value.contains(";tag=") {
            value.push_str(&format!(";tag={tag}"));
        }
    }
}
