//! A ticket store of another make: a small HTTP server that keeps each idempotency key once, and misbehaves as it is told.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// What it does with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Takes it and says 201.
    Takes,
    /// Takes it, and the answer breaks off.
    TakesAndBreaksOff,
    /// Answers this status line, with these header lines.
    Answers(&'static str, String),
    /// Says something that is no HTTP.
    Garbage,
    /// Closes the connection without a word.
    Closes,
}

#[derive(Debug, Default)]
struct Books {
    /// What it does with the next requests; then it takes them.
    manners: VecDeque<Manner>,
    /// Every request with a body: key and body.
    seen: Vec<(String, String)>,
    /// What it keeps, in the order of its coming.
    kept: Vec<Value>,
    /// The key of each.
    keys: BTreeMap<String, String>,
}

/// A running ticket store.
pub(super) struct TicketStore {
    books: Arc<Mutex<Books>>,
}

impl TicketStore {
    /// Opens at an address; the first requests are treated so, all others are taken.
    pub(super) fn open(at: SocketAddr, manners: Vec<Manner>) -> Self {
        let listener = TcpListener::bind(at).expect("the ticket store's address is free");
        let books = Arc::new(Mutex::new(Books { manners: manners.into(), ..Books::default() }));
        let shared = Arc::clone(&books);
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let books = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &books));
            }
        });
        Self { books }
    }

    fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it keeps so far.
    pub(super) fn kept(&self) -> Vec<Value> {
        self.books().kept.clone()
    }

    /// Every attempt so far: key and body.
    pub(super) fn seen(&self) -> Vec<(String, String)> {
        self.books().seen.clone()
    }

    /// How many bad manners are left.
    pub(super) fn manners_left(&self) -> usize {
        self.books().manners.len()
    }
}

fn serve(mut stream: TcpStream, books: &Mutex<Books>) {
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out can be set");
    while let Some((head, body)) = request(&mut stream) {
        let key = header(&head, "idempotency-key").unwrap_or_default();
        let manner = {
            let mut books = books.lock().unwrap_or_else(PoisonError::into_inner);
            books.seen.push((key.clone(), body.clone()));
            let manner = books.manners.pop_front().unwrap_or(Manner::Takes);
            if matches!(manner, Manner::Takes | Manner::TakesAndBreaksOff)
                && books.keys.insert(key, body.clone()).is_none()
            {
                books.kept.push(serde_json::from_str(&body).unwrap_or(Value::Null));
            }
            manner
        };
        let (answer, goes_on) = match manner {
            Manner::Takes => ("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}".to_owned(), true),
            Manner::TakesAndBreaksOff => ("HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\n{".to_owned(), false),
            Manner::Answers(status, more) => (format!("HTTP/1.1 {status}\r\n{more}Content-Length: 0\r\n\r\n"), true),
            Manner::Garbage => ("SSH-2.0-OpenSSH_9.6\r\n".to_owned(), false),
            Manner::Closes => return,
        };
        if stream.write_all(answer.as_bytes()).is_err() || !goes_on {
            return;
        }
    }
}

/// One request: its head, and the body that it announces.
fn request(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length: usize = header(head, "content-length")?.parse().ok()?;
            let start = head.len() + 4;
            if let Some(body) = bytes.get(start..start + length) {
                return Some((head.to_owned(), String::from_utf8(body.to_vec()).ok()?));
            }
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
        }
    }
}

fn header(head: &str, name: &str) -> Option<String> {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}
