//! Replays what libFuzzer kept: a broken engine fails here without libFuzzer.

use super::{COMMANDS_MAX, Decoder, command_bytes, commands, gene, gene_bytes, model};
use ensoex_engine::Engine;
use ensoex_sim::commands::random_gene;
use ensoex_sim::random::Random;
use ensoex_types::{Sequence, Timestamp};
use std::path::{Path, PathBuf};

/// Most files of both corpora, and most bytes.
const FILES_MAX: usize = 200;
const BYTES_MAX: u64 = 300_000;

fn files(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let entries = std::fs::read_dir(folder).expect("the corpus is there");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

fn replay(target: &str, run: fn(&[u8]) -> Result<(), String>) {
    let files = files(target);
    assert!(files.len() > 10, "the corpus of {target} is not there");
    for file in files {
        let data = std::fs::read(&file).expect("a readable file");
        if let Err(finding) = run(&data) {
            panic!("{}: {finding}", file.display());
        }
    }
}

#[test]
fn the_corpus_of_model_is_answered_as_the_model_says() {
    replay("model", model);
}

#[test]
fn the_corpus_of_commands_is_answered() {
    replay("commands", commands);
}

#[test]
fn the_corpus_stays_small() {
    let files: Vec<_> = ["model", "commands"].into_iter().flat_map(files).collect();
    let size = |file: &PathBuf| std::fs::metadata(file).expect("a file").len();
    let bytes: u64 = files.iter().map(size).sum();
    assert!(files.len() <= FILES_MAX, "{} files", files.len());
    assert!(bytes <= BYTES_MAX, "{bytes} bytes");
}

/// Positive control: the bytes mean what the corpus takes them for.
#[test]
fn genes_and_commands_are_read_back_from_their_bytes() {
    let mut random = Random::new(5);
    let genes: Vec<_> = (0..20).map(|_| random_gene(&mut random)).collect();
    let bytes = gene_bytes(&genes);
    let read: Vec<_> = bytes.chunks_exact(super::GENE_BYTES).map(gene).collect();
    assert_eq!(read, genes);

    let prelude: Vec<_> = Decoder::prelude()
        .into_iter()
        .map(|command| (3, command))
        .collect();
    let bytes = command_bytes(&prelude);
    assert_eq!(commands(&bytes), Ok(()));
    let mut rest = &bytes[..];
    for (step, command) in &prelude {
        assert_eq!(rest[0], *step);
        let (read, left) = postcard::take_from_bytes(&rest[1..]).expect("it was encoded");
        assert_eq!(*command, read);
        rest = left;
    }
    assert!(rest.is_empty());
}

/// Writes a first corpus of random inputs to the folder in `ENSOEX_FUZZ_SEEDS`; does nothing without.
#[test]
fn seeds_are_written_on_demand() {
    let Some(folder) = std::env::var_os("ENSOEX_FUZZ_SEEDS").map(PathBuf::from) else {
        return;
    };
    for target in ["model", "commands"] {
        std::fs::create_dir_all(folder.join(target)).expect("a writable folder");
    }
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let length = [8, 40, 120, COMMANDS_MAX][seed as usize % 4];
        let genes: Vec<_> = (0..length).map(|_| random_gene(&mut random)).collect();
        let write = |target: &str, bytes: Vec<u8>| {
            std::fs::write(folder.join(target).join(format!("seed-{seed}")), bytes)
                .expect("a writable folder");
        };
        write("model", gene_bytes(&genes));

        let (mut engine, mut decoder, mut events) = (Engine::new(), Decoder::default(), Vec::new());
        let mut sequence = 0;
        let mut apply = |decoder: &mut Decoder, command: &_| {
            sequence += 1;
            events.clear();
            engine.apply(Sequence(sequence), Timestamp(sequence), command, &mut events);
            decoder.observe(&events);
        };
        for command in Decoder::prelude() {
            apply(&mut decoder, &command);
        }
        let mut encoded = Vec::new();
        for gene in &genes {
            let command = decoder.decode(gene).command;
            apply(&mut decoder, &command);
            let step = if gene[0].is_multiple_of(50) { 200 } else { 0 };
            encoded.push((step, command));
        }
        write("commands", command_bytes(&encoded));
    }
}
