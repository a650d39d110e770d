//! Keys are renewed while the Service serves, and while it does not; people notice nothing.

use crate::load::{client, place};
use crate::service::{Service, people, run};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_renewed_while_the_service_runs_and_while_it_does_not() {
    let place_of_files = tempfile::tempdir().expect("a folder");
    let data = place_of_files.path().join("service");
    let service = Service::start(&data, &[]);
    service.healthy("primary").await;
    let person = people(&service.base, 1).await.remove(0);
    let root_key = || std::fs::read(data.join("keys/root.key")).expect("a root key");
    let first = root_key();

    let (renewed, said) = run(&["keys", "rotate"], &data, &[]);
    assert!(renewed && said.contains("The running Service did it."), "{said}");
    let second = root_key();
    assert_ne!(first, second);
    // The secret of the person's API key is a sealed value: it still checks signatures.
    let trader = client(&service.base, &person, 50);
    place(&trader, "renewed").await.expect("acknowledged");

    service.kill();
    let (renewed, said) = run(&["keys", "rotate"], &data, &["--layer", "root,values"]);
    assert!(renewed && !said.contains("running Service"), "{said}");
    assert_ne!(root_key(), second);
    let (told, said) = run(&["keys", "status"], &data, &["--json"]);
    let said: Value = serde_json::from_str(&said).expect("JSON");
    let layers = said.as_array().expect("layers");
    assert!(told && layers.len() == 9, "{said}");
    assert!(layers.iter().all(|layer| layer["state"] == "done"), "{said}");

    let service = Service::start(&data, &[]);
    service.healthy("primary").await;
    let trader = client(&service.base, &person, 50);
    place(&trader, "renewed-again").await.expect("acknowledged");
    let (refused, _) = run(&["keys", "rotate"], &data, &["--layer", "all"]);
    assert!(!refused, "there is no such layer");
}
