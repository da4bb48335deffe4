//! Any bytes as a JSON body: taken exactly when serde_json takes them and they are at most 32 brackets deep, and then
//! nothing in them ends the field they are spliced into.

use ringway_protocol::codec::body;
use ringway_protocol::limit::JSON_DEPTH_MAX;
use ringway_protocol::{Body, BodyKind};
use serde_json::value::RawValue;

pub(crate) fn run(data: &[u8]) {
    let ours = body::check(Body { kind: BodyKind::Json, bytes: data }).ok();
    let oracle = serde_json::from_slice::<&RawValue>(data).ok().map(|value| value.get().trim());
    let oracle = oracle.filter(|value| brackets_deep(value.as_bytes()) <= JSON_DEPTH_MAX);
    assert_eq!(ours.map(|body| body.bytes), oracle.map(str::as_bytes));
    if let Some(body) = ours {
        let spliced = [b"{\"data\":", body.bytes, b",\"end\":1}"].concat();
        let fields: std::collections::BTreeMap<String, &RawValue> =
            serde_json::from_slice(&spliced).expect("still one object");
        assert_eq!((fields.len(), fields["end"].get()), (2, "1"));
        assert_eq!(fields["data"].get().as_bytes(), body.bytes);
    }
}

/// Of text that is valid JSON.
fn brackets_deep(json: &[u8]) -> usize {
    let (mut depth, mut most, mut at, mut quoted) = (0_usize, 0, 0, false);
    while let Some(byte) = json.get(at) {
        match byte {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth -= 1,
            _ => {}
        }
        most = most.max(depth);
        at += 1;
    }
    most
}
