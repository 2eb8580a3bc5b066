//! The parties' own SIP: enough to write and read what they need, in nobody else's words.

use std::net::SocketAddr;

/// A message as a telephone sees it.
#[derive(Clone, Debug)]
pub(super) struct Text {
    /// The start line.
    pub(super) start: String,
    headers: Vec<(String, String)>,
    /// The body.
    pub(super) body: String,
}

impl Text {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let start = lines.next()?.to_owned();
        let header = |line: &str| line.split_once(':').map(|(n, v)| (n.trim().to_owned(), v.trim().to_owned()));
        Some(Self { start, headers: lines.filter_map(header).collect(), body: body.to_owned() })
    }

    /// The first value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Every line of a header.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = move |(own, _): &&(String, String)| own.eq_ignore_ascii_case(name);
        self.headers.iter().filter(named).map(|(_, value)| value.as_str())
    }

    /// The status code of a response.
    pub(super) fn code(&self) -> Option<u16> {
        self.start.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    /// The method: of a request by its start line, of a response by its CSeq.
    pub(super) fn method(&self) -> &str {
        if self.code().is_some() {
            return self.header("CSeq").and_then(|cseq| cseq.split(' ').nth(1)).unwrap_or_default();
        }
        self.start.split(' ').next().unwrap_or_default()
    }

    /// What a ladder shows of it.
    pub(super) fn title(&self) -> String {
        match self.code() {
            Some(code) => format!("{code} ({})", self.method()),
            None => match (self.reported(), self.header("Refer-To").and_then(user)) {
                (Some(code), _) => format!("{} {code}", self.method()),
                (None, Some(target)) => format!("{} {target}", self.method()),
                (None, None) => self.method().to_owned(),
            },
        }
    }

    /// The status code that a NOTIFY reports on a transfer (RFC 3515 2.4.5).
    pub(super) fn reported(&self) -> Option<u16> {
        let fragment = self.body.strip_prefix("SIP/2.0 ").filter(|_| self.method() == "NOTIFY")?;
        fragment.get(..3)?.parse().ok()
    }

    /// The answer with `code`, its headers copied as RFC 3261 8.2.6.2 says, `tag` added to To if it has none.
    pub(super) fn answer(&self, code: u16, reason: &str, tag: &str, more: &[String], body: &str) -> String {
        let mut answer = format!("SIP/2.0 {code} {reason}\r\n");
        for name in ["Via", "Record-Route", "From", "To", "Call-ID", "CSeq"] {
            for value in self.all(name) {
                let untagged = name == "To" && !value.contains("tag=") && code != 100;
                let tag = if untagged { format!(";tag={tag}") } else { String::new() };
                answer.push_str(&format!("{name}: {value}{tag}\r\n"));
            }
        }
        finish(answer, more, body)
    }
}

/// Puts the last headers and the body behind `head`.
pub(super) fn finish(mut head: String, more: &[String], body: &str) -> String {
    for line in more {
        head.push_str(line);
        head.push_str("\r\n");
    }
    if !body.is_empty() {
        head.push_str("Content-Type: application/sdp\r\n");
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    head
}

/// The URI between the angle brackets.
pub(super) fn uri(value: &str) -> Option<&str> {
    value.split_once('<')?.1.split_once('>').map(|(uri, _)| uri)
}

/// The user part of the URI in a header value.
pub(super) fn user(value: &str) -> Option<&str> {
    let uri = uri(value).unwrap_or(value);
    let rest = uri.strip_prefix("sip:").or_else(|| uri.strip_prefix("tel:"))?;
    rest.split(['@', ';']).next()
}

/// A session description: PCMA and keys, both ways.
pub(super) fn describe(rtp: SocketAddr) -> String {
    let (ip, port) = (rtp.ip(), rtp.port());
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\n\
         a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}

/// Where a session description wants its sound.
pub(super) fn destination(sdp: &str) -> Option<SocketAddr> {
    let ip = sdp.lines().find_map(|line| line.strip_prefix("c=IN IP4 "))?.trim().parse().ok()?;
    let port = sdp.lines().find_map(|line| line.strip_prefix("m=audio "))?.split(' ').next()?.parse().ok()?;
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_and_answered() {
        let invite = b"INVITE sip:1001@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9;branch=z9\r\n\
            From: \"x\" <sip:13900001111@h>;tag=a\r\nTo: <sip:1001@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\nbody";
        let invite = Text::read(invite).unwrap();
        assert_eq!((invite.method(), invite.code(), invite.body.as_str()), ("INVITE", None, "body"));
        let from = invite.header("from").unwrap();
        assert_eq!(user(from), Some("13900001111"));
        let answer = Text::read(invite.answer(180, "Ringing", "t", &[], "").as_bytes()).unwrap();
        assert_eq!(
            (answer.code(), answer.method(), answer.header("To")),
            (Some(180), "INVITE", Some("<sip:1001@h>;tag=t"))
        );
        let rtp: SocketAddr = "127.0.0.1:4000".parse().unwrap();
        assert_eq!(destination(&describe(rtp)), Some(rtp));
    }
}
