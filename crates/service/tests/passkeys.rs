//! Passkeys: a device written for the tests from the standard alone, and what a device, a site or a thief must not get away with.

mod common;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use common::answers::{post, refused};
use common::{PASSWORD, Person, TestService};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const PRESENT: u8 = 1;
const VERIFIED: u8 = 4;
const WITH_KEY: u8 = 64;

/// A device with one passkey, and how it may lie.
#[derive(Clone)]
struct Device {
    key: SigningKey,
    id: Vec<u8>,
    handle: Vec<u8>,
    counter: u32,
    origin: String,
    name: String,
    flags: u8,
}

impl Device {
    fn new(service: &TestService, number: u8) -> Device {
        Device {
            key: SigningKey::from_slice(&[number; 32]).unwrap(),
            id: vec![number; 24],
            handle: Vec::new(),
            counter: 0,
            origin: service.config.public_url.clone(),
            name: "localhost".to_owned(),
            flags: PRESENT | VERIFIED,
        }
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let data = json!({ "type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false });
        data.to_string().into_bytes()
    }

    fn authenticator_data(&mut self, more: u8) -> Vec<u8> {
        self.counter += 1;
        let mut data = Sha256::digest(self.name.as_bytes()).to_vec();
        data.push(self.flags | more);
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// What `navigator.credentials.create` gives, as JSON.
    fn made(&mut self, options: &Value) -> Value {
        self.handle = BASE64.decode(options["user"]["id"].as_str().unwrap()).unwrap();
        let point = self.key.verifying_key().to_sec1_point(false);
        let mut data = self.authenticator_data(WITH_KEY);
        data.extend([0; 16]);
        data.extend([0, u8::try_from(self.id.len()).unwrap()]);
        data.extend(&self.id);
        // COSE: {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}
        data.extend([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]);
        data.extend(point.x().unwrap());
        data.extend([0x22, 0x58, 32]);
        data.extend(point.y().unwrap());
        // CBOR: {"fmt": "none", "attStmt": {}, "authData": bytes}
        let mut object = vec![0xa3, 0x63];
        object.extend(b"fmt");
        object.push(0x64);
        object.extend(b"none");
        object.push(0x67);
        object.extend(b"attStmt");
        object.extend([0xa0, 0x68]);
        object.extend(b"authData");
        object.extend([0x58, u8::try_from(data.len()).unwrap()]);
        object.extend(&data);
        json!({
            "id": BASE64.encode(&self.id), "rawId": BASE64.encode(&self.id), "type": "public-key",
            "authenticatorAttachment": "platform", "clientExtensionResults": { "credProps": { "rk": true } },
            "response": {
                "attestationObject": BASE64.encode(&object),
                "clientDataJSON": BASE64.encode(self.client_data("webauthn.create", options)),
                "transports": ["internal"],
            },
        })
    }

    /// What `navigator.credentials.get` gives, as JSON.
    fn answer(&mut self, options: &Value) -> Value {
        let data = self.authenticator_data(0);
        let client_data = self.client_data("webauthn.get", options);
        let signed = [data.as_slice(), Sha256::digest(&client_data).as_slice()].concat();
        let signature: Signature = self.key.sign(&signed);
        json!({
            "id": BASE64.encode(&self.id), "rawId": BASE64.encode(&self.id), "type": "public-key",
            "authenticatorAttachment": "platform", "clientExtensionResults": {},
            "response": {
                "authenticatorData": BASE64.encode(&data), "clientDataJSON": BASE64.encode(&client_data),
                "signature": BASE64.encode(signature.to_der()), "userHandle": BASE64.encode(&self.handle),
            },
        })
    }
}

/// A Service whose address has a name, as passkeys need.
async fn named() -> TestService {
    let mut service = TestService::start().await;
    service.stop().await;
    service.config.public_url = format!("http://localhost:{}", service.config.listen.port());
    service.launch().await;
    service
}

async fn asked(person: &Person, path: &str) -> Value {
    let (status, challenge) = post(person, path, json!({})).await;
    assert_eq!(status, 201, "{challenge}");
    challenge
}

async fn add(person: &Person, device: &mut Device, label: &str) -> (u16, Value) {
    let challenge = asked(person, "/v1/me/factors/passkeys/challenge").await;
    let credential = device.made(&challenge["public_key"]);
    let body = json!({ "challenge": challenge["challenge"], "label": label, "credential": credential });
    post(person, "/v1/me/factors/passkeys", body).await
}

async fn sign_in(person: &Person, device: &mut Device) -> (u16, Value) {
    let challenge = asked(person, "/v1/session/passkey/challenge").await;
    let credential = device.answer(&challenge["public_key"]);
    let body = json!({ "challenge": challenge["challenge"], "credential": credential });
    post(person, "/v1/session/passkey", body).await
}

#[tokio::test]
async fn a_passkey_signs_in_alone_and_is_a_second_factor() {
    let mut service = named().await;
    let person = service.person("passkey").await;
    let mut device = Device::new(&service, 7);
    let challenge = asked(&person, "/v1/me/factors/passkeys/challenge").await;
    let options = &challenge["public_key"];
    assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
    assert!(
        !options["user"].to_string().contains('@'),
        "no e-mail address is given to the device"
    );
    let (status, added) = add(&person, &mut device, "My phone").await;
    assert_eq!(status, 201, "{added}");
    let codes = added["recovery_codes"].as_array().unwrap().clone();
    assert_eq!(codes.len(), 10);
    let told = service.message_to(&person.email).await;
    assert!(
        told["body"].as_str().unwrap().contains("passkey was added"),
        "{told}"
    );

    service.restart().await;
    let other = Person::new(&service, &person.email, &person.phone);
    let (status, state) = sign_in(&other, &mut device).await;
    assert_eq!((status, &state["signed_in"]), (200, &json!(true)), "{state}");
    assert_eq!(other.get("/v1/me").await["account"], person.account());

    let credentials = json!({ "email": person.email, "password": PASSWORD });
    let by_password = Person::new(&service, &person.email, &person.phone);
    let (status, first) = post(&by_password, "/v1/session", credentials).await;
    assert_eq!(
        (status, &first["proofs"]),
        (202, &json!(["passkey", "recovery_code"]))
    );
    let recovered = json!({ "sign_in": first["sign_in"], "code": codes[0] });
    assert_eq!(post(&by_password, "/v1/session/factor", recovered).await.0, 200);

    // As a fresh proof: in place of the password, which no longer suffices, and of nobody else's.
    service.change_records("UPDATE sessions SET proved_us = 0").await;
    let key = json!({ "label": "bot", "type": "hmac" });
    let needed = post(&other, "/v1/api-keys", key.clone()).await;
    assert_eq!(refused(&needed), (403, "step_up_needed"));
    assert_eq!(needed.1["proofs"], json!(["passkey", "recovery_code"]));
    let stranger = service.person("passkey-stranger").await;
    for (asking, expected) in [(&stranger, 403), (&other, 200)] {
        let challenge = asked(asking, "/v1/session/passkey/challenge").await;
        let credential = device.answer(&challenge["public_key"]);
        let passkey = json!({ "challenge": challenge["challenge"], "credential": credential });
        let proof = post(asking, "/v1/session/proof", json!({ "passkey": passkey })).await;
        assert_eq!(proof.0, expected, "{proof:?}");
    }
    assert_eq!(post(&other, "/v1/api-keys", key).await.0, 201);
}

/// What a device says is believed only for this site, this question, a verified person and a key that is known; each of them
/// broken alone is refused.
///
/// Mechanism: `crates/service/src/passkeys.rs`
/// Control: the same answer with nothing broken signs in, before and after.
#[tokio::test]
async fn clause_13_a_passkey_of_another_site_is_refused() {
    let service = named().await;
    let person = service.person("relying").await;
    let mut device = Device::new(&service, 9);
    for broken in ["origin", "name", "verified"] {
        let mut lying = device.clone();
        break_it(&mut lying, broken);
        let made = add(&person, &mut lying, "lying").await;
        assert_eq!(refused(&made), (403, "wrong_passkey"), "{broken}");
    }
    assert_eq!(add(&person, &mut device, "honest").await.0, 201, "control");
    let thief = Person::new(&service, "", "");
    assert_eq!(sign_in(&thief, &mut device.clone()).await.0, 200, "control");
    device.counter += 5;
    assert_eq!(thief.delete("/v1/session").await.status(), 204);
    for broken in ["origin", "name", "verified", "key", "id", "handle", "counter"] {
        let mut lying = device.clone();
        break_it(&mut lying, broken);
        let answer = sign_in(&thief, &mut lying).await;
        assert_eq!(refused(&answer), (403, "wrong_passkey"), "{broken}");
    }
    // An answer to another question, and one that was given already.
    let (one, other) = (
        asked(&thief, "/v1/session/passkey/challenge").await,
        asked(&thief, "/v1/session/passkey/challenge").await,
    );
    let credential = device.answer(&other["public_key"]);
    let body = json!({ "challenge": one["challenge"], "credential": credential });
    let swapped = post(&thief, "/v1/session/passkey", body).await;
    assert_eq!(refused(&swapped), (403, "wrong_passkey"));
    let challenge = asked(&thief, "/v1/session/passkey/challenge").await;
    let credential = device.answer(&challenge["public_key"]);
    let body = json!({ "challenge": challenge["challenge"], "credential": credential });
    assert_eq!(
        post(&thief, "/v1/session/passkey", body.clone()).await.0,
        200,
        "control"
    );
    let replayed = post(&thief, "/v1/session/passkey", body).await;
    assert_eq!(refused(&replayed), (410, "challenge_expired"));
}

fn break_it(device: &mut Device, what: &str) {
    match what {
        "origin" => device.origin = device.origin.replace("localhost", "localhost.evil.example"),
        "name" => device.name = "evil.example".to_owned(),
        "verified" => device.flags = PRESENT,
        "key" => device.key = SigningKey::from_slice(&[77; 32]).unwrap(),
        "id" => device.id = vec![78; 24],
        "handle" => device.handle = vec![79; 16],
        // A copy that was made earlier does not know how often the original was used.
        "counter" => device.counter = 0,
        other => panic!("{other} is no way to lie"),
    }
}

#[tokio::test]
async fn passkeys_are_named_and_removed_by_their_owner() {
    let service = named().await;
    let person = service.person("keeper").await;
    let mut phone = Device::new(&service, 11);
    assert_eq!(add(&person, &mut phone, "Phone").await.0, 201);
    let mut laptop = Device::new(&service, 12);
    let (status, second) = add(&person, &mut laptop, "Laptop").await;
    assert_eq!(
        (status, &second["recovery_codes"]),
        (201, &Value::Null),
        "codes come with the first factor only"
    );
    let again = add(&person, &mut laptop.clone(), "Laptop again").await;
    assert_eq!(
        refused(&again),
        (403, "wrong_passkey"),
        "a device has one of an account"
    );
    let stranger = service.person("keeper-stranger").await;
    let of_another = add(&stranger, &mut laptop.clone(), "Not mine").await;
    assert_eq!(refused(&of_another), (409, "factor_exists"));
    for label in ["", "  ", &"x".repeat(41), "line\nbreak", "4242 4242 4242 4242"] {
        let challenge = asked(&person, "/v1/me/factors/passkeys/challenge").await;
        let credential = Device::new(&service, 13).made(&challenge["public_key"]);
        let body = json!({ "challenge": challenge["challenge"], "label": label, "credential": credential });
        let refused = post(&person, "/v1/me/factors/passkeys", body).await;
        assert_eq!(refused.0, 400, "{label:?}");
    }
    let listed = person.get("/v1/me/factors").await;
    let passkeys = listed["passkeys"].as_array().unwrap();
    assert_eq!((passkeys.len(), &passkeys[1]["label"]), (2, &json!("Laptop")));
    let paths: Vec<String> = passkeys
        .iter()
        .map(|one| format!("/v1/me/factors/passkeys/{}", one["passkey"].as_str().unwrap()))
        .collect();
    let named = json!({ "label": "Mine now" });
    assert_eq!(stranger.send(Method::PUT, &paths[0], &named).await.status(), 404);
    assert_eq!(stranger.delete(&paths[0]).await.status(), 404);
    let named = json!({ "label": "Old phone" });
    assert_eq!(person.send(Method::PUT, &paths[0], &named).await.status(), 204);
    let listed = person.get("/v1/me/factors").await;
    assert_eq!(listed["passkeys"][0]["label"], "Old phone");

    assert_eq!(person.delete(&paths[0]).await.status(), 204);
    let other = Person::new(&service, "", "");
    let gone = sign_in(&other, &mut phone).await;
    assert_eq!(
        refused(&gone),
        (403, "wrong_passkey"),
        "a removed passkey signs nobody in"
    );
    assert_eq!(sign_in(&other, &mut laptop).await.0, 200);
    assert_eq!(person.get("/v1/me/factors").await["recovery_codes_left"], 10);
    assert_eq!(person.delete(&paths[1]).await.status(), 204);
    assert_eq!(person.get("/v1/me/factors").await["recovery_codes_left"], 0);
    assert_eq!(person.get("/v1/me/factors").await["proofs"], json!(["password"]));
}

#[tokio::test]
async fn at_an_address_of_numbers_it_is_said_that_there_are_none() {
    let service = TestService::start().await;
    let person = service.person("numbers").await;
    assert_eq!(person.get("/v1/me/factors").await["passkeys_possible"], false);
    for path in [
        "/v1/me/factors/passkeys/challenge",
        "/v1/session/passkey/challenge",
    ] {
        let refusal = post(&person, path, json!({})).await;
        assert_eq!(refused(&refusal), (503, "passkeys_unavailable"), "{path}");
    }
}

/// Nothing of a passkey outlives its person.
///
/// Mechanism: `crates/service/src/erasure.rs`
/// Control: before the erasure the row is there.
#[tokio::test]
async fn clause_09_an_erasure_takes_the_passkeys_along() {
    let service = named().await;
    let person = service.person("leaving-with-passkey").await;
    let mut device = Device::new(&service, 21);
    assert_eq!(add(&person, &mut device, "Phone").await.0, 201);
    assert_eq!(service.rows("passkeys", "1 = 1").await, 1, "control");
    assert_eq!(
        post(&person, "/v1/me/erasure", json!({ "password": PASSWORD }))
            .await
            .0,
        200
    );
    assert_eq!(service.rows("passkeys", "1 = 1").await, 0);
    let gone = sign_in(&Person::new(&service, "", ""), &mut device).await;
    assert_eq!(refused(&gone), (403, "wrong_passkey"));
}
