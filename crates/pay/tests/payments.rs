//! Payments through the pages, as a person would: approved, declined, challenged, unknown, twice.

mod support;

use ensoex_pay_api::{CheckoutSessionStatus, DeclineCode, Outcome, PaymentStatus};
use support::*;

#[tokio::test]
async fn an_approved_card_pays_once_and_the_service_learns_it() {
    let world = World::new().await;
    let session = world.create("payment", "deposit-1", 2_500).await;
    assert_eq!(session.status, CheckoutSessionStatus::Open);
    assert_eq!(
        world.payment(&session).await.status,
        PaymentStatus::RequiresPaymentMethod
    );
    let page = world.page(&session.url).await;
    for shown in ["€25.00", "EnsoEx", "deposit-1", "cc-number", "cc-csc", "cc-exp"] {
        assert!(page.contains(shown), "the page does not show {shown}");
    }

    let reply = world.pay_with(&session, APPROVED).await;
    assert_eq!(
        (reply.status, reply.location()),
        (303, "http://127.0.0.1:1/success")
    );
    let payment = world.payment(&session).await;
    assert_eq!(
        (payment.status, payment.outcome, payment.amount),
        (PaymentStatus::Succeeded, None, 2_500)
    );
    assert_eq!(
        world.session(&session).await.status,
        CheckoutSessionStatus::Complete
    );

    let events = eventually("the webhook", || async {
        Some(world.hook.events()).filter(|it| !it.is_empty())
    })
    .await;
    assert_eq!(events.len(), 1);
    assert_eq!(event_type(&events[0]), "payment.succeeded");
    assert_eq!(events[0].seq, 1);
    assert_eq!(world.events().await, events);
    assert_eq!(world.hook.bad_signatures(), 0);
    assert_eq!(world.reconcile().await, (2_500, 0));
    world.stop().await;
}

#[tokio::test]
async fn a_card_without_the_pages_own_token_is_not_charged() {
    let world = World::new().await;
    for (number, mode) in ["payment", "payout"].into_iter().enumerate() {
        let session = world.create(mode, &format!("forged-{number}"), 2_500).await;
        let other = world.create(mode, &format!("other-{number}"), 2_500).await;
        let foreign = world.token(&other).await;
        for token in ["", "wrong", foreign.as_str()] {
            let reply = world.post_form(&session.url, &card_form(token, APPROVED)).await;
            assert_eq!(reply.status, 303);
            assert!(
                reply.location().starts_with("/pay/cs_"),
                "{mode} {token:?}: {}",
                reply.location()
            );
        }
        let without = [("number", APPROVED), ("expiry", "04/40"), ("cvc", "123")];
        let reply = world.post_form(&session.url, &without).await;
        assert!(reply.location().starts_with("/pay/cs_"));
        assert_eq!(world.session(&session).await.status, CheckoutSessionStatus::Open);
    }
    assert_eq!(world.reconcile().await, (0, 0), "nothing was moved");
    // Positive control: with its own token the same card pays.
    let session = world.create("payment", "own", 2_500).await;
    assert_eq!(
        world.pay_with(&session, APPROVED).await.location(),
        "http://127.0.0.1:1/success"
    );
    world.stop().await;
}

#[tokio::test]
async fn reload_back_and_repeat_never_charge_again() {
    let world = World::new().await;
    let session = world.create("payment", "deposit-1", 2_500).await;
    let token = world.token(&session).await;
    world.post_form(&session.url, &card_form(&token, APPROVED)).await;
    for _ in 0..3 {
        let again = world.post_form(&session.url, &card_form(&token, APPROVED)).await;
        assert_eq!(again.status, 303);
        assert!(again.location().starts_with("/pay/cs_"));
    }
    let reloaded = world.page(&session.url).await;
    assert!(reloaded.contains("The payment has gone through"), "{reloaded}");
    assert!(reloaded.contains("http://127.0.0.1:1/success"));
    assert!(!reloaded.contains("name=\"number\""));
    world.follow(&format!("{}/3ds/return", session.url)).await;
    let canceled = world
        .post_form(&format!("{}/cancel", session.url), &[("token", &token)])
        .await;
    assert!(
        canceled.location().starts_with("/pay/cs_"),
        "a finished session is not canceled"
    );
    assert_eq!(world.reconcile().await, (2_500, 0));
    assert_eq!(world.ledger().await["movements"].as_array().unwrap().len(), 1);
    world.stop().await;
}

#[tokio::test]
async fn thirty_two_submissions_at_once_make_one_authorisation() {
    let world = std::sync::Arc::new(World::new().await);
    let session = world.create("payment", "deposit-1", 2_500).await;
    let token = world.token(&session).await;
    let mut work = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let (world, url, token) = (world.clone(), session.url.clone(), token.clone());
        work.spawn(async move { world.post_form(&url, &card_form(&token, APPROVED)).await.status });
    }
    while let Some(status) = work.join_next().await {
        assert_eq!(status.unwrap(), 303);
    }
    assert_eq!(world.payment(&session).await.status, PaymentStatus::Succeeded);
    assert_eq!(world.ledger().await["movements"].as_array().unwrap().len(), 1);
    assert_eq!(world.reconcile().await, (2_500, 0));
    assert_eq!(world.events().await.len(), 1);
}

#[tokio::test]
async fn a_declined_card_gets_one_plain_sentence_and_another_try() {
    let world = World::new().await;
    let session = world.create("payment", "deposit-1", 2_500).await;
    let mut notices = Vec::new();
    for (card, code) in [
        (DECLINED, DeclineCode::CardDeclined),
        (NO_FUNDS, DeclineCode::InsufficientFunds),
        ("4000 0000 0000 9987", DeclineCode::CardDeclined),
    ] {
        let reply = world.pay_with(&session, card).await;
        assert!(reply.location().starts_with("/pay/cs_"));
        let payment = world.payment(&session).await;
        assert_eq!(payment.status, PaymentStatus::RequiresPaymentMethod);
        assert_eq!(payment.decline.unwrap().code, code);
        let page = world.page(&session.url).await;
        assert!(page.contains("Your bank declined this card. No money was taken."));
        assert!(!page.contains(&card[15..]), "the page shows what was typed");
        notices.push(
            page.split("class=\"notice\"")
                .nth(1)
                .unwrap()
                .split("</div>")
                .next()
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!(notices[0], notices[1], "declines differ in wording");
    let reply = world.pay_with(&session, APPROVED).await;
    assert_eq!(reply.location(), "http://127.0.0.1:1/success");
    let payment = world.payment(&session).await;
    assert_eq!(
        (payment.status, payment.decline),
        (PaymentStatus::Succeeded, None)
    );
    assert_eq!(world.reconcile().await, (2_500, 0));
    world.stop().await;
}

#[tokio::test]
async fn a_form_that_was_declined_cannot_be_sent_again() {
    let world = World::new().await;
    let session = world.create("payment", "deposit-1", 2_500).await;
    let token = world.token(&session).await;
    for _ in 0..4 {
        world.post_form(&session.url, &card_form(&token, DECLINED)).await;
    }
    world.post_form(&session.url, &card_form(&token, APPROVED)).await;
    world.post_form(&session.url, &card_form("", APPROVED)).await;
    assert_eq!(world.ledger().await["movements"].as_array().unwrap().len(), 1);
    assert_eq!(
        world.payment(&session).await.status,
        PaymentStatus::RequiresPaymentMethod
    );
    world.stop().await;
}

#[tokio::test]
async fn after_five_declines_the_session_ends() {
    let world = World::new().await;
    let session = world.create("payment", "deposit-1", 2_500).await;
    for _ in 0..5 {
        world.pay_with(&session, DECLINED).await;
    }
    let payment = world.payment(&session).await;
    assert_eq!(payment.status, PaymentStatus::Failed);
    assert_eq!(
        world.session(&session).await.status,
        CheckoutSessionStatus::Canceled
    );
    let page = world.page(&session.url).await;
    assert!(page.contains("The payment did not succeed"), "{page}");
    let types: Vec<String> = world.events().await.iter().map(event_type).collect();
    assert_eq!(types, ["payment.failed"]);
    assert_eq!(world.reconcile().await, (0, 0));
    world.stop().await;
}

#[tokio::test]
async fn a_card_that_was_declined_ten_times_is_barred_whoever_tries_it() {
    let world = World::new().await;
    for customer in 0..3 {
        let reference = format!("deposit-{customer}");
        let mut request = World::request("payment", &reference, 2_500);
        request["customer"] = format!("customer-{customer}").into();
        let session = world.create_from(&request, &reference).await;
        let tries = if customer < 2 { 5 } else { 1 };
        for _ in 0..tries {
            world.pay_with(&session, DECLINED).await;
        }
        let payment = world.payment(&session).await;
        assert_eq!(payment.status, PaymentStatus::Failed);
        let code = if customer < 2 {
            DeclineCode::CardDeclined
        } else {
            DeclineCode::AttemptsExceeded
        };
        assert_eq!(payment.decline.unwrap().code, code);
    }
    assert_eq!(
        world.ledger().await["movements"].as_array().unwrap().len(),
        10,
        "a barred card was sent"
    );
    world.stop().await;
}

#[tokio::test]
async fn a_challenge_that_is_confirmed_pays() {
    let world = World::new().await;
    let session = world.create("payment", "deposit-1", 2_500).await;
    let reply = world.pay_with(&session, CHALLENGE).await;
    let challenge = reply.location().to_owned();
    assert!(challenge.starts_with(&world.cardnet_url), "{challenge}");
    assert_eq!(
        world.payment(&session).await.status,
        PaymentStatus::RequiresAction
    );
    let page = world.page(&session.url).await;
    assert!(page.contains(&challenge), "the page does not lead on to the bank");

    // The browser alone proves nothing.
    let early = world.follow(&format!("{}/3ds/return?lang=en", session.url)).await;
    assert!(early.location().starts_with("/pay/cs_"));
    assert_eq!(
        world.payment(&session).await.status,
        PaymentStatus::RequiresAction
    );

    // No redirect: the bank's page could not permit one that leads to the Service.
    let done = world.answer_challenge(&challenge, true).await;
    assert_eq!(
        (done.status, done.location()),
        (200, "http://127.0.0.1:1/success")
    );
    assert_eq!(world.payment(&session).await.status, PaymentStatus::Succeeded);
    for _ in 0..3 {
        world.follow(&format!("{}/3ds/return?lang=en", session.url)).await;
    }
    assert_eq!(world.reconcile().await, (2_500, 0));
    let types: Vec<String> = world.events().await.iter().map(event_type).collect();
    assert_eq!(types, ["payment.requires_action", "payment.succeeded"]);
    world.stop().await;
}

#[tokio::test]
async fn a_challenge_that_is_refused_or_left_takes_nothing() {
    let world = World::new().await;
    let session = world.create("payment", "deposit-1", 2_500).await;
    let challenge = world.pay_with(&session, CHALLENGE).await.location().to_owned();
    let back = world.answer_challenge(&challenge, false).await;
    assert!(back.location().starts_with("/pay/cs_"));
    let payment = world.payment(&session).await;
    assert_eq!(payment.status, PaymentStatus::RequiresPaymentMethod);
    assert_eq!(payment.decline.unwrap().code, DeclineCode::AuthenticationFailed);

    world.pay_with(&session, CHALLENGE).await;
    let token = world.token(&session).await;
    world
        .post_form(&format!("{}/leave", session.url), &[("token", &token)])
        .await;
    assert_eq!(
        world.payment(&session).await.status,
        PaymentStatus::RequiresPaymentMethod
    );

    let challenge = world
        .pay_with(&session, CHALLENGE_THEN_DECLINED)
        .await
        .location()
        .to_owned();
    world.answer_challenge(&challenge, true).await;
    let payment = world.payment(&session).await;
    assert_eq!(payment.decline.unwrap().code, DeclineCode::CardDeclined);
    assert_eq!(world.reconcile().await, (0, 0));
    world.stop().await;
}

#[tokio::test]
async fn thirty_two_returns_from_a_challenge_make_one_authorisation() {
    let world = std::sync::Arc::new(World::new().await);
    let session = world.create("payment", "deposit-1", 2_500).await;
    let challenge = world.pay_with(&session, CHALLENGE).await.location().to_owned();
    let code = world
        .page(&challenge)
        .await
        .split("class=\"code\">")
        .nth(1)
        .unwrap()[..6]
        .to_owned();
    world
        .client
        .post(&challenge)
        .form(&[("code", code)])
        .send()
        .await
        .unwrap();
    let mut work = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let (world, url) = (world.clone(), format!("{}/3ds/return?lang=en", session.url));
        work.spawn(async move { world.follow(&url).await });
    }
    while let Some(reply) = work.join_next().await {
        reply.unwrap().location();
    }
    assert_eq!(world.payment(&session).await.status, PaymentStatus::Succeeded);
    assert_eq!(world.ledger().await["movements"].as_array().unwrap().len(), 1);
    assert_eq!(world.reconcile().await, (2_500, 0));
}

#[tokio::test]
async fn an_unknown_outcome_is_found_by_inquiry_and_never_resent() {
    let world = World::new().await;
    for (index, (card, status, decline)) in [
        (ANSWER_LOST, PaymentStatus::Succeeded, None),
        (
            DECLINE_LOST,
            PaymentStatus::RequiresPaymentMethod,
            Some(DeclineCode::CardDeclined),
        ),
        (
            REQUEST_LOST,
            PaymentStatus::RequiresPaymentMethod,
            Some(DeclineCode::ProcessingError),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let session = world.create("payment", &format!("deposit-{index}"), 2_500).await;
        let reply = world.pay_with(&session, card).await;
        assert!(reply.location().starts_with("/pay/cs_"));
        let payment = eventually("an end", || async {
            let payment = world.payment(&session).await;
            (payment.status == status).then_some(payment)
        })
        .await;
        assert_eq!(payment.outcome, None);
        assert_eq!(payment.decline.map(|decline| decline.code), decline);
        let events = world.events().await;
        let about = |event: &&ensoex_pay_api::Event| matches!(&event.data.object, ensoex_pay_api::EventObject::Payment(it) if it.id == payment.id);
        let first = events.iter().find(about).unwrap();
        assert_eq!(event_type(first), "payment.processing");
        let ensoex_pay_api::EventObject::Payment(then) = &first.data.object else {
            panic!("no payment")
        };
        assert_eq!(then.outcome, Some(Outcome::Unknown));
    }
    let movements = world.ledger().await["movements"].clone();
    assert_eq!(movements.as_array().unwrap().len(), 3, "{movements}");
    assert_eq!(world.reconcile().await, (2_500, 0));
    world.stop().await;
}

#[tokio::test]
async fn with_the_network_down_nothing_is_taken_and_the_person_may_try_again() {
    let mut world = World::new().await;
    let session = world.create("payment", "deposit-1", 2_500).await;
    world.stop_cardnet().await;
    world.pay_with(&session, APPROVED).await;
    let payment = world.payment(&session).await;
    assert_eq!(payment.status, PaymentStatus::RequiresPaymentMethod);
    assert_eq!(payment.decline.unwrap().code, DeclineCode::ProcessingError);
    world.restart_cardnet().await;
    let reply = world.pay_with(&session, APPROVED).await;
    assert_eq!(reply.location(), "http://127.0.0.1:1/success");
    assert_eq!(world.reconcile().await, (2_500, 0));
    world.stop().await;
}

#[tokio::test]
async fn turning_back_cancels_and_tells() {
    let world = World::new().await;
    let session = world.create("payment", "deposit-1", 2_500).await;
    let forged = world
        .post_form(&format!("{}/cancel", session.url), &[("token", "guess")])
        .await;
    assert!(forged.location().starts_with("/pay/cs_"));
    assert_eq!(world.session(&session).await.status, CheckoutSessionStatus::Open);
    let token = world.token(&session).await;
    let reply = world
        .post_form(&format!("{}/cancel", session.url), &[("token", &token)])
        .await;
    assert_eq!(reply.location(), "http://127.0.0.1:1/cancel");
    assert_eq!(world.payment(&session).await.status, PaymentStatus::Canceled);
    let late = world.post_form(&session.url, &card_form(&token, APPROVED)).await;
    assert!(late.location().starts_with("/pay/cs_"));
    assert!(world.page(&session.url).await.contains("Canceled"));
    assert_eq!(world.events().await.len(), 1);
    assert_eq!(world.reconcile().await, (0, 0));
    world.stop().await;
}

#[tokio::test]
async fn sessions_expire_and_tell() {
    let timing = ensoex_pay::Timing {
        session: std::time::Duration::from_secs(1),
        ..fast()
    };
    let world = World::with(timing, 0).await;
    let session = world.create("payment", "deposit-1", 2_500).await;
    let token = world.token(&session).await;
    eventually("the end", || async {
        (world.payment(&session).await.status == PaymentStatus::Expired).then_some(())
    })
    .await;
    world.post_form(&session.url, &card_form(&token, APPROVED)).await;
    assert!(world.page(&session.url).await.contains("This page has expired"));
    assert_eq!(
        world.session(&session).await.status,
        CheckoutSessionStatus::Expired
    );
    assert_eq!(world.reconcile().await, (0, 0));
    world.stop().await;
}

#[tokio::test]
async fn wrong_fields_are_named_and_nothing_typed_comes_back() {
    let world = World::new().await;
    let session = world.create("payment", "deposit-1", 2_500).await;
    let token = world.token(&session).await;
    for (number, expiry, cvc, sentence) in [
        (
            "4242 4242 4242 4241",
            "04/40",
            "737",
            "This is not a complete card number.",
        ),
        ("", "04/40", "737", "This is not a complete card number."),
        (
            "42424242424242424242424242",
            "04/40",
            "737",
            "This is not a complete card number.",
        ),
        (APPROVED, "13/40", "737", "Enter the month and year on the card"),
        (APPROVED, "04/99", "737", "Enter the month and year on the card"),
        (APPROVED, "04/20", "737", "This card has expired."),
        (APPROVED, "04/40", "7", "Enter the three or four digits"),
    ] {
        let form = [
            ("token", token.as_str()),
            ("number", number),
            ("expiry", expiry),
            ("cvc", cvc),
        ];
        let reply = world.post_form(&session.url, &form).await;
        assert_eq!(reply.status, 422, "{number} {expiry} {cvc}");
        assert!(reply.body.contains(sentence), "{number} {expiry} {cvc}");
        assert!(reply.body.contains("aria-invalid=\"true\""));
        assert!(!reply.body.contains("4242 424"), "the number is shown again");
        assert!(!reply.body.contains("value=\"737\""));
    }
    assert_eq!(world.payment(&session).await.version, 1);
    // A form that failed the checks is not used up.
    let reply = world
        .post_form(&session.url, &card_form(&token, "4242-4242-4242-4242"))
        .await;
    assert_eq!(reply.location(), "http://127.0.0.1:1/success");
    world.stop().await;
}

/// Every page of a session, in either language, open or ended, and every page outside of one names in its footer the version of the Service's Terms and Policy under
/// which it was asked for, and leads to it.
/// Mechanism: `crates/pay/src/page/layout.rs`
/// Control: a session that was asked for under another version names that one, and not this.
#[tokio::test]
async fn clause_02_every_page_of_a_payment_names_the_version() {
    let world = World::new().await;
    let session = world.create("payment", "deposit-1", 2_500).await;
    let other_version = format!("sha256:{}", "fedcba9876543210".repeat(4));
    let mut request = World::request("payout", "withdrawal-1", 2_500);
    request["documents"]["version"] = other_version.as_str().into();
    let other = world.create_from(&request, "withdrawal-1").await;
    let footer = |page: &str| {
        let (_, footer) = page.split_once("<footer").unwrap();
        footer.to_owned()
    };
    let open = footer(&world.page(&session.url).await);
    let ukrainian = footer(&world.page(&format!("{}?lang=uk", session.url)).await);
    let control = footer(&world.page(&other.url).await);
    let token = world.token(&session).await;
    let canceled = format!("{}/cancel", session.url);
    world.post_form(&canceled, &[("token", &token)]).await;
    let ended = footer(&world.page(&session.url).await);
    let (base, _) = session.url.split_once("/pay/").unwrap();
    let missing = reqwest::get(format!("{base}/pay/cs_none")).await.unwrap();
    assert_eq!(missing.status(), 404);
    let missing = footer(&missing.text().await.unwrap());
    assert!(
        missing.contains(">fedcba987654</a>"),
        "the newest that was told: {missing}"
    );
    for footer in [&open, &ukrainian, &ended] {
        assert!(footer.contains(">0123456789ab</a>"), "{footer}");
        assert!(footer.contains("href=\"http://127.0.0.1:1/documents/versions/1/privacy\""));
        assert!(
            footer.contains(&"0123456789abcdef".repeat(4)),
            "in full as the title"
        );
    }
    assert!(open.contains("Terms and Privacy Policy of") && ukrainian.contains("Умови та Політика"));
    assert!(control.contains(">fedcba987654</a>") && !control.contains("0123456789ab"));
    world.stop().await;
}
