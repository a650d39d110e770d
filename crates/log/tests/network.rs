//! The network between writer and PostgreSQL is cut: nothing is acknowledged that is not durable, and the writer serves
//! again by itself.
//!
//! `ENSOEX_CUTS=20` makes the number that the project promises; by default it is small.

mod support;

use ensoex_log::AnyLog;
use ensoex_pg_test::{Cluster, Network, Proxy};
use std::time::Duration;
use support::{Load, all_is_there, alone, count};

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_network_loses_nothing_and_the_writer_serves_again() {
    let Some(mut cluster) = Cluster::start() else {
        return;
    };
    let proxy = Proxy::start(cluster.server()).await;
    let through = proxy.url(&cluster.url()).parse().unwrap();
    let log = AnyLog::open(&through, &alone(Duration::from_millis(500)))
        .await
        .unwrap();
    let load = Load::start(log, 1);
    let ways = [Network::AnswersLost, Network::Broken, Network::Silent];
    for round in 0..count("ENSOEX_CUTS", 3) {
        load.serves(10 + u64::from(round * 7 % 10)).await;
        proxy.set(ways[round as usize % ways.len()]);
        // Longer than an answer is waited for, so that the writer notices.
        tokio::time::sleep(Duration::from_millis(700)).await;
        proxy.set(Network::Whole);
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
