//! What a rule book may say, and what is refused, with the rule's name.

use ensoex_risk::{BookError, DEFAULT_BOOK, Features, Mode, Outcome, Place, RuleBook, RuleFault};

const HEAD: &str = "schema = 1\n[rates_ppm]\nEUR = 1000000\nUAH = 20000\n[limits]\nnear_limit_from_cents = 900000\n\
    near_limit_below_cents = 1000000\ntwo_persons_from_cents = 500000\nreview_hours = 72\n";

fn rule(place: &str, when: &str) -> String {
    format!(
        "{HEAD}[[rule]]\nid = \"tried\"\nversion = 1\nplace = \"{place}\"\nmode = \"on\"\nwhen = \"{when}\"\n\
         outcome = \"review\"\nreason = \"unusual_activity\"\n"
    )
}

fn fault(when: &str) -> RuleFault {
    match RuleBook::parse(&rule("withdrawal", when), true) {
        Err(BookError::Rule { rule, fault }) => {
            assert_eq!(rule, "tried");
            fault
        }
        other => panic!("{when}: {other:?}"),
    }
}

#[test]
fn the_default_book_is_loaded_and_lets_honest_people_through() {
    let book = RuleBook::parse(DEFAULT_BOOK, false).unwrap();
    for place in Place::ALL {
        assert_eq!(book.stopped_of_sample(*place).0, 0, "{}", place.word());
    }
    assert!(book.rules().len() >= 20);
    assert_eq!(book.cents("EUR", 12_345), Some(12_345));
    assert_eq!(book.cents("UAH", 12_345), Some(247), "rounded up");
    assert_eq!(
        (book.cents("XXX", 1), book.cents("EUR", i64::MAX)),
        (None, Some(i64::MAX))
    );
}

#[test]
fn conditions_are_of_a_closed_language() {
    for when in [
        "amount_cents > 5",
        "!(amount_cents > 5) || withdrawals_1h in [1, 2, 3]",
        "(amount_cents > 5 ? withdrawals_1h : withdrawals_1d) * 2 + 1 - 3 >= -4",
        "amount_cents / 100 % 7 == 3 && account_age_days != 0 && true",
    ] {
        assert!(RuleBook::parse(&rule("withdrawal", when), true).is_ok(), "{when}");
    }
    let unknown = |feature: &str| RuleFault::UnknownFeature {
        feature: feature.to_owned(),
    };
    assert_eq!(fault("shoe_size > 40"), unknown("shoe_size"));
    assert_eq!(fault("withdrawals_2h > 40"), unknown("withdrawals_2h"));
    assert_eq!(
        fault("newsletter_agreed > 0"),
        RuleFault::OtherPurpose {
            feature: "newsletter_agreed".to_owned()
        }
    );
    for divides in [
        "amount_cents / withdrawals_1d > 3",
        "amount_cents / 0 > 3",
        "amount_cents % (1 - 1) > 3",
        "withdrawals_1d > 0 && amount_cents / withdrawals_1d > 3",
    ] {
        assert_eq!(fault(divides), RuleFault::Divides, "{divides}");
    }
    for mistyped in [
        "amount_cents",
        "amount_cents && true",
        "amount_cents > true",
        "!amount_cents",
        "amount_cents > 1.5",
        "amount_cents > 'a'",
        "amount_cents > 5u",
        "(amount_cents > 5 ? 1 : true) > 0",
        "amount_cents in [true]",
        "amount_cents in withdrawals_1h",
    ] {
        assert!(matches!(fault(mistyped), RuleFault::Type(_)), "{mistyped}");
    }
    for runs in [
        "[1, 2, 3].all(x, x > amount_cents)",
        "[1, 2].exists(x, x == amount_cents)",
        "size([amount_cents]) > 0",
        "{1: 2}[1] > amount_cents",
        "has(amount_cents.x)",
        "timestamp(amount_cents) == timestamp(0)",
    ] {
        assert!(matches!(fault(runs), RuleFault::NotPermitted(_)), "{runs}");
    }
    for unread in [
        "amount_cents >",
        "amount_cents > 5 )",
        "",
        "amount_cents === 5",
        "\u{430}mount_cents > 5",
    ] {
        assert!(matches!(fault(unread), RuleFault::Malformed(_)), "{unread}");
    }
    assert_eq!(fault("amount_cents * amount_cents > 5"), RuleFault::Overflows);
    assert_eq!(fault("amount_cents * 9999999 > 5"), RuleFault::Overflows);
}

/// A parser that descends is never given anything deep, on a thread with little stack.
#[test]
fn long_and_deep_conditions_are_refused_without_being_read() {
    let small = std::thread::Builder::new().stack_size(512 * 1024).spawn(|| {
        let long = vec!["amount_cents > 5"; 60].join(" && ");
        assert_eq!(fault(&long), RuleFault::TooLong);
        let wide = format!("amount_cents in [{}]", vec!["1"; 150].join(","));
        assert_eq!(fault(&wide), RuleFault::TooLong, "{} bytes", wide.len());
        for deep in [
            format!("{}amount_cents{} > 5", "(".repeat(200), ")".repeat(200)),
            format!("{}(amount_cents > 5)", "!".repeat(300)),
            format!("{}amount_cents > 5", "-".repeat(300)),
            format!("{}1", "[".repeat(300)),
            "true ? true : ".repeat(30) + "true",
        ] {
            let refused = fault(&deep);
            assert!(
                matches!(
                    refused,
                    RuleFault::TooDeep | RuleFault::TooLong | RuleFault::Malformed(_)
                ),
                "{refused:?}"
            );
        }
        // Control: as deep as permitted is read.
        let fine = format!("{}amount_cents > 5{}", "(".repeat(20), ")".repeat(20));
        assert!(RuleBook::parse(&rule("withdrawal", &fine), true).is_ok());
    });
    small.unwrap().join().unwrap();
}

#[test]
fn a_feature_is_asked_where_it_is_known() {
    assert!(RuleBook::parse(&rule("withdrawal", "available_cents > 5"), true).is_ok());
    for place in ["deposit", "key_creation", "contact_change"] {
        let refused = RuleBook::parse(&rule(place, "available_cents > 5"), true);
        assert!(
            matches!(
                refused,
                Err(BookError::Rule {
                    fault: RuleFault::NotKnownThere { .. },
                    ..
                })
            ),
            "{place}"
        );
    }
}

#[test]
fn books_are_refused_with_the_rule_that_is_wrong() {
    let good = rule("withdrawal", "amount_cents > 5");
    assert!(
        RuleBook::parse(&good, false)
            .unwrap_err()
            .to_string()
            .contains("everybody")
    );
    let stops = RuleBook::parse(&good, true).unwrap();
    assert_eq!(
        stops.stopped_of_sample(Place::Withdrawal),
        (3, 3),
        "the override was given"
    );
    for (from, to, said) in [
        ("schema = 1", "schema = 2", "schema"),
        ("EUR = 1000000", "EUR = 0", "rate"),
        (
            "near_limit_from_cents = 900000",
            "near_limit_from_cents = 1900000",
            "near_limit",
        ),
        ("review_hours = 72", "review_hours = 0", "review_hours"),
        (
            "place = \"withdrawal\"",
            "place = \"moon\"",
            "withdrawal, key_creation",
        ),
        ("mode = \"on\"", "mode = \"maybe\"", "on, shadow, off"),
        ("outcome = \"review\"", "outcome = \"approve\"", "does nothing"),
        (
            "outcome = \"review\"",
            "outcome = \"review\"\nonly_to = \"moon\"",
            "paying_card",
        ),
        (
            "outcome = \"review\"",
            "outcome = \"review\"\ncanary_percent = 0",
            "canary",
        ),
        (
            "outcome = \"review\"",
            "outcome = \"review\"\ncolour = \"red\"",
            "colour",
        ),
        ("id = \"tried\"", "id = \"Tried it\"", "Tried it"),
        (
            "reason = \"unusual_activity\"",
            "reason = \"because\"",
            "unusual_activity",
        ),
    ] {
        assert!(good.contains(from), "{from}");
        let refused = RuleBook::parse(&good.replace(from, to), true)
            .unwrap_err()
            .to_string();
        assert!(refused.contains(said), "{to}: {refused}");
    }
    let twice = good.clone()
        + good
            .split("limits]")
            .nth(1)
            .unwrap()
            .split("72\n")
            .nth(1)
            .unwrap();
    assert!(
        RuleBook::parse(&twice, true)
            .unwrap_err()
            .to_string()
            .contains("twice")
    );
    let key = rule("key_creation", "contact_changes_1d > 0")
        .replace("\"review\"", "\"review\"\nonly_to = \"paying_card\"");
    assert!(
        RuleBook::parse(&key, true)
            .unwrap_err()
            .to_string()
            .contains("for withdrawals")
    );
    assert_eq!(
        RuleBook::parse(&" ".repeat(200_000), true).unwrap_err(),
        BookError::TooLong
    );
}

#[test]
fn shadow_off_and_canary_count_as_they_say() {
    let mut features = Features::default();
    features.put("amount_cents", 10);
    let decide = |text: &str, account| {
        RuleBook::parse(text, true)
            .unwrap()
            .decide(Place::Withdrawal, account, &features)
    };
    let on = rule("withdrawal", "amount_cents > 5");
    assert_eq!(decide(&on, 7).outcome, Outcome::Review);
    let shadow = decide(&on.replace("\"on\"", "\"shadow\""), 7);
    assert_eq!(
        (shadow.outcome, shadow.fired.len(), shadow.shadow.len()),
        (Outcome::Approve, 0, 1)
    );
    let off = decide(&on.replace("\"on\"", "\"off\""), 7);
    assert_eq!((off.outcome, off.shadow.len()), (Outcome::Approve, 0));
    let canary = on.replace("mode = \"on\"", "mode = \"on\"\ncanary_percent = 10");
    let book = RuleBook::parse(&canary, true).unwrap();
    assert_eq!(book.rules()[0].mode, Mode::On);
    let hit = (0..10_000)
        .filter(|account| {
            !book
                .decide(Place::Withdrawal, *account, &features)
                .fired
                .is_empty()
        })
        .count();
    assert!((900..1_100).contains(&hit), "{hit} of 10,000");
}

#[test]
fn a_decision_comes_out_the_same_again_and_a_changed_one_does_not() {
    let book = RuleBook::parse(DEFAULT_BOOK, false).unwrap();
    let mut features = Features::default();
    for (name, value) in [
        ("amount_cents", 900_000),
        ("available_cents", 900_000),
        ("idle_days", 300),
        ("account_age_days", 300),
    ] {
        features.put(name, value);
    }
    let decision = book.decide(Place::Withdrawal, 7, &features);
    assert_eq!(decision.outcome, Outcome::Review);
    assert_eq!(decision.again(&book).as_ref(), Some(&decision));
    let mut altered = decision.clone();
    altered.inputs.insert("idle_days".to_owned(), 3);
    assert_ne!(altered.again(&book).as_ref(), Some(&altered));
    altered.inputs.insert("gone".to_owned(), 3);
    assert_eq!(
        altered.again(&book),
        None,
        "what is not known any more is not guessed"
    );
}
