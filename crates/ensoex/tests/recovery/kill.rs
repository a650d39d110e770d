//! `kill -9` at random moments while people trade. `ENSOEX_KILLS` says how often, `ENSOEX_SEED` which moments.

use crate::load::{cancel_all, client, compare, open_orders, trade};
use crate::service::{Service, people, verified};
use ensoex_cli::random::Sequence;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

const KILLS_DEFAULT: u64 = 10;
const PEOPLE: usize = 4;
/// The limit of one account is 100 orders in 10 seconds.
const ORDERS_PER_SECOND: u32 = 60;
const ALIVE_MS: (i64, i64) = (50, 900);

fn number(name: &str, default: impl FnOnce() -> u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().expect("a number"),
        Err(_) => default(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_the_service_is_killed() {
    let kills = number("ENSOEX_KILLS", || KILLS_DEFAULT);
    let seed = number("ENSOEX_SEED", || u64::from(std::process::id()));
    println!("ENSOEX_SEED={seed}");
    let mut random = Sequence::new(seed);
    let place = tempfile::tempdir().expect("a folder");
    let data = place.path().join("service");
    let mut service = Service::start(&data, &[]);
    service.healthy("primary").await;
    let people = people(&service.base, PEOPLE).await;
    let mut acknowledged_in_all = 0;
    for kill in 0..kills {
        let stop = Arc::new(AtomicBool::new(false));
        let trading: Vec<_> = people
            .iter()
            .enumerate()
            .map(|(number, person)| {
                let client = client(&service.base, person, ORDERS_PER_SECOND);
                tokio::spawn(trade(client, format!("k{kill}-{number}"), Arc::clone(&stop)))
            })
            .collect();
        let alive = random.between(ALIVE_MS.0, ALIVE_MS.1);
        tokio::time::sleep(Duration::from_millis(alive.unsigned_abs())).await;
        service.kill();
        let mut acknowledged = Vec::new();
        for one in trading {
            acknowledged.push(one.await.expect("it trades"));
        }
        service = Service::start(&data, &[]);
        service.healthy("primary").await;
        for (person, acknowledged) in people.iter().zip(&acknowledged) {
            let client = client(&service.base, person, ORDERS_PER_SECOND);
            compare(acknowledged, &open_orders(&client).await);
            acknowledged_in_all += acknowledged.len();
            let _none_may_be_open = cancel_all(&client).await;
        }
    }
    assert!(acknowledged_in_all > 0, "control: something was acknowledged");
    println!("{kills} kills, {acknowledged_in_all} acknowledged orders, all there once");
    service.signal("TERM");
    assert!(service.ended().await, "it ends in order");
    verified(&data);
}
