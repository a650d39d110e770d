use ensoex_vault::{AccessRequest, Email, ProvideService, SubjectId, Vault};

async fn keep(vault: &Vault, subject: &SubjectId, request: &AccessRequest) {
    let _ = vault.lease::<Email, ProvideService>(subject, None, request, 900).await;
}

fn main() {}
