//! The command to take over, given to a standby on its own machine.
//!
//! It comes over a Unix socket in the Service's folder: whoever may write there may give it, no port is open and no secret is
//! needed, it works while the network does not, and unlike a signal it answers. One line asks, one line of JSON answers:
//! epoch, sequence and the state's hash, or why it failed. A socket that a killed standby left behind is replaced.

use ensoex_exchange::Exchange;
use serde_json::{Value, json};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

const NAME: &str = "standby.socket";
const ASK: &str = "take over";
/// Longest question, and longest answer, in bytes.
const LINE_BYTES_MAX: u64 = 4_096;
/// How long a question may take to arrive.
const ASK_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a takeover may take until its answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(120);

/// Why a takeover cannot be asked for, or be listened for.
#[derive(Debug, thiserror::Error)]
pub enum TakeoverError {
    /// The socket cannot be made.
    #[error(
        "the socket {path} for takeovers cannot be made: {source}; a socket's path may have about 100 characters: choose a \
         shorter folder"
    )]
    Listen {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another standby uses the folder.
    #[error("another standby runs in the folder of {0}: end it, or give this one a folder of its own")]
    Taken(PathBuf),
    /// Nobody listens.
    #[error(
        "no standby listens at {path}: {source}. Start one with `ensoex serve --standby`, or look which folder it uses"
    )]
    NoStandby {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It did not answer.
    #[error("the standby did not answer; look at /health/primary before you try again")]
    NoAnswer,
    /// It could not take over.
    #[error("the standby could not take over and goes on as a standby: {0}")]
    Refused(String),
}

/// Where a standby listens for the command.
pub(crate) struct TakeoverSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl TakeoverSocket {
    pub(crate) fn listen(data_directory: &Path) -> Result<TakeoverSocket, TakeoverError> {
        let path = data_directory.join(NAME);
        if std::os::unix::net::UnixStream::connect(&path).is_ok() {
            return Err(TakeoverError::Taken(path));
        }
        let bind = || {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let listener = UnixListener::bind(&path)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
            Ok(listener)
        };
        match bind() {
            Ok(listener) => Ok(TakeoverSocket { listener, path }),
            Err(source) => Err(TakeoverError::Listen { path, source }),
        }
    }

    /// Hands the command on until the exchange is a standby no longer.
    pub(crate) async fn serve(self, exchange: &Exchange) {
        loop {
            tokio::select! {
                _role = exchange.no_longer_standby() => return,
                accepted = self.listener.accept() => {
                    let answered = match accepted {
                        Ok((stream, _)) => answer(stream, exchange).await,
                        Err(error) => Err(error),
                    };
                    if let Err(error) = answered {
                        tracing::warn!(%error, "a command to take over could not be read or answered");
                    }
                }
            }
        }
    }
}

impl Drop for TakeoverSocket {
    fn drop(&mut self) {
        let _may_be_absent = std::fs::remove_file(&self.path);
    }
}

async fn answer(stream: UnixStream, exchange: &Exchange) -> io::Result<()> {
    let (from, mut to) = stream.into_split();
    let mut asked = String::new();
    let mut from = BufReader::new(from.take(LINE_BYTES_MAX));
    tokio::time::timeout(ASK_TIME_MAX, from.read_line(&mut asked)).await??;
    let answer = if asked.trim_end() != ASK {
        json!({ "error": "unknown command" })
    } else {
        match exchange.take_over().await {
            Ok(taken_over) => json!({
                "epoch": taken_over.epoch,
                "sequence": taken_over.sequence.0,
                "state_hash": hex::encode(taken_over.state_hash),
            }),
            Err(error) => json!({ "error": error.to_string() }),
        }
    };
    to.write_all(format!("{answer}\n").as_bytes()).await
}

/// Tells the standby in `data_directory` to take over; answers its epoch, sequence and state hash as JSON.
///
/// # Errors
/// [`TakeoverError`] in a sentence that says what to do.
pub async fn request_takeover(data_directory: &Path) -> Result<Value, TakeoverError> {
    let path = data_directory.join(NAME);
    let stream = UnixStream::connect(&path).await;
    let mut stream = stream.map_err(|source| TakeoverError::NoStandby { path, source })?;
    let ask = async {
        stream.write_all(format!("{ASK}\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.take(LINE_BYTES_MAX).read_to_string(&mut answer).await?;
        io::Result::Ok(answer)
    };
    let answer = tokio::time::timeout(ANSWER_TIME_MAX, ask).await;
    let answer = answer.ok().and_then(Result::ok).ok_or(TakeoverError::NoAnswer)?;
    let answer: Value = serde_json::from_str(&answer).map_err(|_| TakeoverError::NoAnswer)?;
    match answer.get("error").and_then(Value::as_str) {
        Some(error) => Err(TakeoverError::Refused(error.to_owned())),
        None => Ok(answer),
    }
}
