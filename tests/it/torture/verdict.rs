//! What the wire layer must say to a message, and the check of it.

use bytes::Bytes;
use lianxian::sip::message::Message;
use lianxian::sip::wire::{Framer, Limits, parse, validate};

/// The verdict of the wire layer on a message of an untrusted peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is a message like any other. What the endpoint says to it is another matter.
    Accept,
    /// It is refused with this code.
    Refuse(u16),
    /// It is dropped: a response, or nothing that can be answered.
    Drop,
}

/// What happened to the message.
#[derive(Debug)]
pub(super) enum Outcome {
    Accepted(Box<Message>),
    Refused(u16),
    Dropped,
}

impl Outcome {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Accepted(_) => Verdict::Accept,
            Self::Refused(code) => Verdict::Refuse(*code),
            Self::Dropped => Verdict::Drop,
        }
    }

    /// The message, if it was accepted.
    pub(super) fn message(self) -> Message {
        match self {
            Self::Accepted(message) => *message,
            other => panic!("not accepted: {other:?}"),
        }
    }
}

/// Gives one datagram to the wire layer.
pub(super) fn datagram(bytes: &[u8]) -> Outcome {
    judge(parse(Bytes::copy_from_slice(bytes), &Limits::default()))
}

/// Gives the bytes to the framer, a few at a time; the outcome of the first message.
pub(super) fn stream(bytes: &[u8]) -> Option<Outcome> {
    let mut framer = Framer::new(Limits::default());
    for piece in bytes.chunks(7) {
        framer.push(piece);
        match framer.next() {
            Ok(None) => {}
            Ok(Some(message)) => return Some(judge(parse(message, &Limits::default()))),
            Err(broken) => {
                assert!(broken.close, "a broken stream is closed");
                framer.push(b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n");
                assert_eq!(framer.next(), Ok(None), "nothing behind a defect is a message");
                return Some(judge(Err(broken)));
            }
        }
    }
    None
}

/// Checks the verdict on a datagram and, where a message says its length, on a stream.
pub(super) fn expect(name: &str, bytes: &[u8], verdicts: &[Verdict]) -> Outcome {
    let outcome = datagram(bytes);
    assert!(verdicts.contains(&outcome.verdict()), "{name}: {:?}, expected one of {verdicts:?}", outcome.verdict());
    if let Outcome::Accepted(message) = &outcome {
        let again = parse(message.to_bytes(), &Limits::default()).expect("what we write, we read");
        assert_eq!(again.to_bytes(), message.to_bytes(), "{name}: written twice, it is the same");
    }
    outcome
}

fn judge(parsed: Result<Message, lianxian::sip::wire::Broken>) -> Outcome {
    let broken = match parsed {
        Ok(Message::Request(request)) => match validate(&request) {
            Ok(()) => return Outcome::Accepted(Box::new(Message::Request(request))),
            Err(broken) => broken,
        },
        Ok(response) => return Outcome::Accepted(Box::new(response)),
        Err(broken) => broken,
    };
    match broken.answer {
        Some(answer) => {
            let written = parse(answer.to_bytes(), &Limits::default());
            if let Ok(written) = written {
                assert!(written.as_request().is_none(), "an answer is a response");
            }
            Outcome::Refused(answer.code)
        }
        None => Outcome::Dropped,
    }
}
