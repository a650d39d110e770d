//! Payouts and remembered cards.

mod support;

use ensoex_pay_api::{CheckoutSessionStatus, DeclineCode, PayoutStatus};
use support::*;

fn payout_form<'a>(token: &'a str, card: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("token", token), ("number", card), ("expiry", "04/40")]
}

async fn pay_out(world: &World, reference: &str, card: &str) -> ensoex_pay_api::CheckoutSession {
    let session = world.create("payout", reference, 1_500).await;
    let token = world.token(&session).await;
    world.post_form(&session.url, &payout_form(&token, card)).await;
    session
}

#[tokio::test]
async fn a_payout_credits_the_card_once() {
    let world = World::new().await;
    let session = world.create("payout", "withdrawal-1", 1_500).await;
    let page = world.page(&session.url).await;
    assert!(
        page.contains("€15.00") && !page.contains("name=\"cvc\""),
        "{page}"
    );
    assert_eq!(world.payout(&session).await.status, PayoutStatus::Created);
    let token = token_of(&page);
    let reply = world
        .post_form(&session.url, &payout_form(&token, APPROVED))
        .await;
    assert_eq!(reply.location(), "http://127.0.0.1:1/success");
    for _ in 0..3 {
        world
            .post_form(&session.url, &payout_form(&token, APPROVED))
            .await;
    }
    assert_eq!(world.payout(&session).await.status, PayoutStatus::Paid);
    assert_eq!(
        world.session(&session).await.status,
        CheckoutSessionStatus::Complete
    );
    assert!(
        world
            .page(&session.url)
            .await
            .contains("Your bank has credited the card")
    );
    let types: Vec<String> = world.events().await.iter().map(event_type).collect();
    assert_eq!(types, ["payout.submitted", "payout.paid"]);
    assert_eq!(world.reconcile().await, (0, 1_500));
    world.stop().await;
}

#[tokio::test]
async fn a_refused_payout_fails_once_and_for_good() {
    let world = World::new().await;
    let session = pay_out(&world, "withdrawal-1", NO_FUNDS).await;
    let payout = world.payout(&session).await;
    assert_eq!(payout.status, PayoutStatus::Failed);
    assert!(payout.status.gives_back());
    assert_eq!(payout.decline.unwrap().code, DeclineCode::CardDeclined);
    assert!(
        world
            .page(&session.url)
            .await
            .contains("The bank did not accept the money")
    );
    let types: Vec<String> = world.events().await.iter().map(event_type).collect();
    assert_eq!(types, ["payout.submitted", "payout.failed"]);
    assert_eq!(world.reconcile().await, (0, 0));
    world.stop().await;
}

#[tokio::test]
async fn an_unknown_payout_is_never_given_back_before_it_is_known() {
    let world = World::new().await;
    let lost_answer = pay_out(&world, "withdrawal-1", ANSWER_LOST).await;
    let lost_request = pay_out(&world, "withdrawal-2", REQUEST_LOST).await;
    for (session, status) in [
        (lost_answer, PayoutStatus::Paid),
        (lost_request, PayoutStatus::Failed),
    ] {
        eventually("an end", || async {
            let payout = world.payout(&session).await;
            assert!(
                payout.status == status || payout.status == PayoutStatus::Submitted,
                "{:?}",
                payout.status
            );
            (payout.status == status).then_some(())
        })
        .await;
    }
    assert_eq!(world.reconcile().await, (0, 1_500));
    world.stop().await;
}

#[tokio::test]
async fn payouts_can_be_canceled_and_expire_before_a_card_is_given() {
    let world = World::new().await;
    let session = world.create("payout", "withdrawal-1", 1_500).await;
    let token = world.token(&session).await;
    world
        .post_form(&format!("{}/cancel", session.url), &[("token", &token)])
        .await;
    assert_eq!(world.payout(&session).await.status, PayoutStatus::Canceled);
    let session = world.create("payout", "withdrawal-2", 1_500).await;
    let path = format!("/v1/checkout_sessions/{}/expire", session.id);
    assert_eq!(world.call("POST", &path, None, "").await.0, 200);
    assert_eq!(world.call("POST", &path, None, "").await.0, 200);
    assert_eq!(world.payout(&session).await.status, PayoutStatus::Expired);
    let types: Vec<String> = world.events().await.iter().map(event_type).collect();
    assert_eq!(types, ["payout.canceled", "payout.expired"]);
    world.stop().await;
}

#[tokio::test]
async fn cards_are_remembered_only_when_asked_and_only_for_their_own_customer() {
    let world = World::new().await;
    let session = world.create("payment", "deposit-1", 100).await;
    world.pay_with(&session, APPROVED).await;
    let session = world.create("payment", "deposit-2", 100).await;
    let page = world.page(&session.url).await;
    assert!(!page.contains("4242</span>"), "a card is remembered unasked");

    let token = token_of(&page);
    let mut form = card_form(&token, APPROVED);
    form.push(("remember", "yes"));
    world.post_form(&session.url, &form).await;

    // The same customer pays and is paid with it; the same card is listed once.
    let session = world.create("payment", "deposit-3", 100).await;
    let page = world.page(&session.url).await;
    assert!(page.contains("•••• 4242"), "{page}");
    let instrument = remembered(&page);
    let form = [
        ("token", token_of(&page)),
        ("card", instrument.clone()),
        ("cvc", "737".to_owned()),
    ];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(
        world.post_form(&session.url, &form).await.location(),
        "http://127.0.0.1:1/success"
    );
    let session = world.create("payment", "deposit-4", 100).await;
    let token = world.token(&session).await;
    let mut form = card_form(&token, APPROVED);
    form.extend([("remember", "yes"), ("card", "new")]);
    world.post_form(&session.url, &form).await;
    let session = world.create("payout", "withdrawal-1", 100).await;
    let page = world.page(&session.url).await;
    assert_eq!(page.matches("•••• 4242</span>").count(), 1, "{page}");
    let instrument = remembered(&page);

    // Another customer neither sees nor can use it.
    let mut request = World::request("payout", "withdrawal-2", 100);
    request["customer"] = "customer-2".into();
    let other = world.create_from(&request, "withdrawal-2").await;
    let other_page = world.page(&other.url).await;
    assert!(!other_page.contains("4242</span>"));
    world
        .post_form(
            &other.url,
            &[("token", &token_of(&other_page)), ("card", &instrument)],
        )
        .await;
    assert_eq!(world.payout(&other).await.status, PayoutStatus::Created);

    let token = token_of(&page);
    world
        .post_form(&session.url, &[("token", &token), ("card", &instrument)])
        .await;
    assert_eq!(world.payout(&session).await.status, PayoutStatus::Paid);

    // And it can be removed.
    let session = world.create("payout", "withdrawal-3", 100).await;
    let page = world.page(&session.url).await;
    let form = [("token", token_of(&page)), ("forget", remembered(&page))];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    world.post_form(&format!("{}/forget", session.url), &form).await;
    assert!(!world.page(&session.url).await.contains("•••• 4242"));
    assert_eq!(world.reconcile().await, (400, 100));
    world.stop().await;
}

#[tokio::test]
async fn a_declined_card_is_not_remembered() {
    let world = World::new().await;
    let session = world.create("payment", "deposit-1", 100).await;
    let token = world.token(&session).await;
    let mut form = card_form(&token, DECLINED);
    form.push(("remember", "yes"));
    world.post_form(&session.url, &form).await;
    assert!(!world.page(&session.url).await.contains("•••• 0002"));
    world.stop().await;
}

fn to_paying_cards(reference: &str, amount: i64) -> serde_json::Value {
    let mut request = World::request("payout", reference, amount);
    request["payout_cards"] = "paying".into();
    request
}

/// Money that may only go back to where it came from goes to no other card, and to that one no more than came from it.
///
/// Mechanism: `crates/pay/src/processor/submission.rs`
/// Control: a payout to any card goes to the same other card.
#[tokio::test]
async fn clause_12_a_payout_to_paying_cards_goes_to_no_other() {
    let world = World::new().await;
    let paid = world.create("payment", "deposit-1", 1_000).await;
    world.pay_with(&paid, APPROVED).await;
    let mut others = World::request("payment", "deposit-2", 5_000);
    others["customer"] = "customer-2".into();
    let others = world.create_from(&others, "deposit-2").await;
    world.pay_with(&others, OTHER_CARD).await;

    let session = world
        .create_from(&to_paying_cards("withdrawal-1", 600), "withdrawal-1")
        .await;
    let page = world.page(&session.url).await;
    assert!(
        page.contains("goes back to one"),
        "the page says so before anything is typed: {page}"
    );
    // Another card, and one with which somebody else paid.
    for card in [NO_FUNDS, OTHER_CARD] {
        let token = world.token(&session).await;
        world.post_form(&session.url, &payout_form(&token, card)).await;
        assert_eq!(
            world.payout(&session).await.status,
            PayoutStatus::Created,
            "{card}"
        );
        assert!(
            world
                .page(&session.url)
                .await
                .contains("That much was not paid in with this card")
        );
    }
    let token = world.token(&session).await;
    let reply = world
        .post_form(&session.url, &payout_form(&token, APPROVED))
        .await;
    assert_eq!(reply.location(), "http://127.0.0.1:1/success");
    assert_eq!(world.payout(&session).await.status, PayoutStatus::Paid);

    // 400 are left to go back, so 401 do not; nor twice 400.
    let more = world
        .create_from(&to_paying_cards("withdrawal-2", 401), "withdrawal-2")
        .await;
    let token = world.token(&more).await;
    world.post_form(&more.url, &payout_form(&token, APPROVED)).await;
    assert_eq!(world.payout(&more).await.status, PayoutStatus::Created);
    for (reference, end) in [
        ("withdrawal-3", PayoutStatus::Paid),
        ("withdrawal-4", PayoutStatus::Created),
    ] {
        let session = world
            .create_from(&to_paying_cards(reference, 400), reference)
            .await;
        let token = world.token(&session).await;
        world
            .post_form(&session.url, &payout_form(&token, APPROVED))
            .await;
        assert_eq!(world.payout(&session).await.status, end, "{reference}");
    }
    // Whoever tries card after card ends it.
    for _ in 0..5 {
        let page = world.page(&more.url).await;
        if world.payout(&more).await.status == PayoutStatus::Canceled {
            break;
        }
        world
            .post_form(&more.url, &payout_form(&token_of(&page), OTHER_CARD))
            .await;
    }
    assert_eq!(world.payout(&more).await.status, PayoutStatus::Canceled);

    let any = world.create("payout", "withdrawal-5", 600).await;
    let token = world.token(&any).await;
    world.post_form(&any.url, &payout_form(&token, OTHER_CARD)).await;
    assert_eq!(world.payout(&any).await.status, PayoutStatus::Paid, "control");
    assert_eq!(world.reconcile().await, (6_000, 1_600));
    world.stop().await;
}

fn remembered(page: &str) -> String {
    let at = page
        .find("value=\"ins_")
        .unwrap_or_else(|| panic!("no remembered card: {page}"));
    page[at + 7..].split('"').next().unwrap().to_owned()
}
