//! The log's files damaged at rest, anywhere: a start either finds every acknowledged command, or refuses and says what to
//! do. The log's own chain and the acknowledged mark beside it do this together: SQLite ends its recovery at the first bad
//! frame of the write-ahead log, which leaves a shorter log that looks whole.

mod common;

use common::{bars, opened};
use ensoex_exchange::{Exchange, ExchangeError};
use std::fs;

const PAGE: usize = 4_096;
const WAL_HEADER: usize = 32;
const FRAME: usize = 24 + PAGE;

/// The log's two files and the mark, as a killed process leaves them.
struct Image {
    database: Vec<u8>,
    ahead: Vec<u8>,
    mark: Vec<u8>,
    state: (u64, [u8; 32]),
}

async fn image() -> Image {
    let directory = tempfile::tempdir().unwrap();
    let exchange = opened(directory.path()).await;
    bars(&exchange, 3).await;
    drop(exchange);
    // Opened once more, so that a part is in the file itself.
    let exchange = Exchange::open(directory.path()).await.unwrap();
    bars(&exchange, 3).await;
    let read = |name: &str| fs::read(directory.path().join(name)).unwrap();
    Image {
        database: read("log.db"),
        ahead: read("log.db-wal"),
        mark: read("acknowledged"),
        state: state(&exchange),
    }
}

fn state(exchange: &Exchange) -> (u64, [u8; 32]) {
    exchange.read(|engine| (engine.sequence().0, engine.state_hash()))
}

/// `None` when all of it is there.
async fn refused(image: &Image, database: &[u8], ahead: &[u8], what: &str) -> Option<ExchangeError> {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("log.db"), database).unwrap();
    fs::write(directory.path().join("log.db-wal"), ahead).unwrap();
    fs::write(directory.path().join("acknowledged"), &image.mark).unwrap();
    match Exchange::open(directory.path()).await {
        Ok(exchange) => {
            assert_eq!(
                state(&exchange),
                image.state,
                "{what}: something is missing and nothing was said"
            );
            None
        }
        Err(error) => {
            let sentence = error.to_string().to_lowercase();
            assert!(sentence.contains("restore"), "{what}: {error}");
            Some(error)
        }
    }
}

fn flipped(bytes: &[u8], place: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[place] ^= 1 << (place % 8);
    bytes
}

fn torn(bytes: &[u8], from: usize, to: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[from..to].fill(0);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_finds_all_that_was_acknowledged_or_refuses() {
    let image = image().await;
    let control = refused(&image, &image.database, &image.ahead, "control").await;
    assert!(control.is_none(), "{control:?}");
    let mut damages = Vec::new();
    for page in (0..image.database.len()).step_by(PAGE) {
        for place in [page + 5, page + 101, page + 3_000, page + PAGE - 40] {
            damages.push((
                format!("file: bit at {place}"),
                flipped(&image.database, place),
                image.ahead.clone(),
            ));
        }
        let (middle, end) = (page + PAGE / 2, page + PAGE);
        damages.push((
            format!("file: torn at {middle}"),
            torn(&image.database, middle, end),
            image.ahead.clone(),
        ));
        damages.push((
            format!("file: cut off at {page}"),
            image.database[..page].to_vec(),
            image.ahead.clone(),
        ));
    }
    for frame in (WAL_HEADER..image.ahead.len()).step_by(FRAME) {
        for place in [frame + 9, frame + 600] {
            damages.push((
                format!("ahead: bit at {place}"),
                image.database.clone(),
                flipped(&image.ahead, place),
            ));
        }
        let (middle, end) = (frame + FRAME / 2, frame + FRAME);
        damages.push((
            format!("ahead: torn at {middle}"),
            image.database.clone(),
            torn(&image.ahead, middle, end),
        ));
        damages.push((
            format!("ahead: cut off at {middle}"),
            image.database.clone(),
            image.ahead[..middle].to_vec(),
        ));
    }
    let (mut by_the_mark, mut by_the_log) = (0, 0);
    for (what, database, ahead) in &damages {
        match refused(&image, database, ahead, what).await {
            Some(ExchangeError::LogTooShort { .. }) => by_the_mark += 1,
            Some(_) => by_the_log += 1,
            None => {}
        }
    }
    println!(
        "{} damages: {by_the_log} refused by the log, {by_the_mark} by the mark",
        damages.len()
    );
    assert!(by_the_log > 0 && by_the_mark > 0);
}
