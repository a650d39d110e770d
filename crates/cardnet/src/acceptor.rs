//! The ISO 8583 listener: connections, frames, deadlines. What a message means is the network's business.

use crate::network::Network;
use ensoex_iso8583::{FrameBuffer, Message, encode_frame};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore, watch};
use zeroize::Zeroizing;

/// Connections at once; more wait to be accepted.
const CONNECTIONS_MAX: usize = 64;
/// Messages of one connection in work at once.
const MESSAGES_IN_WORK_MAX: usize = 64;
/// How long a frame that has begun may take to arrive, and an answer to be taken.
const FRAME_SECONDS_MAX: u64 = 10;
/// How long a connection may be silent.
const IDLE_SECONDS_MAX: u64 = 600;

/// Accepts connections until `stop` turns true.
pub(crate) async fn accept(listener: TcpListener, network: Network, mut stop: watch::Receiver<bool>) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = connections.clone().acquire_owned().await else {
            return;
        };
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match stream {
            Ok((stream, _)) => {
                let (network, mut stop) = (network.clone(), stop.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        () = serve(stream, network) => {}
                        _ = stop.wait_for(|stop| *stop) => {}
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, network: Network) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no delay could not be set");
    }
    let (mut reader, writer) = stream.into_split();
    let writer = Arc::new(Mutex::new(writer));
    let in_work = Arc::new(Semaphore::new(MESSAGES_IN_WORK_MAX));
    let mut buffer = FrameBuffer::default();
    let mut chunk = Zeroizing::new([0u8; 1024]);
    let mut frame_begun = false;
    loop {
        let seconds = if frame_begun {
            FRAME_SECONDS_MAX
        } else {
            IDLE_SECONDS_MAX
        };
        let read = tokio::time::timeout(Duration::from_secs(seconds), reader.read(chunk.as_mut())).await;
        let count = match read {
            Ok(Ok(count)) if count > 0 => count,
            _ => return,
        };
        let mut rest = &chunk[..count];
        while !rest.is_empty() {
            let taken = buffer.push(rest);
            rest = &rest[taken..];
            loop {
                let frame = match buffer.next_frame() {
                    Ok(Some(frame)) => frame,
                    Ok(None) => break,
                    Err(error) => return tracing::warn!(%error, "a connection is closed"),
                };
                let request = match Message::parse(&frame) {
                    Ok(request) => request,
                    Err(error) => return tracing::warn!(%error, "a connection is closed"),
                };
                let Ok(permit) = in_work.clone().acquire_owned().await else {
                    return;
                };
                let (network, writer) = (network.clone(), writer.clone());
                tokio::spawn(async move {
                    respond(&network, &request, &writer).await;
                    drop(permit);
                });
            }
        }
        frame_begun = !buffer.is_empty();
    }
}

async fn respond(network: &Network, request: &Message, writer: &Mutex<OwnedWriteHalf>) {
    let response = match network.answer(request, crate::clock::now()).await {
        Ok(Some(response)) => response,
        Ok(None) => return,
        Err(error) => return tracing::error!(%error, "a message could not be answered"),
    };
    let frame = match encode_frame(&response.encode()) {
        Ok(frame) => frame,
        Err(error) => return tracing::error!(%error, "an answer could not be framed"),
    };
    let mut writer = writer.lock().await;
    let written =
        tokio::time::timeout(Duration::from_secs(FRAME_SECONDS_MAX), writer.write_all(&frame)).await;
    if !matches!(written, Ok(Ok(()))) {
        tracing::debug!("an answer could not be sent");
    }
}
