//! A fixed list of commands gives one recorded state and one recorded list of answers, whatever the
//! optimisation level, the compiler or the machine.
//!
//! When the engine's rules or the hash's layout change on purpose, print the new values with
//! `ENSOEX_GOLDEN=print cargo test -p ensoex-engine --test golden -- --nocapture` and record them here.

mod workload;

use ensoex_engine::{Command, Engine, Event};
use ensoex_types::{MarketId, MarketState, Sequence, Timestamp};
use std::collections::BTreeMap;
use std::fmt::Write;
use workload::{Random, command, setup};

/// After how many commands, [`Engine::state_hash`] and [`Fingerprint`] of all events so far.
const RECORDED: [(u64, &str, u64); 3] = [
    (
        1_000,
        "80992fd28c63944e40eabdc4f5c38e8763611dc82b0d59ab2eb8a3d3941798bb",
        0x43AF_9329_0327_D053,
    ),
    (
        20_000,
        "51a5e792b6e022cf995f80f3f50e46661f4343c67f3736ec9a348d9f02e37b52",
        0x1425_86E1_C57E_31B0,
    ),
    (
        LAST,
        "235d667d3a6d3735294252691404b8840e675d8fb2ce6739f00be0222c9c8d77",
        0x25C4_F656_A451_0742,
    ),
];

const LAST: u64 = 60_000;
/// The second market ends a little earlier.
const DELISTING: u64 = LAST - 1_000;
const DELIST: Command = Command::SetMarketState {
    market: MarketId(1),
    state: MarketState::Delisted,
};

#[test]
fn the_state_and_the_answers_are_as_recorded() {
    let mut engine = Engine::new();
    let mut answers = Fingerprint(0xCBF2_9CE4_8422_2325);
    let mut events = Vec::new();
    let mut seen = Vec::new();
    let mut kinds = BTreeMap::new();
    let mut setup = setup().into_iter();
    let mut random = Random(0x005E_ED0F_601D);
    let mut last_order = 0;
    for sequence in 1..=LAST {
        let command = match setup.next() {
            Some(command) => command,
            None if sequence == DELISTING => DELIST,
            None => command(&random.numbers(), last_order),
        };
        events.clear();
        // A minute and a half each: some thousand commands a month.
        let at = Timestamp(sequence * 90_000_000);
        engine.apply(Sequence(sequence), at, &command, &mut events);
        for event in &events {
            *kinds.entry(kind_of(event)).or_insert(0) += 1;
            if let Event::OrderAccepted { order, .. } = event {
                last_order = order.0;
            }
            answers.add(&postcard::to_allocvec(event).expect("events can be written"));
        }
        if RECORDED.iter().any(|(after, ..)| *after == sequence) {
            assert_eq!(engine.check_invariants(), Ok(()));
            seen.push((sequence, hex(&engine.state_hash()), answers.0));
        }
    }
    if std::env::var_os("ENSOEX_GOLDEN").is_some() {
        for (sequence, hash, answers) in &seen {
            println!("({sequence}, \"{hash}\", {answers:#018X}),");
        }
        println!("{kinds:#?}");
        return;
    }
    let recorded = RECORDED.map(|(after, hash, answers)| (after, hash.to_owned(), answers));
    assert_eq!(seen, recorded, "left: now, right: as recorded");
}

/// An event's name, with its reason or refusal.
fn kind_of(event: &Event) -> String {
    match event {
        Event::Rejected { reject } => format!("{reject:?}"),
        Event::OrderClosed { reason, .. } => format!("Closed{reason:?}"),
        other => format!("{other:?}")
            .split([' ', '('])
            .next()
            .unwrap_or_default()
            .to_owned(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes it");
        text
    })
}

/// FNV-1a over bytes: not safe against attackers, but any slip shows.
struct Fingerprint(u64);

impl Fingerprint {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
}
