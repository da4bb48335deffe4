//! Where the head of an HTTP message ends, found without looking at any byte twice.

use super::Refusal;
use crate::limit::HTTP_HEADER_BYTES_MAX;

/// Scans the growing head of one connection. A peer that sends it byte by byte costs no more than one that does not.
#[derive(Clone, Debug, Default)]
pub struct HeadEnd {
    scanned: u32,
}

impl HeadEnd {
    /// Length of the head, blank line included, once it is whole in `bytes`, which hold everything received so far.
    ///
    /// # Errors
    /// [`Refusal::HeadTooLarge`] when it does not end within the bound; [`Refusal::Malformed`] at once when the first
    /// byte can't begin an HTTP message (a TLS client on a plain port, for one).
    pub fn find(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refusal> {
        if bytes.first().is_some_and(|byte| !byte.is_ascii_uppercase()) {
            return Err(Refusal::Malformed);
        }
        let bounded = &bytes[..bytes.len().min(HTTP_HEADER_BYTES_MAX)];
        // The last three bytes may be the beginning of the blank line.
        let from = (self.scanned as usize).min(bounded.len()).saturating_sub(3);
        if let Some(at) = bounded[from..].windows(4).position(|window| window == b"\r\n\r\n") {
            return Ok(Some(from + at + 4));
        }
        self.scanned = bounded.len() as u32;
        if bytes.len() >= HTTP_HEADER_BYTES_MAX { Err(Refusal::HeadTooLarge) } else { Ok(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_however_the_bytes_arrive() {
        let bytes = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n\x81\x80";
        for step in 1..bytes.len() {
            let mut end = HeadEnd::default();
            let mut received = 0;
            let found = loop {
                received = (received + step).min(bytes.len());
                if let Some(found) = end.find(&bytes[..received]).unwrap() {
                    break found;
                }
            };
            assert_eq!(found, bytes.len() - 2, "in steps of {step}");
        }
    }

    #[test]
    fn a_head_that_does_not_end_is_refused_at_the_bound_and_not_before() {
        let bytes = vec![b'A'; HTTP_HEADER_BYTES_MAX];
        let mut end = HeadEnd::default();
        assert_eq!(end.find(&bytes[..HTTP_HEADER_BYTES_MAX - 1]), Ok(None));
        assert_eq!(end.find(&bytes), Err(Refusal::HeadTooLarge));
    }

    #[test]
    fn a_head_of_exactly_the_bound_is_taken_and_one_byte_more_is_not() {
        let mut bytes = vec![b'A'; HTTP_HEADER_BYTES_MAX - 4];
        bytes.extend_from_slice(b"\r\n\r\n");
        assert_eq!(HeadEnd::default().find(&bytes), Ok(Some(HTTP_HEADER_BYTES_MAX)));
        bytes.insert(0, b'A');
        assert_eq!(HeadEnd::default().find(&bytes), Err(Refusal::HeadTooLarge));
    }

    #[test]
    fn a_tls_client_on_a_plain_port_is_refused_at_its_first_byte() {
        assert_eq!(HeadEnd::default().find(&[0x16]), Err(Refusal::Malformed));
    }
}
