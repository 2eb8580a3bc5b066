//! A letter: one message put together line by line, so that each test shows only its oddity.

/// A message in the making. Content-Length is written last, from the body, unless a line gives one.
#[derive(Clone)]
pub(super) struct Letter {
    start: Vec<u8>,
    lines: Vec<(String, Vec<u8>)>,
    length: Option<Vec<u8>>,
    body: Vec<u8>,
}

impl Letter {
    /// A request with everything that a well-formed one has.
    pub(super) fn request(method: &str, uri: &str) -> Self {
        Self::starting(format!("{method} {uri} SIP/2.0"), method)
    }

    /// A response.
    pub(super) fn response(status: &str) -> Self {
        Self::starting(format!("SIP/2.0 {status}"), "INVITE").without("Max-Forwards")
    }

    /// A message with this start line.
    pub(super) fn starting(start: impl Into<Vec<u8>>, method: &str) -> Self {
        let cseq = format!("71 {method}");
        let lines = [
            ("Via", "SIP/2.0/UDP 127.0.0.1:5099;rport;branch=z9hG4bK-letter-1"),
            ("Max-Forwards", "70"),
            ("From", "<sip:caller@example.net>;tag=f-1"),
            ("To", "<sip:12345@hotline.example>"),
            ("Call-ID", "letter-1@127.0.0.1"),
            ("CSeq", &cseq),
            ("Contact", "<sip:caller@127.0.0.1:5099>"),
        ];
        let lines = lines.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        Self { start: start.into(), lines, length: None, body: Vec::new() }
    }

    /// Replaces the value of a header in its place, or adds it.
    pub(super) fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref().to_vec();
        match self.lines.iter_mut().find(|(known, _)| known == name) {
            Some(line) => line.1 = value,
            None => self.lines.push((name.to_owned(), value)),
        }
        self
    }

    /// Adds a line, whatever was there.
    pub(super) fn and(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.lines.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Leaves a header out.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.lines.retain(|(known, _)| known != name);
        self
    }

    /// Spells a header's name in another way.
    pub(super) fn spelled(mut self, name: &str, spelling: &str) -> Self {
        for line in self.lines.iter_mut().filter(|(known, _)| known == name) {
            line.0 = spelling.to_owned();
        }
        self
    }

    /// The whole line behind the name `Content-Length:`; an empty one leaves the header out.
    pub(super) fn length(mut self, value: impl AsRef<[u8]>) -> Self {
        self.length = Some(value.as_ref().to_vec());
        self
    }

    /// A body and its type.
    pub(super) fn body(mut self, kind: &str, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self.with("Content-Type", kind)
    }

    /// The usual offer: PCMA and PCMU.
    pub(super) fn offer(self) -> Self {
        self.body("application/sdp", OFFER)
    }

    /// The bytes, with a branch and a Call-ID of its own: two letters are never one transaction.
    pub(super) fn named(&self, name: &str) -> Vec<u8> {
        let renamed = |value: &[u8]| match memchr::memmem::find(value, b"letter-1") {
            Some(at) => [&value[..at], name.as_bytes(), &value[at + 8..]].concat(),
            None => value.to_vec(),
        };
        let lines = self.lines.iter().map(|(header, value)| (header.clone(), renamed(value))).collect();
        Self { lines, ..self.clone() }.bytes()
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = self.start.clone();
        out.extend(b"\r\n");
        for (name, value) in &self.lines {
            out.extend(name.as_bytes());
            out.extend(b": ");
            out.extend(value);
            out.extend(b"\r\n");
        }
        let written = self.body.len().to_string().into_bytes();
        let length = self.length.as_ref().unwrap_or(&written);
        if !length.is_empty() {
            out.extend(b"Content-Length: ");
            out.extend(length);
            out.extend(b"\r\n");
        }
        out.extend(b"\r\n");
        out.extend(&self.body);
        out
    }
}

/// One audio line on a port that nobody listens to.
pub(super) const OFFER: &str = "v=0\r\no=- 71 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 42424 RTP/AVP 8 0\r\na=sendrecv\r\n";
