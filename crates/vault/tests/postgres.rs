//! A vault of which every store, the keys included, lies in PostgreSQL.

use ensoex_pg_test::Cluster;
use ensoex_sql::Address;
use ensoex_vault::{
    AccessRequest, Actor, Email, Personal, PolicyVersion, ProvideService, Reason, SubjectId, Vault,
    VaultConfig, VaultError,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

fn service() -> AccessRequest {
    AccessRequest {
        actor: Actor::component("test").unwrap(),
        reason: Reason::Registration,
        policy_version: PolicyVersion::new("sha256:00").unwrap(),
    }
}

fn config(cluster: &Cluster, directory: &TempDir) -> VaultConfig {
    let schema = |name: &str| Address::postgres(cluster.url(), name).unwrap();
    VaultConfig {
        records: schema("vault"),
        access_log: schema("access_log"),
        keys: schema("vault_keys"),
        ..VaultConfig::files(directory.path().join("data"), directory.path().join("keys"))
    }
}

async fn person(vault: &Vault, email: &str) -> SubjectId {
    let subject = vault.create_subject(&service()).await.unwrap();
    let email = Personal::new(email.to_owned());
    vault.claim::<Email>(&subject, email, &service()).await.unwrap();
    subject
}

async fn email(vault: &Vault, subject: &SubjectId) -> Result<String, VaultError> {
    let open = |email: &String| email.clone();
    vault
        .read::<Email, ProvideService, _>(subject, None, &service(), open)
        .await
}

/// An entry whose writer never learned that it stands. One more read fails, and those after it go on from there.
async fn an_entry_of_unknown_outcome_does_not_shut_the_log(
    cluster: &Cluster,
    vault: &Vault,
    subject: &SubjectId,
) -> u64 {
    // At an even place an entry brings one hash.
    if !vault.access_log_head().size.is_multiple_of(2) {
        email(vault, subject).await.unwrap();
    }
    let place = vault.access_log_head().size;
    let mut raw = PgConnection::connect(&cluster.url()).await.unwrap();
    let entry = format!(
        "INSERT INTO access_log.leaves (number, subject, body, hashes)
            VALUES ({place}, '\\x00', '{{}}', sha256('\\x00'))"
    );
    sqlx::raw_sql(AssertSqlSafe(entry))
        .execute(&mut raw)
        .await
        .unwrap();
    let refused = email(vault, subject).await;
    assert!(
        matches!(refused, Err(VaultError::AccessLogUnavailable)),
        "{refused:?}"
    );
    assert_eq!(email(vault, subject).await.unwrap(), "eve@example.org");
    assert_eq!(vault.access_log_head().size, place + 2);
    place + 2
}

#[tokio::test]
async fn a_vault_can_lie_in_postgresql() {
    let Some(cluster) = Cluster::start() else { return };
    let directory = TempDir::new().unwrap();
    let vault = Vault::open(config(&cluster, &directory)).await.unwrap();
    let ada = person(&vault, "ada@example.org").await;
    let eve = person(&vault, "eve@example.org").await;
    assert_eq!(email(&vault, &ada).await.unwrap(), "ada@example.org");
    let taken = Personal::new("ada@example.org".to_owned());
    let claimed = vault.claim::<Email>(&eve, taken, &service()).await;
    assert!(matches!(claimed, Err(VaultError::ValueTaken)), "{claimed:?}");

    // Readers at once share transactions of the access log; each gets its value.
    let (first, second, third) = tokio::join!(email(&vault, &eve), email(&vault, &ada), email(&vault, &eve));
    assert_eq!(first.unwrap(), "eve@example.org");
    assert_eq!(second.unwrap(), "ada@example.org");
    assert_eq!(third.unwrap(), "eve@example.org");
    let before = an_entry_of_unknown_outcome_does_not_shut_the_log(&cluster, &vault, &eve).await;
    vault.close().await;
    drop(vault);

    let mut raw = PgConnection::connect(&cluster.url()).await.unwrap();
    for refused in [
        "UPDATE access_log.leaves SET body = ''",
        "DELETE FROM access_log.leaves",
        "TRUNCATE access_log.leaves",
    ] {
        let answer = sqlx::query(refused).execute(&mut raw).await;
        assert!(
            answer.unwrap_err().to_string().contains("append-only"),
            "{refused}"
        );
    }

    let vault = Vault::open(config(&cluster, &directory)).await.unwrap();
    assert_eq!(vault.access_log_head().size, before);
    vault.erase(&ada, &service()).await.unwrap();
    assert!(matches!(
        email(&vault, &ada).await,
        Err(VaultError::UnknownSubject)
    ));
    assert_eq!(email(&vault, &eve).await.unwrap(), "eve@example.org");
    vault.close().await;
    drop(vault);

    // A changed value is never taken for the right one.
    let changed = "UPDATE vault.records SET sealed = sealed || '\\x00'::bytea";
    assert_eq!(
        sqlx::query(changed)
            .execute(&mut raw)
            .await
            .unwrap()
            .rows_affected(),
        1
    );
    let vault = Vault::open(config(&cluster, &directory)).await.unwrap();
    assert!(matches!(email(&vault, &eve).await, Err(VaultError::Integrity)));
    vault.close().await;
    drop(vault);
}
