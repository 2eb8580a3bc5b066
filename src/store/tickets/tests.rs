//! The store on files of its own.

#![allow(clippy::disallowed_methods, reason = "a task of a test ends with the test's runtime")]

use std::path::{Path, PathBuf};

use super::sample::{Chain, ticket};
use super::*;
use crate::base::calendar::Moment;
use crate::base::ids::{AgentId, CallId};
use crate::base::pii::Pii;
use crate::tickets::ids::{LinkageId, TicketId};
use crate::tickets::tag::Tag;
use crate::tickets::ticket::{Event, Status};

/// A folder that goes with its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lianxian-tickets-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("tickets.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// The store of a file, with its writer at work. When the store is dropped the writer ends.
async fn opened(path: &Path) -> (TicketStore, tokio::task::JoinHandle<()>) {
    let (store, writer) = open(path.to_owned());
    let writer = tokio::task::spawn(writer.write());
    for _ in 0..1_000 {
        if store.reader().is_ok() {
            break;
        }
        tokio::task::yield_now().await;
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    (store, writer)
}

fn id(contact: u128) -> TicketId {
    TicketId { linkage: LinkageId(CallId(contact)), number: 0 }
}

async fn found(store: &TicketStore, filter: Filter) -> Vec<TicketId> {
    let kept = store.reader().unwrap().list(&filter, None, 100).await.unwrap();
    kept.into_iter().map(|kept| kept.ticket.ticket_id).collect()
}

#[tokio::test]
async fn an_event_has_its_effect_once_and_only_in_its_place() {
    let folder = Folder::new("once");
    let (store, _writer) = opened(&folder.file()).await;
    let mut chain = Chain::default();
    let (first, second, third) =
        (chain.next(ticket(1, 1_000)), chain.next(ticket(1, 2_000)), chain.next(ticket(1, 3_000)));
    let expected = |expected, found| Err(NotTaken::Broken(Broken::Gap { expected, found }));
    assert_eq!(store.take(second.clone()).await, expected(1, 2));
    assert_eq!(store.take(first.clone()).await, Ok(Taken::New));
    assert_eq!(store.take(first.clone()).await, Ok(Taken::Again));
    assert_eq!(store.take(third.clone()).await, expected(2, 3));
    assert_eq!(store.take(second.clone()).await, Ok(Taken::New));
    assert_eq!(store.take(third.clone()).await, Ok(Taken::New));
    assert_eq!(store.take(second).await, Ok(Taken::Again), "a late replay is one too");
    // The key of the first with another content; the place of the first under another key.
    let mut other = ticket(1, 9_000);
    let conflict = Chain::default().next(other.clone());
    assert_eq!(store.take(conflict).await, Err(NotTaken::Conflict));
    other.linkage_id = LinkageId(CallId(2));
    let mut usurper = Chain::default().next(other);
    usurper.ticket.ticket_id = id(1);
    assert_eq!(store.take(usurper).await, expected(4, 1));
    let events = store.reader().unwrap().timeline(id(1), 0).await.unwrap();
    assert_eq!(events.iter().map(|event| event.ticket.seq).collect::<Vec<_>>(), [1, 2, 3]);
    let first_as_it_came = events.first().map(|event| event.text.as_str());
    assert_eq!(first_as_it_came, Some(first.text.as_str()), "byte for byte");
    assert_eq!(store.reader().unwrap().timeline(id(1), 2).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_event_that_was_changed_on_its_way_is_not_kept() {
    let folder = Folder::new("changed");
    let (store, _writer) = opened(&folder.file()).await;
    let mut chain = Chain::default();
    let mut first = chain.next(ticket(1, 1_000));
    first.text = first.text.replace("阿图什市", "阿克陶县");
    assert_eq!(store.take(first).await, Err(NotTaken::Broken(Broken::Changed)));
    assert!(found(&store, Filter::default()).await.is_empty());
}

#[tokio::test]
async fn what_was_taken_is_there_after_the_next_start_and_goes_on() {
    let folder = Folder::new("again");
    let mut chain = Chain::default();
    let (first, second) = (chain.next(ticket(1, 1_000)), chain.next(ticket(1, 2_000)));
    let (store, writer) = opened(&folder.file()).await;
    assert_eq!(store.take(first.clone()).await, Ok(Taken::New));
    drop(store);
    writer.await.unwrap();
    let (store, _writer) = opened(&folder.file()).await;
    assert_eq!(store.take(first).await, Ok(Taken::Again));
    assert_eq!(store.take(second).await, Ok(Taken::New));
}

#[tokio::test]
async fn many_at_once_are_all_kept_in_their_order() {
    let folder = Folder::new("many");
    let (store, _writer) = opened(&folder.file()).await;
    let mut tasks = tokio::task::JoinSet::new();
    for contact in 1..=40 {
        let store = store.clone();
        tasks.spawn(async move {
            let mut chain = Chain::default();
            for step in 1..=5 {
                assert_eq!(store.take(chain.next(ticket(contact, step))).await, Ok(Taken::New));
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(found(&store, Filter::default()).await.len(), 40);
    let events = store.reader().unwrap().timeline(id(40), 0).await.unwrap();
    assert_eq!(events.len(), 5);
}

/// Beyond the queue's length whoever delivers is told to come again, and nothing is kept half.
#[tokio::test]
async fn more_than_can_wait_are_told_to_come_again() {
    let folder = Folder::new("queue");
    let (store, writer) = open(folder.file());
    let post = |contact: u128| {
        let store = store.clone();
        async move { store.take(Chain::default().next(ticket(contact, 1))).await }
    };
    let mut tasks = tokio::task::JoinSet::new();
    for contact in 1..=300 {
        tasks.spawn(post(contact));
    }
    let refused = tasks.join_next().await.unwrap().unwrap();
    assert_eq!(refused, Err(NotTaken::Away(Away)), "nobody writes yet");
    let writing = tokio::task::spawn(writer.write());
    let results = tasks.join_all().await;
    let taken = results.iter().filter(|result| **result == Ok(Taken::New)).count();
    assert_eq!(taken, 256);
    assert_eq!(found_all(&store).await, taken);
    drop(store);
    writing.await.unwrap();
}

async fn found_all(store: &TicketStore) -> usize {
    let reader = store.reader().unwrap();
    let (mut count, mut after) = (0, None);
    loop {
        let page = reader.list(&Filter::default(), after, 100).await.unwrap();
        let Some(last) = page.last() else { return count };
        count += page.len();
        after = Some(last.ticket.ticket_id);
    }
}

#[tokio::test]
async fn records_are_found_by_whatever_is_known_of_them() {
    let folder = Folder::new("filters");
    let (store, _writer) = opened(&folder.file()).await;
    let mut chain = Chain::default();
    store.take(chain.next(ticket(1, 1_000))).await.unwrap();
    let mut tagged = ticket(1, 2_000);
    (tagged.event, tagged.status, tagged.tags) = (Event::Tagged, Status::Closed, vec![Tag::HandedTo110]);
    store.take(chain.next(tagged)).await.unwrap();
    let mut other = ticket(2, 5_000);
    other.region = None;
    other.from.agent.no = "2001".to_owned();
    other.first_agent = "2001".to_owned();
    other.caller.number_raw = Pii::new("075512345678");
    other.caller.number_e164 = Pii::new("+8675512345678");
    other.caller.contact = Pii::new("13900001111");
    store.take(Chain::default().next(other)).await.unwrap();

    let (one, two) = (vec![id(1)], vec![id(2)]);
    let all = Filter::default;
    assert_eq!(found(&store, all()).await, [id(2), id(1)], "the latest first");
    assert_eq!(found(&store, Filter { tag: Some(Tag::HandedTo110), ..all() }).await, one);
    assert_eq!(found(&store, Filter { tag: Some(Tag::HandedTo12345), ..all() }).await, []);
    assert_eq!(found(&store, Filter { status: Some(Status::Closed), ..all() }).await, one);
    assert_eq!(found(&store, Filter { status: Some(Status::Registered), ..all() }).await, two, "as it stands");
    assert_eq!(found(&store, Filter { event: Some(Event::Tagged), ..all() }).await, one);
    assert_eq!(found(&store, Filter { territory: Some("6530".to_owned()), ..all() }).await, one);
    assert_eq!(found(&store, Filter { territory: Some("65300".to_owned() + "2"), ..all() }).await, []);
    assert_eq!(found(&store, Filter { agent: Some(AgentId::from("2001")), ..all() }).await, two);
    assert_eq!(found(&store, Filter { linkage: Some(LinkageId(CallId(2))), ..all() }).await, two);
    assert_eq!(found(&store, Filter { ticket: Some(id(1)), ..all() }).await, one);
    for form in ["13800138000", "+8613800138000", "013800138000", "0086 138-0013-8000"] {
        assert_eq!(found(&store, Filter { number: Some(Pii::new(form)), ..all() }).await, one, "{form}");
    }
    for form in ["0755-12345678", "13900001111"] {
        assert_eq!(found(&store, Filter { number: Some(Pii::new(form)), ..all() }).await, two, "{form}");
    }
    let made = |from, to| Span { from: Some(Moment { unix_ms: from }), to: Some(Moment { unix_ms: to }) };
    assert_eq!(found(&store, Filter { made: made(1_000, 5_000), ..all() }).await, one);
    assert_eq!(found(&store, Filter { made: made(1_001, 5_001), ..all() }).await, two, "when it was made, not changed");
}

#[tokio::test]
async fn a_damaged_file_is_set_aside_and_nothing_of_it_is_deleted() {
    let folder = Folder::new("damaged");
    for wrong in [b"this is no database, and never was one, whatever its name says".repeat(50), torn(&folder).await] {
        std::fs::write(folder.file(), &wrong).unwrap();
        let (store, writer) = opened(&folder.file()).await;
        assert_eq!(store.take(Chain::default().next(ticket(1, 1))).await, Ok(Taken::New));
        let kept = |entry: std::fs::DirEntry| std::fs::read(entry.path()).is_ok_and(|bytes| bytes == wrong);
        assert!(std::fs::read_dir(&folder.0).unwrap().any(|entry| kept(entry.unwrap())), "the damaged file is kept");
        drop(store);
        writer.await.unwrap();
        std::fs::remove_file(folder.file()).unwrap();
    }
}

/// A file of which the last third is gone, as after a fault of the disk.
async fn torn(folder: &Folder) -> Vec<u8> {
    let path = folder.0.join("whole.db");
    let (store, writer) = opened(&path).await;
    for contact in 1..=50 {
        store.take(Chain::default().next(ticket(contact, 1))).await.unwrap();
    }
    drop(store);
    writer.await.unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.truncate(bytes.len() / 3 * 2);
    bytes
}

/// A folder that cannot be written to is no reason to fail: whoever delivers comes again until it can.
#[tokio::test]
async fn while_there_is_no_file_everybody_is_told_to_come_again() {
    let folder = Folder::new("away");
    let missing = folder.0.join("not-mounted-yet");
    let (store, writer) = open(missing.join("tickets.db"));
    let _writer = tokio::task::spawn(writer.write());
    let first = Chain::default().next(ticket(1, 1));
    assert_eq!(store.take(first.clone()).await, Err(NotTaken::Away(Away)));
    assert!(store.reader().is_err());
    std::fs::create_dir(&missing).unwrap();
    while store.take(first.clone()).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.take(first).await, Ok(Taken::Again));
}

/// Whoever only reads, as the command line does, finds what is there beside the daemon and after it, and makes no file.
#[tokio::test]
async fn another_process_reads_beside_the_daemon_and_without_it() {
    let folder = Folder::new("beside");
    assert_eq!(Reader::new(&folder.file()).list(&Filter::default(), None, 1).await, Err(Away));
    assert!(!folder.file().exists());
    let (store, writer) = opened(&folder.file()).await;
    store.take(Chain::default().next(ticket(1, 1))).await.unwrap();
    let beside = Reader::new(&folder.file());
    assert_eq!(beside.list(&Filter::default(), None, 1).await.unwrap().len(), 1);
    drop(beside);
    drop(store);
    writer.await.unwrap();
    let after = Reader::new(&folder.file());
    assert_eq!(after.list(&Filter::default(), None, 1).await.unwrap().len(), 1);
}
