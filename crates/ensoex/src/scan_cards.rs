//! `ensoex scan-cards`: looks for card numbers in files of any kind: logs, databases, backups, dumps.
//!
//! It tells where a number stands, never the number. It reads bytes as they lie: not what is compressed or sealed, not numbers
//! that a database keeps as integers, and not text in UTF-16. An exchange has many numbers, and one in ten of the right length
//! and beginning looks like a card's by chance; `--only` looks for known ones instead, such as one that was typed for a test.

use anyhow::Context;
use clap::Args;
use ensoex_card_firewall::{Hit, Scanner, digit_value};
use serde_json::json;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Bytes that are read at a time.
const PIECE_BYTES: usize = 1 << 20;
/// Largest file of numbers that are asked for.
const ONLY_BYTES_MAX: u64 = 1 << 20;
/// Fewest digits of one, so that not every number is found.
const ONLY_DIGITS_MIN: usize = 8;
/// Places that are told of one file; more are counted.
const TOLD_MAX: usize = 20;

/// `ensoex scan-cards`
#[derive(Args)]
pub struct ScanCardsArguments {
    /// Files, or folders with all that is in them; symbolic links in folders are not followed
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Look only for the numbers in this file, one a line: a row of other digits is a card's by chance now and then
    #[arg(long, value_name = "FILE")]
    pub only: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// What was looked at.
#[derive(Default)]
struct Looked {
    /// Digits of the numbers that alone are looked for.
    only: Vec<String>,
    files: u64,
    bytes: u64,
    found: Vec<(PathBuf, Vec<Hit>)>,
    /// Files that could not be read, and why.
    unread: Vec<(PathBuf, String)>,
}

/// Looks, and tells: 0 when there is no card number, 1 when there is one, 2 when something could not be read.
pub fn run(arguments: &ScanCardsArguments) -> ExitCode {
    let only = match arguments.only.as_deref().map(numbers_in).transpose() {
        Ok(only) => only.unwrap_or_default(),
        Err(error) => {
            eprintln!("{error:#}.");
            return ExitCode::from(2);
        }
    };
    let mut looked = Looked {
        only,
        ..Looked::default()
    };
    for path in &arguments.paths {
        look(path, &mut looked);
    }
    match arguments.json {
        true => say!("{}", in_json(&looked)),
        false => tell(&looked),
    }
    match (looked.found.is_empty(), looked.unread.is_empty()) {
        (false, _) => ExitCode::from(1),
        (true, false) => ExitCode::from(2),
        (true, true) => ExitCode::SUCCESS,
    }
}

/// The digits of each line.
fn numbers_in(path: &Path) -> anyhow::Result<Vec<String>> {
    let failed = || format!("{}: it cannot be read", path.display());
    let length = fs::metadata(path).with_context(failed)?.len();
    anyhow::ensure!(
        length <= ONLY_BYTES_MAX,
        "{}: it is larger than {ONLY_BYTES_MAX} bytes",
        path.display()
    );
    let text = fs::read_to_string(path).with_context(failed)?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let numbers: Vec<String> = lines
        .map(|line| {
            line.chars()
                .filter_map(digit_value)
                .map(|digit| char::from(b'0' + digit))
                .collect()
        })
        .collect();
    anyhow::ensure!(
        !numbers.is_empty()
            && numbers
                .iter()
                .all(|digits: &String| digits.len() >= ONLY_DIGITS_MIN),
        "{}: give at least one number, one a line, of {ONLY_DIGITS_MIN} digits or more",
        path.display()
    );
    Ok(numbers)
}

fn look(path: &Path, looked: &mut Looked) {
    if let Err(error) = look_at(path, looked) {
        looked.unread.push((path.to_owned(), format!("{error:#}")));
    }
}

fn look_at(path: &Path, looked: &mut Looked) -> anyhow::Result<()> {
    let kind = fs::metadata(path).context("it cannot be read")?;
    if kind.is_dir() {
        let mut inside: Vec<_> = fs::read_dir(path)?.collect::<Result<_, _>>()?;
        inside.sort_by_key(fs::DirEntry::path);
        for entry in inside {
            let kind = entry.file_type()?;
            // Neither links nor sockets: what a link leads to is looked at where it lies.
            if kind.is_dir() || kind.is_file() {
                look(&entry.path(), looked);
            }
        }
        return Ok(());
    }
    anyhow::ensure!(kind.is_file(), "it is neither a file nor a folder");
    let (mut file, mut scanner) = (File::open(path)?, Scanner::for_numbers(looked.only.clone()));
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            read => {
                scanner.read(piece.get(..read).unwrap_or_default());
                looked.bytes += read as u64;
            }
        }
    }
    looked.files += 1;
    let hits = scanner.finish();
    if !hits.is_empty() {
        looked.found.push((path.to_owned(), hits));
    }
    Ok(())
}

fn tell(looked: &Looked) {
    for (path, hits) in &looked.found {
        for hit in hits.iter().take(TOLD_MAX) {
            say!(
                "{}: byte {}: {}, {} digits",
                path.display(),
                hit.offset,
                hit.network,
                hit.digits
            );
        }
        if hits.len() > TOLD_MAX {
            say!("{}: and {} more", path.display(), hits.len() - TOLD_MAX);
        }
    }
    for (path, why) in &looked.unread {
        eprintln!("{}: {why}", path.display());
    }
    let count: usize = looked.found.iter().map(|(_, hits)| hits.len()).sum();
    let files = looked.files;
    let bytes = looked.bytes;
    match count {
        0 => say!("No card number in {files} files, {bytes} bytes."),
        _ => say!(
            "{count} card numbers in {} of {files} files, {bytes} bytes.",
            looked.found.len()
        ),
    }
}

fn in_json(looked: &Looked) -> serde_json::Value {
    let hits: Vec<_> = looked
        .found
        .iter()
        .flat_map(|(path, hits)| {
            hits.iter().map(move |hit| {
                json!({ "path": path.display().to_string(), "offset": hit.offset, "network": hit.network, "digits": hit.digits })
            })
        })
        .collect();
    let unread: Vec<_> = looked
        .unread
        .iter()
        .map(|(path, why)| json!({ "path": path.display().to_string(), "why": why }))
        .collect();
    json!({ "files": looked.files, "bytes": looked.bytes, "found": hits, "unread": unread })
}
