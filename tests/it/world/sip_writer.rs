//! The simulated parties' own SIP: text in, text out, nothing of the product's.

/// One message as lines of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipText {
    /// The start line.
    pub start: String,
    /// Headers in order, names as written.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl SipText {
    /// A request without headers.
    pub fn request(method: &str, uri: &str) -> Self {
        Self { start: format!("{method} {uri} SIP/2.0"), headers: Vec::new(), body: String::new() }
    }

    /// A response to `request`: Via, From, To, Call-ID, CSeq and Record-Route copied.
    pub fn response(code: u16, reason: &str, request: &Self) -> Self {
        let copied = ["via", "from", "to", "call-id", "cseq", "record-route"];
        let headers =
            request.headers.iter().filter(|(name, _)| copied.contains(&long(name).as_str())).cloned().collect();
        Self { start: format!("SIP/2.0 {code} {reason}"), headers, body: String::new() }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Adds an SDP body.
    #[must_use]
    pub fn with_sdp(self, sdp: &str) -> Self {
        let mut with = self.with("Content-Type", "application/sdp");
        sdp.clone_into(&mut with.body);
        with
    }

    /// Reads one whole message.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let start = lines.next()?.to_owned();
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in lines {
            let (name, value) = line.split_once(':')?;
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
        Some(Self { start, headers, body: body.to_owned() })
    }

    /// Writes the message, with its Content-Length.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.start);
        for (name, value) in self.headers.iter().filter(|(name, _)| long(name) != "content-length") {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("Content-Length: {}\r\n\r\n{}", self.body.len(), self.body));
        text.into_bytes()
    }

    /// The method of a request.
    pub fn method(&self) -> Option<&str> {
        if self.start.starts_with("SIP/2.0 ") { None } else { self.start.split(' ').next() }
    }

    /// The Request-URI.
    pub fn uri(&self) -> Option<&str> {
        self.method()?;
        self.start.split(' ').nth(1)
    }

    /// The status code of a response.
    pub fn code(&self) -> Option<u16> {
        self.start.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All headers of this name, in order.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> + 'a {
        let wanted = long(name);
        self.headers.iter().filter(move |(name, _)| long(name) == wanted).map(|(_, value)| value.as_str())
    }

    /// The dialog's common name.
    pub fn call_id(&self) -> &str {
        self.header("call-id").unwrap_or("")
    }

    /// CSeq's number and method.
    pub fn cseq(&self) -> (u32, &str) {
        let mut words = self.header("cseq").unwrap_or("").split_whitespace();
        (words.next().and_then(|n| n.parse().ok()).unwrap_or(0), words.next().unwrap_or(""))
    }

    /// The topmost Via's branch.
    pub fn branch(&self) -> &str {
        self.header("via").and_then(|via| param(via, "branch")).unwrap_or("")
    }

    /// The tag of From or To.
    pub fn tag(&self, name: &str) -> Option<&str> {
        let value = self.header(name)?;
        let after = value.rsplit('>').next()?;
        param(after, "tag")
    }

    /// The SDP body, if there is one.
    pub fn sdp(&self) -> Option<&str> {
        (!self.body.is_empty() && self.header("content-type").is_some_and(|kind| kind.contains("sdp")))
            .then_some(self.body.as_str())
    }
}

/// A `;name=value` parameter of a header value.
pub fn param<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    value.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// The URI of a name-addr, without the angle brackets.
pub fn uri_of(value: &str) -> &str {
    match value.split_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or(rest),
        None => value.split(';').next().unwrap_or(value),
    }
}

/// The user part of a sip: or tel: URI, or of a name-addr around one.
pub fn user_of(value: &str) -> &str {
    let uri = uri_of(value);
    let rest = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    rest.split(['@', ';']).next().unwrap_or(rest)
}

fn long(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "v" => "via".into(),
        "f" => "from".into(),
        "t" => "to".into(),
        "i" => "call-id".into(),
        "m" => "contact".into(),
        "l" => "content-length".into(),
        "c" => "content-type".into(),
        _ => lower,
    }
}
