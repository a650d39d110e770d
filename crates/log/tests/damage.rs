//! Files damaged at rest: a flipped bit, a torn write, a truncated file, at every page of the log and of its write-ahead
//! log. What is read is what was written; anything else is refused in a sentence that says what to do.
//!
//! The chain cannot know of rows that are gone from the end with all their traces, as when SQLite ends its recovery at the
//! first bad frame: then the log is a shorter one, and who compares it with the last acknowledged place finds that out.
//! `ENSOEX_DAMAGE_STRIDE=1` damages every frame of the write-ahead log; by default it is every fifth.

use ensoex_log::{Batch, CommandLog, Head, LogError, Opening, SqliteLog};
use ensoex_types::Timestamp;

const PAGE: usize = 4_096;
const WAL_HEADER: usize = 32;
const FRAME: usize = 24 + PAGE;

/// The two files as a crash would leave them, and what was acknowledged by then.
struct Image {
    database: Vec<u8>,
    ahead: Vec<u8>,
    rows: Vec<Batch>,
}

async fn image() -> Image {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.db");
    for rows in [0..24, 24..40] {
        // Opening copies what the first rows left in the write-ahead log into the file.
        let mut log = SqliteLog::open(&path, &Opening::default()).await.unwrap();
        for row in rows.clone() {
            let data = vec![row; 200 + 40 * usize::from(row)];
            log.append(Timestamp(u64::from(row)), 1 + u32::from(row), data)
                .await
                .unwrap();
        }
        if rows.end == 40 {
            let rows = read(&mut log).await.unwrap();
            let database = std::fs::read(&path).unwrap();
            let ahead = std::fs::read(directory.path().join("log.db-wal")).unwrap();
            return Image {
                database,
                ahead,
                rows,
            };
        }
    }
    unreachable!("the last run of rows answers")
}

async fn read(log: &mut SqliteLog) -> Result<Vec<Batch>, LogError> {
    let mut rows: Vec<Batch> = Vec::new();
    loop {
        let reached = rows.last().map_or(Head::EMPTY, Batch::end);
        let more = log.read(&reached, 64).await?;
        if more.is_empty() {
            log.check_end(&reached)?;
            return Ok(rows);
        }
        rows.extend(more);
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// The damage hit bytes that mean nothing.
    Whole,
    /// Refused.
    Refused,
    /// Fewer rows, from the beginning; the last acknowledged one is missing.
    Shorter,
}

/// Opens as a start does, and reads.
async fn found(image: &Image, database: &[u8], ahead: &[u8], what: &str) -> Found {
    // A place of its own: the last connection may still be at work on the files of the one before.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.db");
    std::fs::write(&path, database).unwrap();
    std::fs::write(directory.path().join("log.db-wal"), ahead).unwrap();
    let read = match SqliteLog::open(&path, &Opening::default()).await {
        Ok(mut log) => read(&mut log).await,
        Err(error) => Err(error),
    };
    match read {
        Ok(rows) => {
            assert!(
                image.rows.starts_with(&rows),
                "{what}: other rows than were written"
            );
            match rows.len() == image.rows.len() {
                true => Found::Whole,
                false => Found::Shorter,
            }
        }
        Err(error) => {
            assert!(error.to_string().contains("restore"), "{what}: {error}");
            Found::Refused
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

#[tokio::test]
async fn a_damaged_file_is_refused_or_reads_as_it_was() {
    let image = image().await;
    let control = found(&image, &image.database, &image.ahead, "control").await;
    assert_eq!(control, Found::Whole);
    let (mut refused, mut whole) = (0, 0);
    let mut damages = Vec::new();
    for page in (0..image.database.len()).step_by(PAGE) {
        for offset in [0, 3, 8, 13, 101, 700, 2_048, 3_300, PAGE - 60, PAGE - 1] {
            let place = page + offset;
            damages.push((format!("bit at {place}"), flipped(&image.database, place)));
        }
        let (middle, end) = (page + PAGE / 2, page + PAGE);
        damages.push((format!("torn at {middle}"), torn(&image.database, middle, end)));
        damages.push((format!("cut off at {page}"), image.database[..page].to_vec()));
        damages.push((format!("cut off at {middle}"), image.database[..middle].to_vec()));
    }
    for (what, damaged) in &damages {
        match found(&image, damaged, &image.ahead, what).await {
            Found::Refused => refused += 1,
            Found::Whole => whole += 1,
            Found::Shorter => panic!("{what}: rows of the file are missing and nothing was said"),
        }
    }
    println!(
        "{} damages: {refused} refused, {whole} without meaning",
        damages.len()
    );
    assert!(
        refused > whole,
        "most bytes mean something: {refused} refused, {whole} not"
    );
}

#[tokio::test]
async fn a_damaged_write_ahead_log_never_gives_other_rows() {
    let image = image().await;
    let stride: usize = std::env::var("ENSOEX_DAMAGE_STRIDE")
        .ok()
        .and_then(|stride| stride.parse().ok())
        .unwrap_or(5);
    let mut damages = vec![
        ("header's bit".to_owned(), flipped(&image.ahead, 9)),
        ("empty".to_owned(), Vec::new()),
    ];
    let frames = (WAL_HEADER..image.ahead.len()).step_by(FRAME);
    for frame in frames.step_by(stride) {
        for offset in [0, 5, 9, 17, 24, 900, FRAME - 1] {
            let place = frame + offset;
            damages.push((format!("bit at {place}"), flipped(&image.ahead, place)));
        }
        let (middle, end) = (frame + FRAME / 2, frame + FRAME);
        damages.push((format!("torn at {middle}"), torn(&image.ahead, middle, end)));
        damages.push((format!("cut off at {middle}"), image.ahead[..middle].to_vec()));
    }
    let mut shorter = 0;
    for (what, damaged) in &damages {
        if found(&image, &image.database, damaged, what).await == Found::Shorter {
            shorter += 1;
        }
    }
    println!(
        "{} damages: {shorter} left a shorter log, which only the acknowledged place tells",
        damages.len()
    );
    assert!(shorter > 0, "control: SQLite does end its recovery early");
}

#[tokio::test]
async fn a_log_whose_file_is_gone_does_not_begin_anew() {
    let image = image().await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.db");
    std::fs::write(directory.path().join("log.db-wal"), &image.ahead).unwrap();
    for emptied in [false, true] {
        if emptied {
            std::fs::write(&path, b"").unwrap();
        }
        let refused = SqliteLog::open(&path, &Opening::default()).await.err();
        assert!(matches!(refused, Some(LogError::Damaged { .. })), "{refused:?}");
        assert_eq!(
            std::fs::read(directory.path().join("log.db-wal")).unwrap(),
            image.ahead
        );
    }
}
