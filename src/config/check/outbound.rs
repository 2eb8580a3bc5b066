//! What `[inbound]` and `[outbound]` of a profile may say.

use crate::config::schema::{OutboundTable, ProfileFile};
use crate::config::source::Parsed;
use crate::config::{Placed, Problem};

/// What a template may name.
const PLACEHOLDERS: &[&str] = &["number", "agent", "hotline", "territory", "linkage"];

/// Headers that a template may not write: they are the message's own, or the recipe's.
const TAKEN: &[&str] = &[
    "accept",
    "alert-info",
    "allow",
    "allow-events",
    "authorization",
    "call-id",
    "call-info",
    "contact",
    "content-disposition",
    "content-encoding",
    "content-length",
    "content-type",
    "cseq",
    "date",
    "diversion",
    "event",
    "expires",
    "from",
    "history-info",
    "identity",
    "max-forwards",
    "min-se",
    "p-asserted-identity",
    "p-preferred-identity",
    "privacy",
    "proxy-authorization",
    "proxy-require",
    "rack",
    "reason",
    "record-route",
    "refer-to",
    "referred-by",
    "remote-party-id",
    "replaces",
    "require",
    "resource-priority",
    "route",
    "rseq",
    "session-expires",
    "supported",
    "to",
    "unsupported",
    "user-agent",
    "user-to-user",
    "via",
];

/// Notes everything that is wrong.
pub(in crate::config) fn outbound(file: &Parsed<ProfileFile>, problems: &mut Vec<Problem>) {
    let table = &file.value.outbound;
    if let Some(order) = &file.value.inbound.caller_from {
        let list = order.get_ref();
        let twice = list.iter().enumerate().any(|(at, source)| list.iter().take(at).any(|other| other == source));
        if list.is_empty() || twice {
            let wrong = if twice { "a source stands there twice" } else { "no source" };
            problems.push(file.problem(order, "inbound.caller_from", wrong, "each of those you want, once"));
        }
    }
    numbers(file, table, problems);
    refusals(file, table, problems);
    headers(file, table, problems);
}

fn numbers(file: &Parsed<ProfileFile>, table: &OutboundTable, problems: &mut Vec<Problem>) {
    for number in &table.sent_bare {
        let text = number.get_ref();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            let wrong = format!("`{}` is no number", text.escape_debug());
            problems.push(file.problem(number, "outbound.sent_bare", wrong, "digits, such as \"110\""));
        }
    }
    if let Some(context) = &table.phone_context {
        let digits = context.get_ref().strip_prefix('+').unwrap_or_default();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let wrong = format!("`{}` is no country or area code", context.get_ref().escape_debug());
            problems.push(file.problem(context, "outbound.phone_context", wrong, "\"+86\", or \"+86755\""));
        }
    }
}

fn refusals(file: &Parsed<ProfileFile>, table: &OutboundTable, problems: &mut Vec<Problem>) {
    for code in &table.retry_with_own_number_on {
        // A busy or declining callee has refused the call, not the number: to ring it again is T36.
        if !(400..=699).contains(code.get_ref()) || matches!(code.get_ref(), 401 | 407 | 486 | 487 | 600 | 603) {
            let wrong = format!("{} never means that the number is refused", code.get_ref());
            problems.push(file.problem(code, "outbound.retry_with_own_number_on", wrong, "403, 433 and the like"));
        }
    }
    for cause in &table.retry_with_own_number_on_q850 {
        if !(1..=127).contains(cause.get_ref()) || matches!(cause.get_ref(), 16..=19) {
            let wrong = format!("{} never means that the number is refused", cause.get_ref());
            problems.push(file.problem(cause, "outbound.retry_with_own_number_on_q850", wrong, "21, 57 and the like"));
        }
    }
}

fn headers(file: &Parsed<ProfileFile>, table: &OutboundTable, problems: &mut Vec<Problem>) {
    if let Some(name) = &table.refused_number_header {
        header_name(file, name, name.get_ref(), "outbound.refused_number_header", problems);
    }
    for (name, value) in &table.headers {
        header_name(file, value, name, "outbound.headers", problems);
        template(file, value, "outbound.headers", problems);
    }
    if let Some(address) = &table.call_info {
        template(file, address, "outbound.call_info", problems);
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"');
        let known = ["https://", "http://"].iter().any(|scheme| address.get_ref().starts_with(scheme));
        if !known || !address.get_ref().chars().all(plain) {
            let wrong = format!("`{}` is no address of a page", address.get_ref().escape_debug());
            let right = "\"https://HOST/calls/{linkage}\"";
            problems.push(file.problem(address, "outbound.call_info", wrong, right));
        }
    }
}

fn header_name<T>(
    file: &Parsed<ProfileFile>,
    place: &Placed<T>,
    name: &str,
    key: &'static str,
    problems: &mut Vec<Problem>,
) {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte);
    if name.len() < 2 || name.len() > 64 || !name.bytes().all(token) {
        let wrong = format!("`{}` is no name of a header", name.escape_debug());
        problems.push(file.problem(place, key, wrong, "letters, digits and hyphens, such as X-Agent"));
    } else if TAKEN.iter().any(|taken| name.eq_ignore_ascii_case(taken)) {
        let wrong = format!("{name} is written by the recipe or the message itself");
        problems.push(file.problem(place, key, wrong, "a header of its own, such as X-Agent"));
    }
}

fn template(file: &Parsed<ProfileFile>, value: &Placed<String>, key: &'static str, problems: &mut Vec<Problem>) {
    let text = value.get_ref();
    if text.chars().any(char::is_control) || text.len() > 512 {
        let wrong = "a control character, or more than 512 bytes";
        problems.push(file.problem(value, key, wrong, "one short line"));
    }
    let mut rest = text.as_str();
    while let Some(at) = rest.find(['{', '}']) {
        let (_, from) = rest.split_at(at);
        let name = from.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        match name {
            Some((name, behind)) if PLACEHOLDERS.contains(&name) => rest = behind,
            Some(_) | None => {
                let wrong = format!("`{}` has a placeholder that nobody knows", text.escape_debug());
                let right = "{number}, {agent}, {hotline}, {territory} or {linkage}";
                return problems.push(file.problem(value, key, wrong, right));
            }
        }
    }
}
