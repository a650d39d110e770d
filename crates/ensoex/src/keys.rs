//! `ensoex keys rotate` and `ensoex keys status`: renews the keys of the personal data, layer by layer. `ensoex keys token`: puts
//! the root key in the care of a hardware module.
//!
//! What is asked for is written into the key store, so a running Service does it while it goes on serving; if none
//! runs, it is done here. Either may be killed and goes on later.
//!
//! Exit code 0: done. 1: it was not, and the sentence says why.

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use ensoex_service::{Stores, rotate_keys, vault_config};
use ensoex_sql::Address;
use ensoex_vault::{KeyChanges, Layer, Rotation, RotationState, TokenSettings, Vault};
use std::io::{IsTerminal, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How often a running Service is asked how far it is.
const ASKED_EVERY: Duration = Duration::from_millis(500);
/// A running Service begins within this time.
const BEGINS_WITHIN: Duration = Duration::from_secs(30);

/// `ensoex keys`
#[derive(Subcommand)]
pub enum KeysCommand {
    /// Renew keys and destroy the old ones: all layers, or those named
    Rotate {
        /// Where the keys are.
        #[command(flatten)]
        place: KeysPlace,
        /// Only these layers: root, purposes, subjects, values, indexes, anchors, heads, held, honeytokens
        #[arg(long, value_name = "NAMES", value_delimiter = ',')]
        layer: Vec<Layer>,
    },
    /// Let a hardware module (PKCS#11) guard the root key: from the next rotation of the layer root on
    Token {
        /// Where the keys are.
        #[command(flatten)]
        place: KeysPlace,
        /// Library of the module, for example /usr/lib/softhsm/libsofthsm2.so
        #[arg(long, value_name = "FILE")]
        module: PathBuf,
        /// Label of the token
        #[arg(long, value_name = "LABEL")]
        token: String,
        /// Label of the AES key in it; made if there is none
        #[arg(long, value_name = "LABEL", default_value = "ensoex-root")]
        key: String,
        /// File with the PIN, readable by its owner only
        #[arg(long, value_name = "FILE")]
        pin_file: PathBuf,
    },
    /// When each layer was renewed last, and how far a rotation is
    Status {
        /// Where the keys are.
        #[command(flatten)]
        place: KeysPlace,
        /// For programs
        #[arg(long)]
        json: bool,
    },
}

/// Where the keys are.
#[derive(Args)]
pub struct KeysPlace {
    /// Folder of a demo or of a Service
    #[arg(long, value_name = "DIR", default_value = ".demo")]
    data: PathBuf,
    /// File of the subjects' keys, if the Service was started with --keys
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

/// Renews keys, or tells of it.
///
/// # Errors
/// A sentence that says what to do.
pub async fn run(command: KeysCommand) -> anyhow::Result<()> {
    match command {
        KeysCommand::Rotate { place, layer } => {
            let (directory, stores) = found(&place)?;
            let layers = if layer.is_empty() {
                Layer::ALL.to_vec()
            } else {
                layer
            };
            rotate(&directory, &stores, &layers).await
        }
        KeysCommand::Token {
            place,
            module,
            token,
            key,
            pin_file,
        } => {
            let pin_file = std::path::absolute(&pin_file)?;
            let settings = TokenSettings {
                module,
                token,
                key,
                pin_file,
            };
            guard(&place.data, &settings)
        }
        KeysCommand::Status { place, json } => {
            let (directory, stores) = found(&place)?;
            let config = vault_config(&directory, &stores, KeyChanges::default());
            let rotations = Vault::rotations(&config).await?;
            if json {
                say!("{}", serde_json::to_string_pretty(&rotations)?);
            } else {
                tell_all(&rotations);
            }
            Ok(())
        }
    }
}

/// Puts the root key of a Service in a token's care: one that is there when it is renewed, else the first.
fn guard(data: &Path, settings: &TokenSettings) -> anyhow::Result<()> {
    let (folder, has_root_key) = match service_folder(data) {
        Some(folder) => (folder, true),
        None => (data.to_owned(), false),
    };
    let keys = folder.join("keys");
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&keys)
        .with_context(|| format!("{} cannot be made", keys.display()))?;
    let made = settings.install(&keys)?;
    let (key, token) = (&settings.key, &settings.token);
    match made {
        true => say!("The key {key} was made in the token {token}."),
        false => say!("The token {token} has the key {key}."),
    }
    match has_root_key {
        true => say!("Now run `ensoex keys rotate --layer root`: the new root key is sealed by the token."),
        false => say!("The root key that the first start makes is sealed by the token."),
    }
    Ok(())
}

/// The folder of a Service that has keys: this one, or that of the Service in a demo's.
fn service_folder(data: &Path) -> Option<PathBuf> {
    let has_keys = |directory: &PathBuf| directory.join("keys").join("root.key").is_file();
    [data.join("service"), data.to_owned()].into_iter().find(has_keys)
}

/// The Service's folder, and where its keys are. Its other stores, unless they are files there, are the running Service's business.
fn found(place: &KeysPlace) -> anyhow::Result<(PathBuf, Stores)> {
    let directory = service_folder(&place.data).with_context(|| {
        format!(
            "there are no keys in {}: give the folder of a demo or of a Service with --data",
            place.data.display()
        )
    })?;
    let mut stores = Stores::files(&directory);
    if let Some(keys) = &place.keys {
        stores.keys = Address::file(keys);
    }
    if !stores.keys.path().is_some_and(Path::is_file) {
        bail!("the file of the subjects' keys is not there: say where with --keys");
    }
    Ok((directory, stores))
}

async fn rotate(directory: &Path, stores: &Stores, layers: &[Layer]) -> anyhow::Result<()> {
    let config = vault_config(directory, stores, KeyChanges::default());
    Vault::ask_rotations(&config, layers).await?;
    let all_here = [&stores.vault_records, &stores.access_log];
    let all_here = all_here
        .iter()
        .all(|store| store.path().is_some_and(Path::is_file));
    let mut done_here = false;
    if all_here {
        done_here = rotate_keys(directory, stores).await?.is_some();
    }
    let mut waited = Duration::ZERO;
    loop {
        let mut rotations = Vault::rotations(&config).await?;
        rotations.retain(|rotation| layers.contains(&rotation.layer));
        if rotations
            .iter()
            .all(|rotation| rotation.state == RotationState::Done)
        {
            end_line();
            tell_all(&rotations);
            if !done_here {
                say!("The running Service did it.");
            }
            return Ok(());
        }
        if rotations
            .iter()
            .all(|rotation| rotation.state != RotationState::Running)
        {
            waited += ASKED_EVERY;
            if waited > BEGINS_WITHIN {
                bail!(
                    "the rotation is asked for, but no Service has begun it: start the Service, which does it, and look with \
                     `ensoex keys status`"
                );
            }
        }
        tell_progress(&rotations);
        tokio::time::sleep(ASKED_EVERY).await;
    }
}

fn tell_progress(rotations: &[Rotation]) {
    let mut out = std::io::stderr();
    if let Some(running) = rotations
        .iter()
        .find(|rotation| rotation.state == RotationState::Running)
        && out.is_terminal()
    {
        let _ = write!(out, "\r{}: {} renewed ", running.layer.as_str(), running.renewed);
    }
}

fn end_line() {
    let mut out = std::io::stderr();
    if out.is_terminal() {
        let _ = write!(out, "\r\x1b[K");
    }
}

fn tell_all(rotations: &[Rotation]) {
    say!("{:<12} {:<8} {:>9}  when", "layer", "state", "renewed");
    for layer in Layer::ALL {
        match rotations.iter().find(|rotation| rotation.layer == layer) {
            Some(rotation) => {
                let state = match rotation.state {
                    RotationState::Asked => "asked",
                    RotationState::Running => "running",
                    RotationState::Done => "done",
                };
                let at_ms = rotation.ended_at_ms.unwrap_or(rotation.asked_at_ms);
                say!(
                    "{:<12} {state:<8} {:>9}  {}",
                    layer.as_str(),
                    rotation.renewed,
                    ago(at_ms)
                );
            }
            None => say!(
                "{:<12} {:<8} {:>9}  since the vault was made",
                layer.as_str(),
                "never",
                ""
            ),
        }
    }
}

/// How long ago, in the largest unit that fits.
fn ago(at_ms: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = now.as_secs().saturating_sub(at_ms / 1000);
    match seconds {
        0..=119 => format!("{seconds} s ago"),
        120..=7_199 => format!("{} min ago", seconds / 60),
        7_200..=172_799 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}
