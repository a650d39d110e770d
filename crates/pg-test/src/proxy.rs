//! A network between a client and a server that a test can cut.

use crate::Server;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// As usual.
    Whole,
    /// Connections break; new ones are not accepted.
    Broken,
    /// Whatever is sent is swallowed, both ways.
    Silent,
    /// What the client sends arrives; the answers do not.
    AnswersLost,
}

/// Forwards connections as the network allows.
async fn proxy(listener: TcpListener, to: SocketAddr, network: watch::Receiver<Network>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            return;
        };
        if *network.borrow() == Network::Broken {
            continue;
        }
        let network = network.clone();
        tokio::spawn(async move {
            let Ok(server) = TcpStream::connect(to).await else {
                return;
            };
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let swallowed = [Network::Silent];
            let asking = forward(from_client, to_server, network.clone(), &swallowed);
            let swallowed = [Network::Silent, Network::AnswersLost];
            let answering = forward(from_server, to_client, network.clone(), &swallowed);
            tokio::select! { () = asking => {}, () = answering => {} }
        });
    }
}

async fn forward(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut network: watch::Receiver<Network>,
    swallowed: &[Network],
) {
    let mut buffer = vec![0; 16 << 10];
    // What was swallowed is gone: this connection never works again.
    let mut deaf = false;
    loop {
        tokio::select! {
            read = from.read(&mut buffer) => {
                let Ok(bytes @ 1..) = read else { return };
                deaf |= swallowed.contains(&*network.borrow());
                if !deaf && to.write_all(&buffer[..bytes]).await.is_err() {
                    return;
                }
            }
            changed = network.changed() => {
                if changed.is_err() || *network.borrow() == Network::Broken {
                    return;
                }
            }
        }
    }
}

/// Stands before a server on a port of its own, and forwards as the network allows.
pub struct Proxy {
    near: SocketAddr,
    far: String,
    network: watch::Sender<Network>,
}

impl Proxy {
    /// Begins whole. Must be called within a tokio runtime.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start(server: &Server) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let near = listener.local_addr().expect("an address");
        let far = server.host();
        let to = far.parse().expect("the server listens on an address");
        let (network, seen) = watch::channel(Network::Whole);
        tokio::spawn(proxy(listener, to, seen));
        Proxy { near, far, network }
    }

    /// The server's URL, through this network.
    pub fn url(&self, url: &str) -> String {
        url.replace(&self.far, &self.near.to_string())
    }

    /// Cuts the network, or makes it whole.
    pub fn set(&self, network: Network) {
        self.network.send_replace(network);
    }
}
