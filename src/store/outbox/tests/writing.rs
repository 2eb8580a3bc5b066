//! What is said to be written is there, as it was handed in, once.

use super::*;
use crate::tickets::seal;

#[tokio::test]
async fn what_is_said_to_be_written_is_there_in_its_order_before_anything_is_closed() {
    let scratch = Scratch::new("written");
    let mut running = Running::start(settings(scratch.path()));
    for seq in 1..=1_000 {
        assert_eq!(running.record(step(9, seq)), Taken::Soon);
    }
    let written = running.written(1_000).await;
    assert!(written.iter().zip(1..).all(|(id, seq)| *id == EntryId { call: CallId(9), seq }), "in order, once");
    assert_eq!(number(scratch.path(), "SELECT count(*) FROM entry").await, 1_000);
    let facts = word(scratch.path(), "SELECT facts FROM entry WHERE seq = 1").await;
    assert_eq!(serde_json::from_str::<Vec<Fact>>(&facts).unwrap(), step(9, 1).facts);
    running.close().await;
}

#[tokio::test]
async fn an_entry_that_is_handed_in_twice_is_written_once_with_its_events() {
    let scratch = Scratch::new("twice");
    let mut running = Running::start(settings(scratch.path()));
    for entry in [posted(1, 1), posted(1, 2), posted(1, 1), posted(1, 2), posted(1, 2)] {
        running.record(entry);
    }
    assert_eq!(running.written(5).await.len(), 5, "each handing in is answered");
    // The same event in another entry, as after a restart from an older checkpoint.
    running.record(Entry { id: EntryId { call: CallId(1), seq: 3 }, ..posted(1, 2) });
    running.written(1).await;
    assert_eq!(number(scratch.path(), "SELECT count(*) FROM entry").await, 3);
    assert_eq!(number(scratch.path(), "SELECT count(*) FROM event").await, 2);
    running.close().await;
}

#[tokio::test]
async fn the_events_of_a_ticket_are_one_chain_through_a_restart() {
    let scratch = Scratch::new("chain");
    for seq in 1..=6 {
        let mut running = Running::start(settings(scratch.path()));
        // Three calls of one start, two of them with the same ticket.
        let call = |place| EntryId { call: CallId(u128::from(100 * seq + place)), seq: 1 };
        running.record(Entry { id: call(1), ..posted(1, seq * 2) });
        running.record(Entry { id: call(2), ..posted(2, seq) });
        running.record(Entry { id: call(3), ..posted(1, seq * 2 + 1) });
        running.written(3).await;
        running.close().await;
    }
    let texts: Vec<String> = sqlx::query_scalar("SELECT body FROM event WHERE ticket LIKE '%1-0' ORDER BY seq")
        .fetch_all(&mut look(scratch.path()).await)
        .await
        .unwrap();
    assert_eq!(texts.len(), 12);
    assert_eq!(seal::verify_chain(texts.iter().map(String::as_str)).unwrap().seq, 12);
}

#[tokio::test]
async fn f35_names_and_times_at_the_end_of_their_range_are_kept() {
    let scratch = Scratch::new("ends");
    let mut running = Running::start(settings(scratch.path()));
    let last = EntryId { call: CallId(u128::MAX - 10), seq: u32::MAX };
    for entry in [posted(u128::MAX >> 30, u32::MAX - 1), Entry { id: last, ..step(1, 1) }] {
        running.record(Entry { at: Instant::from_nanos(u64::MAX), unix_ms: u64::MAX - 10, ..entry });
    }
    assert_eq!(running.written(2).await[1], last);
    assert_eq!(number(scratch.path(), "SELECT count(*) FROM entry WHERE seq >= 4294967294").await, 2);
    running.close().await;
    // A call that has used up its numbers is left alone at the next start.
    Running::start(settings(scratch.path())).close().await;
}

#[tokio::test]
async fn what_waits_when_the_daemon_ends_is_written() {
    let scratch = Scratch::new("end");
    let running = Running::start(settings(scratch.path()));
    for seq in 1..=5_000 {
        running.record(step(3, seq));
    }
    running.close().await;
    assert_eq!(number(scratch.path(), "SELECT count(*) FROM entry").await, 5_000);
}
