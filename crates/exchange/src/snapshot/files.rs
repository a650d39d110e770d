//! The folder of snapshots: names, writing whole or not at all, removing what is old.

use super::{BUFFER_BYTES, FORMAT, KEPT, MAGIC, SnapshotHeader, records};
use crate::market_data::MarketData;
use ensoex_engine::Engine;
use ensoex_log::Head;
use ensoex_types::{Sequence, Timestamp};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

const ENDING: &str = ".snapshot";
const UNFINISHED: &str = ".unfinished";
const TURN: &str = "lock";
/// Digits of a name, so that names sort as numbers do.
const DIGITS: usize = 20;

fn name(sequence: Sequence) -> String {
    format!("{:0DIGITS$}{ENDING}", sequence.0)
}

/// The sequence that a snapshot's name says.
pub(super) fn sequence_of(path: &Path) -> Option<Sequence> {
    let digits = path.file_name()?.to_str()?.strip_suffix(ENDING)?;
    let known = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    known.then(|| digits.parse().ok().map(Sequence)).flatten()
}

/// All snapshots of the folder by their names, newest first; none if there is no folder.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<(Sequence, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if let Some(sequence) = sequence_of(&path) {
            found.push((sequence, path));
        }
    }
    found.sort_unstable_by(|left, right| right.cmp(left));
    Ok(found)
}

/// Writes the state into the folder (created if absent): whole and durable, or not at all.
pub(crate) fn write(
    folder: &Path,
    engine: &Engine,
    market_data: &MarketData,
    (head, at): (Head, Timestamp),
) -> io::Result<(PathBuf, SnapshotHeader)> {
    fs::create_dir_all(folder)?;
    // One writer at a time: what is unfinished is then left over from one that was killed.
    let turn = File::create(folder.join(TURN))?;
    turn.lock()?;
    let state = engine.state();
    let header = SnapshotHeader {
        sequence: state.sequence,
        epoch: head.epoch,
        log_hash: head.hash,
        at,
        state_hash: state.hash(),
        day: state.day,
        counts: records::counts(&state, market_data),
    };
    let path = folder.join(name(header.sequence));
    let unfinished = folder.join(format!("{}{UNFINISHED}", header.sequence.0));
    let written = write_file(&unfinished, |to| records::write(to, &header, &state, market_data));
    if let Err(error) = written.and_then(|()| fs::rename(&unfinished, &path)) {
        let _may_be_absent = fs::remove_file(&unfinished);
        return Err(error);
    }
    File::open(folder)?.sync_all()?;
    remove_old(folder)?;
    Ok((path, header))
}

fn write_file(
    path: &Path,
    write: impl FnOnce(BufWriter<File>) -> io::Result<BufWriter<File>>,
) -> io::Result<()> {
    let mut to = BufWriter::with_capacity(BUFFER_BYTES, File::create(path)?);
    to.write_all(&MAGIC)?;
    to.write_all(&FORMAT.to_be_bytes())?;
    let file = write(to)?.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()
}

/// Removes all but the newest, and what a writer that was killed left unfinished.
fn remove_old(folder: &Path) -> io::Result<()> {
    for (_, path) in list(folder)?.into_iter().skip(KEPT) {
        fs::remove_file(path)?;
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let unfinished = path.to_str().is_some_and(|name| name.ends_with(UNFINISHED));
        if unfinished {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
