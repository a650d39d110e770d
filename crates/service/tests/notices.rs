//! Who could be read by staff without approval is told, as soon as the Service runs.

mod common;

use common::TestService;
use ensoex_vault::{
    Actor, CaseOpening, CaseReason, FieldName, PolicyVersion, PurposeName, Reason, SubjectId, Vault,
    VaultConfig,
};
use serde_json::Value;

async fn vault(service: &TestService) -> Vault {
    let (folder, stores) = (&service.directory, &service.config.stores);
    let config = VaultConfig {
        records: stores.vault_records.clone(),
        access_log: stores.access_log.clone(),
        keys: stores.keys.clone(),
        ..VaultConfig::files(folder.join("vault"), folder.join("keys"))
    };
    Vault::open(config).await.unwrap()
}

/// Mechanism: `crates/service/src/notices.rs`
/// Control: who is not concerned is told nothing.
#[tokio::test]
async fn clause_13_persons_are_told_of_emergency_access() {
    let mut service = TestService::start().await;
    let (ada, eve) = (service.person("ada").await, service.person("eve").await);
    let report: Value = ada.get("/v1/me/access-report").await;
    let subject: SubjectId = report["subject"].as_str().unwrap().parse().unwrap();
    service.stop().await;

    let vault = vault(&service).await;
    let policy_version = PolicyVersion::new("sha256:00").unwrap();
    let operator = ensoex_vault::AccessRequest {
        actor: Actor::component("operator").unwrap(),
        reason: Reason::Registration,
        policy_version: policy_version.clone(),
    };
    let staff = SubjectId::from_bytes([7; 16]);
    vault.enrol_staff(&staff, &operator).await.unwrap();
    let opening = CaseOpening {
        subjects: vec![subject],
        fields: vec![FieldName::Email],
        purpose: PurposeName::ProvideService,
        reason: CaseReason::SecurityIncident,
        hours: 1,
        break_glass: true,
        order: None,
    };
    vault.open_case(&staff, &opening, &policy_version).await.unwrap();
    vault.close().await;
    drop(vault);

    service.launch().await;
    let mut told = Value::Null;
    for _ in 0..400 {
        told = service.message_to(&ada.email).await;
        if told["body"]
            .as_str()
            .is_some_and(|body| body.contains("emergency access"))
        {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    assert_eq!(told["subject"], "Staff had emergency access to your data");
    assert!(
        service.message_to(&eve.email).await.is_null(),
        "only who is concerned"
    );
    let log: Value = ada.get("/v1/me/access-log").await;
    assert!(log.to_string().contains("break_glass"), "{log}");
    service.stop().await;
}
