//! The desk: where the operator and staff ask a running Service, on its own machine.
//!
//! Two Unix sockets in the Service's folder, no port. At `operator.socket` (mode 0600) asks whoever may read the Service's
//! files anyway. At `staff.socket` anybody on the machine may knock; each question is signed with the Ed25519 key of an enrolled
//! member of staff, over a challenge drawn for that question alone, and what follows is the vault's: cases, limits,
//! entries under their pseudonym. One line of JSON greets, one asks, one answers. A Service without a desk serves all the same.

mod ask;
mod client;
mod operator;
mod staff;

use crate::app::App;
use crate::problem::Problem;
use ensoex_vault::VaultError;
use serde_json::{Value, json};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

pub use self::ask::{OperatorAsk, OrderAsk, StaffAsk};
pub use self::client::{DeskError, ask_as_operator, ask_as_staff};

/// Longest question or answer, in bytes.
const LINE_BYTES_MAX: u64 = 256 * 1_024;
/// How long a question may take to arrive, and its answer to be taken.
const ASK_TIME_MAX: Duration = Duration::from_secs(5);
/// Most questions at once, at each door.
const QUESTIONS_MAX: usize = 16;

/// Who asks at a socket.
#[derive(Clone, Copy)]
enum Door {
    Operator,
    Staff,
}

impl Door {
    const fn name(self) -> &'static str {
        match self {
            Door::Operator => "operator.socket",
            Door::Staff => "staff.socket",
        }
    }

    const fn mode(self) -> u32 {
        match self {
            Door::Operator => 0o600,
            Door::Staff => 0o666,
        }
    }

    fn path(self, data_directory: &Path) -> PathBuf {
        data_directory.join(self.name())
    }
}

/// Why a question is not done, as it is told to whoever asked.
enum Refusal {
    /// In a sentence.
    Said(String),
    /// Something failed; the log has it.
    Failed(Problem),
}

impl From<VaultError> for Refusal {
    fn from(error: VaultError) -> Refusal {
        match error {
            VaultError::Storage(_) | VaultError::AccessLogUnavailable | VaultError::Integrity => {
                Refusal::Failed(error.into())
            }
            said => Refusal::Said(said.to_string()),
        }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Refusal {
        Refusal::Failed(problem)
    }
}

/// A word of a closed list, or a sentence that names the list.
fn word<T: std::str::FromStr>(text: &str, known: &[&str]) -> Result<T, Refusal> {
    text.parse()
        .map_err(|_| Refusal::Said(format!("{text:?} is none of: {}", known.join(", "))))
}

/// Answers questions for ever.
pub(crate) async fn run(app: App, data_directory: PathBuf) {
    let doors =
        [Door::Operator, Door::Staff].map(|door| serve(app.clone(), door, door.path(&data_directory)));
    let [operator, staff] = doors;
    tokio::join!(operator, staff);
}

async fn serve(app: App, door: Door, path: PathBuf) {
    let listener = match listen(&path, door.mode()) {
        Ok(listener) => listener,
        Err(error) => {
            let path = path.display().to_string();
            tracing::error!(%error, path, "the desk cannot be opened; the Service runs without it");
            return;
        }
    };
    let questions = Arc::new(Semaphore::new(QUESTIONS_MAX));
    loop {
        let accepted = listener.accept().await;
        let Ok(permit) = Arc::clone(&questions).acquire_owned().await else {
            return;
        };
        match accepted {
            Ok((stream, _)) => {
                let app = app.clone();
                tokio::spawn(async move {
                    let _permit = permit;
                    if let Err(error) = answer(&app, door, stream).await {
                        tracing::warn!(%error, "a question at the desk could not be read or answered");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "nobody can be let in at the desk at the moment");
                tokio::time::sleep(ASK_TIME_MAX).await;
            }
        }
    }
}

/// One that an ended Service left behind is replaced.
fn listen(path: &Path, mode: u32) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    Ok(listener)
}

async fn answer(app: &App, door: Door, stream: UnixStream) -> io::Result<()> {
    let mut challenge = [0; 32];
    getrandom::fill(&mut challenge).map_err(io::Error::other)?;
    let (from, mut to) = stream.into_split();
    let greeting = json!({ "challenge": hex::encode(challenge) });
    to.write_all(format!("{greeting}\n").as_bytes()).await?;
    let mut asked = Zeroizing::new(String::new());
    let mut from = BufReader::new(from.take(LINE_BYTES_MAX));
    tokio::time::timeout(ASK_TIME_MAX, from.read_line(&mut asked)).await??;
    let answered = match door {
        Door::Operator => operator::answer(app, &asked).await,
        Door::Staff => staff::answer(app, &challenge, &asked).await,
    };
    let answer: Value = match answered {
        Ok(answer) => json!({ "answer": answer }),
        Err(Refusal::Said(said)) => json!({ "refused": said }),
        Err(Refusal::Failed(problem)) => json!({ "refused": problem.detail() }),
    };
    let mut line = Zeroizing::new(format!("{answer}\n"));
    if line.len() as u64 > LINE_BYTES_MAX {
        // What is listed is bounded where it is listed; this keeps a list that somebody forgot from being cut in the middle.
        let too_long = json!({ "refused": format!("the answer is longer than {LINE_BYTES_MAX} bytes; ask for less at once") });
        line = Zeroizing::new(format!("{too_long}\n"));
    }
    tokio::time::timeout(ASK_TIME_MAX, to.write_all(line.as_bytes())).await?
}
