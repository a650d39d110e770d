//! Asking at the desk of a Service that runs on this machine. It knows no personal data but what is asked with and answered.

use super::ask::{OperatorAsk, Signed, StaffAsk};
use super::{Door, LINE_BYTES_MAX};
use ed25519_dalek::SigningKey;
use ensoex_vault::sign_as_staff;
use serde_json::Value;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use zeroize::Zeroizing;

/// How long an answer may take: many honeytokens take their time.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(300);

/// Why there is no answer, in a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// Nobody listens.
    #[error("no Service answers at {path}: {source}. Start it, or give its folder with --data")]
    NoService {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It did not answer in its own words.
    #[error("the Service did not answer; look at its log before you ask again")]
    NoAnswer,
    /// It does not do that.
    #[error("{0}")]
    Refused(String),
}

/// Asks as the operator of the Service in this folder.
///
/// # Errors
/// [`DeskError`].
pub async fn ask_as_operator(data_directory: &Path, ask: &OperatorAsk) -> Result<Value, DeskError> {
    let line = serde_json::to_string(ask).map_err(|_| DeskError::NoAnswer)?;
    exchange(Door::Operator.path(data_directory), |_| Some(line)).await
}

/// Asks as the member of staff whose key this is.
///
/// # Errors
/// [`DeskError`].
pub async fn ask_as_staff(
    data_directory: &Path,
    key: &SigningKey,
    ask: &StaffAsk,
) -> Result<Value, DeskError> {
    let request = serde_json::to_string(ask).map_err(|_| DeskError::NoAnswer)?;
    let signed = |challenge: [u8; 32]| {
        let signature = sign_as_staff(key, &challenge, request.as_bytes());
        serde_json::to_string(&Signed {
            public_key: hex::encode(key.verifying_key().to_bytes()),
            signature: hex::encode(signature),
            request: Zeroizing::new(request),
        })
        .ok()
    };
    exchange(Door::Staff.path(data_directory), signed).await
}

async fn exchange(
    path: PathBuf,
    question: impl FnOnce([u8; 32]) -> Option<String>,
) -> Result<Value, DeskError> {
    let stream = UnixStream::connect(&path).await;
    let stream = stream.map_err(|source| DeskError::NoService { path, source })?;
    let (from, mut to) = stream.into_split();
    let mut from = BufReader::new(from.take(2 * LINE_BYTES_MAX));
    let ask = async {
        let mut greeting = String::new();
        from.read_line(&mut greeting).await.ok()?;
        let greeting: Value = serde_json::from_str(&greeting).ok()?;
        let mut challenge = [0; 32];
        hex::decode_to_slice(greeting["challenge"].as_str()?, &mut challenge).ok()?;
        let line = Zeroizing::new(format!("{}\n", question(challenge)?));
        to.write_all(line.as_bytes()).await.ok()?;
        let mut answer = String::new();
        from.read_line(&mut answer).await.ok()?;
        serde_json::from_str::<Value>(&answer).ok()
    };
    let answered = tokio::time::timeout(ANSWER_TIME_MAX, ask).await;
    let mut answer = answered.ok().flatten().ok_or(DeskError::NoAnswer)?;
    match answer.get("refused").and_then(Value::as_str) {
        Some(refused) => Err(DeskError::Refused(refused.to_owned())),
        None => Ok(answer["answer"].take()),
    }
}
