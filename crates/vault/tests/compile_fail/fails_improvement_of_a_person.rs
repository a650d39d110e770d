use ensoex_vault::{AccessRequest, Email, ImproveService, SubjectId, Vault};

async fn profile(vault: &Vault, subject: &SubjectId, request: &AccessRequest) {
    let _ = vault.read::<Email, ImproveService, _>(subject, None, request, String::len).await;
}

fn main() {}
