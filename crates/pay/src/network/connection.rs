//! One connection to the card network, shared by all: frames out, frames in, answers matched to questions.
//!
//! Reconnects when it is needed. Whoever asked something when the connection broke learns that the answer is
//! unknown; whoever could not ask at all learns that nothing was sent.

use super::Answer;
use ensoex_iso8583::{FrameBuffer, Message, MessageType, encode_frame, number};
use std::collections::HashMap;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroizing;

/// Questions that wait to be sent; more wait in their callers.
const QUESTIONS_WAITING_MAX: usize = 256;
/// Questions that wait for an answer before the forgotten ones are swept.
const ANSWERS_AWAITED_MAX: usize = 1024;
/// How long connecting and sending may take.
const SEND_SECONDS_MAX: u64 = 3;

struct Question {
    message: Message,
    answer: oneshot::Sender<Answer<Message>>,
}

/// The handle of the connection.
#[derive(Clone)]
pub(crate) struct Connection {
    questions: mpsc::Sender<Question>,
    timeout: Duration,
}

/// What an answer repeats of its question.
type Key = (MessageType, Vec<u8>, Vec<u8>);

impl Connection {
    /// A connection to `address` (HOST:PORT) that is opened when first needed.
    pub(crate) fn new(address: String, timeout: Duration) -> Self {
        let (questions, waiting) = mpsc::channel(QUESTIONS_WAITING_MAX);
        tokio::spawn(run(address, waiting));
        Self { questions, timeout }
    }

    /// Sends a question and waits for its answer, at most for the configured time.
    pub(crate) async fn ask(&self, message: Message) -> Answer<Message> {
        let (answer, answered) = oneshot::channel();
        if self.questions.send(Question { message, answer }).await.is_err() {
            return Answer::NotSent;
        }
        match tokio::time::timeout(self.timeout, answered).await {
            Ok(Ok(answer)) => answer,
            _ => Answer::Unknown,
        }
    }
}

async fn run(address: String, mut waiting: mpsc::Receiver<Question>) {
    while let Some(question) = waiting.recv().await {
        // Whoever gave up waiting believes that it may have been sent; it was not, which does no harm.
        if question.answer.is_closed() {
            continue;
        }
        let connecting = TcpStream::connect(&address);
        match tokio::time::timeout(Duration::from_secs(SEND_SECONDS_MAX), connecting).await {
            Ok(Ok(stream)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "no delay could not be set");
                }
                let (reader, writer) = stream.into_split();
                converse(reader, writer, question, &mut waiting).await;
            }
            _ => {
                tracing::warn!("the card network cannot be reached");
                // The asker may have gone; then nobody needs to know.
                let _gone = question.answer.send(Answer::NotSent);
            }
        }
    }
}

/// Serves one connection until it breaks. Senders of answers that are dropped here tell their askers "unknown".
async fn converse(
    mut reader: OwnedReadHalf,
    mut writer: OwnedWriteHalf,
    first: Question,
    waiting: &mut mpsc::Receiver<Question>,
) {
    let mut awaited: HashMap<Key, oneshot::Sender<Answer<Message>>> = HashMap::new();
    let mut buffer = FrameBuffer::default();
    let mut chunk = Zeroizing::new([0u8; 1024]);
    let mut next = Some(first);
    loop {
        if let Some(question) = next.take()
            && !send(&mut writer, question, &mut awaited).await
        {
            return;
        }
        tokio::select! {
            question = waiting.recv() => match question {
                Some(question) => next = Some(question),
                None => return,
            },
            read = reader.read(chunk.as_mut()) => match read {
                Ok(count) if count > 0 => {
                    if !take_answers(&chunk[..count], &mut buffer, &mut awaited) {
                        return;
                    }
                }
                _ => return,
            },
        }
    }
}

/// Writes one question. False if the connection is of no use any more.
async fn send(
    writer: &mut OwnedWriteHalf,
    question: Question,
    awaited: &mut HashMap<Key, oneshot::Sender<Answer<Message>>>,
) -> bool {
    let Question { message, answer } = question;
    if answer.is_closed() {
        return true;
    }
    let (Some(key), Ok(frame)) = (question_key(&message), encode_frame(&message.encode())) else {
        let _gone = answer.send(Answer::NotSent);
        return true;
    };
    if awaited.len() >= ANSWERS_AWAITED_MAX {
        awaited.retain(|_, answer| !answer.is_closed());
    }
    awaited.insert(key, answer);
    let written = tokio::time::timeout(Duration::from_secs(SEND_SECONDS_MAX), writer.write_all(&frame)).await;
    matches!(written, Ok(Ok(())))
}

/// Hands answers to their askers. False if the peer does not speak as agreed.
fn take_answers(
    mut bytes: &[u8],
    buffer: &mut FrameBuffer,
    awaited: &mut HashMap<Key, oneshot::Sender<Answer<Message>>>,
) -> bool {
    while !bytes.is_empty() {
        let taken = buffer.push(bytes);
        bytes = &bytes[taken..];
        loop {
            let frame = match buffer.next_frame() {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "the card network's frames cannot be read");
                    return false;
                }
            };
            let message = match Message::parse(&frame) {
                Ok(message) => message,
                Err(error) => {
                    tracing::warn!(%error, "the card network's message cannot be read");
                    return false;
                }
            };
            // An answer that came too late has no asker any more: the inquiry finds its outcome.
            if let Some(answer) = key(message.message_type(), &message).and_then(|key| awaited.remove(&key)) {
                let _gone = answer.send(Answer::Given(message));
            }
        }
    }
    true
}

fn question_key(message: &Message) -> Option<Key> {
    key(message.message_type().response()?, message)
}

fn key(answer_type: MessageType, message: &Message) -> Option<Key> {
    let trace_number = message.get(number::TRACE_NUMBER)?.to_vec();
    let reference = message.get(number::RETRIEVAL_REFERENCE)?.to_vec();
    Some((answer_type, trace_number, reference))
}
