use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn fields(section: &[u8]) -> Result<Vec<(String, String)>, Unreadable> {
    let text = |bytes: Cow<'_, [u8]>| String::from_utf8(bytes.into_owned()).unwrap();
    Fields::new(section)?.map(|field| field.map(|(name, value)| (text(name), text(value)))).collect()
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_example_of_rfc_9204_appendix_b_1_is_read() {
    let section = hex("0000 510b 2f69 6e64 6578 2e68 746d 6c");
    assert_eq!(fields(&section), Ok(owned(&[(":path", "/index.html")])));
}

#[test]
fn the_examples_of_rfc_9204_appendix_b_that_use_a_dynamic_table_are_refused() {
    for section in ["0381 10 11", "0500 80 c1 81", "0482 00"] {
        let Err(Unreadable::Fault(fault)) = fields(&hex(section)) else { panic!("{section} was read") };
        assert_eq!(fault.code, Code::DecompressionFailed);
    }
    // The prefix says that there is none, the lines refer to one all the same.
    for line in ["80", "bf00", "10", "00", "0f00 01 61", "40 01 61", "6f00 01 61"] {
        assert_eq!(fields(&hex(&format!("0000 {line}"))), Err(DYNAMIC), "{line}");
    }
}

#[test]
fn a_section_of_another_encoder_is_read() {
    // ls-qpack with a table of 0 bytes, as Chromium's and aioquic's would be.
    let section = hex(
        "0000cfd7508a089d5c0b8170dc75a003518663b87fcf307a2f00b95d8749c87a3f89f058d360ea4567b13f2f0e4148b782c69b07522b3d89\
         5a74a6b65692c1ca900b01315f4b8f9d29aee30c50720e89ce84dc6400072f09f09587dc66a071d055abb0e9390f423f96fe6c3553781fa5\
         fb857963fe7e94fe4e99cb67d87f9f",
    );
    let expected = owned(&[
        (":method", "CONNECT"),
        (":scheme", "https"),
        (":authority", "127.0.0.1:7400"),
        (":path", "/v1?x=y"),
        (":protocol", "webtransport"),
        ("sec-webtransport-http3-draft02", "1"),
        ("origin", "http://localhost:3000"),
        ("wt-available-protocols", "\"ringway.v1.fb\", \"other;1\""),
    ]);
    assert_eq!(fields(&section), Ok(expected.clone()));
    let mut ours = Vec::new();
    write_prefix(&mut ours);
    for (name, value) in &expected {
        write_field(name, value, &mut ours);
    }
    assert_eq!(fields(&ours), Ok(expected));
}

#[test]
fn whatever_is_cut_is_refused_or_shorter() {
    let section =
        hex("0000 510b 2f69 6e64 6578 2e68 746d 6c d9 2f0e4148b782c69b07522b3d895a74a6b65692c1ca900b 01 31");
    let whole = fields(&section).unwrap();
    for cut in 0..section.len() {
        match fields(&section[..cut]) {
            Ok(fewer) => assert!(fewer.len() < whole.len() && whole.starts_with(&fewer), "{cut}"),
            Err(unreadable) => assert_eq!(unreadable, CUT, "{cut}"),
        }
    }
}

#[test]
fn entries_that_are_not_in_the_table_are_refused() {
    assert_eq!(fields(&hex("0000 ff23")).unwrap(), owned(&[("x-frame-options", "sameorigin")]));
    for section in ["0000 ff24", "0000 ffffffff07", "0000 5f54 01 61"] {
        assert_eq!(fields(&hex(section)), Err(failed("no such entry in the static table")), "{section}");
    }
}

#[test]
fn noise_in_the_place_of_huffman_is_refused() {
    let noise = Err(failed("a string is not Huffman-coded"));
    assert_eq!(fields(&hex("0000 51 84 ffffffff")), noise);
    assert_eq!(fields(&hex("0000 51 81 00")), noise);
}

#[test]
fn a_section_is_bounded_by_what_it_becomes() {
    // Each byte is a field of 32 bytes and more: 300 of them are too many, though the section is short.
    let mut section = vec![0, 0];
    section.resize(2 + 300, 0xc0);
    assert_eq!(fields(&section[..200]).map(|fields| fields.len()), Ok(198));
    section.resize(2 + 500, 0xc0);
    assert_eq!(fields(&section), Err(Unreadable::TooLarge));
}

#[test]
fn what_is_written_is_read_whatever_the_name_is() {
    let expected = owned(&[
        (":status", "200"),
        (":status", "418"),
        (":protocol", "webtransport"),
        ("an-uncommon-name-that-is-rather-long", &"v".repeat(1000)),
        ("origin", ""),
        ("x-frame-options", "sameorigin"),
    ]);
    let mut section = Vec::new();
    write_prefix(&mut section);
    for (name, value) in &expected {
        write_field(name, value, &mut section);
    }
    assert_eq!(fields(&section), Ok(expected));
}
