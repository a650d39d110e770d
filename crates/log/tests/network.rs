//! The network between writer and PostgreSQL is cut: nothing is acknowledged that is not durable, and the writer serves
//! again by itself.
//!
//! `ENSOEX_CUTS=20` makes the number that the project promises; by default it is small.

mod support;

use ensoex_log::AnyLog;
use ensoex_pg_test::Cluster;
use std::net::SocketAddr;
use std::time::Duration;
use support::{Load, all_is_there, alone, count};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    Whole,
    /// Connections break; new ones are not accepted.
    Broken,
    /// Whatever is sent is swallowed, both ways.
    Silent,
    /// What the writer sends arrives; the answers do not.
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

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_network_loses_nothing_and_the_writer_serves_again() {
    let Some(mut cluster) = Cluster::start() else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = listener.local_addr().unwrap();
    let far = cluster.server().host();
    let (cut, network) = watch::channel(Network::Whole);
    tokio::spawn(proxy(listener, far.parse().unwrap(), network));

    let through = cluster.url().replace(&far, &near.to_string()).parse().unwrap();
    let log = AnyLog::open(&through, &alone(Duration::from_millis(500)))
        .await
        .unwrap();
    let load = Load::start(log, 1);
    let ways = [Network::AnswersLost, Network::Broken, Network::Silent];
    for round in 0..count("ENSOEX_CUTS", 3) {
        load.serves(10 + u64::from(round * 7 % 10)).await;
        cut.send_replace(ways[round as usize % ways.len()]);
        // Longer than an answer is waited for, so that the writer notices.
        tokio::time::sleep(Duration::from_millis(700)).await;
        cut.send_replace(Network::Whole);
    }
    load.serves(10).await;
    let (_, kept, refused) = load.end().await;
    let rows = all_is_there(&cluster.url().parse().unwrap(), &kept).await;
    assert_eq!(rows, kept.len());
    println!(
        "{} batches acknowledged and found, {refused} times nothing was written",
        kept.len()
    );
}
