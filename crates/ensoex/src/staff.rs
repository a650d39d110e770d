//! `ensoex staff`: who works with personal data. The operator enrols a public key; its private half is a file that the member of
//! staff alone has.
//!
//! Exit code 0: done. 1: it was not, and the sentence says why.

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use ed25519_dalek::SigningKey;
use ensoex_service::{OperatorAsk, StaffAsk, ask_as_operator, ask_as_staff};
use ensoex_vault::{SubjectId, staff_pseudonym};
use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Longest key file, in bytes.
const KEY_FILE_BYTES_MAX: u64 = 128;

/// `ensoex staff`
#[derive(Subcommand)]
pub enum StaffCommand {
    /// Make a key for yourself, in a file that only you can read, and print what the operator enrols
    Key {
        /// The file; it must not be there yet
        file: PathBuf,
    },
    /// Let whoever has a key work as staff
    Enrol {
        /// The running Service.
        #[command(flatten)]
        desk: Desk,
        /// Their public key, as `ensoex staff key` printed it
        public_key: String,
    },
    /// Let a member of staff do nothing for the time being
    Suspend {
        /// The running Service.
        #[command(flatten)]
        desk: Desk,
        /// Their pseudonym
        staff: SubjectId,
    },
    /// Let a suspended member of staff work again
    Reinstate {
        /// The running Service.
        #[command(flatten)]
        desk: Desk,
        /// Their pseudonym
        staff: SubjectId,
    },
    /// Everybody who was enrolled, and what you must hear of: broken glass, limits reached, honeytokens read
    List(Desk),
}

/// A Service that runs on this machine.
#[derive(Args)]
pub struct Desk {
    /// Folder of a demo or of a Service
    #[arg(long, value_name = "DIR", default_value = ".demo")]
    data: PathBuf,
}

impl Desk {
    fn directory(&self) -> PathBuf {
        let of_demo = self.data.join("service");
        match of_demo.is_dir() {
            true => of_demo,
            false => self.data.clone(),
        }
    }

    /// Asks as the operator and prints the answer.
    pub(crate) async fn operator(&self, ask: &OperatorAsk) -> anyhow::Result<()> {
        let answer = ask_as_operator(&self.directory(), ask).await?;
        say!("{}", serde_json::to_string_pretty(&answer)?);
        Ok(())
    }

    /// Asks as the member of staff whose key this is, and prints the answer.
    pub(crate) async fn staff(&self, key: &Path, ask: &StaffAsk) -> anyhow::Result<()> {
        say!("{}", *self.answer_to_staff(key, ask).await?);
        Ok(())
    }

    /// The answer itself.
    pub(crate) async fn answer_to_staff(
        &self,
        key: &Path,
        ask: &StaffAsk,
    ) -> anyhow::Result<Zeroizing<String>> {
        let answer = ask_as_staff(&self.directory(), &read_key(key)?, ask).await?;
        Ok(Zeroizing::new(serde_json::to_string_pretty(&answer)?))
    }
}

/// Does what the command line says.
///
/// # Errors
/// A sentence that says what to do.
pub async fn run(command: StaffCommand) -> anyhow::Result<()> {
    match command {
        StaffCommand::Key { file } => {
            let public = make_key(&file)?;
            say!("public key: {}", hex::encode(public));
            say!("pseudonym:  {}", staff_pseudonym(&public));
            Ok(())
        }
        StaffCommand::Enrol { desk, public_key } => {
            desk.operator(&OperatorAsk::EnrolStaff { public_key }).await
        }
        StaffCommand::Suspend { desk, staff } => desk.operator(&OperatorAsk::SuspendStaff { staff }).await,
        StaffCommand::Reinstate { desk, staff } => {
            desk.operator(&OperatorAsk::ReinstateStaff { staff }).await
        }
        StaffCommand::List(desk) => desk.operator(&OperatorAsk::ListStaff).await,
    }
}

fn make_key(file: &Path) -> anyhow::Result<[u8; 32]> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).context("the operating system gave no randomness")?;
    let cannot = || format!("the key file {} cannot be made", file.display());
    let mut made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(cannot)?;
    let text = Zeroizing::new(format!("{}\n", *Zeroizing::new(hex::encode(*seed))));
    made.write_all(text.as_bytes()).with_context(cannot)?;
    made.sync_all().with_context(cannot)?;
    Ok(SigningKey::from_bytes(&seed).verifying_key().to_bytes())
}

fn read_key(path: &Path) -> anyhow::Result<SigningKey> {
    let shown = path.display();
    let cannot = || format!("the key file {shown} cannot be read; make one with `ensoex staff key`");
    let file = OpenOptions::new().read(true).open(path).with_context(cannot)?;
    let mode = file.metadata().with_context(cannot)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!(
            "the key file {shown} is readable by others (mode {mode:o}); make it private with: chmod 600 {shown}"
        );
    }
    let mut text = Zeroizing::new(String::new());
    file.take(KEY_FILE_BYTES_MAX)
        .read_to_string(&mut text)
        .with_context(cannot)?;
    let mut seed = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim_end(), &mut *seed)
        .with_context(|| format!("{shown} holds no key of staff"))?;
    Ok(SigningKey::from_bytes(&seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_from_a_private_file_only() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("me.key");
        let public = make_key(&file).unwrap();
        assert_eq!(read_key(&file).unwrap().verifying_key().to_bytes(), public);
        assert!(make_key(&file).is_err(), "a key is never replaced");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(read_key(&file).unwrap_err().to_string().contains("chmod 600"));
    }
}
