//! EnsoExPAY is killed at every failpoint and started again: what was acknowledged stays, nothing moves twice, and
//! every session comes to an end that the issuers' ledger agrees with.

mod support;

use ensoex_pay_api::{PaymentStatus, PayoutStatus};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::*;

/// EnsoExPAY as a process of its own.
struct Process(Child);

impl Process {
    /// Starts it on the world's data and waits until it is ready.
    fn start(world: &mut World, abort_at: Option<&str>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ensoex-pay"));
        command
            .args(["--port", "0", "--network-timeout-ms", "500"])
            .args(["--data".as_ref(), world.pay_data().as_os_str()])
            .args(["--shared-secrets".as_ref(), world.secrets_path().as_os_str()])
            .args(["--service-webhook-url", &world.hook.url])
            .args([
                "--cardnet-url",
                &world.cardnet_url,
                "--cardnet-iso",
                &world.cardnet_iso,
            ])
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if let Some(name) = abort_at {
            command.env("ENSOEX_PAY_ABORT_AT", name);
        }
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        world.pay_url = line.rsplit(' ').next().unwrap().trim().to_owned();
        assert!(world.pay_url.starts_with("http://"), "{line}");
        Self(child)
    }

    fn is_dead(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _dead_already = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Loads the form and sends it to a process that dies over it.
async fn submit_and_die(world: &World, path: &str, card: &str, payout: bool) {
    let url = format!("{}{path}", world.pay_url);
    let token = token_of(&world.page(&url).await);
    let mut form = vec![("token", token.as_str()), ("number", card), ("expiry", "04/40")];
    if !payout {
        form.push(("cvc", "737"));
    }
    let _died = world.client.post(&url).form(&form).send().await;
}

async fn wait_for_death(process: &mut Process) {
    for _ in 0..200 {
        if process.is_dead() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the failpoint was not reached");
}

fn path(url: &str) -> String {
    url[url.find("/pay/").unwrap()..].to_owned()
}

async fn payment_survives(failpoint: &str, card: &str, expected: PaymentStatus) {
    let mut world = World::without_pay(fast(), 0).await;
    let mut process = Process::start(&mut world, Some(failpoint));
    let session = world.create("payment", "deposit-1", 2_500).await;
    submit_and_die(&world, &path(&session.url), card, false).await;
    wait_for_death(&mut process).await;
    drop(process);

    let process = Process::start(&mut world, None);
    eventually(failpoint, || async {
        (world.payment(&session).await.status == expected).then_some(())
    })
    .await;
    let paid = if expected == PaymentStatus::Succeeded {
        2_500
    } else {
        0
    };
    assert_eq!(world.reconcile().await, (paid, 0), "{failpoint}");
    let movements = world.ledger().await["movements"].as_array().unwrap().len();
    assert!(movements <= 1, "{failpoint}: {movements} authorisations");

    if expected == PaymentStatus::Succeeded {
        eventually("the webhook", || async {
            world
                .hook
                .types()
                .contains(&"payment.succeeded".to_owned())
                .then_some(())
        })
        .await;
        let reloaded = world
            .page(&format!("{}{}", world.pay_url, path(&session.url)))
            .await;
        assert!(reloaded.contains("The payment has gone through"));
    } else {
        // The person may try again.
        submit_and_die(&world, &path(&session.url), APPROVED, false).await;
        assert_eq!(world.payment(&session).await.status, PaymentStatus::Succeeded);
        assert_eq!(world.reconcile().await, (2_500, 0), "{failpoint}");
    }
    let sequence: Vec<i64> = world.events().await.iter().map(|event| event.seq).collect();
    assert_eq!(sequence, (1..=sequence.len() as i64).collect::<Vec<i64>>());
    drop(process);
    world.stop().await;
}

async fn payout_survives(failpoint: &str, card: &str, expected: PayoutStatus) {
    let mut world = World::without_pay(fast(), 0).await;
    let mut process = Process::start(&mut world, Some(failpoint));
    let session = world.create("payout", "withdrawal-1", 1_500).await;
    submit_and_die(&world, &path(&session.url), card, true).await;
    wait_for_death(&mut process).await;
    drop(process);

    let process = Process::start(&mut world, None);
    eventually(failpoint, || async {
        (world.payout(&session).await.status == expected).then_some(())
    })
    .await;
    let sent = if expected == PayoutStatus::Paid { 1_500 } else { 0 };
    assert_eq!(world.reconcile().await, (0, sent), "{failpoint}");
    drop(process);
    world.stop().await;
}

#[tokio::test]
async fn a_payment_survives_death_before_its_message_is_sent() {
    payment_survives(
        "submission_committed",
        APPROVED,
        PaymentStatus::RequiresPaymentMethod,
    )
    .await;
}

#[tokio::test]
async fn a_payment_survives_death_before_the_answer_is_kept() {
    payment_survives("authorization_answered", APPROVED, PaymentStatus::Succeeded).await;
    payment_survives(
        "authorization_answered",
        DECLINED,
        PaymentStatus::RequiresPaymentMethod,
    )
    .await;
}

#[tokio::test]
async fn a_payment_survives_death_before_its_capture() {
    payment_survives("authorization_committed", APPROVED, PaymentStatus::Succeeded).await;
}

#[tokio::test]
async fn a_payment_survives_death_before_its_capture_is_kept() {
    payment_survives("capture_answered", APPROVED, PaymentStatus::Succeeded).await;
}

#[tokio::test]
async fn a_payment_survives_death_before_its_person_is_told() {
    payment_survives("success_committed", APPROVED, PaymentStatus::Succeeded).await;
}

#[tokio::test]
async fn a_payout_survives_death_before_its_message_is_sent() {
    payout_survives("submission_committed", APPROVED, PayoutStatus::Failed).await;
}

#[tokio::test]
async fn a_payout_survives_death_before_the_answer_is_kept() {
    payout_survives("credit_answered", APPROVED, PayoutStatus::Paid).await;
    payout_survives("credit_answered", NO_FUNDS, PayoutStatus::Failed).await;
}

#[tokio::test]
async fn a_session_survives_death_before_it_is_answered() {
    let mut world = World::without_pay(fast(), 0).await;
    let mut process = Process::start(&mut world, Some("session_committed"));
    let request = World::request("payment", "deposit-1", 2_500);
    let url = format!("{}/v1/checkout_sessions", world.pay_url);
    world
        .post_signed_and_die(&url, "/v1/checkout_sessions", "deposit-1", &request.to_string())
        .await;
    wait_for_death(&mut process).await;
    drop(process);
    let process = Process::start(&mut world, None);
    let session = world.create("payment", "deposit-1", 2_500).await;
    assert_eq!(
        world.payment(&session).await.status,
        PaymentStatus::RequiresPaymentMethod
    );
    drop(process);
    world.stop().await;
}

#[tokio::test]
async fn a_kill_while_the_network_is_silent_is_resolved_when_it_speaks() {
    let mut world = World::without_pay(fast(), 0).await;
    let mut process = Process::start(&mut world, None);
    let session = world.create("payment", "deposit-1", 2_500).await;
    submit_and_die(&world, &path(&session.url), ANSWER_LOST, false).await;
    process.0.kill().unwrap();
    wait_for_death(&mut process).await;
    world.stop_cardnet().await;
    drop(process);

    let process = Process::start(&mut world, None);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_ne!(
        world.payment(&session).await.status,
        PaymentStatus::Failed,
        "failed on no evidence"
    );
    world.restart_cardnet().await;
    eventually("the outcome", || async {
        (world.payment(&session).await.status == PaymentStatus::Succeeded).then_some(())
    })
    .await;
    assert_eq!(world.reconcile().await, (2_500, 0));
    drop(process);
    world.stop().await;
}

#[tokio::test]
async fn the_process_ends_cleanly_when_asked() {
    let mut world = World::without_pay(fast(), 0).await;
    let mut process = Process::start(&mut world, None);
    let id = process.0.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    wait_for_death(&mut process).await;
    assert!(process.0.wait().unwrap().success());
    drop(process);
    world.stop().await;
}
