//! Card numbers as people and programs write them, and what must not be taken for one.

use ensoex_card_firewall::{SCAN_OVERLAP_BYTES, Scanner, find, find_split, redact};
use proptest::prelude::*;

/// A published test number in ways that hide it from a plain search.
fn disguises(number: &str) -> Vec<String> {
    let shifted = |zero: u32| -> String {
        let digit = |byte: u8| char::from_u32(zero + u32::from(byte - b'0')).unwrap();
        number.bytes().map(digit).collect()
    };
    let joined = |separator: &str| {
        number
            .chars()
            .map(String::from)
            .collect::<Vec<_>>()
            .join(separator)
    };
    let grouped = |separator: &str| {
        let bytes = number.as_bytes().chunks(4);
        bytes
            .map(|group| std::str::from_utf8(group).unwrap())
            .collect::<Vec<_>>()
            .join(separator)
    };
    vec![
        number.to_owned(),
        grouped(" "),
        grouped("-"),
        grouped("."),
        grouped(" / "),
        grouped("\u{a0}"),
        grouped("\u{200b}"),
        grouped("\n"),
        joined(" "),
        joined("\u{200d}"),
        joined("\u{ad}"),
        joined("\u{fe0f}\u{20e3} "),
        shifted(0xff10),
        shifted(0x660),
        shifted(0x966),
        shifted(0x1d7d8),
        format!("PAN{number}"),
        format!("{number}EUR"),
        format!("my card is {number}, until 12/28"),
        format!("\"{}\"", grouped(" ")),
        format!("{} 123", grouped(" ")),
        format!("+{number}"),
        format!("00 {number} 00"),
    ]
}

#[test]
fn a_number_is_found_in_every_disguise() {
    for number in ["4242424242424242", "5555555555554444", "378282246310005"] {
        for text in disguises(number) {
            // A plus sign makes 15 digits a telephone number.
            if number.len() == 15 && text.starts_with('+') {
                continue;
            }
            let found = find(&text);
            assert_eq!(
                found.as_ref().map(|found| found.digits),
                Some(number.len()),
                "{text:?}"
            );
            assert!(!redact(&text).contains(&text), "{text:?}");
            assert_eq!(find(&redact(&text)), None, "{text:?}");
        }
    }
    // The control: the check digit decides.
    for text in disguises("4242424242424243") {
        assert_eq!(find(&text), None, "{text:?}");
        assert_eq!(redact(&text), text);
    }
}

#[test]
fn what_else_people_send_is_let_through() {
    for text in [
        "",
        "+4915112345674",
        "+380 67 123 45 67",
        "2026-11-23T12:08:06.123456Z",
        "1732365845123456",
        "65000.10",
        "0.00000001",
        "b81d6a4f-4242-4242-8242-4242424242f2",
        "d4242424242424242a7f3c94e5b6a7f8090a1b2c3d4e5f60718293a4b5c6d7e8f",
        "x-4711-0815-limit-7",
        "person@example.org",
        "10.0.0.1, 192.168.1.254",
        "43250.15000000",
        "-4242424.242424242",
        "42424242-4242-4242-8424-242424242424",
        "176390500012342",
    ] {
        assert_eq!(find(text), None, "{text:?}");
    }
}

#[test]
fn a_number_spread_over_fields_is_found() {
    assert_eq!(find_split(["4242", "4242", "4242", "4242"]), Some(0));
    assert_eq!(
        find_split(["a name", "42424242", "4242 4242", "some words"]),
        Some(1)
    );
    assert_eq!(find_split(["4242", "４２４２", "4242-4242"]), Some(0));
    // Amounts, telephone numbers and codes take no part, nor does what is no card number.
    for values in [
        &["4242.4242", "42424242"][..],
        &["+42424242", "42424242"],
        &["4242", "4242", "4242", "4243"],
        &["482913", "551234"],
        &["a4242", "4242", "4242", "4242"],
        &["42424242", "between", "42424242"],
    ] {
        assert_eq!(find_split(values.iter().copied()), None, "{values:?}");
    }
}

#[test]
fn a_file_is_read_piece_by_piece_without_losing_a_border() {
    let number = "4242 4242 4242 4242";
    for before in [0, 1, 100, 4_090, 4_095, 8_190, 20_000] {
        let mut bytes = vec![0xfe; before];
        bytes.extend_from_slice(number.as_bytes());
        bytes.extend(std::iter::repeat_n(0, 3 * SCAN_OVERLAP_BYTES));
        let mut scanner = Scanner::default();
        for piece in bytes.chunks(4_096) {
            scanner.read(piece);
        }
        let hits = scanner.finish();
        assert_eq!(
            hits.iter()
                .map(|hit| (hit.offset, hit.digits))
                .collect::<Vec<_>>(),
            [(before as u64, 16)]
        );
    }
}

#[test]
fn what_no_text_holds_parts_numbers_in_files_only() {
    let bytes = b"4242424242\x01424242";
    let mut scanner = Scanner::default();
    scanner.read(bytes);
    assert_eq!(scanner.finish(), []);
    assert!(find(std::str::from_utf8(bytes).unwrap()).is_some());
}

proptest! {
    #[test]
    fn no_price_or_quantity_is_refused(whole in 0_u64..1_000_000_000_000, decimals in 1_usize..=18, fraction in any::<u64>()) {
        let fraction: String = format!("{fraction:018}").chars().take(decimals).collect();
        let amount = format!("{whole}.{fraction}");
        prop_assert_eq!(find(&amount), None);
    }

    #[test]
    fn no_text_makes_it_stumble_and_no_card_number_is_left(text in "[\\PC0-9 ]{0,80}") {
        let clean = redact(&text);
        prop_assert_eq!(find(&clean), None);
    }

    #[test]
    fn keys_and_hashes_are_let_through(bytes in prop::collection::vec(any::<u8>(), 32)) {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        prop_assert_eq!(find(&hex), None);
    }
}
