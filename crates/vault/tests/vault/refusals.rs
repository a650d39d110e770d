//! Every refusal says what to do, and none repeats what it was given.

use std::error::Error;
use std::path::PathBuf;

use ensoex_sql::SqlError;
use ensoex_vault::value::FieldError;
use ensoex_vault::{
    Actor, ApiKeySecret, CaseId, Denial, Email, Field, Law, MobilePhone, PasswordHash, Personal,
    PolicyVersion, ProvideService, Reason, VaultError,
};

use crate::{Scene, request, service, text};

/// Lists each variant once: a value of it, and the words of its text that say what to do. A variant that is not here does not compile.
macro_rules! every {
    ($kind:ident: $($variant:ident $({ $($field:ident: $value:expr),+ })? $(($inner:expr))? => $advice:literal;)+) => {{
        // Never called: it holds the list to be whole.
        let _whole = |known: &$kind| match known {
            $($kind::$variant { .. } => (),)+
        };
        vec![$(($kind::$variant $({ $($field: $value),+ })? $(($inner))?, $advice)),+]
    }};
}

const CANARY: &str = "canary-lyrebird";
/// How the words begin that say what to do.
const IMPERATIVES: [&str; 21] = [
    "ask", "check", "choose", "give", "have", "list", "look", "make", "name", "open", "read", "restore",
    "run", "see", "stop", "try", "type", "use", "wait", "write", "leave",
];

fn vault_errors() -> Vec<(VaultError, &'static str)> {
    let path = || PathBuf::from("/somewhere");
    let held = Denial::HeldByLaw;
    every! { VaultError:
        Storage(SqlError::ZeroByte) => "leave the zero byte out";
        File { path: path(), source: std::io::Error::other("full") } => "see that it is there";
        RootKeyPermissions { path: path(), mode: 0o644 } => "make it private";
        RootKeyMalformed { path: path() } => "restore it";
        Token { what: "it has none".to_owned() } => "see that module";
        RootKeyMissing { path: path() } => "restore it";
        RootKeyWrong => "restore the right root key";
        StoresDoNotMatch => "check the two directories";
        InUse => "stop it first";
        AccessLogUnavailable => "see that its disk";
        AccessLogTampered => "restore it";
        Randomness => "try again";
        UnknownSubject => "look their pseudonym up";
        NotFound => "look at what is held";
        Denied(held) => "open it within a case of a legal order";
        Integrity => "run `ensoex verify records`";
        ValueTaken => "use another one";
        InvalidValue(FieldError::EmailForm) => "check it for typing errors";
        InvalidRecordName => "name the record";
        InvalidLabel { what: "a component name", bytes_max: 64 } => "write a component name";
        TooManyHoneytokens { most: 500 } => "make fewer";
        InvalidCase { what: "name each person" } => "name each person";
        BudgetSpent => "read what was released";
        ReleaseLost => "ask for the next quarter";
        InvalidQuestion => "ask with 1 to 64";
        InvalidHold { what: "choose a day" } => "choose a day";
        HeldByLaw { law: Law::CourtOrder, until_ms: 1 } => "ask the operator";
        InvalidLease { seconds_max: 900 } => "ask for a lease";
    }
}

fn denials() -> Vec<(Denial, &'static str)> {
    every! { Denial:
        Recipient => "give less";
        OtherPerson => "ask under your own pseudonym";
        StaffWithoutCase => "open one";
        StaffUnknown => "ask the operator";
        StaffSuspended => "ask the operator";
        StaffLimit => "wait, or have a second one";
        CaseOfOthers => "list the open ones";
        CaseNotApproved => "ask one who does not work on it";
        CaseOver => "open another one";
        OutsideCase => "open another one";
        NoOrder => "open one";
        NotAgreed => "leave it";
        ApprovalByOneself => "ask one";
        OperatorOnly => "ask them";
        Restricted => "wait until";
        Statistics => "read those that were released";
        HeldByLaw => "open it within";
        Purpose => "look at the table";
    }
}

fn field_errors() -> Vec<(FieldError, &'static str)> {
    every! { FieldError:
        EmailForm => "check it";
        EmailMixedScripts => "type it anew";
        EmailTooLong => "use a shorter one";
        PhoneForm => "write the phone number";
        PhoneLength => "check it";
        PhoneUnassigned => "check it";
        PasswordHashForm => "make it with Argon2id";
        ApiKeySecretLength => "make one";
        TotpSecretLength => "make one";
        PasskeyLength => "use another passkey";
    }
}

#[test]
fn every_refusal_says_what_to_do() {
    let mut said: Vec<(String, &str)> = Vec::new();
    let texts = |errors: Vec<(VaultError, &'static str)>| {
        errors
            .into_iter()
            .map(|(error, advice)| (error.to_string(), advice))
    };
    said.extend(texts(vault_errors()));
    said.extend(
        denials()
            .into_iter()
            .map(|(denial, advice)| (denial.to_string(), advice)),
    );
    said.extend(
        field_errors()
            .into_iter()
            .map(|(error, advice)| (error.to_string(), advice)),
    );
    assert_eq!(said.len(), 28 + 18 + 10, "control: each variant is there");
    let helps = |text: &str, advice: &str| {
        let first = advice.split([' ', ',']).next().unwrap_or_default();
        IMPERATIVES.contains(&first) && text.contains(advice)
    };
    for (text, advice) in &said {
        assert!(helps(text, advice), "{text:?} does not say {advice:?}");
        assert!(!text.ends_with('.') && text.len() < 300, "{text:?}");
    }
    // The control: a text that only says what is wrong is found.
    assert!(!helps("it cannot be done", "cannot be done") && !helps("it cannot be done", "try again"));
}

/// All that an error says: itself, as a developer sees it, and what lies below.
fn told(error: &dyn Error) -> String {
    let below = error.source().map_or(String::new(), told);
    format!("{error} {error:?} {below}")
}

/// Whatever is typed wrongly in any place is repeated in none of the answers.
///
/// Mechanism: `crates/vault/src/request.rs`
/// Control: an error that does repeat it is found.
#[tokio::test]
async fn clause_09_no_refusal_repeats_what_it_was_given() {
    let scene = Scene::new().await;
    let vault = &scene.vault;
    let ada = scene.subject_with_email(&format!("{CANARY}@example.org")).await;
    let eve = vault.create_subject(&service()).await.unwrap();
    let mut errors: Vec<VaultError> = Vec::new();
    for wrong in [
        format!("{CANARY}@"),
        format!("{CANARY}@exаmple.org"),
        format!("{CANARY}{}@example.org", "x".repeat(300)),
        format!("{CANARY}\u{202e}@example.org"),
        format!("+380{CANARY}"),
        format!("+{CANARY}{}", "1".repeat(50)),
    ] {
        errors.extend(
            vault
                .store::<Email>(&eve, None, text(&wrong), &service())
                .await
                .err(),
        );
        errors.extend(vault.claim::<Email>(&eve, text(&wrong), &service()).await.err());
        errors.extend(vault.find::<Email>(&text(&wrong), &service()).await.err());
        errors.extend(
            vault
                .store::<MobilePhone>(&eve, None, text(&wrong), &service())
                .await
                .err(),
        );
        errors.extend(vault.find::<MobilePhone>(&text(&wrong), &service()).await.err());
        errors.extend(
            vault
                .store::<PasswordHash>(&eve, None, text(&wrong), &service())
                .await
                .err(),
        );
    }
    let secret = Personal::new(CANARY.repeat(50).into_bytes());
    errors.extend(
        vault
            .store::<ApiKeySecret>(&eve, None, secret, &service())
            .await
            .err(),
    );
    let taken = text(&format!("{}@EXAMPLE.org", CANARY.to_uppercase()));
    errors.extend(vault.claim::<Email>(&eve, taken, &service()).await.err());
    let spaced = format!("{CANARY} {CANARY}");
    errors.extend(
        vault
            .store::<Email>(&eve, Some(&spaced), text("a@example.org"), &service())
            .await
            .err(),
    );
    errors.extend(Actor::component(&spaced).err());
    errors.extend(Reason::case(&spaced).err());
    errors.extend(PolicyVersion::new(&spaced).err());
    errors.extend(CaseId::parse(&spaced).err());
    errors.extend(vault.make_honeytokens(1, &spaced, &service()).await.err());
    let own = request(Actor::Person(eve), Reason::ShowToPerson);
    errors.extend(
        vault
            .read::<Email, ProvideService, _>(&ada, None, &own, |_| ())
            .await
            .err(),
    );
    errors.extend(
        <Email as Field>::checked(&spaced)
            .err()
            .map(VaultError::InvalidValue),
    );
    // One row of another person in the place of hers: what is found wrong is not said.
    scene
        .execute(
            "vault.db",
            "UPDATE records SET sealed = zeroblob(64) WHERE field = 'email'",
        )
        .await;
    errors.extend(scene.email(&ada).await.err());
    assert!(errors.len() > 30, "{}", errors.len());
    for error in &errors {
        let told = told(error).to_lowercase();
        assert!(!told.contains(CANARY), "{told}");
    }
    let control = VaultError::Token {
        what: CANARY.to_owned(),
    };
    assert!(told(&control).contains(CANARY));
}
