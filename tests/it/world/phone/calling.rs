//! The phone as a client: INVITE, re-INVITE, CANCEL, BYE, INFO, and what comes back.

use std::time::Duration;

use lianxian::base::time::Instant;

use super::super::sdp_writer::{Direction, Session};
use super::super::sip_writer::{SipText, uri_of};
use super::hearing::Voice;
use super::{Acks, Ending, Heard, OfferStyle, PATIENCE, Phase, Phone, PhoneDialog, Referral, T1, T2, Todo, Waiting};

impl Phone {
    /// Calls a number through the product; the Call-ID names the dialog from now on.
    pub fn call(&mut self, now: Instant, number: &str) -> String {
        self.call_with(now, number, &[])
    }

    /// Calls with more headers.
    pub fn call_with(&mut self, now: Instant, number: &str, headers: &[(&str, String)]) -> String {
        let call_id = self.token();
        let local_tag = self.token();
        let local = match self.manners.anonymous {
            true => "\"Anonymous\" <sip:anonymous@anonymous.invalid>".to_owned(),
            false => format!("<sip:{}@{}>", self.number, self.address.ip()),
        };
        let remote = format!("<sip:{number}@{}>", self.server.ip());
        let target = format!("sip:{number}@{}", self.server);
        let mine = self.session(Direction::Both);
        let mut invite = SipText::request("INVITE", &target)
            .with("Via", self.via())
            .with("Max-Forwards", self.manners.max_forwards.to_string())
            .with("From", format!("{local};tag={local_tag}"))
            .with("To", remote.clone())
            .with("Call-ID", call_id.clone())
            .with("CSeq", "1 INVITE")
            .with("Contact", self.contact())
            .with("User-Agent", format!("{}{}x", super::super::MARK, self.id));
        for (name, value) in headers {
            invite = invite.with(name, value.clone());
        }
        for (name, value) in &self.manners.claims {
            invite = invite.with(name, value.clone());
        }
        if self.manners.offer == OfferStyle::Early {
            invite = invite.with_sdp(&mine.write());
        }
        let dialog = PhoneDialog {
            call_id: call_id.clone(),
            local_tag,
            remote_tag: None,
            local,
            remote,
            target,
            routes: Vec::new(),
            cseq: 1,
            remote_cseq: 0,
            phase: Phase::Calling,
            invite: invite.clone(),
            stream: self.next_stream(),
            mine,
            theirs: None,
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
        self.dialogs.push(dialog);
        self.ask(now, invite);
        call_id
    }

    /// Ends a dialog by whatever its phase asks for.
    pub fn hang_up(&mut self, now: Instant, call_id: &str) {
        let hasty = self.chance.happens(self.manners.hasty_per_mille);
        let Some(dialog) = self.dialog(call_id) else { return };
        match dialog.phase {
            Phase::Calling => {
                dialog.phase = Phase::Cancelling;
                self.cancel_if_allowed(now, call_id);
            }
            Phase::Ringing => self.refuse(now, call_id, 603),
            // RFC 3261 15: whoever answered must not send BYE before its 2xx is acknowledged. Most wait for the ACK.
            Phase::Up if !hasty && dialog.unacknowledged.is_some() && dialog.remote_cseq == dialog.invite.cseq().0 => {
                let call_id = call_id.to_owned();
                self.later(now + T1 / 5, Todo::HangUp { call_id });
            }
            Phase::Up => {
                let bye = self.in_dialog(call_id, "BYE");
                self.ask(now, bye);
                self.end(now, call_id, Ending::Mine);
            }
            Phase::Cancelling | Phase::Over(_) => {}
        }
    }

    /// Puts the other side on hold by re-INVITE.
    pub fn hold(&mut self, now: Instant, call_id: &str) {
        self.want(now, call_id, Direction::SendOnly);
    }

    /// Takes the other side back.
    pub fn resume(&mut self, now: Instant, call_id: &str) {
        self.want(now, call_id, Direction::Both);
    }

    /// Presses a key and says so by INFO.
    pub fn press_by_info(&mut self, now: Instant, call_id: &str, digit: char) {
        let Some(dialog) = self.dialog(call_id) else { return };
        if dialog.phase != Phase::Up {
            return;
        }
        dialog.pressed.push(digit);
        let mut info = self.in_dialog(call_id, "INFO").with("Content-Type", "application/dtmf-relay");
        info.body = format!("Signal={digit}\r\nDuration=160\r\n");
        self.ask(now, info);
    }

    pub(super) fn next_stream(&self) -> u32 {
        (self.id as u32) * 4096 + self.dialogs.len() as u32 + 1
    }

    fn want(&mut self, now: Instant, call_id: &str, direction: Direction) {
        let Some(dialog) = self.dialog(call_id) else { return };
        dialog.wants = direction;
        self.reinvite(now, call_id);
    }

    /// Sends the re-INVITE for what is wanted, unless one is out.
    pub(super) fn reinvite(&mut self, now: Instant, call_id: &str) {
        let Some(dialog) = self.dialog(call_id) else { return };
        if dialog.phase != Phase::Up || dialog.reinvite.is_some() || dialog.mine.direction == dialog.wants {
            return;
        }
        dialog.mine.version += 1;
        self.offer_again(now, call_id);
    }

    /// Says the session again as it is, as the session timer of a trunk does, unless another re-INVITE is out.
    pub fn refresh(&mut self, now: Instant, call_id: &str) {
        let Some(dialog) = self.dialog(call_id) else { return };
        if dialog.phase == Phase::Up && dialog.reinvite.is_none() && dialog.mine.direction == dialog.wants {
            self.offer_again(now, call_id);
        }
    }

    fn offer_again(&mut self, now: Instant, call_id: &str) {
        let Some(dialog) = self.dialog(call_id) else { return };
        dialog.before = dialog.mine.direction;
        dialog.mine.direction = dialog.wants;
        let sdp = dialog.mine.write();
        let reinvite = self.in_dialog(call_id, "INVITE").with_sdp(&sdp);
        let cseq = reinvite.cseq().0;
        if let Some(dialog) = self.dialog(call_id) {
            dialog.reinvite = Some(cseq);
        }
        self.ask(now, reinvite);
    }

    /// A request within a dialog.
    pub fn in_dialog(&mut self, call_id: &str, method: &str) -> SipText {
        let (via, contact, max_forwards) = (self.via(), self.contact(), self.manners.max_forwards);
        let dialog = self.dialog(call_id).expect("the dialog is known");
        if method != "ACK" {
            dialog.cseq += 1;
        }
        let to_tag = dialog.remote_tag.as_ref().map(|tag| format!(";tag={tag}")).unwrap_or_default();
        let mut request = SipText::request(method, &dialog.target)
            .with("Via", via)
            .with("Max-Forwards", max_forwards.to_string())
            .with("From", format!("{};tag={}", dialog.local, dialog.local_tag))
            .with("To", format!("{}{to_tag}", dialog.remote))
            .with("Call-ID", dialog.call_id.clone())
            .with("CSeq", format!("{} {method}", dialog.cseq))
            .with("Contact", contact);
        for route in &dialog.routes {
            request = request.with("Route", route.clone());
        }
        request
    }

    /// Sends a request and repeats it until it is answered.
    pub(super) fn ask(&mut self, now: Instant, request: SipText) {
        let branch = request.branch().to_owned();
        self.send(&request);
        self.waiting.insert(branch.clone(), Waiting { request, provisional: false });
        self.later(now + T1, Todo::Retransmit { branch, wait: T1, until: now + PATIENCE });
    }

    pub(super) fn retransmit(&mut self, now: Instant, branch: String, wait: Duration, until: Instant) {
        let Some(waiting) = self.waiting.get(&branch) else { return };
        let request = waiting.request.clone();
        let invite = request.method() == Some("INVITE");
        if invite && waiting.provisional {
            return;
        }
        if now >= until {
            self.waiting.remove(&branch);
            self.end(now, request.call_id(), Ending::Silence);
            return;
        }
        if self.line == super::Line::Udp {
            self.send(&request);
        }
        let wait = if invite { wait * 2 } else { (wait * 2).min(T2) };
        self.later((now + wait).min(until), Todo::Retransmit { branch, wait, until });
    }

    pub(super) fn on_response(&mut self, now: Instant, response: &SipText) {
        let branch = response.branch().to_owned();
        let code = response.code().unwrap_or(0);
        let method = response.cseq().1.to_owned();
        if method == "REGISTER" {
            if self.waiting.remove(&branch).is_some() {
                self.on_registered(now, response);
            }
            return;
        }
        if method == "INVITE" {
            return self.on_invite_response(now, response, &branch, code);
        }
        let key = if method == "CANCEL" { format!("{branch}#cancel") } else { branch };
        if code < 200 || self.waiting.remove(&key).is_none() {
            return;
        }
        if method == "REFER" {
            self.on_refer_response(now, response, code);
        }
        if code == 481 && method != "CANCEL" {
            self.end(now, response.call_id(), Ending::Refused(481));
        }
    }

    fn on_invite_response(&mut self, now: Instant, response: &SipText, branch: &str, code: u16) {
        let call_id = response.call_id().to_owned();
        let cseq = response.cseq().0;
        if code < 200 {
            self.on_provisional(now, response, branch, code);
            return;
        }
        let request = self.waiting.remove(branch).map(|waiting| waiting.request);
        if code >= 300 {
            self.acknowledge_refusal(response, request.as_ref());
            if request.is_some() {
                self.on_invite_refused(now, &call_id, cseq, code);
            }
            return;
        }
        let Some(dialog) = self.dialog(&call_id) else { return };
        if dialog.phase == Phase::Over(Ending::Forgotten) {
            return;
        }
        if let Some((acked, bytes)) = &dialog.acknowledgement
            && *acked == cseq
        {
            let again = bytes.clone();
            self.out.push_back(super::PhoneOutput::Sip(again));
            return;
        }
        dialog.reinvite = dialog.reinvite.filter(|pending| *pending != cseq);
        dialog.remote_tag = response.tag("to").map(str::to_owned);
        if let Some(contact) = response.header("contact") {
            uri_of(contact).clone_into(&mut dialog.target);
        }
        if cseq == 1 {
            dialog.routes = response.all("record-route").map(str::to_owned).collect();
            dialog.routes.reverse();
        }
        dialog.theirs = response.sdp().and_then(Session::read).or_else(|| dialog.theirs.clone());
        self.acknowledge(now, &call_id, cseq, request.is_some_and(|request| request.sdp().is_none()));
        let cancelling = self.dialog(&call_id).is_some_and(|dialog| dialog.phase == Phase::Cancelling);
        let over = self.dialog(&call_id).is_some_and(|dialog| matches!(dialog.phase, Phase::Over(_)));
        if cancelling || over {
            let bye = self.in_dialog(&call_id, "BYE");
            self.ask(now, bye);
            self.end(now, &call_id, Ending::Mine);
            return;
        }
        self.go_up(now, &call_id);
        self.reinvite(now, &call_id);
    }

    fn on_provisional(&mut self, now: Instant, response: &SipText, branch: &str, code: u16) {
        let call_id = response.call_id().to_owned();
        if let Some(waiting) = self.waiting.get_mut(branch) {
            waiting.provisional = true;
        }
        let Some(dialog) = self.dialog(&call_id) else { return };
        dialog.provisionals.push(code);
        if code > 100 && dialog.phase == Phase::Calling {
            // An early dialog (RFC 3261 12.1).
            dialog.remote_tag = response.tag("to").map(str::to_owned);
        }
        if let Some(theirs) = response.sdp().and_then(Session::read) {
            dialog.theirs = Some(theirs);
        }
        if dialog.phase == Phase::Cancelling {
            self.cancel_if_allowed(now, &call_id);
        }
    }

    /// RFC 3261 9.1: no CANCEL before a provisional.
    fn cancel_if_allowed(&mut self, now: Instant, call_id: &str) {
        let Some(dialog) = self.dialog(call_id) else { return };
        let invite = dialog.invite.clone();
        if dialog.provisionals.is_empty() {
            return;
        }
        let cancelled = self
            .waiting
            .values()
            .any(|waiting| waiting.request.call_id() == call_id && waiting.request.method() == Some("CANCEL"));
        if cancelled || self.answered.contains_key(&(invite.branch().to_owned(), "cancelled".to_owned())) {
            return;
        }
        self.answered.insert((invite.branch().to_owned(), "cancelled".to_owned()), Vec::new());
        let uri = invite.uri().unwrap_or_default().to_owned();
        let mut cancel = SipText::request("CANCEL", &uri);
        for name in ["Via", "Max-Forwards", "From", "To", "Call-ID"] {
            cancel = cancel.with(name, invite.header(name).unwrap_or_default());
        }
        let cancel = cancel.with("CSeq", format!("{} CANCEL", invite.cseq().0));
        self.send(&cancel);
        let key = format!("{}#cancel", invite.branch());
        self.waiting.insert(key.clone(), Waiting { request: cancel, provisional: false });
        self.later(now + T1, Todo::Retransmit { branch: key, wait: T1, until: now + PATIENCE });
    }

    fn acknowledge(&mut self, _now: Instant, call_id: &str, cseq: u32, answer_wanted: bool) {
        if self.manners.acks == Acks::Never {
            return;
        }
        let mut ack = self.in_dialog(call_id, "ACK");
        for (name, value) in &mut ack.headers {
            if name == "CSeq" {
                *value = format!("{cseq} ACK");
            }
        }
        let Some(dialog) = self.dialog(call_id) else { return };
        if answer_wanted {
            let mut mine = dialog.mine.clone();
            if let Some(theirs) = &dialog.theirs {
                mine.codecs.retain(|(_, name)| theirs.codecs.iter().any(|(_, other)| other == name));
            }
            ack = ack.with_sdp(&mine.write());
            dialog.mine = mine;
        }
        dialog.acknowledgement = Some((cseq, ack.to_bytes()));
        self.send(&ack);
    }

    fn acknowledge_refusal(&mut self, response: &SipText, request: Option<&SipText>) {
        let call_id = response.call_id().to_owned();
        let invite = match request {
            Some(request) => request.clone(),
            None => match self.dialog(&call_id) {
                Some(dialog) if dialog.invite.branch() == response.branch() => dialog.invite.clone(),
                _ => return,
            },
        };
        let mut ack = SipText::request("ACK", invite.uri().unwrap_or_default());
        ack = ack.with("Via", invite.header("via").unwrap_or_default()).with("Max-Forwards", "70");
        ack = ack.with("From", invite.header("from").unwrap_or_default());
        ack = ack.with("To", response.header("to").unwrap_or_default());
        ack = ack.with("Call-ID", call_id).with("CSeq", format!("{} ACK", response.cseq().0));
        self.send(&ack);
    }

    fn on_invite_refused(&mut self, now: Instant, call_id: &str, cseq: u32, code: u16) {
        let glare = self.chance.millis(2100, 4000);
        let Some(dialog) = self.dialog(call_id) else { return };
        if dialog.reinvite != Some(cseq) {
            if dialog.phase == Phase::Cancelling && code == 487 {
                self.end(now, call_id, Ending::Mine);
            } else {
                self.end(now, call_id, Ending::Refused(code));
            }
            return;
        }
        dialog.reinvite = None;
        // The session stays as it was; the wish remains, and after glare it is tried again (RFC 3261 14.1).
        dialog.mine.direction = dialog.before;
        if code == 491 || code == 500 {
            self.later(now + glare, Todo::Reinvite { call_id: call_id.to_owned() });
        } else if code == 481 {
            self.end(now, call_id, Ending::Refused(481));
        }
    }
}
