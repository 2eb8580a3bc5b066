//! Messages out of a stream of bytes (RFC 3261 18.3).

#![warn(clippy::indexing_slicing)]

use bytes::{Buf, Bytes, BytesMut};

use super::head::{Head, content_length};
use super::limits::{Broken, Defect, Limits};
use super::parse::end_of_head;

/// Cuts a stream into messages. Push what was read, then take messages until there is none.
///
/// It holds at most one message within the limits and what was pushed last. A defect ends the stream: nothing behind it
/// is ever taken for a message (V15).
#[derive(Debug)]
pub struct Framer {
    limits: Limits,
    buffer: BytesMut,
    state: State,
    line_ends: usize,
    pings: usize,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Between two messages.
    Between,
    /// In the head, which has been searched up to this index.
    Head { searched: usize },
    /// The head is known; the message has this many bytes.
    Body { length: usize },
    /// A defect was found.
    Ended,
}

impl Framer {
    /// A framer at the start of a stream.
    pub fn new(limits: Limits) -> Self {
        Self { limits, buffer: BytesMut::new(), state: State::Between, line_ends: 0, pings: 0 }
    }

    /// Takes bytes from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        match self.state {
            State::Between | State::Head { .. } | State::Body { .. } => self.buffer.extend_from_slice(bytes),
            State::Ended => {}
        }
    }

    /// The next whole message. An error ends the stream: it is answered, if it can be, and closed.
    #[allow(clippy::should_implement_trait, reason = "an iterator's end is final, here more bytes may come")]
    pub fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        loop {
            match self.state {
                State::Between => {
                    self.skip_line_ends();
                    if matches!(self.buffer.as_ref(), [] | [b'\r']) {
                        return Ok(None);
                    }
                    self.line_ends = 0;
                    self.state = State::Head { searched: 0 };
                }
                State::Head { searched } => match end_of_head(&self.buffer, searched) {
                    Some((head, body)) if head <= self.limits.head => self.measure(head, body)?,
                    None if self.buffer.len() <= self.limits.head => {
                        // An empty line may be torn: its first line end lies within the last three bytes.
                        self.state = State::Head { searched: self.buffer.len().saturating_sub(3) };
                        return Ok(None);
                    }
                    Some(_) | None => return Err(self.refuse(self.limits.head, Defect::HeadTooLarge)),
                },
                State::Body { length } if self.buffer.len() >= length => {
                    self.state = State::Between;
                    return Ok(Some(self.buffer.split_to(length).freeze()));
                }
                State::Body { .. } | State::Ended => return Ok(None),
            }
        }
    }

    /// Number of bytes that wait for the rest of their message.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Keep-alives (two line ends between messages, RFC 5626 4.4.1) since last asked; each is answered by one line end.
    pub fn take_pings(&mut self) -> usize {
        std::mem::take(&mut self.pings)
    }

    fn skip_line_ends(&mut self) {
        loop {
            match self.buffer.as_ref() {
                [b'\r', b'\n', ..] => self.buffer.advance(2),
                [b'\n', ..] => self.buffer.advance(1),
                _ => return,
            }
            self.line_ends = self.line_ends.saturating_add(1);
            if self.line_ends == 2 {
                self.line_ends = 0;
                self.pings = self.pings.saturating_add(1);
            }
        }
    }

    fn measure(&mut self, head: usize, body: usize) -> Result<(), Broken> {
        let announced = content_length(self.buffer.get(..head).unwrap_or_default());
        let length = match announced {
            Ok(Some(length)) => usize::try_from(length).unwrap_or(usize::MAX),
            Ok(None) => return Err(self.refuse(head, Defect::NoContentLength)),
            Err(defect) => return Err(self.refuse(head, defect)),
        };
        if length > self.limits.body {
            // A length beyond 32 bits is no honest body but arithmetic (V15).
            let sane = u32::try_from(length).is_ok_and(|length| length < 1 << 31);
            let defect = if sane { Defect::BodyTooLarge } else { Defect::ContentLength };
            return Err(self.refuse(head, defect));
        }
        self.state = State::Body { length: body.saturating_add(length) };
        Ok(())
    }

    fn refuse(&mut self, head: usize, defect: Defect) -> Broken {
        let head = self.buffer.len().min(head);
        let text = std::mem::take(&mut self.buffer).split_to(head).freeze();
        self.state = State::Ended;
        Head::read(&text, &self.limits).refuse(defect, true)
    }
}
