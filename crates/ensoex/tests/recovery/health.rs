//! What a load balancer and an operator are told while the projections cannot be written.

use crate::load::{client, place};
use crate::service::{Service, people};
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Executor as _};

/// Asks until what it says of the projections is as wanted.
async fn projections(service: &Service, wanted: impl Fn(u64, f64) -> bool) -> Value {
    loop {
        let (status, said) = service.health("primary").await;
        assert_eq!(status, 200, "projections never hold up the log: {said}");
        let behind = said["projections"]["behind"].as_u64().expect("commands");
        let behind_s = said["projections"]["behind_s"].as_f64().expect("seconds");
        if wanted(behind, behind_s) {
            return said;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_says_how_far_projections_are_behind() {
    let place_of_files = tempfile::tempdir().expect("a folder");
    let data = place_of_files.path().join("service");
    let service = Service::start(&data, &[]);
    service.healthy("primary").await;
    let person = people(&service.base, 1).await.remove(0);
    let caught_up = |behind, behind_s| behind == 0 && behind_s == 0.0;
    projections(&service, caught_up).await;

    let file = data.join("exchange/projections.db");
    let options = SqliteConnectOptions::new().filename(file);
    let mut lock: SqliteConnection = options.connect().await.expect("opened");
    lock.execute("BEGIN IMMEDIATE").await.expect("locked");
    let trader = client(&service.base, &person, 50);
    let order = tokio::spawn(async move { place(&trader, "late").await });
    let first = projections(&service, |behind, behind_s| behind > 0 && behind_s > 0.0).await;
    let seconds = |said: &Value| said["projections"]["behind_s"].as_f64().expect("seconds");
    projections(&service, |_, behind_s| behind_s > seconds(&first)).await;
    lock.execute("ROLLBACK").await.expect("unlocked");
    order.await.expect("asked").expect("acknowledged");
    projections(&service, caught_up).await;
}
