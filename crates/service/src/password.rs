//! Passwords: what is accepted, and how they are hashed (Argon2id).
//!
//! Hashing needs much memory for a moment, so it happens on a few threads of its own: many at once wait their turn, and the
//! memory is that of those threads only.

use crate::limits::{PASSWORD_HASHINGS_MAX, PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN};
use crate::problem::Problem;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, PasswordHash};
use axum::http::StatusCode;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// Hashings that may wait; more are refused.
const WAITING_MAX: usize = 256;

/// Fragments that make up most of the long passwords people choose when made to choose long ones.
const COMMON: [&str; 14] = [
    "password", "passw0rd", "qwerty", "asdfgh", "zxcvbn", "letmein", "welcome", "iloveyou", "admin",
    "123456", "654321", "abcdef", "monkey", "dragon",
];

type Job = Box<dyn FnOnce() + Send>;

/// Hashes and checks passwords.
#[derive(Clone)]
pub(crate) struct Passwords {
    jobs: SyncSender<Job>,
    /// Compared with when there is no such user, so that the answer takes as long.
    nobody: Arc<str>,
}

impl Passwords {
    /// Starts the threads; they end with the last clone.
    pub(crate) fn new() -> Result<Passwords, argon2::password_hash::Error> {
        let hash = Argon2::default().hash_password(b"nobody has this password")?;
        let (jobs, waiting) = sync_channel::<Job>(WAITING_MAX);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..PASSWORD_HASHINGS_MAX {
            let waiting = Arc::clone(&waiting);
            std::thread::spawn(move || work(&waiting));
        }
        Ok(Passwords {
            jobs,
            nobody: Arc::from(hash.to_string()),
        })
    }

    /// The PHC text of the Argon2id hash.
    pub(crate) async fn hash(&self, password: Zeroizing<String>) -> Result<String, Problem> {
        let hashed = self
            .run(move || {
                Argon2::default()
                    .hash_password(password.as_bytes())
                    .map(|hash| hash.to_string())
            })
            .await?;
        hashed.map_err(|error| Problem::internal("password hashing", &error))
    }

    /// Whether the password fits. Takes as long for a user that does not exist (`None`).
    pub(crate) async fn fits(
        &self,
        password: Zeroizing<String>,
        hash: Option<Zeroizing<String>>,
    ) -> Result<bool, Problem> {
        let nobody = Arc::clone(&self.nobody);
        self.run(move || {
            let known = hash.is_some();
            let text = hash.as_ref().map_or(&*nobody, |hash| hash.as_str());
            let fits = PasswordHash::new(text).is_ok_and(|parsed| {
                Argon2::default()
                    .verify_password(password.as_bytes(), &parsed)
                    .is_ok()
            });
            fits && known
        })
        .await
    }

    async fn run<R: Send + 'static>(&self, work: impl FnOnce() -> R + Send + 'static) -> Result<R, Problem> {
        let (done, result) = oneshot::channel();
        let job: Job = Box::new(move || {
            let _caller_gone = done.send(work());
        });
        let busy = || {
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "Very many people sign in or register at the moment. Try again in a few seconds.",
            )
        };
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => busy(),
        })?;
        result.await.map_err(|_| busy())
    }
}

fn work(waiting: &Mutex<Receiver<Job>>) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}

/// Long enough, and not what everybody guesses first.
pub(crate) fn check(password: &str, email: &str) -> Result<(), Problem> {
    let weak = |detail: String| Err(Problem::bad_request("weak_password", detail).field("password"));
    let length = password.chars().count();
    if length < PASSWORD_LENGTH_MIN {
        return weak(format!(
            "Choose a password of at least {PASSWORD_LENGTH_MIN} characters; several words are easy to remember."
        ));
    }
    if length > PASSWORD_LENGTH_MAX {
        return weak(format!(
            "Choose a password of at most {PASSWORD_LENGTH_MAX} characters."
        ));
    }
    let lower = password.to_lowercase();
    let mut distinct: Vec<char> = lower.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let mut rest = lower.clone();
    for fragment in COMMON {
        rest = rest.replace(fragment, "");
    }
    let mailbox = email.split('@').next().unwrap_or_default().to_lowercase();
    if mailbox.chars().count() >= 4 {
        rest = rest.replace(&mailbox, "");
    }
    let rest_letters = rest.chars().filter(|character| character.is_alphabetic()).count();
    if distinct.len() < 5 || (rest.len() != lower.len() && rest_letters < 8) {
        return weak(
            "This password is among the first that others would try. Choose several unrelated words."
                .to_owned(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Subjects that nobody is look like any other.
    #[test]
    fn hashes_begin_as_those_of_honeytokens() {
        let hash = Argon2::default()
            .hash_password(b"some password")
            .unwrap()
            .to_string();
        let rest = hash.strip_prefix(ensoex_vault::PASSWORD_HASH_HEAD).unwrap();
        assert_eq!(rest.len(), 22 + 1 + 43);
    }

    #[test]
    fn guessable_passwords_are_refused() {
        let cases = [
            ("short", false),
            ("aaaaaaaaaaaaaaaaaaaaaa", false),
            ("password12345678", false),
            ("qwertyqwertyqwerty", false),
            ("olena.kovalenko1", false),
            ("correct horse battery staple", true),
            ("тихий річковий вітер", true),
            ("xk29-fj48-qp71-zm", true),
        ];
        for (password, accepted) in cases {
            assert_eq!(
                check(password, "olena.kovalenko@example.org").is_ok(),
                accepted,
                "{password}"
            );
        }
        assert!(
            check(&"ab cd ef ".repeat(20), "a@b.c").is_err(),
            "longer than the limit"
        );
    }

    #[tokio::test]
    async fn only_the_right_password_fits() {
        let passwords = Passwords::new().unwrap();
        let text = |text: &str| Zeroizing::new(text.to_owned());
        let hash = passwords
            .hash(text("correct horse battery staple"))
            .await
            .unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(
            passwords
                .fits(
                    text("correct horse battery staple"),
                    Some(Zeroizing::new(hash.clone()))
                )
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .fits(text("correct horse battery stable"), Some(Zeroizing::new(hash)))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .fits(text("nobody has this password"), None)
                .await
                .unwrap(),
            "the stand-in is nobody's"
        );
    }
}
