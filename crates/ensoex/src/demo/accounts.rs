//! The logins and API keys of the demo's own accounts, kept between runs in `demo-accounts.json`.
//!
//! They open play accounts on this machine only, and belong to whoever runs the demo.

use super::directory::write_private;
use crate::random;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::path::Path;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// How many traders make the markets move: one maker for each market, the others take.
pub const TRADERS: u32 = 6;

/// One account. No Debug, so that it cannot slip into a log.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct DemoAccount {
    /// Login.
    pub email: String,
    /// International form.
    pub phone: String,
    /// Login.
    pub password: String,
    /// Number of the account, once registered.
    pub account: Option<String>,
    /// HMAC API key, once created.
    pub api_key: Option<String>,
    /// Its secret.
    pub api_secret: Option<String>,
}

impl DemoAccount {
    /// Somebody who is not registered yet, with a new password.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn new(email: String, phone: String) -> anyhow::Result<DemoAccount> {
        let password = random::password()?;
        Ok(DemoAccount {
            email,
            phone,
            password,
            account: None,
            api_key: None,
            api_secret: None,
        })
    }
}

/// All of them.
#[derive(Clone, Serialize, Deserialize)]
pub struct DemoAccounts {
    /// They trade by themselves.
    pub traders: Vec<DemoAccount>,
    /// The one that the demo announces.
    pub user: DemoAccount,
    /// Distinguishes this folder's idempotency keys.
    pub run: String,
    /// Everything is registered and funded.
    pub ready: bool,
    /// The chart has its first trades.
    pub history: bool,
}

impl DemoAccounts {
    /// Reads them, or makes up new ones and keeps them.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn load_or_create(path: &Path) -> anyhow::Result<DemoAccounts> {
        if path.exists() {
            let json = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            return serde_json::from_slice(&json)
                .with_context(|| format!("{} is damaged; start over with --fresh", path.display()));
        }
        let trader = |number| {
            DemoAccount::new(
                format!("trader{number}@ensoex.example"),
                format!("+38050000020{number}"),
            )
        };
        let accounts = DemoAccounts {
            traders: (1..=TRADERS).map(trader).collect::<anyhow::Result<_>>()?,
            user: DemoAccount::new("demo@ensoex.example".to_owned(), "+380500000100".to_owned())?,
            run: hex::encode(random::secret_bytes::<8>()?),
            ready: false,
            history: false,
        };
        accounts.save(path)?;
        Ok(accounts)
    }

    /// Keeps them.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> anyhow::Result<()> {
        let json = serde_json::to_vec_pretty(self).context("cannot write the accounts as JSON")?;
        write_private(path, &json)
    }
}

#[cfg(test)]
mod tests {
    use super::DemoAccounts;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn accounts_are_kept_between_runs() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("demo-accounts.json");
        let first = DemoAccounts::load_or_create(&path).expect("made");
        let second = DemoAccounts::load_or_create(&path).expect("read");
        assert!(first.user.password == second.user.password);
        assert_eq!(
            std::fs::metadata(&path).expect("there").permissions().mode() & 0o777,
            0o600
        );
        let mut everyone: Vec<&str> = first.traders.iter().map(|trader| trader.phone.as_str()).collect();
        everyone.push(&first.user.phone);
        everyone.sort_unstable();
        everyone.dedup();
        assert_eq!(everyone.len(), first.traders.len() + 1);
        assert!(everyone.iter().all(|phone| phone.len() == 13));
        std::fs::write(&path, "{").expect("written");
        assert!(DemoAccounts::load_or_create(&path).is_err());
    }
}
