//! The telephone: registers, calls, answers, hangs up, and repeats what is not answered.

use std::io;
use std::net::UdpSocket;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::super::line::{Line, Role, Script, Way};
use super::sound::Sound;
use super::text::{self, Text};
use super::{digest, say};

/// How long until something unanswered is sent again (RFC 3261 T1).
const REPEAT: Duration = Duration::from_millis(500);
/// How often.
const REPEATS: u32 = 10;
/// How long an agent lets it ring.
const RING: Duration = Duration::from_millis(300);

#[derive(Debug)]
pub(super) struct Telephone {
    script: Script,
    socket: UdpSocket,
    sound: Sound,
    /// What waits for an answer or an ACK, and when it is sent again.
    waiting: Option<Waiting>,
    call: Option<Call>,
    branches: u64,
}

#[derive(Debug)]
struct Waiting {
    bytes: String,
    again_at: Instant,
    left: u32,
}

/// The one call of the story, as a telephone keeps it.
#[derive(Debug)]
struct Call {
    call_id: String,
    /// Our From in requests, with our tag.
    local: String,
    /// Their To in requests, with their tag once it is known.
    remote: String,
    /// Where requests within the call go.
    target: String,
    sequence: u32,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Calling,
    /// The INVITE that rings here, and when it is answered.
    Ringing {
        invite: Text,
        answer_at: Instant,
    },
    Talking,
    HangingUp,
    Over,
}

impl Telephone {
    pub(super) fn new(script: Script, socket: UdpSocket) -> io::Result<Self> {
        let sound = Sound::new(script.rtp, script.tone_hz);
        Ok(Self { script, socket, sound, waiting: None, call: None, branches: 0 })
    }

    /// What comes before everything else.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        match &self.script.role {
            Role::Citizen { .. } | Role::Seat { .. } => say(&Line::Ready),
            Role::Agent { .. } => self.register(None)?,
        }
        Ok(())
    }

    pub(super) fn call(&mut self) -> io::Result<()> {
        let Role::Citizen { number, dials } = self.script.role.clone() else { return Ok(()) };
        let (here, daemon) = (self.script.sip, self.script.daemon);
        let call = Call {
            call_id: format!("story-{number}-{}@{}", now_ms(), here.ip()),
            local: format!("<sip:{number}@{}>;tag=c{}", here.ip(), self.script.tone_hz),
            remote: format!("<sip:{dials}@{}>", daemon.ip()),
            target: format!("sip:{dials}@{daemon}"),
            sequence: 1,
            stage: Stage::Calling,
        };
        let more =
            [format!("Contact: <sip:{number}@{here}>"), format!("P-Asserted-Identity: <sip:{number}@{}>", here.ip())];
        let invite = self.request("INVITE", &call, &more, &text::describe(self.script.rtp));
        self.call = Some(call);
        self.send_until_answered(invite)
    }

    pub(super) fn hang_up(&mut self) -> io::Result<()> {
        let Some(mut call) = self.call.take() else { return Ok(()) };
        if matches!(call.stage, Stage::Talking) {
            call.sequence += 1;
            let bye = self.request("BYE", &call, &[], "");
            call.stage = Stage::HangingUp;
            self.send_until_answered(bye)?;
        }
        self.call = Some(call);
        Ok(())
    }

    /// The transfer key (RFC 3515): the call goes on until lianxian takes it away.
    pub(super) fn transfer(&mut self, to: &str) -> io::Result<()> {
        let Some(mut call) = self.call.take() else { return Ok(()) };
        call.sequence += 1;
        let target = format!("Refer-To: <sip:{to}@{}>", self.script.daemon.ip());
        let refer = self.request("REFER", &call, &[target, self.contact()], "");
        self.call = Some(call);
        self.send_until_answered(refer)
    }

    pub(super) fn say_what_was_heard(&mut self) {
        self.sound.hush();
        say(&Line::Heard(self.sound.heard(&self.script.listens_for)));
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(message) = Text::read(bytes) else { return Ok(()) };
        say(&Line::Message { at_ms: now_ms(), way: Way::Received, what: message.title() });
        match message.code() {
            Some(code) => self.answered(&message, code),
            None => self.asked(message),
        }
    }

    /// What is due by now.
    pub(super) fn tick(&mut self) -> io::Result<()> {
        let now = Instant::now();
        if let Some(mut waiting) = self.waiting.take() {
            if now >= waiting.again_at {
                if waiting.left == 0 {
                    say(&Line::Failed { why: "no answer from the daemon".to_owned() });
                    return Ok(());
                }
                waiting.left -= 1;
                waiting.again_at = now + REPEAT;
                self.send(&waiting.bytes)?;
            }
            self.waiting = Some(waiting);
        }
        if let Some(Call { stage: Stage::Ringing { answer_at, .. }, .. }) = &self.call
            && now >= *answer_at
        {
            self.answer()?;
        }
        Ok(())
    }

    // === Responses ===

    fn answered(&mut self, response: &Text, code: u16) -> io::Result<()> {
        if code == 100 {
            return Ok(());
        }
        match (response.method(), code) {
            ("REGISTER", 401) => self.challenged(response),
            ("REGISTER", 200..=299) => {
                self.waiting = None;
                say(&Line::Ready);
                Ok(())
            }
            ("INVITE", 101..=199) => {
                // The daemon has it: nothing is repeated any more (RFC 3261 17.1.1.2).
                self.waiting = None;
                Ok(())
            }
            ("INVITE", 200..=299) => self.accepted(response),
            ("BYE", 200..=299) => {
                self.waiting = None;
                self.over();
                Ok(())
            }
            ("REFER", 202) => {
                self.waiting = None;
                Ok(())
            }
            (method, code) => {
                self.waiting = None;
                say(&Line::Failed { why: format!("{code} to {method}") });
                Ok(())
            }
        }
    }

    fn challenged(&mut self, response: &Text) -> io::Result<()> {
        let Role::Agent { number, realm, password } = &self.script.role else { return Ok(()) };
        let uri = format!("sip:{realm}");
        let proof = response
            .all("WWW-Authenticate")
            .find_map(|challenge| digest::answer(challenge, number, password, "REGISTER", &uri));
        self.waiting = None;
        match proof {
            Some(proof) if self.branches < 4 => self.register(Some(proof)),
            Some(_) | None => {
                say(&Line::Failed { why: "the registration was refused".to_owned() });
                Ok(())
            }
        }
    }

    fn accepted(&mut self, response: &Text) -> io::Result<()> {
        self.waiting = None;
        let Some(mut call) = self.call.take() else { return Ok(()) };
        if let Some(to) = response.header("To") {
            to.clone_into(&mut call.remote);
        }
        if let Some(contact) = response.header("Contact").and_then(text::uri) {
            contact.clone_into(&mut call.target);
        }
        // A 200 that is repeated gets its ACK again (RFC 3261 13.2.2.4).
        let ack = self.request("ACK", &call, &[], "");
        self.send(&ack)?;
        if matches!(call.stage, Stage::Calling) {
            call.stage = Stage::Talking;
            match text::destination(&response.body) {
                Some(destination) => self.sound.speak_to(destination)?,
                None => say(&Line::Failed { why: "an answer without a session description".to_owned() }),
            }
            say(&Line::Talking);
        }
        self.call = Some(call);
        Ok(())
    }

    // === Requests ===

    fn asked(&mut self, request: Text) -> io::Result<()> {
        match request.method() {
            "INVITE" => self.invited(request),
            "ACK" => {
                self.waiting = None;
                if let Some(call) = &mut self.call
                    && matches!(call.stage, Stage::Talking)
                {
                    say(&Line::Talking);
                }
                Ok(())
            }
            "BYE" => {
                self.send(&request.answer(200, "OK", "", &[], ""))?;
                self.waiting = None;
                self.over();
                Ok(())
            }
            "CANCEL" => {
                self.send(&request.answer(200, "OK", "", &[], ""))?;
                say(&Line::Failed { why: "the call was cancelled".to_owned() });
                Ok(())
            }
            "NOTIFY" => self.notified(&request),
            "OPTIONS" => self.send(&request.answer(200, "OK", "o", &[], "")),
            _ => self.send(&request.answer(405, "Method Not Allowed", "m", &[], "")),
        }
    }

    fn notified(&mut self, notify: &Text) -> io::Result<()> {
        self.send(&notify.answer(200, "OK", "", &[], ""))?;
        let over = notify.header("Subscription-State").is_some_and(|state| state.starts_with("terminated"));
        if let Some(code) = notify.reported().filter(|_| over) {
            say(&Line::Transferred { code });
        }
        Ok(())
    }

    fn invited(&mut self, invite: Text) -> io::Result<()> {
        let again = self.call.as_ref().is_some_and(|call| Some(call.call_id.as_str()) == invite.header("Call-ID"));
        if again {
            // The session offered anew is answered as it is; an INVITE that is repeated has its answer already.
            if invite.header("To").is_some_and(|to| to.contains("tag=")) {
                let description = text::describe(self.script.rtp);
                return self.send_until_answered(invite.answer(200, "OK", "", &[self.contact()], &description));
            }
            return Ok(());
        }
        let (Some(from), Some(to), Some(call_id)) =
            (invite.header("From"), invite.header("To"), invite.header("Call-ID"))
        else {
            return Ok(());
        };
        let asserted = invite.header("P-Asserted-Identity").and_then(text::user).map(str::to_owned);
        say(&Line::Shown { from: text::user(from).unwrap_or_default().to_owned(), asserted });
        let target = invite.header("Contact").and_then(text::uri).unwrap_or_default().to_owned();
        let call = Call {
            call_id: call_id.to_owned(),
            local: format!("{to};tag={}", self.tag()),
            remote: from.to_owned(),
            target,
            sequence: 1,
            stage: Stage::Ringing { invite: invite.clone(), answer_at: Instant::now() + RING },
        };
        self.call = Some(call);
        let ringing = invite.answer(180, "Ringing", &self.tag(), &[self.contact()], "");
        self.send(&ringing)
    }

    fn answer(&mut self) -> io::Result<()> {
        let Some(mut call) = self.call.take() else { return Ok(()) };
        if let Stage::Ringing { invite, .. } = &call.stage {
            let description = text::describe(self.script.rtp);
            let ok = invite.answer(200, "OK", &self.tag(), &[self.contact()], &description);
            let destination = text::destination(&invite.body);
            self.send_until_answered(ok)?;
            match destination {
                Some(destination) => self.sound.speak_to(destination)?,
                None => say(&Line::Failed { why: "an INVITE without a session description".to_owned() }),
            }
            call.stage = Stage::Talking;
        }
        self.call = Some(call);
        Ok(())
    }

    fn register(&mut self, proof: Option<String>) -> io::Result<()> {
        let Role::Agent { number, realm, .. } = self.script.role.clone() else { return Ok(()) };
        let call = Call {
            call_id: format!("register-{number}@{}", self.script.sip.ip()),
            local: format!("<sip:{number}@{realm}>;tag={}", self.tag()),
            remote: format!("<sip:{number}@{realm}>"),
            target: format!("sip:{realm}"),
            sequence: u32::from(proof.is_some()) + 1,
            stage: Stage::Over,
        };
        let mut more = vec![self.contact(), "Expires: 300".to_owned()];
        more.extend(proof.map(|proof| format!("Authorization: {proof}")));
        let register = self.request("REGISTER", &call, &more, "");
        self.send_until_answered(register)
    }

    // === Writing ===

    fn request(&mut self, method: &str, call: &Call, more: &[String], body: &str) -> String {
        self.branches += 1;
        let here = self.script.sip;
        // What telephones say of themselves. It also makes room: a stranger is answered in proportion to what it sends.
        let ours = "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, NOTIFY, REFER\r\nSupported: replaces, timer, outbound\r\n\
             User-Agent: lianxian story telephone\r\nAccept: application/sdp, application/dtmf-relay\r\n";
        let head = format!(
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK-{}-{}-{};rport\r\nMax-Forwards: 70\r\n\
             From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} {method}\r\n{ours}",
            call.target,
            self.script.tone_hz,
            now_ms(),
            self.branches,
            call.local,
            call.remote,
            call.call_id,
            call.sequence
        );
        text::finish(head, more, body)
    }

    fn tag(&self) -> String {
        format!("p{}", self.script.tone_hz)
    }

    fn contact(&self) -> String {
        let (Role::Agent { number, .. } | Role::Citizen { number, .. } | Role::Seat { number }) = &self.script.role;
        format!("Contact: <sip:{number}@{}>", self.script.sip)
    }

    fn send_until_answered(&mut self, bytes: String) -> io::Result<()> {
        self.send(&bytes)?;
        self.waiting = Some(Waiting { bytes, again_at: Instant::now() + REPEAT, left: REPEATS });
        Ok(())
    }

    fn send(&self, bytes: &str) -> io::Result<()> {
        if let Some(message) = Text::read(bytes.as_bytes()) {
            say(&Line::Message { at_ms: now_ms(), way: Way::Sent, what: message.title() });
        }
        self.socket.send_to(bytes.as_bytes(), self.script.daemon).map(|_| ())
    }

    fn over(&mut self) {
        self.sound.hush();
        if let Some(call) = &mut self.call
            && !matches!(call.stage, Stage::Over)
        {
            call.stage = Stage::Over;
            say(&Line::Over);
        }
    }
}

/// The wall clock, which all processes share: the ladder is sorted by it.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
