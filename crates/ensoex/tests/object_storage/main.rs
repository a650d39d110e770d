//! Backups to object storage, with the real program and a server of the S3 protocol that others wrote.

mod authority;
mod erasure;
mod moto;
#[path = "../support/mod.rs"]
mod support;
mod tls;

use moto::Moto;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use support::{Setting, damaged, refused, said, sequence_of, text};

/// More than the 1,000 objects that one answer names at the most.
const GENERATIONS: u64 = 1_003;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_is_a_place_for_backups_like_a_folder() {
    let Some(moto) = Moto::start(&[]).await else {
        return;
    };
    moto.put("backups", Vec::new()).await;
    let setting = Setting::new(Some(&moto.endpoint)).await;
    let (data, identity) = (setting.path("service"), setting.path("identity.txt"));
    let place = "s3://backups/exchanges/one";
    setting.fund(1..50).await;
    std::fs::create_dir_all(setting.path("service/policy")).unwrap();
    std::fs::write(setting.path("service/policy/versions.jsonl"), "one\n").unwrap();
    said(&setting.ensoex(&setting.backup(&data, place)));
    let first = moto.objects("backups").await;
    let below = |folder: &str| first.keys().filter(|key| key.contains(folder)).count();
    assert_eq!(
        (below("/one/manifests/"), below("/one/log/"), below("/one/files/")),
        (1, 1, 1),
        "{first:?}"
    );

    // Continuous: what is there is not sent again, and of the log only what is new.
    let mut continuous = setting
        .program(&setting.backup(&data, place))
        .args(["--continuous", "--interval", "1"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut grown = async |before: usize| loop {
        let objects = moto.objects("backups").await;
        if objects.keys().filter(|key| key.contains("/manifests/")).count() > before {
            return objects;
        }
        assert!(
            continuous.try_wait().unwrap().is_none(),
            "the backup ended by itself"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let second = grown(1).await;
    setting.fund(50..80).await;
    let third = grown(2).await;
    continuous.kill().unwrap();
    continuous.wait().unwrap();
    assert!(first.iter().all(|(key, hash)| third.get(key) == Some(hash)));
    let log_of = |objects: &std::collections::BTreeMap<String, String>| {
        objects.keys().filter(|key| key.contains("/log/")).count()
    };
    assert_eq!((log_of(&first), log_of(&second), log_of(&third)), (1, 1, 2));
    assert_eq!(third.len(), second.len() + 2, "one segment and its manifest");

    // What was there at any moment, and what there is now.
    let restore = |name: &str| setting.path(name);
    let (past, latest) = (restore("past"), restore("latest"));
    let line = ["restore", "--from", place, "--identity", &identity, "--to"];
    said(&setting.ensoex(&[&line[..], &[&past, "--at", "sequence:40"]].concat()));
    // Batches are whole: the first 49 transfers came in one, after the two commands before them.
    assert_eq!(sequence_of(Path::new(&past)).await, 2);
    said(&setting.ensoex(&[&line[..], &[&latest]].concat()));
    assert_eq!(sequence_of(Path::new(&latest)).await, 81);
    let log = setting.path("service/exchange/log.db");
    let drill = ["restore", "drill", "--from", place, "--identity", &identity];
    let drill = [&drill[..], &["--log", &log, "--json"]].concat();
    let answer: Value = serde_json::from_str(&said(&setting.ensoex(&drill))).unwrap();
    assert_eq!(
        (&answer["holds"], &answer["recovery_point"]["commands"]),
        (&Value::Bool(true), &Value::from(0))
    );
    let hash = setting.exchange.read(|engine| engine.state_hash());
    assert_eq!(answer["state_hash"], hex::encode(hash));

    // One bit of any object that this restore needs.
    for key in third.keys().filter(|key| key.ends_with(".age")) {
        let path = format!("backups/{key}");
        let whole = moto.get(&path).await;
        moto.put(&path, damaged(&whole)).await;
        let answer = setting.ensoex(&drill);
        let is_needed = !first.contains_key(key) || !key.contains("/files/");
        let is_found = text(&answer.stdout).contains("altered, swapped or cut off");
        assert_eq!(
            (is_found, answer.status.success()),
            (is_needed, !is_needed),
            "{key}"
        );
        moto.put(&path, whole).await;
    }
    said(&setting.ensoex(&drill));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_storage_refuses_is_said_without_the_secret() {
    let Some(moto) = Moto::start(&[]).await else {
        return;
    };
    moto.put("backups", Vec::new()).await;
    let setting = Setting::new(Some(&moto.endpoint)).await;
    let (data, identity, to) = (
        setting.path("service"),
        setting.path("identity.txt"),
        setting.path("restored"),
    );
    let restore = |from| ["restore", "--from", from, "--identity", &identity, "--to", &to];
    for missing in [
        setting.ensoex(&setting.backup(&data, "s3://backup/one")),
        setting.ensoex(&restore("s3://backup/one")),
    ] {
        let sentence = refused(&missing);
        assert!(
            sentence.contains("there is no bucket for s3://backup/one"),
            "{sentence}"
        );
    }
    let sentence = refused(&setting.ensoex(&restore("s3://backups/empty")));
    assert!(sentence.contains("there is no finished backup"), "{sentence}");
    for (place, expected) in [
        ("s3://key:whatever-secret@backups/one", "s3://… is not a place"),
        ("s3://backups/one/../two", "s3://backups/… is not a place"),
        ("ftp://key:whatever-secret@backups/one", "ftp://… is not a place"),
    ] {
        let sentence = refused(&setting.ensoex(&setting.backup(&data, place)));
        assert!(sentence.contains(expected), "{sentence}");
        assert!(!sentence.contains("whatever-secret"), "{sentence}");
    }
    let mut nowhere = setting.program(&setting.backup(&data, "s3://backups/one"));
    let sentence = refused(&nowhere.env_remove("AWS_REGION").output().unwrap());
    assert!(sentence.contains("--s3-region or AWS_REGION"), "{sentence}");

    let credential = moto.demand_credentials().await;
    let wrong = (credential.0.clone(), "whatever-secret".to_owned());
    let setting = setting.with_credential(wrong);
    let mut outputs = vec![setting.ensoex(&setting.backup(&data, "s3://backups/one"))];
    let mut talkative = setting.program(&setting.backup(&data, "s3://backups/one"));
    outputs.push(talkative.env("ENSOEX_LOG", "trace").output().unwrap());
    for output in &outputs {
        let sentence = refused(output);
        assert!(
            sentence.contains("s3://backups/one refuses") && sentence.contains("AWS_SECRET_ACCESS_KEY"),
            "{sentence}"
        );
        assert!(!sentence.contains("whatever-secret"), "{sentence}");
    }
    let mut none = setting.program(&setting.backup(&data, "s3://backups/one"));
    let none = none
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY");
    let sentence = refused(&none.output().unwrap());
    assert!(sentence.contains("no credentials"), "{sentence}");
    // The control: with the right one it works, and only with it.
    let setting = setting.with_credential(credential);
    said(&setting.ensoex(&setting.backup(&data, "s3://backups/one")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_generations_than_one_answer_lists() {
    let Some(moto) = Moto::start(&[]).await else {
        return;
    };
    moto.put("backups", Vec::new()).await;
    let setting = Setting::new(Some(&moto.endpoint)).await;
    let (data, place) = (setting.path("service"), "s3://backups/many");
    said(&setting.ensoex(&setting.backup(&data, place)));
    let object = |number: u64| format!("backups/many/manifests/{number:020}.json");
    let mut manifest = moto.get(&object(1)).await;
    for number in 2..GENERATIONS {
        // What a backup would write that found nothing new.
        let mut next: Value = serde_json::from_slice(&manifest).unwrap();
        next["number"] = Value::from(number);
        next["previous"] = Value::from(hex::encode(Sha256::digest(&manifest)));
        manifest = serde_json::to_vec(&next).unwrap();
        moto.put(&object(number), manifest.clone()).await;
    }
    setting.fund(1..2).await;
    let taken = said(&setting.ensoex(&setting.backup(&data, place)));
    assert!(
        taken.starts_with(&format!(
            "generation {GENERATIONS} (full): up to sequence 3, 1 new"
        )),
        "{taken}"
    );
    // The control: one answer does not name the newest.
    let one_answer = text(&moto.get("backups?list-type=2&prefix=many%2Fmanifests%2F").await);
    assert!(one_answer.contains("<IsTruncated>true") && !one_answer.contains(&format!("{GENERATIONS:020}")));
    let (identity, to) = (setting.path("identity.txt"), setting.path("restored"));
    let restored = setting.ensoex(&["restore", "--from", place, "--identity", &identity, "--to", &to]);
    assert!(said(&restored).contains(&format!("generation {GENERATIONS} ")));
    assert_eq!(sequence_of(Path::new(&to)).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_keeps_versions_forgets_replaced_keys() {
    let Some(moto) = Moto::start(&[]).await else {
        return;
    };
    moto.versioned_bucket("keys").await;
    let setting = Setting::new(Some(&moto.endpoint)).await;
    let (data, identity, to) = (
        setting.path("service"),
        setting.path("identity.txt"),
        setting.path("to"),
    );
    std::fs::create_dir_all(setting.path("service/keys")).unwrap();
    let place = "s3://keys/one";
    let line = [
        "backup",
        "keys",
        "--data",
        &data,
        "--to",
        place,
        "--recipient",
        &setting.recipient,
    ];
    // The control: what is replaced is still there.
    for content in ["first", "second"] {
        moto.put("keys/other/keys/current.age", content.into()).await;
    }
    for content in ["first", "second", "third"] {
        std::fs::write(setting.path("service/keys/root.key"), content).unwrap();
        said(&setting.ensoex(&line));
        let versions = moto.versions("keys").await;
        let of = |key: &str| versions.iter().filter(|(found, _)| found == key).count();
        assert_eq!(
            (of("one/keys/current.age"), of("other/keys/current.age")),
            (1, 2),
            "{versions:?}"
        );
    }
    said(&setting.ensoex(&[
        "restore",
        "keys",
        "--from",
        place,
        "--identity",
        &identity,
        "--to",
        &to,
    ]));
    let restored = std::fs::read_to_string(setting.path("to/keys/root.key")).unwrap();
    assert_eq!(restored, "third");
}
