//! How a request names a call and a transfer.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::Api;
use super::problem::{Kind, Problem};
use crate::base::ids::{AgentId, CallId, TransferId};
use crate::base::pii::Pii;
use crate::call::command::CallSelector;

/// What would be right.
const FORMS: &str = "32 hexadecimal digits, sip:CALL-ID, agent:NUMBER or caller:NUMBER, percent-encoded";
/// The longest name. A SIP Call-ID may be long; the requests that carried one had limits of their own.
const LONGEST: usize = 512;

/// The call that a path names.
#[derive(Clone, Debug)]
pub(super) struct Named {
    /// Which call.
    pub(super) call: CallSelector,
    /// As it was written. May be a citizen's number: to be compared, not shown.
    pub(super) written: Pii,
}

/// The call and the transfer that a path names.
#[derive(Clone, Debug)]
pub(super) struct NamedTransfer {
    /// Which call.
    pub(super) call: CallSelector,
    /// Which transfer of it.
    pub(super) transfer: TransferId,
}

impl FromRequestParts<Api> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, api).await;
        let Path(call) = path.map_err(|_| unreadable())?;
        Ok(Self { call: selector(&call)?, written: Pii::new(call) })
    }
}

impl FromRequestParts<Api> for NamedTransfer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let path = Path::<(String, String)>::from_request_parts(parts, api).await;
        let Path((call, transfer)) = path.map_err(|_| unreadable())?;
        let wrong =
            || Problem::new(Kind::Malformed, "the name of the transfer cannot be read", "32 hexadecimal digits");
        Ok(Self { call: selector(&call)?, transfer: hexadecimal(&transfer).map(TransferId).ok_or_else(wrong)? })
    }
}

fn unreadable() -> Problem {
    // What was sent is not repeated: it may be a citizen's number.
    Problem::new(Kind::Malformed, "the name of the call cannot be read", FORMS)
}

/// Reads a call's name.
fn selector(name: &str) -> Result<CallSelector, Problem> {
    if name.len() > LONGEST || name.chars().any(char::is_control) {
        return Err(unreadable());
    }
    let selector = match name.split_once(':') {
        Some(("sip", id)) if !id.is_empty() => CallSelector::SipCallId(id.to_owned()),
        Some(("agent", number)) if is_number(number) => CallSelector::Agent(AgentId::from(number)),
        Some(("caller", number)) if is_number(number) => CallSelector::Caller(Pii::new(number)),
        Some(_) => return Err(unreadable()),
        None => CallSelector::Id(hexadecimal(name).map(CallId).ok_or_else(unreadable)?),
    };
    Ok(selector)
}

/// 32 digits, exactly as we write them: one name for one call.
fn hexadecimal(text: &str) -> Option<u128> {
    let exact = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if exact { u128::from_str_radix(text, 16).ok() } else { None }
}

fn is_number(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'_' | b'.');
    !text.is_empty() && text.len() <= 64 && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_forms_are_read_and_nothing_else() {
        let id = "00112233445566778899aabbccddeeff";
        assert_eq!(selector(id).unwrap(), CallSelector::Id(CallId(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff)));
        assert_eq!(selector("sip:a:b@h/x").unwrap(), CallSelector::SipCallId("a:b@h/x".to_owned()));
        assert_eq!(selector("agent:1001").unwrap(), CallSelector::Agent(AgentId::from("1001")));
        assert_eq!(selector("caller:+8613900001111").unwrap(), CallSelector::Caller(Pii::new("+8613900001111")));
        let long = "sip:".to_owned() + &"x".repeat(600);
        for wrong in ["", "x", "sip:", "agent:", "caller:a b", "tel:110", "AA112233445566778899aabbccddeeff", &long] {
            assert_eq!(selector(wrong).unwrap_err().kind(), Kind::Malformed, "{wrong}");
        }
        assert_eq!(selector("sip:a\nb").unwrap_err().kind(), Kind::Malformed);
    }
}
