//! The codec: known bytes, round trips, and every kind of malformed input.

use ensoex_iso8583::{
    AdditionalData, Content, FRAME_BYTES_MAX, FieldError, FrameBuffer, FrameError, Length, Message,
    MessageType, OriginalDataElements, ParseError, definition, encode_frame, number, tag,
};
use proptest::prelude::*;

fn parse(bytes: &[u8]) -> Result<Message, ParseError> {
    Message::parse(bytes)
}

#[test]
fn encodes_the_documented_layout() {
    let mut message = Message::new(MessageType::AUTHORIZATION_REQUEST);
    message.set(number::CARD_NUMBER, b"4242424242424242").unwrap();
    message.set_integer(number::PROCESSING_CODE, 0).unwrap();
    message.set_integer(number::AMOUNT, 2500).unwrap();
    message.set_integer(number::TRACE_NUMBER, 7).unwrap();
    message.set_padded(number::TERMINAL, "PAY1").unwrap();
    let mut expected = b"0100".to_vec();
    expected.extend([0b0111_0000, 0b0010_0000, 0, 0, 0, 0b1000_0000, 0, 0]);
    expected.extend(b"164242424242424242");
    expected.extend(b"000000");
    expected.extend(b"000000002500");
    expected.extend(b"000007");
    expected.extend(b"PAY1    ");
    assert_eq!(*message.encode(), expected);
    let again = parse(&expected).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(again.integer(number::AMOUNT), Some(2500));
    assert_eq!(again.text(number::TERMINAL), Some("PAY1    "));
}

#[test]
fn a_field_above_64_brings_the_second_bitmap() {
    let mut message = Message::new(MessageType::NETWORK_MANAGEMENT_REQUEST);
    message.set_integer(number::NETWORK_MANAGEMENT, 301).unwrap();
    let bytes = message.encode();
    assert_eq!(bytes.len(), 4 + 16 + 3);
    assert_eq!(bytes[4], 0x80);
    assert_eq!(bytes[12], 0b0000_0100);
    assert_eq!(
        parse(&bytes)
            .unwrap_or_else(|error| panic!("{error}"))
            .integer(70),
        Some(301)
    );
}

#[test]
fn malformed_messages_are_refused_by_name() {
    let message = |fields: &[u8], rest: &[u8]| {
        let mut bytes = b"0100".to_vec();
        let mut bitmap = [0u8; 8];
        for field in fields {
            bitmap[usize::from((field - 1) / 8)] |= 0x80 >> ((field - 1) % 8);
        }
        bytes.extend(bitmap);
        bytes.extend(rest);
        bytes
    };
    for (bytes, expected) in [
        (b"".to_vec(), ParseError::Truncated { field: None }),
        (b"0100\x00".to_vec(), ParseError::Truncated { field: None }),
        (b"9100\0\0\0\0\0\0\0\0".to_vec(), ParseError::MessageType),
        (b"01x0\0\0\0\0\0\0\0\0".to_vec(), ParseError::MessageType),
        (message(&[1], b""), ParseError::Truncated { field: None }),
        (message(&[2], b"1"), ParseError::Truncated { field: Some(2) }),
        (message(&[2], b"1642"), ParseError::Truncated { field: Some(2) }),
        (message(&[2], b"x6"), ParseError::Length { field: 2 }),
        (message(&[2], b"20"), ParseError::Length { field: 2 }),
        (message(&[54], b"999"), ParseError::Length { field: 54 }),
        (
            message(&[3], b"00000x"),
            ParseError::Field(FieldError::Content { field: 3 }),
        ),
        (message(&[3], b"000000!"), ParseError::Trailing { count: 1 }),
        (
            message(&[43], &[0x07; 40]),
            ParseError::Field(FieldError::Content { field: 43 }),
        ),
    ] {
        assert_eq!(parse(&bytes).err(), Some(expected), "{bytes:?}");
    }
    let mut undefined = b"0100".to_vec();
    undefined.extend([0x80, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(parse(&undefined).err(), Some(ParseError::Undefined { field: 65 }));
}

#[test]
fn values_that_do_not_fit_are_refused() {
    let mut message = Message::new(MessageType::AUTHORIZATION_REQUEST);
    assert_eq!(message.set(1, b""), Err(FieldError::Undefined { field: 1 }));
    assert_eq!(message.set(255, b""), Err(FieldError::Undefined { field: 255 }));
    assert_eq!(
        message.set(4, b"1"),
        Err(FieldError::Length { field: 4, length: 1 })
    );
    assert_eq!(
        message.set_integer(11, 1_000_000),
        Err(FieldError::Length { field: 11, length: 7 })
    );
    assert_eq!(message.set(11, b"-00001"), Err(FieldError::Content { field: 11 }));
    assert!(message.field_numbers().next().is_none());
}

#[test]
fn answers_have_their_own_types() {
    for (request, response) in [
        (b"0100", "0110"),
        (b"0200", "0210"),
        (b"0220", "0230"),
        (b"0221", "0230"),
        (b"0421", "0430"),
    ] {
        let request = MessageType::parse(request).unwrap();
        assert_eq!(
            request.response().map(|response| response.to_string()).as_deref(),
            Some(response)
        );
    }
    assert_eq!(MessageType::parse(b"0110").unwrap().response(), None);
}

#[test]
fn original_data_round_trips() {
    let original = OriginalDataElements {
        message_type: MessageType::AUTHORIZATION_REQUEST,
        trace_number: 42,
        transmission_date_time: *b"1122153000",
        acquirer: 12_345,
    };
    let digits = original.encode().unwrap();
    assert_eq!(&digits, b"010000004211221530000000001234500000000000");
    assert_eq!(OriginalDataElements::parse(&digits), Some(original));
    assert_eq!(OriginalDataElements::parse(&digits[1..]), None);
}

#[test]
fn additional_data_round_trips() {
    let mut data = AdditionalData::default();
    data.push(tag::VERIFICATION_CODE, b"123").unwrap();
    data.push(tag::COMMERCE_INDICATOR, b"05").unwrap();
    assert_eq!(data.encode().as_slice(), b"9203123420205");
    let again = AdditionalData::parse(&data.encode()).unwrap();
    assert_eq!(again.get(tag::VERIFICATION_CODE), Some(b"123".as_slice()));
    assert_eq!(again.get(tag::AUTHENTICATION_VALUE), None);
    for bad in [b"92".as_slice(), b"9204123", b"x203123"] {
        assert!(AdditionalData::parse(bad).is_none());
    }
    assert!(data.push(100, b"").is_none());
    assert!(data.push(1, &[b'x'; 100]).is_none());
}

#[test]
fn frames_are_bounded() {
    assert_eq!(encode_frame(&[]).err(), Some(FrameError::Empty));
    assert_eq!(
        encode_frame(&[0; FRAME_BYTES_MAX + 1]).err(),
        Some(FrameError::TooLong {
            length: FRAME_BYTES_MAX + 1
        })
    );
    let mut buffer = FrameBuffer::default();
    buffer.push(&[0xff, 0xff]);
    assert_eq!(
        buffer.next_frame().err(),
        Some(FrameError::TooLong { length: 65_535 })
    );
    let mut buffer = FrameBuffer::default();
    buffer.push(&[0, 0]);
    assert_eq!(buffer.next_frame().err(), Some(FrameError::Empty));
}

/// The fields of any message that the definitions permit.
fn any_fields() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    let field = (2u8..=128).prop_filter("defined", |field| definition(*field).is_some());
    proptest::collection::btree_map(field, any::<(u16, [u8; 32])>(), 0..20).prop_map(|fields| {
        fields
            .into_iter()
            .map(|(field, seed)| (field, value(field, seed)))
            .collect()
    })
}

fn value(field: u8, (size, seed): (u16, [u8; 32])) -> Vec<u8> {
    let defined = definition(field).unwrap();
    let length = match defined.length {
        Length::Fixed(length) => length,
        Length::TwoDigits(max) | Length::ThreeDigits(max) => usize::from(size) % (max + 1),
    };
    let byte = |index: usize| seed[index % 32].wrapping_add((index / 32) as u8);
    let character = |index: usize| match defined.content {
        Content::Numeric => b'0' + byte(index) % 10,
        Content::SignedNumeric if index == 0 => b'C' + byte(index) % 2,
        Content::SignedNumeric => b'0' + byte(index) % 10,
        Content::Text | Content::Track => 0x20 + byte(index) % 95,
        Content::Binary => byte(index),
    };
    (0..length).map(character).collect()
}

fn build(fields: &[(u8, Vec<u8>)]) -> Message {
    let mut message = Message::new(MessageType::FINANCIAL_REQUEST);
    for (field, value) in fields {
        message.set(*field, value).unwrap();
    }
    message
}

proptest! {
    #[test]
    fn messages_round_trip(fields in any_fields()) {
        let bytes = build(&fields).encode();
        let again = parse(&bytes).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&*again.encode(), &*bytes);
        let values: Vec<_> =
            again.field_numbers().map(|field| (field, again.get(field).unwrap().to_vec())).collect();
        prop_assert_eq!(values, fields);
    }

    #[test]
    fn any_bytes_parse_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(message) = parse(&bytes) {
            // Only an empty second bitmap is written shorter.
            let shorter = bytes.len() - message.encode().len();
            prop_assert!(shorter == 0 || shorter == 8);
        }
    }

    #[test]
    fn damaged_messages_never_panic(
        fields in any_fields(), at in any::<proptest::sample::Index>(), value in any::<u8>(), cut in any::<proptest::sample::Index>()
    ) {
        let mut bytes = build(&fields).encode().to_vec();
        let index = at.index(bytes.len());
        bytes[index] = value;
        let _ = parse(&bytes);
        let _ = parse(&bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn frames_arrive_whole_however_they_are_cut(
        messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..300), 1..8), chunk in 1usize..200
    ) {
        let stream: Vec<u8> = messages.iter().flat_map(|message| encode_frame(message).unwrap().to_vec()).collect();
        let mut buffer = FrameBuffer::default();
        let mut frames = Vec::new();
        for mut part in stream.chunks(chunk) {
            while !part.is_empty() {
                let taken = buffer.push(part);
                part = &part[taken..];
                while let Some(frame) = buffer.next_frame().unwrap() {
                    frames.push(frame.to_vec());
                }
            }
        }
        prop_assert_eq!(frames, messages);
    }
}
