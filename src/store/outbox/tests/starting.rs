//! What a start finds: the calls of a daemon that died, damaged files, what has been kept for long enough.

use std::fs;

use super::super::keep;
use super::*;
use crate::tickets::fact::EndedBy;
use crate::tickets::seal;
use crate::tickets::ticket::Event;

/// A database with so many events of so many tickets, closed in order.
async fn filled(folder: &Path, calls: u128) {
    let mut running = Running::start(settings(folder));
    for call in 1..=calls {
        running.record(posted(call, 1));
    }
    running.written(usize::try_from(calls).unwrap()).await;
    running.close().await;
}

#[tokio::test]
async fn a_call_that_the_last_daemon_left_open_is_ended_before_anything_else_is_written() {
    let scratch = Scratch::new("crash");
    filled(scratch.path(), 1).await;
    let mut running = Running::start(settings(scratch.path()));
    running.record(step(2, 1));
    running.written(1).await;
    let rows: Vec<(String, String)> = sqlx::query_as("SELECT call, facts FROM entry ORDER BY id")
        .fetch_all(&mut look(scratch.path()).await)
        .await
        .unwrap();
    let facts: Vec<Fact> = serde_json::from_str(&rows[1].1).unwrap();
    assert_eq!(rows[1].0, rows[0].0, "the first new entry is the end of the old call");
    assert!(matches!(facts[0], Fact::LegEnded { by: EndedBy::Crash, .. }), "{facts:?}");
    assert_eq!(facts[1], Fact::Ended { why: "crash".to_owned(), joined: None });
    running.close().await;
    filled(scratch.path(), 0).await;
    assert_eq!(number(scratch.path(), "SELECT count(*) FROM entry").await, 4, "each call is ended once");
}

#[tokio::test]
async fn t38_a_transfer_that_the_crash_cut_off_has_failed_in_its_ticket_once_and_is_delivered() {
    let scratch = Scratch::new("cut");
    let mut running = Running::start(settings(scratch.path()));
    let mut entry = posted(1, 1);
    entry.postings[0].ticket.event = Event::TransferStarted;
    entry.postings[0].ticket.tags.clear();
    running.record(entry);
    running.record(posted(2, 1));
    running.written(2).await;
    running.close().await;
    for _ in 0..2 {
        Running::start(settings(scratch.path())).close().await;
    }
    let texts: Vec<String> = sqlx::query_scalar("SELECT body FROM event WHERE ticket LIKE '%1-0' ORDER BY seq")
        .fetch_all(&mut look(scratch.path()).await)
        .await
        .unwrap();
    seal::verify_chain(texts.iter().map(String::as_str)).unwrap();
    let last: Ticket = serde_json::from_str(&texts[1]).unwrap();
    assert_eq!((texts.len(), last.event, last.tags.len()), (2, Event::TransferFailed, 0));
    assert_eq!(number(scratch.path(), "SELECT count(*) FROM event").await, 3, "a tag that was written stays alone");
    let mut running = Running::start(settings(scratch.path()));
    for _ in 0..3 {
        let parcel = running.parcel().await;
        running.verdict(&parcel, Verdict::Taken { receipt: String::new() }).await;
    }
    running.close().await;
}

#[tokio::test]
async fn f20_what_can_be_read_of_a_damaged_outbox_is_brought_over_and_the_file_is_kept() {
    let scratch = Scratch::new("damaged");
    filled(scratch.path(), 300).await;
    let path = file(scratch.path());
    let mut bytes = fs::read(&path).unwrap();
    // Pages in the middle of the rows.
    let middle = bytes.len() / 2 / 4_096 * 4_096;
    bytes[middle..middle + 2 * 4_096].fill(0xa5);
    fs::write(&path, &bytes).unwrap();
    let mut running = Running::start(settings(scratch.path()));
    let saved = number(scratch.path(), "SELECT count(*) FROM event").await;
    assert!((200..300).contains(&saved), "{saved} of 300 events saved");
    let parcel = running.parcel().await;
    assert!(parcel.body.contains("\"seq\":1"), "and what is saved is sent");
    assert_eq!(fs::read(scratch.path().join("outbox-damaged-1.db")).unwrap(), bytes);
    running.close().await;
}

#[tokio::test]
async fn f20_an_outbox_that_is_torn_at_any_place_never_stops_the_start_and_never_vanishes() {
    let scratch = Scratch::new("torn");
    filled(scratch.path(), 20).await;
    let whole = fs::read(file(scratch.path())).unwrap();
    for length in [1, 50, 100, 4_095, 4_096, 4_097, whole.len() / 2, whole.len() - 4_096, whole.len() - 1] {
        let scratch = Scratch::new("torn");
        fs::write(file(scratch.path()), &whole[..length]).unwrap();
        let mut running = Running::start(settings(scratch.path()));
        running.record(step(99, 1));
        assert_eq!(running.written(1).await.len(), 1, "torn to {length} bytes");
        let kept = fs::read(scratch.path().join("outbox-damaged-1.db")).map_or(0, |aside| aside.len());
        let events = number(scratch.path(), "SELECT count(*) FROM event").await;
        assert!(kept == length || events == 20, "torn to {length} bytes: {kept} kept, {events} events");
        running.close().await;
    }
}

#[tokio::test]
async fn a_file_of_a_later_version_is_an_error_of_the_start_and_left_alone() {
    use sqlx::Executor;
    let scratch = Scratch::new("later");
    filled(scratch.path(), 1).await;
    look(scratch.path()).await.execute("PRAGMA user_version = 99").await.unwrap();
    let running = Running::try_start(settings(scratch.path()));
    let error = running.outbox.opened().unwrap_err();
    assert!(error.to_string().contains("later version"), "{error}");
}

#[tokio::test]
async fn what_is_delivered_expires_and_what_is_not_never_does() {
    let scratch = Scratch::new("expire");
    let mut running = Running::start(settings(scratch.path()));
    for call in 1..=3 {
        let mut entry = posted(call, 1);
        entry.facts.push(Fact::Ended { why: "caller".to_owned(), joined: None });
        running.record(entry);
    }
    running.record(posted(4, 1));
    for _ in 0..2 {
        let parcel = running.parcel().await;
        running.verdict(&parcel, Verdict::Taken { receipt: String::new() }).await;
    }
    running.close().await;
    let mut connection = look(scratch.path()).await;
    let year = Duration::from_secs(86_400 * 365);
    let delivered = number(scratch.path(), "SELECT count(*) FROM event WHERE state = 'delivered'").await;
    assert_eq!(delivered, 2);
    keep::expire(&mut connection, 1_780_000_000_000 + 1_000, year).await.unwrap();
    assert_eq!(number(scratch.path(), "SELECT count(*) FROM event").await, 4, "it is young");
    keep::expire(&mut connection, 1_780_000_000_000 + 366 * 86_400_000, year).await.unwrap();
    assert_eq!(number(scratch.path(), "SELECT count(*) FROM event").await, 2);
    assert_eq!(number(scratch.path(), "SELECT count(*) FROM event WHERE state = 'delivered'").await, 0);
    assert_eq!(number(scratch.path(), "SELECT count(*) FROM entry").await, 2, "the facts of what waits stay");
    assert_eq!(number(scratch.path(), "SELECT count(*) FROM call").await, 2);
}
