//! The engine's side of the threads, without threads: a desk is a queue and a mark.

use super::*;

fn workers(count: usize) -> MediaWorkers {
    let desk = |_| Desk::new(Arc::new(Shared::new().unwrap()), Instant::START);
    MediaWorkers { desks: (0..count).map(desk).collect(), ..MediaWorkers::default() }
}

fn open(workers: &mut MediaWorkers, number: u64) {
    let local = std::net::SocketAddr::from(([127, 0, 0, 1], 40_000));
    workers
        .send(CallId(u128::from(number)), Order::Open { call: CallId(u128::from(number)), leg: LegId(number), local });
}

fn close(workers: &mut MediaWorkers, number: u64) {
    workers.send(CallId(u128::from(number)), Order::Close { leg: LegId(number) });
}

/// Which desk has the leg.
fn place(workers: &MediaWorkers, number: u64) -> Option<usize> {
    workers.desks.iter().position(|desk| desk.book.legs().iter().any(|(_, leg)| *leg == LegId(number)))
}

fn die(workers: &MediaWorkers, index: usize) {
    drop(EndMark(Arc::clone(&workers.desks[index].shared)));
}

#[test]
fn the_calls_of_a_dead_thread_are_told_once_and_no_call_goes_there_any_more() {
    let mut workers = workers(3);
    (0..300).for_each(|number| open(&mut workers, number));
    close(&mut workers, 0);
    let before: Vec<_> = (1..300).map(|number| place(&workers, number).unwrap()).collect();
    assert!((0..3).all(|index| before.iter().filter(|place| **place == index).count() > 50), "{before:?}");
    assert_eq!(workers.take_lost(), []);
    die(&workers, 1);
    let lost = workers.take_lost();
    let expected = before.iter().filter(|place| **place == 1).count();
    assert_eq!(lost.len(), expected);
    assert!(lost.iter().all(|(call, leg, fact)| call.0 == u128::from(leg.0) && *fact == Fact::OpenFailed));
    assert_eq!(workers.take_lost(), []);
    (1_000..1_300).for_each(|number| open(&mut workers, number));
    assert!((1_000..1_300).all(|number| place(&workers, number).is_some_and(|index| index != 1)));
    // The living threads keep their calls: a close finds its leg.
    for (number, place_before) in (1..300).zip(before) {
        if place_before != 1 {
            close(&mut workers, number);
            assert_eq!(place(&workers, number), None);
        }
    }
}

/// What keeps killing the thread would go on killing it: the fourth young death in a row ends its place.
#[tokio::test]
async fn a_place_whose_threads_die_young_again_and_again_is_given_up() {
    let (told, _facts) = mpsc::channel(8);
    let (mut tasks, settings) = (Tasks::default(), Settings { workers: 1, own_ports: 40_000..=40_999 });
    let library = Arc::new(Library::empty());
    let entropy = &mut Entropy::from_number(1);
    let mut workers = MediaWorkers::start(&settings, &library, Clock::start(), entropy, &told, &mut tasks).unwrap();
    open(&mut workers, 1);
    for death in 1..=4 {
        workers.strike(CallId(1));
        tasks.ended().await;
        workers.replace_dead(&mut tasks);
        let lost = workers.take_lost();
        assert_eq!((workers.replaced, lost.len()), if death < 4 { (death, 0) } else { (3, 1) });
    }
    workers.shutdown();
    workers.replace_dead(&mut tasks);
    assert!(tasks.is_empty(), "nobody is employed for a daemon that ends");
}

#[test]
fn without_any_living_thread_every_new_call_is_told() {
    let mut workers = workers(2);
    die(&workers, 0);
    die(&workers, 1);
    open(&mut workers, 7);
    assert_eq!(workers.take_lost(), [(CallId(7), LegId(7), Fact::OpenFailed)]);
    assert_eq!(workers.statistics().orders_lost, 1);
}

/// After a burst no further order comes: what did not fit in the queue is moved on all the same.
#[test]
fn what_waits_behind_a_full_queue_is_moved_on_without_another_order() {
    let mut workers = workers(1);
    (0..QUEUE_LENGTH as u64 + 10).for_each(|number| open(&mut workers, number));
    assert_eq!(workers.desks[0].backlog.len(), 10);
    let shared = Arc::clone(&workers.desks[0].shared);
    while shared.orders.pop().is_some() {}
    shared.silence();
    workers.flush();
    assert_eq!((workers.desks[0].backlog.len(), shared.orders.len()), (0, 10));
    assert_eq!(shared.bell.read().unwrap(), 1);
}
