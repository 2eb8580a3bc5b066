//! The simulated phones among themselves: before they judge the product, they must be able to call each other.

use std::time::Duration;

use lianxian::base::time::Instant;

use super::super::chance::Chance;
use super::super::clock::EventHeap;
use super::super::sip_writer::SipText;
use super::super::sound::Sound;
use super::super::town;
use super::{Ending, Line, OfferStyle, OnInvite, OnNotify, Phase, Phone, PhoneOutput};

/// Two phones on one wire that loses a tenth of all messages.
struct Wire {
    phones: [Phone; 2],
    heap: EventHeap<(usize, PhoneOutput)>,
    chance: Chance,
    loss: u64,
    now: Instant,
}

impl Wire {
    fn new(seed: u64, loss: u64) -> Self {
        let (one, other) = (town::citizen(0), town::agent(0));
        let mut chance = Chance::new(seed);
        let phones = [
            Phone::new(0, "13900001111", one, other, Line::Udp, chance.fork()),
            Phone::new(1, "8001", other, one, Line::Udp, chance.fork()),
        ];
        Self { phones, heap: EventHeap::default(), chance, loss, now: Instant::START }
    }

    fn run(&mut self, span: Duration) {
        let until = self.now + span;
        loop {
            for (index, phone) in self.phones.iter_mut().enumerate() {
                phone.wake(self.now);
                while let Some(output) = phone.poll() {
                    let sip = matches!(output, PhoneOutput::Sip(_));
                    if !(sip && self.chance.happens(self.loss)) {
                        self.heap.push(self.now + Duration::from_millis(5), (1 - index, output));
                    }
                }
            }
            let wakes = self.phones.iter().filter_map(Phone::next_wake);
            let Some(next) = wakes.chain(self.heap.next_at()).min().filter(|at| *at <= until) else { break };
            self.now = self.now.max(next);
            while self.heap.next_at().is_some_and(|at| at <= self.now) {
                match self.heap.pop() {
                    Some((_, (to, PhoneOutput::Sip(bytes)))) => self.phones[to].receive(self.now, &bytes),
                    Some((_, (to, PhoneOutput::Rtp { to: address, packet, .. }))) => {
                        self.phones[to].receive_rtp(self.now, address, &packet);
                    }
                    None => break,
                }
            }
        }
        self.now = until;
    }

    fn phase(&self, phone: usize) -> Phase {
        self.phones[phone].dialogs[0].phase
    }
}

#[test]
fn two_phones_talk_hold_and_hang_up_over_a_lossy_wire() {
    for seed in 0..5 {
        for offer in [OfferStyle::Early, OfferStyle::Delayed] {
            let mut wire = Wire::new(seed, 200);
            wire.phones[0].manners.offer = offer;
            let call_id = wire.phones[0].call(wire.now, "8001");
            wire.run(Duration::from_secs(40));
            assert_eq!((wire.phase(0), wire.phase(1)), (Phase::Up, Phase::Up), "seed {seed} {offer:?}");
            let stream = wire.phones[1].dialogs[0].stream;
            assert!(wire.phones[0].dialogs[0].heard.count(Sound::Stream(stream)) > 100, "seed {seed} {offer:?}");
            wire.phones[0].press_by_rtp(wire.now, &call_id, '5');
            wire.phones[0].press_by_info(wire.now, &call_id, '7');
            wire.run(Duration::from_secs(35));
            let mut digits: Vec<char> = wire.phones[1].dialogs[0].heard.digits().chars().collect();
            digits.sort_unstable();
            assert_eq!(digits, ['5', '7'], "seed {seed}");
            wire.phones[1].hold(wire.now, &call_id);
            wire.run(Duration::from_secs(40));
            let before = wire.phones[1].dialogs[0].heard.last;
            wire.run(Duration::from_secs(2));
            assert_eq!(wire.phones[1].dialogs[0].heard.last, before, "a held party sends nothing, seed {seed}");
            wire.phones[1].resume(wire.now, &call_id);
            wire.run(Duration::from_secs(40));
            assert!(wire.phones[1].dialogs[0].heard.last > before, "seed {seed}");
            wire.phones[0].hang_up(wire.now, &call_id);
            wire.run(Duration::from_secs(40));
            assert_eq!(wire.phase(1), Phase::Over(Ending::TheirBye), "seed {seed}");
        }
    }
}

#[test]
fn a_cancelled_call_ends_on_both_phones() {
    for seed in 0..5 {
        let mut wire = Wire::new(seed, 200);
        wire.phones[1].manners.on_invite = OnInvite::RingOut;
        let call_id = wire.phones[0].call(wire.now, "8001");
        wire.run(Duration::from_millis(300));
        wire.phones[0].hang_up(wire.now, &call_id);
        wire.run(Duration::from_secs(70));
        assert_eq!(wire.phase(0), Phase::Over(Ending::Mine), "seed {seed}");
        assert_eq!(wire.phase(1), Phase::Over(Ending::TheirCancel), "seed {seed}");
    }
}

#[test]
fn a_phone_refers_hears_reports_and_answers_them_by_its_manners() {
    for (manner, answers) in [(OnNotify::Accept, 1), (OnNotify::Unknown, 1), (OnNotify::Ignore, 0)] {
        let mut wire = Wire::new(1, 0);
        wire.phones[0].manners.on_notify = manner;
        wire.phones[0].manners.bye_after_refer = Some(Duration::from_secs(1));
        let call_id = wire.phones[0].call(wire.now, "8001");
        wire.run(Duration::from_secs(3));
        wire.phones[0].refer(wire.now, &call_id, "110");
        wire.run(Duration::from_secs(1));
        assert_eq!(wire.phones[0].dialogs[0].referral.answer, Some(405), "a telephone knows no REFER");
        let mut notify = wire.phones[1]
            .in_dialog(&call_id, "NOTIFY")
            .with("Event", "refer")
            .with("Subscription-State", "terminated;reason=noresource");
        notify.body = "SIP/2.0 486 Busy Here\r\n".into();
        wire.phones[1].say(&notify);
        wire.run(Duration::from_secs(2));
        let accepted = wire.phones[1].got("200 NOTIFY");
        assert_eq!(accepted + wire.phones[1].got("481 NOTIFY"), answers, "{manner:?}");
        let reports = if manner == OnNotify::Accept { vec![(486, true)] } else { Vec::new() };
        assert_eq!(wire.phones[0].dialogs[0].referral.reports, reports);
        assert_eq!(wire.phase(0), Phase::Up, "only an accepted REFER is followed by its BYE");
    }
}

#[test]
fn what_the_writer_writes_it_reads() {
    let sdp = "v=0\r\no=a 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n";
    let message = SipText::request("INVITE", "sip:12345@192.0.2.1")
        .with("v", "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKx")
        .with("f", "<sip:139@10.0.0.1>;tag=a")
        .with("t", "<sip:12345@192.0.2.1>")
        .with("i", "abc")
        .with("CSeq", "7 INVITE")
        .with_sdp(sdp);
    let read = SipText::parse(&message.to_bytes()).expect("readable");
    assert_eq!((read.branch(), read.tag("from"), read.tag("to")), ("z9hG4bKx", Some("a"), None));
    assert_eq!((read.call_id(), read.cseq(), read.sdp()), ("abc", (7, "INVITE"), Some(sdp)));
}
