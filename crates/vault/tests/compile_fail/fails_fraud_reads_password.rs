use ensoex_vault::{AccessRequest, PasswordHash, PreventFraud, SubjectId, Vault};

async fn screen(vault: &Vault, subject: &SubjectId, request: &AccessRequest) {
    let _ = vault.read::<PasswordHash, PreventFraud, _>(subject, None, request, String::len).await;
}

fn main() {}
