//! Full, slow and broken disks.

use super::super::fault::Refusal;
use super::*;

/// Waits until the condition is another one than before.
async fn becomes(running: &Running, condition: Condition) {
    let until = std::time::Instant::now() + PATIENCE;
    while running.condition() != condition {
        assert!(std::time::Instant::now() < until, "it stays {:?}", running.condition());
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn f17_a_full_disk_costs_the_ballast_first_and_then_entries_wait_in_memory() {
    let scratch = Scratch::new("full");
    let mut running = Running::start(Settings { ballast_bytes: 1 << 20, ..settings(scratch.path()) });
    let ballast = scratch.path().join("ballast");
    assert!(ballast.exists());
    running.faults.refuse(Refusal::Full);
    running.record(posted(1, 1));
    let first = EntryId { call: CallId(1), seq: 1 };
    assert_eq!(running.told().await, Told::Failed { ids: vec![first] }, "its call is told and goes on");
    assert!(!ballast.exists(), "the ballast has been given up");
    assert_eq!(running.condition(), Condition::Full);
    for seq in 2..=100 {
        assert_eq!(running.record(posted(1, seq)), Taken::Waits);
    }
    assert_eq!(running.outbox.picture((running.now)().at).waiting, 100);
    running.faults.refuse(Refusal::None);
    let written = running.written(100).await;
    assert!(written.iter().zip(1..).all(|(id, seq)| id.seq == seq), "all of them, in their order: {written:?}");
    let picture = running.outbox.picture((running.now)().at);
    assert!(picture.condition.writes() && picture.lost == 0, "{picture:?}");
    assert!(picture.failed_commits >= 2);
    running.close().await;
    assert_eq!(number(scratch.path(), "SELECT max(seq) FROM event").await, 100);
}

#[tokio::test]
async fn f19_a_disk_that_returns_errors_is_opened_again_until_it_takes_what_waits() {
    let scratch = Scratch::new("broken");
    let mut running = Running::start(settings(scratch.path()));
    running.faults.refuse(Refusal::Broken);
    running.record(step(1, 1));
    assert!(matches!(running.told().await, Told::Failed { .. }));
    assert_eq!(running.condition(), Condition::Broken);
    assert_eq!(running.record(step(1, 2)), Taken::Waits);
    running.faults.refuse(Refusal::None);
    assert_eq!(running.written(2).await.len(), 2);
    assert!(running.condition().writes());
    running.close().await;
}

#[tokio::test]
async fn f19_a_slow_disk_makes_larger_commits_and_raises_the_alarm_before_it_returns() {
    let scratch = Scratch::new("slow");
    let mut running = Running::start(settings(scratch.path()));
    running.faults.slow(Duration::from_secs(2));
    running.record(step(1, 1));
    becomes(&running, Condition::Slow).await;
    let begin = std::time::Instant::now();
    for seq in 2..=500 {
        assert_eq!(running.record(step(1, seq)), Taken::Soon);
    }
    assert!(begin.elapsed() < Duration::from_secs(1), "handing in waits for no disk");
    let Told::Written { ids, took } = running.told().await else { panic!("it is only slow") };
    assert!(ids.len() == 1 && took >= Duration::from_secs(2));
    let Told::Written { ids, .. } = running.told().await else { panic!("it is only slow") };
    assert_eq!(ids.len(), 499, "everything that has waited is one commit");
    running.faults.slow(Duration::ZERO);
    running.record(step(1, 501));
    running.written(1).await;
    assert_eq!(running.condition(), Condition::Good);
    running.close().await;
}

#[tokio::test]
async fn f17_when_memory_is_full_too_tickets_are_kept_longer_than_facts_and_what_is_lost_is_counted() {
    let scratch = Scratch::new("lost");
    let mut running = Running::start(Settings { waiting_entries: 8, ..settings(scratch.path()) });
    running.faults.refuse(Refusal::Full);
    running.record(step(1, 1));
    assert!(matches!(running.told().await, Told::Failed { .. }));
    // The first one is in the thread's hands.
    let facts: Vec<Taken> = (2..=10).map(|seq| running.record(step(1, seq))).collect();
    assert_eq!(facts.iter().filter(|taken| **taken == Taken::Waits).count(), 6, "a quarter is kept free");
    let tickets: Vec<Taken> = (11..=14).map(|seq| running.record(posted(1, seq))).collect();
    assert_eq!(tickets, [Taken::Waits, Taken::Waits, Taken::Lost, Taken::Lost]);
    assert_eq!(running.outbox.picture((running.now)().at).lost, 5);
    running.faults.refuse(Refusal::None);
    assert_eq!(running.written(9).await.len(), 9);
    running.close().await;
}

#[tokio::test]
async fn a_daemon_that_ends_while_the_disk_refuses_ends_all_the_same_and_counts_what_is_lost() {
    let scratch = Scratch::new("refused");
    let mut running = Running::start(settings(scratch.path()));
    running.faults.refuse(Refusal::Broken);
    running.record(step(1, 1));
    assert!(matches!(running.told().await, Told::Failed { .. }));
    let shared = Arc::clone(&running.outbox.shared);
    running.record(step(1, 2));
    running.close().await;
    assert_eq!(shared.lost.load(Ordering::Relaxed), 2);
}
