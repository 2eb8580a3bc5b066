//! A client of the HTTP interface: one request a connection, and the two streams of events.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;
use tungstenite::client::IntoClientRequest;

use super::loopback::PATIENCE;
use super::setup::token;

/// The interface, as one client sees it.
#[derive(Clone, Copy)]
pub(super) struct Client<'a> {
    /// Where the interface is.
    pub(super) at: SocketAddr,
    /// Whose token it has.
    pub(super) name: &'a str,
}

/// An answer: status, head and body.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Answer {
    /// The body.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A header that must be there.
    pub(super) fn header(&self, name: &str) -> &str {
        let prefix = format!("{name}: ");
        let line = self.head.lines().find_map(|line| line.strip_prefix(prefix.as_str()));
        line.unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }
}

impl Client<'_> {
    /// One request; `more` are header lines.
    pub(super) fn ask(&self, method: &str, path: &str, more: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {at}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
             {more}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}",
            at = self.at,
            token = token(self.name),
            length = body.len(),
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// What is at a path.
    pub(super) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", "")
    }

    /// Listens by server-sent events; `more` are header lines.
    pub(super) fn listens(&self, more: &str) -> Events {
        let mut stream = TcpStream::connect(self.at).unwrap();
        let token = token(self.name);
        write!(stream, "GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{more}\r\n").unwrap();
        let (tell, told) = channel();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let Some(data) = line.strip_prefix("data: ") else { continue };
                if tell.send(serde_json::from_str(data).unwrap()).is_err() {
                    return;
                }
            }
        });
        let events = Events { told, stream: Some(stream) };
        // The head of the answer says that the stream has begun; what happens from now on is told.
        std::thread::sleep(Duration::from_millis(200));
        events
    }

    /// Listens by WebSocket.
    pub(super) fn connects(&self) -> Events {
        let mut request = format!("ws://{}/v1/events", self.at).into_client_request().unwrap();
        let bearer = format!("Bearer {}", token(self.name)).parse().unwrap();
        request.headers_mut().insert("Authorization", bearer);
        let (mut socket, _) = tungstenite::client(request, TcpStream::connect(self.at).unwrap()).unwrap();
        let (tell, told) = channel();
        std::thread::spawn(move || {
            while let Ok(message) = socket.read() {
                if let tungstenite::Message::Text(text) = message
                    && tell.send(serde_json::from_str(&text).unwrap()).is_err()
                {
                    return;
                }
            }
        });
        Events { told, stream: None }
    }
}

/// What a stream has told.
pub(super) struct Events {
    told: Receiver<Value>,
    stream: Option<TcpStream>,
}

impl Events {
    /// The events up to the first of that type, that one included.
    pub(super) fn until(&self, wanted: &str) -> Vec<Value> {
        let mut events: Vec<Value> = Vec::new();
        loop {
            let event = self.told.recv_timeout(PATIENCE);
            let event = event.unwrap_or_else(|_| panic!("no {wanted} after {events:?}"));
            let found = event["type"] == wanted;
            events.push(event);
            if found {
                return events;
            }
        }
    }

    /// Cuts the connection.
    pub(super) fn cut(self) {
        if let Some(stream) = self.stream {
            stream.shutdown(std::net::Shutdown::Both).unwrap();
        }
    }
}
