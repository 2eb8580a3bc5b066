//! Bytes in, a lossless view, bytes out.
//!
//! Decides: where a message begins and ends, what its lines are, whether the five headers that every answer needs
//! (Via, From, To, Call-ID, CSeq) can be read, and what is said to a peer whose bytes are no message.
//! Invariants: no input panics; time and memory are linear in the input; folded lines, compact names, white space
//! before the colon and bare line feeds are read as what they mean; a line that is no header is left out and counted,
//! it never hides another; a response and an ACK are never answered.
//! Does not do: typing of header values beyond those five (`message`); the deadline of a slow sender (`net`).

mod check;
mod frame;
mod head;
mod limits;
mod parse;

pub use check::validate;
pub use frame::Framer;
pub use limits::{Broken, Defect, Limits};
pub use parse::parse;
