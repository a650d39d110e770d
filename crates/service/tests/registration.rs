//! Registration and sign-in: what a person does, and what must not help anybody else.

mod common;

use common::{PASSWORD, Person, TestService};
use reqwest::Method;
use serde_json::{Value, json};

async fn code_of(response: reqwest::Response) -> String {
    let problem: Value = response.json().await.unwrap();
    assert!(!problem["detail"].as_str().unwrap().is_empty());
    problem["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_person_registers_and_finds_everything_after_a_restart() {
    let mut service = TestService::start().await;
    let person = service.person("olena").await;
    let me = person.get("/v1/me").await;
    assert_eq!(
        (me["email"].as_str(), me["phone"].as_str()),
        (Some(&*person.email), Some(&*person.phone))
    );
    service.restart().await;
    let again = person.get("/v1/me").await;
    assert_eq!(
        again["account"], me["account"],
        "the session and the account outlive a restart"
    );
    let other = Person::new(&service, &person.email.to_uppercase(), "");
    let signed_in = other
        .send(
            Method::POST,
            "/v1/session",
            &json!({ "email": other.email, "password": PASSWORD }),
        )
        .await;
    assert_eq!(signed_in.status(), 200);
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    assert_eq!(other.delete("/v1/session").await.status(), 204);
    assert_eq!(other.get("/v1/session").await, json!({ "signed_in": false }));
}

#[tokio::test]
async fn bad_input_gets_a_sentence_that_helps() {
    let service = TestService::start().await;
    let person = Person::new(&service, "taras@example.org", "+380441234567");
    let policy_hash = service.policy_hash().await;
    let good = json!({ "email": person.email, "phone": person.phone, "password": PASSWORD, "policy_hash": policy_hash });
    for (field, value, code) in [
        ("email", json!("no address"), "invalid_email"),
        (
            "email",
            json!(format!("{}@example.org", "a".repeat(300))),
            "invalid_email",
        ),
        ("phone", json!("0441234567"), "invalid_phone"),
        ("phone", json!("+1"), "invalid_phone"),
        ("password", json!("too short"), "weak_password"),
        ("password", json!("passwordpassword"), "weak_password"),
        ("policy_hash", json!("sha256:of-another-day"), "policy_outdated"),
        ("nickname", json!("anything"), "unknown_field"),
        ("email", json!(null), "invalid_value"),
        ("locale", json!("de"), "invalid_value"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let refused = person.send(Method::POST, "/v1/registrations", &body).await;
        assert!(refused.status().is_client_error());
        assert_eq!(refused.headers()["content-type"], "application/problem+json");
        assert_eq!(code_of(refused).await, code, "{field}");
    }
    let huge = json!({ "email": "x".repeat(100_000) });
    assert_eq!(
        person
            .send(Method::POST, "/v1/registrations", &huge)
            .await
            .status(),
        413
    );
    assert_eq!(
        service.message_to(&person.email).await,
        Value::Null,
        "nothing was sent for any of these"
    );
}

#[tokio::test]
async fn wrong_codes_run_out_and_new_ones_wait() {
    let service = TestService::start().await;
    let person = Person::new(&service, "lesia@example.org", "+380441234568");
    let started: Value = person.register(PASSWORD).await.json().await.unwrap();
    let path = format!("/v1/registrations/{}", started["registration"].as_str().unwrap());
    let right = json!({
        "email_code": service.message_to(&person.email).await["code"],
        "phone_code": service.message_to(&person.phone).await["code"],
    });
    let wrong = json!({ "email_code": right["phone_code"], "phone_code": right["email_code"] });
    for left in (0..5).rev() {
        let refused = person
            .send(Method::POST, &format!("{path}/confirm"), &wrong)
            .await;
        let problem: Value = refused.json().await.unwrap();
        assert_eq!(
            (problem["code"].as_str(), problem["attempts_left"].as_i64()),
            (Some("wrong_code"), Some(left))
        );
    }
    let refused = person
        .send(Method::POST, &format!("{path}/confirm"), &right)
        .await;
    assert_eq!(
        code_of(refused).await,
        "too_many_attempts",
        "even the right codes come too late"
    );
    assert_eq!(
        code_of(
            person
                .send(Method::POST, &format!("{path}/codes"), &json!({}))
                .await
        )
        .await,
        "too_soon"
    );
    let unknown = person
        .send(Method::POST, "/v1/registrations/reg_none/confirm", &right)
        .await;
    assert_eq!(code_of(unknown).await, "unknown_registration");
}

#[tokio::test]
async fn a_taken_address_looks_like_a_free_one() {
    let service = TestService::start().await;
    let owner = service.person("ivan").await;
    let stranger = Person::new(&service, &owner.email, "+380441234569");
    let taken = stranger.register("another set of words").await;
    let free = Person::new(&service, "nobody@example.org", "+380441234570")
        .register("another set of words")
        .await;
    assert_eq!(
        (taken.status(), free.status()),
        (202.try_into().unwrap(), 202.try_into().unwrap())
    );
    let (taken, free): (Value, Value) = (taken.json().await.unwrap(), free.json().await.unwrap());
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&taken), keys(&free));
    let notice = service.message_to(&owner.email).await;
    assert_eq!(notice["code"], Value::Null, "the owner gets a notice, not a code");
    assert!(notice["subject"].as_str().unwrap().contains("tried to register"));
    assert_dead(&service, &stranger, "phone", &taken).await;
}

/// Whoever has one contact gets a code there, as if the other were free; no code opens anything, nor do those that come later.
async fn assert_dead(service: &TestService, stranger: &Person, own: &str, started: &Value) {
    let to = if own == "email" {
        &stranger.email
    } else {
        &stranger.phone
    };
    let others = if own == "email" {
        &stranger.phone
    } else {
        &stranger.email
    };
    let path = format!("/v1/registrations/{}", started["registration"].as_str().unwrap());
    let mut sent = Vec::new();
    for again in [false, true] {
        if again {
            // Half a minute passes.
            service
                .change_records("UPDATE registrations SET codes_sent_us = codes_sent_us - 31000000")
                .await;
            let more = stranger
                .send(Method::POST, &format!("{path}/codes"), &json!({}))
                .await;
            assert_eq!(more.status(), 202);
        }
        let code = service.message_to(to).await["code"].clone();
        assert!(code.is_string(), "its absence would tell");
        assert_eq!(service.message_to(others).await["code"], Value::Null);
        for guess in [&code, &json!("000000")] {
            let mut codes = json!({ "email_code": guess, "phone_code": guess });
            codes[format!("{own}_code")] = code.clone();
            let answer = stranger
                .send(Method::POST, &format!("{path}/confirm"), &codes)
                .await;
            assert_eq!(code_of(answer).await, "wrong_code");
        }
        sent.push(code);
    }
    assert_ne!(sent[0], sent[1]);
    let notices = service.messages_to(others).await;
    assert_eq!(
        notices.iter().filter(|one| one["code"].is_null()).count(),
        1,
        "one notice"
    );
}

#[tokio::test]
async fn a_taken_number_looks_like_a_free_one() {
    let service = TestService::start().await;
    let owner = service.person("oksana").await;
    // Typed in another way.
    let typed = owner.phone.replacen("+38044", "+380 (44) ", 1);
    let stranger = Person::new(&service, "second@example.org", &typed);
    let taken = stranger.register("another set of words").await;
    assert_eq!(taken.status(), 202);
    let taken: Value = taken.json().await.unwrap();
    let stranger = Person {
        phone: owner.phone.clone(),
        ..stranger
    };
    let notice = service.message_to(&owner.phone).await;
    assert!(
        notice["subject"].as_str().unwrap().contains("your phone number"),
        "{notice}"
    );
    assert_dead(&service, &stranger, "email", &taken).await;
    // The control: with a number of their own they register, with that address.
    let own = Person::new(&service, "second@example.org", "+380441234577");
    assert_eq!(own.register(PASSWORD).await.status(), 202);
    assert!(service.message_to(&own.phone).await["code"].is_string());
}

#[tokio::test]
async fn codes_expire_and_new_ones_work() {
    let service = TestService::start().await;
    let person = Person::new(&service, "slow@example.org", "+380441234576");
    let started: Value = person.register(PASSWORD).await.json().await.unwrap();
    let path = format!("/v1/registrations/{}", started["registration"].as_str().unwrap());
    let codes = || async {
        json!({
            "email_code": service.message_to(&person.email).await["code"],
            "phone_code": service.message_to(&person.phone).await["code"],
        })
    };
    let old = codes().await;
    // Eleven minutes pass.
    service
        .change_records("UPDATE registrations SET codes_sent_us = codes_sent_us - 660000000")
        .await;
    let refused = person.send(Method::POST, &format!("{path}/confirm"), &old).await;
    assert_eq!(code_of(refused).await, "code_expired");
    assert_eq!(
        person
            .send(Method::POST, &format!("{path}/codes"), &json!({}))
            .await
            .status(),
        202
    );
    let fresh = codes().await;
    assert_ne!(fresh, old);
    assert_eq!(
        person
            .send(Method::POST, &format!("{path}/confirm"), &fresh)
            .await
            .status(),
        201
    );
}

#[tokio::test]
async fn nobody_is_flooded_with_codes() {
    let service = TestService::start().await;
    let victim = Person::new(&service, "flooded@example.org", "+380441234575");
    for _ in 0..5 {
        assert_eq!(victim.register(PASSWORD).await.status(), 202);
    }
    assert_eq!(code_of(victim.register(PASSWORD).await).await, "too_soon");
    let same_phone = Person::new(&service, "other@example.org", "+380 44 123 45 75");
    assert_eq!(code_of(same_phone.register(PASSWORD).await).await, "too_soon");
}

/// A folder of a version that stored numbers and did not claim them.
#[tokio::test]
async fn numbers_of_older_folders_are_claimed() {
    let mut service = TestService::start().await;
    let owner = service.person("ostap").await;
    service.stop().await;
    service
        .change_vault("DELETE FROM blind_index WHERE field = 'mobile_phone'")
        .await;
    service.launch().await;
    // As often as a number may be tried.
    for number in 0..5 {
        let stranger = Person::new(&service, &format!("late{number}@example.org"), &owner.phone);
        assert_eq!(stranger.register(PASSWORD).await.status(), 202);
        let newest = service.message_to(&owner.phone).await;
        if newest["subject"].as_str().unwrap().contains("tried to register") {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    }
    panic!("the number was not claimed in time");
}

#[tokio::test]
async fn two_that_register_the_same_contact_at_once_do_not_both_get_it() {
    let service = TestService::start().await;
    for [first, second] in [
        [
            ("shared@example.org", "+380441234571"),
            ("shared@example.org", "+380441234572"),
        ],
        [
            ("one@example.org", "+380441234578"),
            ("two@example.org", "+380441234578"),
        ],
    ] {
        one_of_two_registers(
            &service,
            Person::new(&service, first.0, first.1),
            Person::new(&service, second.0, second.1),
        )
        .await;
    }
    // The address of whoever came second with the number is not lost to it.
    for email in ["one@example.org", "two@example.org"] {
        let anew = Person::new(&service, email, "+380441234579");
        assert_eq!(anew.register(PASSWORD).await.status(), 202);
    }
    let codes = service.messages_to("+380441234579").await;
    let free = codes.iter().filter(|message| message["code"].is_string()).count();
    assert_eq!(free, 2);
    let mut free = 0;
    for email in ["one@example.org", "two@example.org"] {
        free += usize::from(service.message_to(email).await["code"].is_string());
    }
    assert_eq!(free, 1, "one address is somebody's now, the other is free again");
}

async fn one_of_two_registers(service: &TestService, first: Person, second: Person) {
    let mut paths = Vec::new();
    for person in [&first, &second] {
        let started: Value = person.register(PASSWORD).await.json().await.unwrap();
        let codes = json!({
            "email_code": service.message_to(&person.email).await["code"],
            "phone_code": service.message_to(&person.phone).await["code"],
        });
        paths.push((
            format!(
                "/v1/registrations/{}/confirm",
                started["registration"].as_str().unwrap()
            ),
            codes,
        ));
    }
    let (one, two) = tokio::join!(
        first.send(Method::POST, &paths[0].0, &paths[0].1),
        second.send(Method::POST, &paths[1].0, &paths[1].1)
    );
    let created = [one.status(), two.status()]
        .iter()
        .filter(|status| status.as_u16() == 201)
        .count();
    assert_eq!(created, 1, "{} {}", one.status(), two.status());
}

#[tokio::test]
async fn a_double_click_on_confirm_opens_one_account() {
    let service = TestService::start().await;
    let person = Person::new(&service, "twice@example.org", "+380441234573");
    let started: Value = person.register(PASSWORD).await.json().await.unwrap();
    let codes = json!({
        "email_code": service.message_to(&person.email).await["code"],
        "phone_code": service.message_to(&person.phone).await["code"],
    });
    let path = format!(
        "/v1/registrations/{}/confirm",
        started["registration"].as_str().unwrap()
    );
    let (one, two) = tokio::join!(
        person.send(Method::POST, &path, &codes),
        person.send(Method::POST, &path, &codes)
    );
    let (one, two): (Value, Value) = (one.json().await.unwrap(), two.json().await.unwrap());
    assert!(one["account"].is_string());
    assert_eq!(one["account"], two["account"]);
}

#[tokio::test]
async fn wrong_password_and_unknown_address_are_one_answer_and_many_pause() {
    let service = TestService::start().await;
    let owner = service.person("petro").await;
    let anybody = Person::new(&service, "", "");
    let mut answers = Vec::new();
    for email in [owner.email.as_str(), "unknown@example.org"] {
        let body = json!({ "email": email, "password": "not the right words" });
        let refused = anybody.send(Method::POST, "/v1/session", &body).await;
        assert_eq!(refused.status(), 401);
        answers.push(refused.text().await.unwrap());
    }
    assert_eq!(answers[0], answers[1]);
    // Thirty at once, of which nine are still looked at.
    let wrong = json!({ "email": owner.email, "password": "not the right words" });
    let tries = (0..30).map(|_| anybody.send(Method::POST, "/v1/session", &wrong));
    let tries = futures_util::future::join_all(tries).await;
    let looked_at = tries.iter().filter(|answer| answer.status() == 401).count();
    assert_eq!(looked_at, 9);
    let body = json!({ "email": owner.email, "password": PASSWORD });
    assert_eq!(
        code_of(anybody.send(Method::POST, "/v1/session", &body).await).await,
        "locked_out"
    );
}

#[tokio::test]
async fn writes_from_other_sites_are_refused() {
    let service = TestService::start().await;
    let person = service.person("maria").await;
    let url = format!("{}/v1/session", person.url);
    let post = |request: reqwest::RequestBuilder| async { request.send().await.unwrap().status().as_u16() };
    assert_eq!(
        post(person.client.delete(&url)).await,
        403,
        "no EnsoEx-Client header"
    );
    let forged = person
        .client
        .delete(&url)
        .header("EnsoEx-Client", "web")
        .header("Origin", "https://evil.example");
    assert_eq!(post(forged).await, 403);
    let forged = person
        .client
        .delete(&url)
        .header("EnsoEx-Client", "web")
        .header("Sec-Fetch-Site", "cross-site");
    assert_eq!(post(forged).await, 403);
    assert_eq!(
        person.get("/v1/session").await["signed_in"],
        true,
        "still signed in"
    );
    let own = person
        .client
        .delete(&url)
        .header("EnsoEx-Client", "web")
        .header("Origin", &person.url);
    assert_eq!(post(own).await, 204);
}

/// Mechanism: `crates/service/src/registration.rs`
/// Control: an altered one fails.
#[tokio::test]
async fn clause_02_acceptance_leaves_a_receipt_that_can_be_checked_offline() {
    let service = TestService::start().await;
    let person = service.person("receipt").await;
    let file = person
        .client
        .get(format!("{}/v1/me/receipts/newest", person.url))
        .send()
        .await
        .unwrap();
    assert!(
        file.headers()["content-disposition"]
            .to_str()
            .unwrap()
            .contains("attachment")
    );
    let file = file.bytes().await.unwrap();
    let key: Value = service
        .get("/v1/transparency/receipt-key")
        .await
        .json()
        .await
        .unwrap();
    let key: [u8; 32] = hex::decode(key["public_key"].as_str().unwrap())
        .unwrap()
        .try_into()
        .unwrap();
    let verified = ensoex_policy::verify_receipt(&file, Some(&key)).unwrap();
    assert_eq!(
        verified.receipt.privacy_notice.hash.to_string(),
        service.policy_hash().await
    );
    let me = person.get("/v1/me").await;
    assert_eq!(verified.receipt.pii_principal_id, me["subject"].as_str().unwrap());
    assert!(!String::from_utf8_lossy(&file).to_lowercase().contains("consent"));
    let altered = String::from_utf8(file.to_vec())
        .unwrap()
        .replace("acknowledge", "acknowledgf");
    assert!(
        ensoex_policy::verify_receipt(altered.as_bytes(), Some(&key)).is_err(),
        "control: an altered one fails"
    );
}

/// Mechanism: `crates/service/src/me.rs`
/// Control: an altered report fails.
#[tokio::test]
async fn clause_11_a_person_sees_every_access_to_their_data_with_its_proof() {
    let service = TestService::start().await;
    let person = service.person("access").await;
    let entries = |log: &Value| log["entries"].as_array().unwrap().len();
    let before = person.get("/v1/me/access-log").await;
    person.get("/v1/me").await;
    let after = person.get("/v1/me/access-log").await;
    assert_eq!(
        entries(&after),
        entries(&before) + 2,
        "showing e-mail and phone are two accesses"
    );
    assert_eq!(after["entries"][0]["reason"], "show_to_person");
    let report = person
        .client
        .get(format!("{}/v1/me/access-report", person.url))
        .send()
        .await
        .unwrap();
    let report = report.bytes().await.unwrap();
    let (_, leaves) = ensoex_vault::verify_access_report(&report, None).unwrap();
    assert_eq!(leaves.len(), entries(&after));
    let altered = String::from_utf8(report.to_vec())
        .unwrap()
        .replacen("registration", "registratiom", 1);
    assert!(
        ensoex_vault::verify_access_report(altered.as_bytes(), None).is_err(),
        "control: an altered one fails"
    );
    let stranger = service.person("access-stranger").await;
    let own = stranger.get("/v1/me/access-log").await;
    assert!(
        !own.to_string()
            .contains(person.get("/v1/me").await["subject"].as_str().unwrap())
    );
}

/// Mechanism: `crates/service/src/registration.rs`
/// Control: the scan does find what is stored in the open.
#[tokio::test]
async fn clause_05_unknown_fields_never_reach_storage() {
    let service = TestService::start().await;
    let person = Person::new(&service, "plain@example.org", "+380441234574");
    let policy_hash = service.policy_hash().await;
    let mut body = json!({
        "email": person.email, "phone": person.phone, "password": PASSWORD, "policy_hash": policy_hash,
    });
    body["birthplace"] = json!("canary-birthplace-7f3a");
    let refused = person.send(Method::POST, "/v1/registrations", &body).await;
    assert_eq!(code_of(refused).await, "unknown_field");
    body.as_object_mut().unwrap().remove("birthplace");
    assert_eq!(
        person
            .send(Method::POST, "/v1/registrations", &body)
            .await
            .status(),
        202
    );
    let beginning = ensoex_sql_test::schema_of(&service.directory);
    let found = async |needle: &str| {
        common_scan(&service.directory, needle) || ensoex_sql_test::schemas_hold(&beginning, needle).await
    };
    assert!(!found("canary-birthplace-7f3a").await);
    assert!(
        !found(&person.email).await && !found(&person.phone).await,
        "contacts are sealed from the first write on"
    );
    assert!(
        found("reg_").await,
        "control: the scan does find what is stored in the open"
    );
}

fn common_scan(directory: &std::path::Path, needle: &str) -> bool {
    std::fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return common_scan(&path, needle);
        }
        // A socket holds nothing.
        let bytes = path.is_file().then(|| std::fs::read(&path).unwrap());
        bytes.is_some_and(|bytes| {
            bytes
                .windows(needle.len())
                .any(|window| window == needle.as_bytes())
        })
    })
}
