//! The head of a request, parsed once; everything borrows from the bytes received.

use super::{HEADERS_MAX, Refusal, list};

/// The head of an HTTP/1.1 request.
#[derive(Debug)]
pub struct Request<'h> {
    method: &'h str,
    path: &'h str,
    query: Option<&'h str>,
    host: &'h str,
    origin: Option<&'h str>,
    headers: Vec<(&'h str, &'h str)>,
}

impl<'h> Request<'h> {
    /// Parses a head that ends where [`super::HeadEnd`] found its end.
    ///
    /// # Errors
    /// [`Refusal::Malformed`]: bad syntax, not HTTP/1.1, no or several `Host`, several `Origin`, a body, a target
    /// that is no path, a header value that is not visible ASCII. [`Refusal::HeadTooLarge`]: too many headers.
    pub fn parse(head: &'h [u8]) -> Result<Self, Refusal> {
        let mut slots = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut parsed = httparse::Request::new(&mut slots);
        match parsed.parse(head) {
            Ok(httparse::Status::Complete(bytes)) if bytes == head.len() => {}
            Err(httparse::Error::TooManyHeaders) => return Err(Refusal::HeadTooLarge),
            _ => return Err(Refusal::Malformed),
        }
        let (Some(method), Some(target), Some(1)) = (parsed.method, parsed.path, parsed.version) else {
            return Err(Refusal::Malformed);
        };
        // A full URI is what a proxy gets (RFC 9112 §3.2); this is none.
        if !target.starts_with('/') {
            return Err(Refusal::Malformed);
        }
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let mut headers = Vec::with_capacity(parsed.headers.len());
        for header in parsed.headers.iter() {
            let value = core::str::from_utf8(header.value).map_err(|_| Refusal::Malformed)?;
            headers.push((header.name, value));
        }
        let mut request = Self { method, path, query, host: "", origin: None, headers };
        request.host = request.only("host")?.ok_or(Refusal::Malformed)?;
        request.origin = request.only("origin")?;
        let has_body = request.only("content-length")?.is_some_and(|length| length != "0")
            || request.values("transfer-encoding").next().is_some();
        if has_body { Err(Refusal::Malformed) } else { Ok(request) }
    }

    /// `GET`, if it can be upgraded.
    #[must_use]
    pub const fn method(&self) -> &'h str {
        self.method
    }

    /// The target without its query, not decoded; begins with `/`.
    #[must_use]
    pub const fn path(&self) -> &'h str {
        self.path
    }

    /// What follows the first `?`, not decoded.
    #[must_use]
    pub const fn query(&self) -> Option<&'h str> {
        self.query
    }

    /// `Host`: name and perhaps port.
    #[must_use]
    pub const fn host(&self) -> &'h str {
        self.host
    }

    /// `Origin`: browsers send it, and a page can't forge it.
    #[must_use]
    pub const fn origin(&self) -> Option<&'h str> {
        self.origin
    }

    /// The subprotocols that the client offers, in its order of preference.
    pub fn subprotocols(&self) -> impl Iterator<Item = &'h str> {
        self.values("sec-websocket-protocol").flat_map(list)
    }

    /// `X-Forwarded-For`, the nearest hop last. Anyone can write it: see [`super::client_address`].
    pub fn forwarded_for(&self) -> impl DoubleEndedIterator<Item = &'h str> {
        self.values("x-forwarded-for").flat_map(list)
    }

    /// `X-Forwarded-Proto`: `https` when the proxy in front ended TLS.
    #[must_use]
    pub fn forwarded_proto(&self) -> Option<&'h str> {
        self.values("x-forwarded-proto").next()
    }

    /// All values of a header, whose name is given in lower case.
    pub fn values(&self, name: &str) -> impl DoubleEndedIterator<Item = &'h str> {
        self.headers
            .iter()
            .filter(move |(candidate, _)| candidate.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }

    /// The value of a header that may stand only once.
    pub(super) fn only(&self, name: &str) -> Result<Option<&'h str>, Refusal> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Refusal::Malformed),
            (value, None) => Ok(value),
        }
    }

    /// Whether a header's list has this element, by ASCII letters of any case.
    pub(super) fn lists(&self, name: &str, element: &str) -> bool {
        self.values(name).flat_map(list).any(|candidate| candidate.eq_ignore_ascii_case(element))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(head: &str) -> Refusal {
        Request::parse(head.as_bytes()).unwrap_err()
    }

    #[test]
    fn path_query_host_origin_and_lists_are_given_out() {
        let head = "GET /v1?a=1&b=? HTTP/1.1\r\nHost: example.org:7400\r\nOrigin: https://example.org\r\n\
                    Sec-WebSocket-Protocol: one, two\r\nsec-websocket-protocol:three\r\n\
                    X-Forwarded-For: 10.0.0.1, 10.0.0.2\r\nX-Forwarded-Proto: https\r\n\r\n";
        let request = Request::parse(head.as_bytes()).unwrap();
        assert_eq!((request.method(), request.path(), request.query()), ("GET", "/v1", Some("a=1&b=?")));
        assert_eq!((request.host(), request.origin()), ("example.org:7400", Some("https://example.org")));
        assert_eq!(request.subprotocols().collect::<Vec<_>>(), ["one", "two", "three"]);
        assert_eq!(request.forwarded_for().collect::<Vec<_>>(), ["10.0.0.1", "10.0.0.2"]);
        assert_eq!(request.forwarded_proto(), Some("https"));
    }

    #[test]
    fn malformed_heads_are_refused() {
        for head in [
            "GET /v1 HTTP/1.0\r\nHost: a\r\n\r\n",
            "GET /v1 HTTP/1.1\r\n\r\n",
            "GET /v1 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET /v1 HTTP/1.1\r\nHost: a\r\nOrigin: x\r\nOrigin: y\r\n\r\n",
            "GET http://a/v1 HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /v1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
            "GET /v1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET /v1 HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET /v1 HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
            "GET /v1 HTTP/1.1\r\nHost: a\n\nrest\r\n\r\n",
            "GET\r\n\r\n",
        ] {
            assert_eq!(refusal(head), Refusal::Malformed, "{head:?}");
        }
        assert_eq!(
            Request::parse(b"GET /v1 HTTP/1.1\r\nHost: \xff\r\n\r\n").unwrap_err(),
            Refusal::Malformed
        );
    }

    #[test]
    fn more_headers_than_the_bound_are_refused_as_too_large() {
        let head = |count| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(count - 1));
        assert!(Request::parse(head(HEADERS_MAX).as_bytes()).is_ok());
        assert_eq!(refusal(&head(HEADERS_MAX + 1)), Refusal::HeadTooLarge);
    }
}
