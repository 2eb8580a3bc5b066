//! A simulated telephone: a citizen behind a trunk, an agent's softphone, a seat behind a trunk.
//!
//! It keeps RFC 3261's rules by its own small means (retransmission, ACK, CANCEL, CSeq, tags) unless its [`Manners`]
//! say that it misbehaves. It knows nothing of the product but an address.

mod answering;
mod calling;
mod hearing;
mod referring;
mod registering;
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use lianxian::base::time::Instant;

pub use hearing::Heard;
pub use referring::{OnNotify, Referral};
pub use registering::Registration;

use super::chance::Chance;
use super::sdp_writer::{Direction, Session};
use super::sip_writer::SipText;

/// RFC 3261's T1 and T2, and how long anybody waits for anything.
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
const PATIENCE: Duration = Duration::from_secs(32);

/// Over what the phone speaks SIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Datagrams.
    Udp,
    /// One stream, opened by the phone.
    Tcp,
}

/// What a phone does with an INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnInvite {
    /// Rings, then answers.
    Answer {
        /// 180 to 200.
        after: Duration,
    },
    /// 183 with SDP and sound, then answers.
    EarlyThenAnswer {
        /// 183 to 200.
        after: Duration,
    },
    /// Refuses.
    Refuse {
        /// With this code.
        code: u16,
        /// INVITE to the refusal.
        after: Duration,
    },
    /// Rings for ever.
    RingOut,
    /// Does not even say 100.
    Deaf,
    /// Says nothing, then answers 200 at once.
    Mute {
        /// INVITE to 200.
        after: Duration,
    },
    /// Rings; answers 200 in spite of a CANCEL that came before.
    AnswerDespiteCancel {
        /// CANCEL to 200.
        after: Duration,
    },
}

/// Whether the phone acknowledges 200s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// As it must.
    Always,
    /// Never.
    Never,
}

/// Who offers in the phone's INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferStyle {
    /// The phone, in the INVITE.
    Early,
    /// The product, in its 200.
    Delayed,
}

/// How a phone behaves.
#[derive(Clone, Debug)]
pub struct Manners {
    /// What it does with an INVITE.
    pub on_invite: OnInvite,
    /// Whether it acknowledges.
    pub acks: Acks,
    /// Its final response to an OPTIONS.
    pub on_options: u16,
    /// Retry-After in its refusals.
    pub retry_after_s: Option<u32>,
    /// Who offers.
    pub offer: OfferStyle,
    /// Its codecs.
    pub codecs: Vec<(u8, String)>,
    /// Time from packet to packet of its sound. 20 ms of sound each, whatever the time: less to simulate.
    pub voice_every: Duration,
    /// The Max-Forwards it writes.
    pub max_forwards: u8,
    /// Its final response to any re-INVITE; none: it takes them.
    pub refuses_offers: Option<u16>,
    /// Hang up this long after the call is up.
    pub hang_up_after: Option<Duration>,
    /// Whether its 200 to an INVITE forgets the answer to our offer.
    pub answers_without_sdp: bool,
    /// What it does with a NOTIFY.
    pub on_notify: OnNotify,
    /// Hang up this long after its REFER was accepted.
    pub bye_after_refer: Option<Duration>,
    /// How often it sends BYE before its 2xx is acknowledged, which RFC 3261 15 forbids.
    pub hasty_per_mille: u64,
    /// What its network or it itself says of who calls, beside From: more headers of its INVITEs.
    pub claims: Vec<(&'static str, String)>,
    /// More headers of its REFERs.
    pub refer_claims: Vec<(&'static str, String)>,
    /// Whether its From names nobody.
    pub anonymous: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            on_invite: OnInvite::Answer { after: Duration::from_secs(1) },
            acks: Acks::Always,
            on_options: 200,
            retry_after_s: None,
            offer: OfferStyle::Early,
            codecs: codecs(&[(8, "PCMA"), (0, "PCMU"), (101, "telephone-event")]),
            voice_every: Duration::from_millis(20),
            max_forwards: 70,
            refuses_offers: None,
            hang_up_after: None,
            answers_without_sdp: false,
            on_notify: OnNotify::Accept,
            bye_after_refer: None,
            hasty_per_mille: 0,
            claims: Vec::new(),
            refer_claims: Vec::new(),
            anonymous: false,
        }
    }
}

/// A list of codecs.
pub fn codecs(list: &[(u8, &str)]) -> Vec<(u8, String)> {
    list.iter().map(|(number, name)| (*number, (*name).to_owned())).collect()
}

/// Where a dialog of the phone stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Our INVITE is out.
    Calling,
    /// Our CANCEL is out or owed.
    Cancelling,
    /// Their INVITE waits for our answer.
    Ringing,
    /// Answered.
    Up,
    /// Over.
    Over(Ending),
}

/// How a dialog of the phone ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// We hung up or cancelled.
    Mine,
    /// They sent BYE.
    TheirBye,
    /// They cancelled.
    TheirCancel,
    /// A final response above 299, ours or theirs.
    Refused(u16),
    /// No answer at all to a request of ours.
    Silence,
    /// The phone lost its memory or its life.
    Forgotten,
}

/// One dialog of a phone.
#[derive(Clone, Debug)]
pub struct PhoneDialog {
    /// Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// Their tag.
    pub remote_tag: Option<String>,
    /// From or To as we write ourselves, without tag.
    pub local: String,
    /// From or To as we write them, without tag.
    pub remote: String,
    /// Their contact.
    pub target: String,
    /// Record-Route, in the order in which we use it.
    pub routes: Vec<String>,
    /// Our last CSeq.
    pub cseq: u32,
    /// Their last CSeq.
    pub remote_cseq: u32,
    /// Where it stands.
    pub phase: Phase,
    /// The INVITE that made it.
    pub invite: SipText,
    /// What we said of our session.
    pub mine: Session,
    /// What they said of theirs.
    pub theirs: Option<Session>,
    /// The world-wide number of our stream.
    pub stream: u32,
    /// What we hear.
    pub heard: Heard,
    /// Provisional codes we got, in order.
    pub provisionals: Vec<u16>,
    /// When it went up.
    pub up_at: Option<Instant>,
    /// Keys we pressed, in order.
    pub pressed: Vec<char>,
    /// Our latest REFER.
    pub referral: Referral,
    voice: hearing::Voice,
    unacknowledged: Option<Vec<u8>>,
    acknowledgement: Option<(u32, Vec<u8>)>,
    wants: Direction,
    /// The direction before the re-INVITE that is out.
    before: Direction,
    reinvite: Option<u32>,
}

impl PhoneDialog {
    /// The number of the other side as its header shows it.
    pub fn remote_number(&self) -> &str {
        super::sip_writer::user_of(&self.remote)
    }
}

/// What a phone wants done.
#[derive(Clone, Debug)]
pub enum PhoneOutput {
    /// Send a SIP message to the product.
    Sip(Vec<u8>),
    /// Send a packet from one of our ports.
    Rtp {
        /// From.
        from: SocketAddr,
        /// To.
        to: SocketAddr,
        /// The packet.
        packet: Vec<u8>,
    },
}

/// What a phone will do later.
#[derive(Clone, Debug)]
enum Todo {
    Retransmit { branch: String, wait: Duration, until: Instant },
    Repeat2xx { call_id: String, wait: Duration, until: Instant },
    RepeatRefusal { key: (String, String), wait: Duration, until: Instant },
    Answer { call_id: String },
    Refuse { call_id: String, code: u16 },
    HangUp { call_id: String },
    Reinvite { call_id: String },
    Voice { call_id: String },
    Register,
}

/// A request of ours that waits for its final response.
#[derive(Clone, Debug)]
struct Waiting {
    request: SipText,
    provisional: bool,
}

/// Whether the phone does anything at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It works.
    Well,
    /// It is off: hears nothing, says nothing.
    Dead,
    /// Its signalling works but it sends no sound.
    Mute,
    /// It sends no sound but reports (RTCP) every 5 s, as who suppresses silence does.
    Pausing,
}

/// A simulated telephone.
#[derive(Clone, Debug)]
pub struct Phone {
    /// The party's number in the world.
    pub id: usize,
    /// Its own telephone number or operator's number.
    pub number: String,
    /// Its SIP address.
    pub address: SocketAddr,
    /// The product's SIP address.
    pub server: SocketAddr,
    /// Over what it speaks.
    pub line: Line,
    /// How it behaves.
    pub manners: Manners,
    /// Whether it works.
    pub health: Health,
    /// All dialogs it ever had.
    pub dialogs: Vec<PhoneDialog>,
    /// Its registration, if it is a softphone.
    pub registration: Option<Registration>,
    /// What came, in short: `180 INVITE`, `BYE`.
    pub log: Vec<(Instant, String)>,
    chance: Chance,
    waiting: BTreeMap<String, Waiting>,
    answered: BTreeMap<(String, String), Vec<u8>>,
    todo: BTreeMap<(Instant, u64), Todo>,
    made: u64,
    out: VecDeque<PhoneOutput>,
}

impl Phone {
    /// A phone that works and behaves.
    pub fn new(id: usize, number: &str, address: SocketAddr, server: SocketAddr, line: Line, chance: Chance) -> Self {
        Self {
            id,
            number: number.to_owned(),
            address,
            server,
            line,
            manners: Manners::default(),
            health: Health::Well,
            dialogs: Vec::new(),
            registration: None,
            log: Vec::new(),
            chance,
            waiting: BTreeMap::new(),
            answered: BTreeMap::new(),
            todo: BTreeMap::new(),
            made: 0,
            out: VecDeque::new(),
        }
    }

    /// Takes one message from the product.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        if self.health == Health::Dead {
            return;
        }
        let Some(message) = SipText::parse(bytes) else {
            self.log.push((now, "unreadable".into()));
            return;
        };
        match message.method() {
            Some(method) => {
                self.log.push((now, method.to_owned()));
                self.on_request(now, &message);
            }
            None => {
                self.log.push((now, format!("{} {}", message.code().unwrap_or(0), message.cseq().1)));
                self.on_response(now, &message);
            }
        }
    }

    /// Does what is due.
    pub fn wake(&mut self, now: Instant) {
        while let Some(entry) = self.todo.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let todo = entry.remove();
            self.act(now, todo);
        }
    }

    /// When it wants to be woken.
    pub fn next_wake(&self) -> Option<Instant> {
        self.todo.first_key_value().map(|((at, _), _)| *at)
    }

    /// Sends a message once, whatever the rules say.
    pub fn say(&mut self, message: &SipText) {
        self.send(message);
    }

    /// What it wants done.
    pub fn poll(&mut self) -> Option<PhoneOutput> {
        self.out.pop_front()
    }

    /// The phone goes off without a word, or comes back.
    pub fn set_health(&mut self, health: Health) {
        self.health = health;
        if health == Health::Dead {
            self.forget();
        }
    }

    /// The phone restarts: it knows none of its dialogs any more and answers 481 to their requests.
    pub fn forget(&mut self) {
        self.todo.retain(|_, todo| matches!(todo, Todo::Register));
        self.waiting.clear();
        self.answered.clear();
        for dialog in &mut self.dialogs {
            if !matches!(dialog.phase, Phase::Over(_)) {
                dialog.phase = Phase::Over(Ending::Forgotten);
            }
        }
    }

    /// The phone's connection broke: what rang on it rings no more, and the phone registers over a new one.
    pub fn connection_broke(&mut self, now: Instant) {
        for dialog in self.dialogs.iter_mut().filter(|dialog| dialog.phase == Phase::Ringing) {
            dialog.phase = Phase::Over(Ending::Silence);
        }
        if self.registration.is_some() && self.health != Health::Dead {
            self.register(now);
        }
    }

    /// The dialog that came last.
    pub fn last(&self) -> Option<&PhoneDialog> {
        self.dialogs.last()
    }

    /// The dialogs that are not over.
    pub fn live(&self) -> impl Iterator<Item = &PhoneDialog> {
        self.dialogs.iter().filter(|dialog| !matches!(dialog.phase, Phase::Over(_)))
    }

    /// How often something of this name came.
    pub fn got(&self, what: &str) -> usize {
        self.log.iter().filter(|(_, entry)| entry == what).count()
    }

    fn act(&mut self, now: Instant, todo: Todo) {
        if self.health == Health::Dead {
            return;
        }
        match todo {
            Todo::Retransmit { branch, wait, until } => self.retransmit(now, branch, wait, until),
            Todo::Repeat2xx { call_id, wait, until } => self.repeat_2xx(now, call_id, wait, until),
            Todo::RepeatRefusal { key, wait, until } => self.repeat_refusal(now, key, wait, until),
            Todo::Answer { call_id } => self.answer(now, &call_id),
            Todo::Refuse { call_id, code } => self.refuse(now, &call_id, code),
            Todo::HangUp { call_id } => self.hang_up(now, &call_id),
            Todo::Reinvite { call_id } => self.reinvite(now, &call_id),
            Todo::Voice { call_id } => self.speak(now, &call_id),
            Todo::Register => self.register(now),
        }
    }

    fn later(&mut self, at: Instant, todo: Todo) {
        self.made += 1;
        self.todo.insert((at, self.made), todo);
    }

    fn dialog(&mut self, call_id: &str) -> Option<&mut PhoneDialog> {
        self.dialogs.iter_mut().find(|dialog| dialog.call_id == call_id)
    }

    fn send(&mut self, message: &SipText) {
        self.out.push_back(PhoneOutput::Sip(message.to_bytes()));
    }

    /// A name that nobody else makes, with the party's number in it: it must never show on another party's leg (I8).
    fn token(&mut self) -> String {
        format!("{}{}x{:012x}", super::MARK, self.id, self.chance.next() & 0xFFFF_FFFF_FFFF)
    }

    fn transport(&self) -> &'static str {
        match self.line {
            Line::Udp => "UDP",
            Line::Tcp => "TCP",
        }
    }

    fn via(&mut self) -> String {
        let token = self.token();
        format!("SIP/2.0/{} {};rport;branch=z9hG4bK{token}", self.transport(), self.address)
    }

    fn contact(&self) -> String {
        let transport = if self.line == Line::Tcp { ";transport=tcp" } else { "" };
        format!("<sip:{}{}@{}{transport}>", super::MARK, self.id, self.address)
    }

    fn session(&mut self, direction: Direction) -> Session {
        let port = 30_000 + 2 * (self.dialogs.len() as u16 % 10_000);
        Session {
            owner: format!("{}{}x", super::MARK, self.id),
            id: self.chance.between(1, 1 << 31),
            version: 1,
            address: SocketAddr::new(self.address.ip(), port),
            codecs: self.manners.codecs.clone(),
            direction,
        }
    }

    fn end(&mut self, now: Instant, call_id: &str, ending: Ending) {
        if let Some(dialog) = self.dialog(call_id)
            && !matches!(dialog.phase, Phase::Over(_))
        {
            dialog.phase = Phase::Over(ending);
            dialog.heard.stop(now);
        }
    }

    fn go_up(&mut self, now: Instant, call_id: &str) {
        let hang_up_after = self.manners.hang_up_after;
        let Some(dialog) = self.dialog(call_id) else { return };
        let first = dialog.up_at.is_none();
        dialog.phase = Phase::Up;
        dialog.up_at.get_or_insert(now);
        if first {
            self.start_voice(now, call_id);
            if let Some(after) = hang_up_after {
                self.later(now + after, Todo::HangUp { call_id: call_id.to_owned() });
            }
        }
    }
}
