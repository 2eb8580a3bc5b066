//! Events leave after they are written, in the order of their ticket, until their ticket store has them.

use super::*;

fn taken() -> Verdict {
    Verdict::Taken { receipt: "GD-1".to_owned() }
}

/// Waits until a question to the file has this answer.
async fn holds(folder: &Path, question: &'static str, answer: i64) {
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        let found = number(folder, question).await;
        if found == answer {
            return;
        }
        assert!(std::time::Instant::now() < until, "{question}: {found}, not {answer}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_event_leaves_sealed_and_its_receipt_is_kept() {
    let scratch = Scratch::new("leaves");
    let mut running = Running::start(settings(scratch.path()));
    running.record(posted(1, 1));
    running.record(posted(1, 2));
    running.record(posted_to("119", 2, 1));
    running.written(3).await;
    let first = running.parcel().await;
    assert_eq!((&*first.store, first.attempt, first.body.contains("\"seq\":1")), ("builtin", 1, true));
    assert!(running.parcels.try_recv().is_err(), "the second one of the ticket waits for the first");
    running.verdict(&first, taken()).await;
    let second = running.parcel().await;
    assert!(second.body.contains("\"seq\":2"));
    running.verdict(&second, taken()).await;
    holds(scratch.path(), "SELECT count(*) FROM event WHERE state = 'delivered' AND answer = 'GD-1'", 2).await;
    let kept = "SELECT count(*) FROM event WHERE state = 'kept' AND sink = 'none'";
    assert_eq!(number(scratch.path(), kept).await, 1, "a hotline without a ticket store");
    running.close().await;
}

#[tokio::test]
async fn what_no_ticket_store_has_taken_is_sent_again_after_a_restart_under_the_same_name() {
    let scratch = Scratch::new("again");
    let mut running = Running::start(settings(scratch.path()));
    running.record(posted(1, 1));
    let first = running.parcel().await;
    running.verdict(&first, Verdict::NotNow { why: "500".to_owned(), after: None }).await;
    holds(scratch.path(), "SELECT attempts FROM event", 1).await;
    running.close().await;
    let mut running = Running::start(settings(scratch.path()));
    let again = running.parcel().await;
    assert_eq!((again.event, again.body.clone(), again.attempt), (first.event, first.body, 2));
    // Cut off before the verdict was written: sent a third time, and taken once.
    running.close().await;
    let mut running = Running::start(settings(scratch.path()));
    let again = running.parcel().await;
    running.verdict(&again, taken()).await;
    holds(scratch.path(), "SELECT count(*) FROM event WHERE state = 'delivered'", 1).await;
    running.close().await;
}

#[tokio::test]
async fn a_refused_record_holds_its_own_ticket_and_comes_back_when_the_command_line_asks() {
    let scratch = Scratch::new("dead");
    let mut running = Running::start(settings(scratch.path()));
    running.record(posted(1, 1));
    running.record(posted(1, 2));
    let refused = running.parcel().await;
    running.verdict(&refused, Verdict::Refused { why: "422: no name".to_owned() }).await;
    holds(scratch.path(), "SELECT count(*) FROM event WHERE state = 'dead' AND answer = '422: no name'", 1).await;
    // Another ticket is not held.
    running.record(posted(2, 1));
    let other = running.parcel().await;
    assert_ne!(other.ticket, refused.ticket);
    running.verdict(&other, taken()).await;
    running.close().await;
    // It stays dead through a restart; then somebody sees to it, from another process.
    let mut running = Running::start(settings(scratch.path()));
    running.record(posted(3, 1));
    let third = running.parcel().await;
    assert_ne!(third.ticket, refused.ticket);
    running.verdict(&third, taken()).await;
    assert!(Reader::open(scratch.path()).await.unwrap().retry(refused.event).await.unwrap());
    let again = running.parcel().await;
    assert_eq!((again.event, again.attempt), (refused.event, 2));
    running.verdict(&again, taken()).await;
    let next = running.parcel().await;
    assert_eq!(next.ticket, refused.ticket);
    running.verdict(&next, taken()).await;
    holds(scratch.path(), "SELECT count(*) FROM event WHERE state = 'delivered'", 4).await;
    running.close().await;
}
