//! The root key file, and a vault that is opened wrongly.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use ensoex_vault::{Vault, VaultError};

use crate::Scene;

async fn opened(scene: Scene, change: impl FnOnce(&Scene)) -> Result<Vault, VaultError> {
    scene.vault.close().await;
    change(&scene);
    let config = scene.config();
    let Scene { directory, vault } = scene;
    drop(vault);
    let opened = Vault::open(config).await;
    drop(directory);
    opened
}

#[tokio::test]
async fn the_root_key_is_private_to_its_owner() {
    let scene = Scene::new().await;
    let mode = fs::metadata(scene.path("root.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mode = fs::metadata(scene.path("root.key").parent().unwrap())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
    let widened = opened(scene, |scene| {
        fs::set_permissions(scene.path("root.key"), Permissions::from_mode(0o644)).unwrap();
    });
    let Err(error) = widened.await else {
        panic!("opened with a readable root key")
    };
    assert!(matches!(
        error,
        VaultError::RootKeyPermissions { mode: 0o644, .. }
    ));
    assert!(error.to_string().contains("chmod 600"));
}

#[tokio::test]
async fn an_untouched_vault_opens_again() {
    assert!(opened(Scene::new().await, |_| ()).await.is_ok());
}

#[tokio::test]
async fn a_missing_root_key_is_not_replaced() {
    let opened = opened(Scene::new().await, |scene| {
        fs::remove_file(scene.path("root.key")).unwrap()
    })
    .await;
    assert!(matches!(opened, Err(VaultError::RootKeyMissing { .. })));
}

#[tokio::test]
async fn another_root_key_is_refused() {
    let other = Scene::new().await;
    let opened = opened(Scene::new().await, |scene| {
        fs::copy(other.path("root.key"), scene.path("root.key")).unwrap();
    });
    assert!(matches!(opened.await, Err(VaultError::RootKeyWrong)));
}

#[tokio::test]
async fn a_damaged_root_key_is_refused() {
    let scene = Scene::new().await;
    let opened = opened(scene, |scene| {
        fs::write(scene.path("root.key"), "ensoex vault root key v1\n12\n").unwrap()
    });
    assert!(matches!(opened.await, Err(VaultError::RootKeyMalformed { .. })));
}

#[tokio::test]
async fn a_second_process_is_kept_out() {
    let scene = Scene::new().await;
    assert!(matches!(
        Vault::open(scene.config()).await,
        Err(VaultError::InUse)
    ));
}
