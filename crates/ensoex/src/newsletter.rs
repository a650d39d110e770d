//! `ensoex newsletter`: news for whoever agreed to get them. The running Service knows who that is, and sends it; nobody else is
//! sent anything.
//!
//! Exit code 0: taken, or listed. 1: it was not, and the sentence says why.

use crate::staff::Desk;
use anyhow::{Context, bail};
use clap::Subcommand;
use ensoex_service::{Letter, OperatorAsk};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Largest file of a newsletter, in bytes: more than the Service takes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// `ensoex newsletter`
#[derive(Subcommand)]
pub enum NewsletterCommand {
    /// Send a newsletter, in both languages; it goes out within a minute
    Send {
        /// The running Service.
        #[command(flatten)]
        desk: Desk,
        /// Plain text in English: the title, an empty line, the text
        #[arg(long, value_name = "FILE")]
        en: PathBuf,
        /// The same in Ukrainian
        #[arg(long, value_name = "FILE")]
        uk: PathBuf,
    },
    /// The newest newsletters, and when each had been sent to everybody who agreed
    List(Desk),
}

/// Asks the running Service.
///
/// # Errors
/// A sentence that says what to do.
pub async fn run(command: NewsletterCommand) -> anyhow::Result<()> {
    match command {
        NewsletterCommand::Send { desk, en, uk } => {
            let (en, uk) = (letter(&en)?, letter(&uk)?);
            desk.operator(&OperatorAsk::SendNewsletter { en, uk }).await
        }
        NewsletterCommand::List(desk) => desk.operator(&OperatorAsk::ListNewsletters).await,
    }
}

fn letter(path: &Path) -> anyhow::Result<Letter> {
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text))
        .with_context(|| format!("{} cannot be read as UTF-8 text", path.display()))?;
    if text.len() as u64 > FILE_BYTES_MAX {
        bail!(
            "{} is larger than {FILE_BYTES_MAX} bytes; shorten it",
            path.display()
        );
    }
    let text = text.replace("\r\n", "\n");
    let Some((title, text)) = text.split_once("\n\n") else {
        bail!(
            "{}: write the title in line 1, leave line 2 empty, and begin the text in line 3",
            path.display()
        );
    };
    Ok(Letter {
        title: title.trim().to_owned(),
        text: text.trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::letter;

    #[test]
    fn a_newsletter_is_a_title_an_empty_line_and_a_text() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("news.txt");
        std::fs::write(&path, "News\r\n\r\nOne.\r\n\r\nTwo.\r\n").unwrap();
        let read = letter(&path).unwrap();
        assert_eq!(
            (read.title.as_str(), read.text.as_str()),
            ("News", "One.\n\nTwo.")
        );
        for (bytes, said) in [
            (b"News\nOne.".to_vec(), "line 2 empty"),
            (vec![0xff, 0xfe], "UTF-8"),
            (vec![b'a'; 70_000], "larger than"),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let refused = letter(&path).err().unwrap();
            assert!(format!("{refused:#}").contains(said), "{refused:#}");
        }
        assert!(letter(&directory.path().join("absent")).is_err());
    }
}
