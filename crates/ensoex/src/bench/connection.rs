//! One HTTP/1.1 connection that is kept open: writes a request, reads its answer, and does little else, so that a
//! measurement is of the server and not of the client.

use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// An open connection.
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer.
pub(super) struct Answer<'a> {
    /// HTTP status.
    pub(super) status: u16,
    /// The body as it came.
    pub(super) body: &'a [u8],
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> io::Result<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream,
            buffer: Vec::with_capacity(4_096),
        })
    }

    /// Sends a whole request and waits for its whole answer.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let (head, length) = loop {
            self.read_more().await?;
            if let Some(found) = head_and_length(&self.buffer)? {
                break found;
            }
        };
        while self.buffer.len() < head + length {
            self.read_more().await?;
        }
        let status = status(&self.buffer)?;
        Ok(Answer {
            status,
            body: &self.buffer[head..head + length],
        })
    }

    async fn read_more(&mut self) -> io::Result<()> {
        if self.buffer.len() > ANSWER_BYTES_MAX {
            return Err(io::Error::other("an answer is longer than expected"));
        }
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

fn status(answer: &[u8]) -> io::Result<u16> {
    let text = answer.get(9..12).and_then(|text| std::str::from_utf8(text).ok());
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| io::Error::other("an answer has no status"))
}

/// Length of the head and of the body; none while the head is not complete.
fn head_and_length(answer: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&answer[..end]).map_err(io::Error::other)?;
    let length = head.split("\r\n").skip(1).find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    match length {
        Some(length) if length <= ANSWER_BYTES_MAX => Ok(Some((end + 4, length))),
        _ => Err(io::Error::other("an answer does not tell its length")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Connection, head_and_length};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[test]
    fn the_head_is_read() {
        assert_eq!(
            head_and_length(b"HTTP/1.1 200 OK\r\nContent-").expect("so far"),
            None
        );
        let whole = b"HTTP/1.1 200 OK\r\nX: y\r\nCONTENT-LENGTH: 2\r\n\r\n{}";
        assert_eq!(head_and_length(whole).expect("whole"), Some((whole.len() - 2, 2)));
        assert!(head_and_length(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(head_and_length(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n").is_err());
    }

    #[tokio::test]
    async fn answers_in_pieces_are_put_together() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = [0; 4];
            for _ in 0..2 {
                stream.read_exact(&mut request).await.expect("a request");
                for piece in ["HTTP/1.1 40", "0 Bad\r\ncontent-length: 5\r\n", "\r\nhe", "llo"] {
                    stream.write_all(piece.as_bytes()).await.expect("written");
                    stream.flush().await.expect("flushed");
                    tokio::task::yield_now().await;
                }
            }
        });
        let mut connection = Connection::open(address).await.expect("open");
        for _ in 0..2 {
            let answer = connection.exchange(b"ping").await.expect("an answer");
            assert_eq!((answer.status, answer.body), (400, b"hello".as_slice()));
        }
        server.await.expect("served");
        assert!(connection.exchange(b"ping").await.is_err(), "the server is gone");
    }
}
