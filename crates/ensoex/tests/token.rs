//! A hardware module guards the root key: SoftHSM 2, which is one in software, asked through PKCS#11.
//!
//! Needs Debian's `softhsm2`; without it the tests are passed over, unless `ENSOEX_REQUIRE_SOFTHSM` is set.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const MODULES: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];
const PIN: &str = "271828";

struct Scene {
    folder: tempfile::TempDir,
    module: &'static str,
}

impl Scene {
    /// Tokens of its own; `None` when there is no SoftHSM here.
    fn new() -> Option<Scene> {
        let module = MODULES.into_iter().find(|path| Path::new(path).exists());
        let Some(module) = module else {
            assert!(
                std::env::var_os("ENSOEX_REQUIRE_SOFTHSM").is_none(),
                "SoftHSM is missing; install softhsm2"
            );
            eprintln!("passed over: there is no SoftHSM here");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("tokens")).unwrap();
        let tokens = folder.path().join("tokens").display().to_string();
        fs::write(
            folder.path().join("softhsm2.conf"),
            format!("directories.tokendir = {tokens}\n"),
        )
        .unwrap();
        let scene = Scene { folder, module };
        scene.pin("pin", PIN);
        for label in ["vault", "other"] {
            let made = scene
                .command("softhsm2-util")
                .args([
                    "--init-token",
                    "--free",
                    "--label",
                    label,
                    "--pin",
                    PIN,
                    "--so-pin",
                    "314159",
                ])
                .output()
                .unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        Some(scene)
    }

    fn pin(&self, name: &str, pin: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, format!("{pin}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("SOFTHSM2_CONF", self.folder.path().join("softhsm2.conf"));
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("service")
    }

    fn root_key(&self) -> String {
        fs::read_to_string(self.data().join("keys/root.key")).unwrap()
    }

    fn ensoex(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(env!("CARGO_BIN_EXE_ensoex"));
        command
            .args(arguments)
            .arg("--data")
            .arg(self.data())
            .output()
            .unwrap()
    }

    fn guard(&self, token: &str, pin_file: &str) -> Output {
        let pin_file = self.folder.path().join(pin_file).display().to_string();
        self.ensoex(&[
            "keys",
            "token",
            "--module",
            self.module,
            "--token",
            token,
            "--pin-file",
            &pin_file,
        ])
    }

    fn renew_root(&self) -> Output {
        self.ensoex(&["keys", "rotate", "--layer", "root"])
    }

    /// Starts a Service until its vault is open, and kills it; false when it ends by itself before.
    fn serves(&self) -> (bool, String) {
        let log = self.folder.path().join("log");
        let mut service = self
            .command(env!("CARGO_BIN_EXE_ensoex"))
            .args(["serve", "--port", "0", "--data"])
            .arg(self.data())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut ended = None;
        for _ in 0..2_400 {
            ended = service.try_wait().unwrap();
            let said = fs::read_to_string(&log).unwrap();
            if ended.is_some() || said.contains("everything is served") {
                break;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        let _gone = service.kill();
        service.wait().unwrap();
        (ended.is_none(), fs::read_to_string(&log).unwrap())
    }
}

fn said(output: &Output) -> String {
    let (out, error) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(error)
    )
}

/// Mechanism: `crates/vault/src/token.rs`
/// Control: without a token the key lies in its file.
#[test]
fn clause_09_a_token_guards_the_root_key_and_without_it_nothing_opens() {
    let Some(scene) = Scene::new() else { return };
    assert!(scene.serves().0);
    let in_the_clear = scene.root_key();
    let seed = in_the_clear.lines().nth(1).unwrap();
    assert_eq!(
        seed.len(),
        64,
        "the control: without a token the key lies in its file"
    );

    let guarded = scene.guard("vault", "pin");
    assert!(guarded.status.success(), "{}", said(&guarded));
    assert!(
        said(&guarded).contains("was made in the token vault"),
        "{}",
        said(&guarded)
    );
    assert!(
        said(&scene.guard("vault", "pin")).contains("has the key"),
        "once is enough"
    );
    // What lies in the clear is still read, and the next one is sealed.
    assert!(scene.serves().0);
    let renewed = scene.renew_root();
    assert!(renewed.status.success(), "{}", said(&renewed));
    let sealed = scene.root_key();
    assert!(
        sealed.starts_with("ensoex vault root key v1, sealed by a token\n"),
        "{sealed}"
    );
    assert!(!sealed.contains(seed));
    assert!(scene.serves().0);

    // Another token, another name in the file, a changed file: nothing opens.
    let path = scene.data().join("keys/root.key");
    assert!(scene.guard("other", "pin").status.success());
    assert!(scene.serves().0, "the file says itself which token sealed it");
    for (token, why_not) in [
        ("other", "does not open the root key file"),
        ("nowhere", "there is no token nowhere"),
    ] {
        fs::write(&path, sealed.replace("\"vault\"", &format!("\"{token}\""))).unwrap();
        let (opened, why) = scene.serves();
        assert!(!opened && why.contains(why_not), "{why}");
    }
    let digits = sealed.lines().nth(1).unwrap();
    let last = if digits.ends_with('0') { '1' } else { '0' };
    let flipped = sealed.replace(digits, &format!("{}{last}", &digits[..digits.len() - 1]));
    fs::write(&path, &flipped).unwrap();
    let (opened, why) = scene.serves();
    assert!(
        !opened && why.contains("does not open the root key file"),
        "{why}"
    );
    fs::write(&path, &sealed).unwrap();
    assert!(scene.serves().0);

    // From one token to another, and away from both.
    assert!(scene.renew_root().status.success());
    assert!(scene.root_key().contains("\"other\""), "{}", scene.root_key());
    assert!(scene.serves().0);
    fs::remove_file(scene.data().join("keys/token.json")).unwrap();
    assert!(scene.renew_root().status.success());
    assert_eq!(scene.root_key().lines().nth(1).unwrap().len(), 64);
    assert!(scene.serves().0);
}

#[test]
fn a_first_start_with_a_token_never_writes_the_root_key_in_the_clear() {
    let Some(scene) = Scene::new() else { return };
    let guarded = scene.guard("vault", "pin");
    assert!(
        said(&guarded).contains("the first start makes"),
        "{}",
        said(&guarded)
    );
    assert!(scene.serves().0);
    assert!(
        scene
            .root_key()
            .starts_with("ensoex vault root key v1, sealed by a token\n")
    );
}

#[test]
fn a_wrong_pin_or_module_is_told_and_changes_nothing() {
    let Some(scene) = Scene::new() else { return };
    scene.pin("wrong", "000000");
    let open = scene.pin("open", PIN);
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    for (refused, why) in [
        (scene.guard("vault", "wrong"), "is wrong; a token locks itself"),
        (scene.guard("vault", "open"), "chmod 600"),
        (scene.guard("nowhere", "pin"), "there is no token nowhere"),
        (scene.guard("vault", "no-such-file"), "no-such-file"),
    ] {
        assert!(!refused.status.success());
        assert!(said(&refused).contains(why), "{why}: {}", said(&refused));
    }
    let arguments = [
        "keys",
        "token",
        "--module",
        "/no/module.so",
        "--token",
        "vault",
        "--pin-file",
        "x",
    ];
    let refused = scene.ensoex(&arguments);
    assert!(
        !refused.status.success() && said(&refused).contains("/no/module.so"),
        "{}",
        said(&refused)
    );
    assert!(!scene.data().join("keys/token.json").exists());
}
