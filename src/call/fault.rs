//! Faults that a test can plant; a released binary has none of this.

/// A fault. It strikes once, at the first place that asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The handler panics half-way through the next event of any call (F5).
    Panic,
    /// The handler panics when the next service party answers.
    PanicOnAnswer,
    /// When the service party is lost, the caller is hung up too: the very mistake that promise 1 forbids.
    HangUpCallerOnLoss,
    /// When the service party is lost, the caller is kept but given nothing to hear.
    ForgetComfort,
}
