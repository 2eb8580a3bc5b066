//! A ticket store that is away, slow, broken or forgetful, on a stepped clock.

use std::collections::BTreeSet;

use super::*;
use crate::base::entropy::Entropy;
use crate::base::ids::CallId;
use crate::tickets::ids::LinkageId;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// What the ticket store does with one attempt, and how long it takes.
enum Manner {
    /// Takes it and says so.
    Takes(Duration),
    /// Takes it, and the answer is lost.
    TakesAndIsNotHeard(Duration),
    /// Does not take it now.
    NotNow(Duration, Option<Duration>),
    /// Never takes it.
    Refuses,
}

/// An outbox, its schedule and a ticket store that behaves as the test says.
struct Town {
    now: Instant,
    chance: Entropy,
    store: Arc<str>,
    schedule: Schedule,
    /// On disk: every event in its order, with its attempts.
    disk: Vec<Pending>,
    delivered: BTreeSet<EventId>,
    dead: BTreeSet<EventId>,
    on_their_way: Vec<(Instant, Due, Verdict)>,
    /// What the ticket store has, in the order of its coming, each key once.
    kept: Vec<EventId>,
    attempts: usize,
    most_at_once: usize,
}

fn event(ticket: u16, seq: u64) -> Pending {
    let id = TicketId { linkage: LinkageId(CallId(1)), number: ticket };
    Pending { event: EventId(u128::from(ticket) << 64 | u128::from(seq)), ticket: id, seq, attempts: 0 }
}

impl Town {
    fn new() -> Self {
        Self {
            now: Instant::START,
            chance: Entropy::from_number(7),
            store: "foreign".into(),
            schedule: Schedule::new(),
            disk: Vec::new(),
            delivered: BTreeSet::new(),
            dead: BTreeSet::new(),
            on_their_way: Vec::new(),
            kept: Vec::new(),
            attempts: 0,
            most_at_once: 0,
        }
    }

    fn write(&mut self, ticket: u16, seq: u64) {
        self.disk.push(event(ticket, seq));
        self.schedule.add(self.now, &self.store, event(ticket, seq));
    }

    /// Runs until then, or until nothing is left to do.
    fn run_until(&mut self, end: Instant, mut manner: impl FnMut(Instant, &Due) -> Manner) {
        loop {
            while let Some(store) = self.schedule.refill() {
                self.read_disk(&store);
            }
            while let Some(due) = self.schedule.next(self.now) {
                self.attempt(due, &mut manner);
            }
            let answer = self.on_their_way.iter().map(|(at, ..)| *at).min();
            let next = [answer, self.schedule.next_timeout()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            let (come, coming) =
                std::mem::take(&mut self.on_their_way).into_iter().partition(|(at, ..)| *at <= self.now);
            self.on_their_way = coming;
            for (_, due, verdict) in come {
                self.settle(&due, &verdict);
            }
        }
        self.now = self.now.max(end);
    }

    fn attempt(&mut self, due: Due, manner: &mut impl FnMut(Instant, &Due) -> Manner) {
        self.attempts += 1;
        assert!(self.on_their_way.iter().all(|(_, other, _)| other.ticket != due.ticket), "two of one ticket at once");
        let receipt = Verdict::Taken { receipt: String::new() };
        let not_now = |after| Verdict::NotNow { why: String::new(), after };
        let (takes, verdict, lasts) = match manner(self.now, &due) {
            Manner::Takes(lasts) => (true, receipt, lasts),
            Manner::TakesAndIsNotHeard(lasts) => (true, not_now(None), lasts),
            Manner::NotNow(lasts, after) => (false, not_now(after), lasts),
            Manner::Refuses => (false, Verdict::Refused { why: String::new() }, Duration::ZERO),
        };
        if takes && !self.kept.contains(&due.event) {
            self.kept.push(due.event);
        }
        self.on_their_way.push((self.now + lasts, due, verdict));
        self.most_at_once = self.most_at_once.max(self.on_their_way.len());
    }

    fn settle(&mut self, due: &Due, verdict: &Verdict) {
        match self.schedule.settle(self.now, due.event, verdict, self.chance.next_u64()) {
            Settled::Delivered => assert!(self.delivered.insert(due.event), "delivered twice"),
            Settled::Parked => assert!(self.dead.insert(due.event), "refused twice"),
            Settled::Again { at } => assert!(at >= self.now),
            Settled::Stray => panic!("nobody waits for {due:?}"),
        }
    }

    fn read_disk(&mut self, store: &Arc<str>) {
        let parked: BTreeSet<TicketId> =
            self.disk.iter().filter(|one| self.dead.contains(&one.event)).map(|one| one.ticket).collect();
        let pending = self.disk.iter().filter(|one| !self.delivered.contains(&one.event));
        let pending: Vec<Pending> =
            pending.filter(|one| !parked.contains(&one.ticket)).take(WINDOW + 1).copied().collect();
        for one in pending {
            self.schedule.add(self.now, store, one);
        }
    }

    /// I27 and I28: what the ticket store has is what was written, each once, and the events of a ticket in their order.
    fn all_arrived_in_order(&self) {
        let written: BTreeSet<EventId> = self.disk.iter().map(|one| one.event).collect();
        assert_eq!(self.kept.iter().copied().collect::<BTreeSet<_>>(), written, "lost");
        assert_eq!(self.kept.len(), written.len(), "doubled");
        assert_eq!(self.delivered, written, "not known to be delivered");
        self.in_order();
        assert_eq!(self.schedule.next_timeout(), None, "something is still to be sent");
        assert!(self.schedule.places.is_empty(), "something is still held");
    }

    fn in_order(&self) {
        let mut last = BTreeMap::new();
        for event in &self.kept {
            let (ticket, seq) = (event.0 >> 64, event.0 & 0xFFFF);
            assert_eq!(last.insert(ticket, seq).unwrap_or(0) + 1, seq, "out of order");
        }
    }
}

#[test]
fn a_store_that_is_away_for_a_day_gets_everything_in_order_and_is_not_hammered() {
    let mut town = Town::new();
    for ticket in 0..3_000 {
        for seq in 1..=2 {
            town.write(ticket, seq);
        }
    }
    let back = Instant::START + DAY;
    let away = |_: Instant, _: &Due| Manner::NotNow(5 * SECOND, None);
    town.run_until(back, away);
    assert!(town.kept.is_empty());
    assert!(town.attempts < 5_000, "{} attempts at a store that is away", town.attempts);
    town.run_until(back + 300 * SECOND, |_, _| Manner::Takes(SECOND / 100));
    town.all_arrived_in_order();
    assert_eq!(town.most_at_once, IN_FLIGHT);
}

#[test]
fn more_than_fits_into_memory_waits_on_disk() {
    let mut town = Town::new();
    for ticket in 0..500 {
        for seq in 1..=30 {
            town.write(ticket, seq);
        }
    }
    assert_eq!(town.schedule.places.len(), WINDOW);
    let back = Instant::START + 3_600 * SECOND;
    town.run_until(back, |_, _| Manner::NotNow(SECOND, None));
    assert_eq!(town.schedule.places.len(), WINDOW);
    town.run_until(back + 300 * SECOND, |_, _| Manner::Takes(SECOND / 1_000));
    town.all_arrived_in_order();
}

#[test]
fn slow_broken_and_forgetful_answers_lose_and_double_nothing() {
    let mut town = Town::new();
    for ticket in 0..50 {
        for seq in 1..=4 {
            town.write(ticket, seq);
        }
    }
    let mut dice = Entropy::from_number(11);
    town.run_until(Instant::START + DAY, |_, _| match dice.below(5) {
        0 => Manner::NotNow(30 * SECOND, None),
        1 => Manner::NotNow(Duration::ZERO, None),
        2 => Manner::TakesAndIsNotHeard(30 * SECOND),
        _ => Manner::Takes(SECOND),
    });
    town.all_arrived_in_order();
}

#[test]
fn one_record_that_never_passes_holds_no_other() {
    let mut town = Town::new();
    for ticket in 0..100 {
        for seq in 1..=2 {
            town.write(ticket, seq);
        }
    }
    // Ticket 0 makes the ticket store fail; all others pass at once.
    let poison = |_: Instant, due: &Due| match due.ticket.number {
        0 => Manner::NotNow(30 * SECOND, None),
        _ => Manner::Takes(SECOND / 10),
    };
    town.run_until(Instant::START + 10 * SECOND, poison);
    assert_eq!(town.delivered.len(), 198, "the others do not wait for it");
    town.run_until(Instant::START + 3_600 * SECOND, poison);
    // Alone it trips the breaker; a record that comes then is the next probe.
    assert!(town.schedule.failures("foreign") >= TRIP);
    town.write(100, 1);
    let asked = town.now;
    town.run_until(asked + 2 * LONGEST_PAUSE, poison);
    assert!(town.delivered.contains(&event(100, 1).event), "a healthy record passes between the probes");
}

#[test]
fn a_refused_event_parks_its_ticket_and_later_records_flow() {
    let mut town = Town::new();
    for ticket in 0..10 {
        for seq in 1..=3 {
            town.write(ticket, seq);
        }
    }
    let bad = event(4, 2);
    town.run_until(Instant::START + 60 * SECOND, |_, due| {
        if due.event == bad.event { Manner::Refuses } else { Manner::Takes(SECOND) }
    });
    assert_eq!(town.dead, BTreeSet::from([bad.event]));
    assert_eq!(town.delivered.len(), 28, "all but the refused event and the one behind it");
    town.in_order();
    assert_eq!(town.schedule.add(town.now, &town.store, event(4, 4)), Added::Parked);
    // Somebody has seen to it.
    town.dead.clear();
    assert_eq!(town.schedule.retry(town.now, &town.store, Pending { attempts: 1, ..bad }), Added::Scheduled);
    town.run_until(town.now + 60 * SECOND, |_, _| Manner::Takes(SECOND));
    town.all_arrived_in_order();
}

#[test]
fn a_ticket_that_was_parked_before_the_start_stays_parked() {
    let mut schedule = Schedule::new();
    let store: Arc<str> = "foreign".into();
    schedule.add(Instant::START, &store, event(1, 3));
    schedule.park(&store, event(1, 2).ticket);
    assert_eq!(schedule.add(Instant::START, &store, event(1, 4)), Added::Parked);
    assert_eq!(schedule.add(Instant::START, &store, event(2, 1)), Added::Scheduled);
    assert_eq!(schedule.next(Instant::START).map(|due| due.event), Some(event(2, 1).event));
    assert_eq!(schedule.next(Instant::START), None);
}

#[test]
fn a_store_that_refuses_everything_stops_getting_anything() {
    let mut town = Town::new();
    for ticket in 0..u16::try_from(PARKED).unwrap() + 10 {
        town.write(ticket, 1);
    }
    town.run_until(Instant::START + DAY, |_, _| Manner::Refuses);
    assert!((PARKED..PARKED + IN_FLIGHT).contains(&town.dead.len()), "{} dead letters", town.dead.len());
    let first = *town.dead.first().unwrap();
    town.dead.remove(&first);
    let retried = *town.disk.iter().find(|one| one.event == first).unwrap();
    town.schedule.retry(town.now, &town.store, retried);
    let dead = town.dead.clone();
    town.run_until(town.now + DAY, |_, _| Manner::Takes(SECOND));
    assert_eq!(town.delivered.len() + dead.len(), town.disk.len(), "what was not refused flows again");
}

#[test]
fn retry_after_is_honoured_for_the_whole_store_and_within_bounds() {
    for (asked, rests) in [(100 * SECOND, 100 * SECOND), (DAY, LONGEST_REST)] {
        let mut town = Town::new();
        town.write(1, 1);
        town.run_until(Instant::START + SECOND / 10, |_, _| Manner::NotNow(Duration::ZERO, Some(asked)));
        town.write(2, 1);
        assert_eq!(town.schedule.next_timeout(), Some(Instant::START + rests));
        town.run_until(Instant::START + rests + SECOND, |_, _| Manner::Takes(Duration::ZERO));
        town.all_arrived_in_order();
    }
}

#[test]
fn stores_do_not_wait_for_one_another() {
    let mut schedule = Schedule::new();
    let (away, well): (Arc<str>, Arc<str>) = ("away".into(), "well".into());
    schedule.configure(&away, 2);
    for ticket in 0..4 {
        schedule.add(Instant::START, &away, event(ticket, 1));
        schedule.add(Instant::START, &well, event(100 + ticket, 1));
    }
    let given: Vec<Due> = std::iter::from_fn(|| schedule.next(Instant::START)).collect();
    assert_eq!(given.iter().filter(|due| due.store == away).count(), 2);
    assert_eq!(given.iter().filter(|due| due.store == well).count(), 4);
}

#[test]
fn verdicts_that_nobody_waits_for_change_nothing() {
    let mut schedule = Schedule::new();
    let store: Arc<str> = "foreign".into();
    let taken = Verdict::Taken { receipt: String::new() };
    assert_eq!(schedule.settle(Instant::START, event(1, 1).event, &taken, 0), Settled::Stray);
    schedule.add(Instant::START, &store, event(1, 1));
    schedule.add(Instant::START, &store, event(1, 2));
    assert_eq!(schedule.add(Instant::START, &store, event(1, 2)), Added::Known);
    assert_eq!(schedule.settle(Instant::START, event(1, 1).event, &taken, 0), Settled::Stray, "not sent yet");
    assert_eq!(schedule.next(Instant::START).unwrap().attempt, 1);
    assert_eq!(schedule.settle(Instant::START, event(1, 2).event, &taken, 0), Settled::Stray, "not the first");
    assert_eq!(schedule.settle(Instant::START, event(1, 1).event, &taken, 0), Settled::Delivered);
    assert_eq!(schedule.settle(Instant::START, event(1, 1).event, &taken, 0), Settled::Stray, "twice");
    assert_eq!(schedule.next(Instant::START).unwrap().event, event(1, 2).event);
}

#[test]
fn pauses_double_up_to_their_limit_and_are_drawn_from_the_whole_span() {
    let longest = |failures| pause(failures, u64::MAX).as_millis() + 1;
    assert_eq!([1, 2, 3, 6, 7, u32::MAX].map(longest), [1_000, 2_000, 4_000, 32_000, 60_000, 60_000]);
    assert_eq!(pause(9, 0), Duration::ZERO);
    assert_eq!(pause(9, 1 << 63), LONGEST_PAUSE / 2);
}
