//! Every limit of the Service's own API, by name.

use std::time::Duration;

/// What a visit to a public route counts, of the weight that one visitor may use in a minute (6,000).
pub(crate) const PUBLIC_VISIT_WEIGHT: u32 = 2;
/// Largest request body.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;
/// Least characters of a password that is the only factor (NIST SP 800-63B-4).
pub(crate) const PASSWORD_LENGTH_MIN: usize = 15;
/// Most characters of a password.
pub(crate) const PASSWORD_LENGTH_MAX: usize = 128;
/// Longest e-mail address (RFC 5321).
pub(crate) const EMAIL_LENGTH_MAX: usize = 254;
/// Wrong tries before codes are void.
pub(crate) const CODE_ATTEMPTS_MAX: i64 = 5;
/// How long codes are good for.
pub(crate) const CODE_VALIDITY: Duration = Duration::from_secs(10 * 60);
/// Least time between two sendings of codes.
pub(crate) const CODE_INTERVAL_MIN: Duration = Duration::from_secs(30);
/// Sendings of codes for one registration.
pub(crate) const CODE_SENDINGS_MAX: i64 = 5;
/// Registrations that may be started for one e-mail address, and for one phone number, within an hour.
pub(crate) const REGISTRATIONS_PER_CONTACT_MAX: u32 = 5;
/// The hour of the limit above.
pub(crate) const REGISTRATIONS_WINDOW: Duration = Duration::from_secs(60 * 60);
/// Contacts (as keyed hashes) that are remembered for it.
pub(crate) const REGISTRATIONS_REMEMBERED_MAX: usize = 100_000;
/// How long a started registration may be finished.
pub(crate) const REGISTRATION_VALIDITY: Duration = Duration::from_secs(60 * 60);
/// Longest time a session lives.
pub(crate) const SESSION_VALIDITY: Duration = Duration::from_secs(12 * 60 * 60);
/// Longest time a session lives without use.
pub(crate) const SESSION_IDLE_MAX: Duration = Duration::from_secs(2 * 60 * 60);
/// Wrong passwords for one e-mail address before sign-in pauses.
pub(crate) const SIGN_IN_FAILURES_MAX: i64 = 10;
/// How long it pauses.
pub(crate) const SIGN_IN_PAUSE: Duration = Duration::from_secs(15 * 60);
/// Wrong codes of second factors for one account before they pause, as long as sign-in does.
pub(crate) const FACTOR_FAILURES_MAX: i64 = 5;
/// How long the second step of a sign-in may take.
pub(crate) const SIGN_IN_FACTOR_VALIDITY: Duration = Duration::from_secs(5 * 60);
/// Sign-ins that wait for their second step.
pub(crate) const SIGN_INS_WAITING_MAX: usize = 10_000;
/// How long an offered authenticator app may be confirmed.
pub(crate) const TOTP_OFFER_VALIDITY: Duration = Duration::from_secs(10 * 60);
/// Passkeys of an account.
pub(crate) const PASSKEYS_MAX: i64 = 10;
/// Longest name of a passkey, in characters.
pub(crate) const PASSKEY_LABEL_LENGTH_MAX: usize = 40;
/// How long a question to a passkey may be answered.
pub(crate) const CHALLENGE_VALIDITY: Duration = Duration::from_secs(5 * 60);
/// Questions to passkeys that wait for their answer; the oldest gives way.
pub(crate) const CHALLENGES_MAX: usize = 20_000;
/// How long nothing is withdrawn after a change of password or contact, or the removal of a factor.
pub(crate) const COOLING_OFF: Duration = Duration::from_secs(24 * 60 * 60);
/// Recovery codes of an account.
pub(crate) const RECOVERY_CODES: usize = 10;
/// How long a proof of who is there counts as fresh.
pub(crate) const STEP_UP_VALIDITY: Duration = Duration::from_secs(10 * 60);
/// Longest new e-mail address or phone number, in bytes.
pub(crate) const CORRECTION_VALUE_LENGTH_MAX: usize = EMAIL_LENGTH_MAX;
/// A person's requests that wait for somebody's answer.
pub(crate) const RIGHTS_REQUESTS_OPEN_MAX: usize = 10;
/// A person's requests that are listed, newest first.
pub(crate) const RIGHTS_REQUESTS_LISTED_MAX: i64 = 200;
/// How often a person gives or withdraws consent to what is optional within a day; a withdrawal more is never refused.
pub(crate) const CONSENT_CHANGES_MAX: usize = 40;
/// The day of the limit above.
pub(crate) const CONSENT_CHANGES_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);
/// Longest title of a newsletter, in characters.
pub(crate) const NEWSLETTER_TITLE_CHARACTERS_MAX: usize = 120;
/// Longest text of a newsletter in one language, in bytes.
pub(crate) const NEWSLETTER_TEXT_BYTES_MAX: usize = 20 * 1024;
/// How long a newsletter is tried again for those whose carrier does not take it.
pub(crate) const NEWSLETTER_PATIENCE: Duration = Duration::from_secs(3 * 24 * 60 * 60);
/// Newsletters that are listed, newest first.
pub(crate) const NEWSLETTERS_LISTED_MAX: i64 = 100;
/// API keys of one account.
pub(crate) const API_KEYS_MAX: i64 = 30;
/// Longest label of an API key, in characters.
pub(crate) const API_KEY_LABEL_LENGTH_MAX: usize = 40;
/// Longest idempotency key.
pub(crate) const IDEMPOTENCY_KEY_LENGTH_MAX: usize = 64;
/// Rows of one page at the most.
pub(crate) const PAGE_ROWS_MAX: u32 = 500;
/// Rows of one page unless asked otherwise.
pub(crate) const PAGE_ROWS_DEFAULT: u32 = 50;
/// Concurrent password hashings; more wait.
pub(crate) const PASSWORD_HASHINGS_MAX: usize = 2;
/// Messages of one channel that wait for their carrier; more are refused.
pub(crate) const MESSAGES_WAITING_MAX: usize = 10_000;
/// Messages of one channel that are handed over at the same time.
pub(crate) const MESSAGES_AT_ONCE_MAX: usize = 4;
/// How long a notice that nobody asks for again is tried.
pub(crate) const NOTICE_PATIENCE: Duration = Duration::from_secs(6 * 3_600);
/// How long a notice is tried that is still owed afterwards.
pub(crate) const OWED_PATIENCE: Duration = Duration::from_secs(30);
/// Persons in a row who cannot be told what they are owed, before it is tried again with the next a minute later.
pub(crate) const FAILED_IN_A_ROW_MAX: u32 = 20;
/// Longest text message, in characters.
pub(crate) const SMS_LENGTH_MAX: usize = 1_600;
/// How long a request to the SMS provider may take.
pub(crate) const SMS_REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// Messages that the demo's sink keeps.
pub(crate) const SINK_MESSAGES_MAX: usize = 500;
/// Open private streams of one account.
pub(crate) const PRIVATE_STREAMS_MAX: usize = 10;
/// How often EnsoExPAY is asked for events that no webhook brought.
pub(crate) const PAY_POLL_INTERVAL: Duration = Duration::from_millis(1_000);
/// How long a request to EnsoExPAY may take.
pub(crate) const PAY_REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Entries of a statement as CSV, which is sent as it is read.
pub(crate) const STATEMENT_CSV_ENTRIES_MAX: u64 = 1_000_000;
/// Entries of a statement as JSON, which is made whole.
pub(crate) const STATEMENT_JSON_ENTRIES_MAX: u64 = 10_000;
/// Entries of a statement as PDF: about 600 pages.
pub(crate) const STATEMENT_PDF_ENTRIES_MAX: u64 = 20_000;
/// Automated decisions that a person is shown, newest first.
pub(crate) const DECISIONS_LISTED_MAX: u32 = 100;
/// Reviews that staff are shown, the most urgent first.
pub(crate) const REVIEWS_LISTED_MAX: u32 = 100;
/// How long a human's approval of what was declined is good for, once.
pub(crate) const APPROVAL_VALIDITY: Duration = Duration::from_secs(7 * 24 * 3_600);
