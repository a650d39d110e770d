//! The limits and normal forms of the values that fields hold.
//!
//! It does not know who stores the values. A refused value is never part of an error.

use zeroize::{Zeroize, Zeroizing};

/// Longest e-mail address, in bytes (RFC 5321).
pub const EMAIL_BYTES_MAX: usize = 254;
/// Longest local part of an e-mail address, in bytes (RFC 5321).
pub const EMAIL_LOCAL_BYTES_MAX: usize = 64;
/// Fewest digits of an international phone number that a person can have.
pub const PHONE_DIGITS_MIN: usize = 7;
/// Most digits of an international phone number (E.164).
pub const PHONE_DIGITS_MAX: usize = 15;
/// How phone numbers begin that are kept for fiction: Ofcom gives +44 7700 900000 to 900999 to nobody. Honeytokens have them.
pub(crate) const PHONE_FICTION: &str = "+447700900";
/// Longest text in which a phone number may be typed, in bytes.
pub const PHONE_BYTES_MAX: usize = 40;
/// Longest password hash in PHC text form, in bytes.
pub const PASSWORD_HASH_BYTES_MAX: usize = 512;
/// Longest API key secret, in bytes.
pub const API_KEY_SECRET_BYTES_MAX: usize = 256;
/// Length of the secret of an authenticator app, in bytes (RFC 4226 recommends the length of an HMAC-SHA-1).
pub const TOTP_SECRET_BYTES: usize = 20;
/// Longest description of a passkey, in bytes.
pub const PASSKEY_BYTES_MAX: usize = 4_096;

/// Why a value is refused. Never holds the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// Not of the form local@domain, or with characters outside the supported ones.
    #[error("this is not an e-mail address that messages can be sent to; check it for typing errors")]
    EmailForm,
    /// A part of the domain has letters of several alphabets that look alike.
    #[error("the part after @ mixes letters of several alphabets, as deceptive addresses do; type it anew")]
    EmailMixedScripts,
    /// See [`EMAIL_BYTES_MAX`] and [`EMAIL_LOCAL_BYTES_MAX`].
    #[error("the e-mail address is longer than e-mail allows (254 characters); use a shorter one")]
    EmailTooLong,
    /// A national number, or letters.
    #[error("write the phone number with its country code, for example +380 44 123 4567")]
    PhoneForm,
    /// Outside [`PHONE_DIGITS_MIN`] to [`PHONE_DIGITS_MAX`].
    #[error("a phone number with its country code has 7 to 15 digits; check it for typing errors")]
    PhoneLength,
    /// In no country's numbering plan.
    #[error("no country has such a phone number; check it for typing errors")]
    PhoneUnassigned,
    /// Empty, too long or with control characters.
    #[error("the password hash is not in PHC text form of at most 512 bytes; make it with Argon2id")]
    PasswordHashForm,
    /// Empty or longer than [`API_KEY_SECRET_BYTES_MAX`].
    #[error("the API key secret is empty or longer than 256 bytes; make one of 1 to 256 bytes")]
    ApiKeySecretLength,
    /// Not of [`TOTP_SECRET_BYTES`].
    #[error("the secret of an authenticator app has 20 bytes; make one of that length")]
    TotpSecretLength,
    /// Empty or longer than [`PASSKEY_BYTES_MAX`].
    #[error("the description of the passkey is empty or longer than 4096 bytes; use another passkey")]
    PasskeyLength,
}

/// A kind of value that can be sealed: text or bytes.
pub trait FieldValue: Zeroize + Sized {
    /// The bytes that are encrypted.
    fn to_plain(&self) -> Zeroizing<Vec<u8>>;
    /// The value of decrypted bytes; `None` if they are not of this kind.
    fn from_plain(plain: Zeroizing<Vec<u8>>) -> Option<Self>;
}

impl FieldValue for String {
    fn to_plain(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.as_bytes().to_vec())
    }

    fn from_plain(mut plain: Zeroizing<Vec<u8>>) -> Option<Self> {
        match String::from_utf8(std::mem::take(&mut *plain)) {
            Ok(text) => Some(text),
            Err(refused) => {
                refused.into_bytes().zeroize();
                None
            }
        }
    }
}

impl FieldValue for Vec<u8> {
    fn to_plain(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.clone())
    }

    fn from_plain(mut plain: Zeroizing<Vec<u8>>) -> Option<Self> {
        Some(std::mem::take(&mut *plain))
    }
}

/// The e-mail address without surrounding space, otherwise as typed, if it is one.
pub(crate) fn email_checked(value: &str) -> Result<String, FieldError> {
    let trimmed = value.trim();
    email_index_form(trimmed)?.zeroize();
    Ok(trimmed.to_owned())
}

/// The form in which two spellings of one mailbox are equal: lower case, the domain in ASCII
/// (UTS 46, which also composes and folds Unicode). Local parts outside ASCII are not supported.
pub(crate) fn email_index_form(value: &str) -> Result<String, FieldError> {
    let trimmed = value.trim();
    if trimmed.len() > EMAIL_BYTES_MAX {
        return Err(FieldError::EmailTooLong);
    }
    let (local, domain) = trimmed.rsplit_once('@').ok_or(FieldError::EmailForm)?;
    if local.len() > EMAIL_LOCAL_BYTES_MAX {
        return Err(FieldError::EmailTooLong);
    }
    let atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    let local_is_dot_atom = local
        .split('.')
        .all(|part| !part.is_empty() && part.bytes().all(atom));
    if !local_is_dot_atom {
        return Err(FieldError::EmailForm);
    }
    let domain = idna::domain_to_ascii_strict(domain).map_err(|_| FieldError::EmailForm)?;
    let (shown, _) = idna::domain_to_unicode(&domain);
    if shown.split('.').any(mixes_scripts) {
        return Err(FieldError::EmailMixedScripts);
    }
    let labels: Vec<&str> = domain.split('.').collect();
    let top_is_name = labels
        .last()
        .is_some_and(|top| top.bytes().any(|byte| byte.is_ascii_alphabetic()));
    if labels.len() < 2 || labels.iter().any(|label| label.is_empty()) || !top_is_name {
        return Err(FieldError::EmailForm);
    }
    let normal = format!("{}@{}", local.to_ascii_lowercase(), domain);
    if normal.len() > EMAIL_BYTES_MAX {
        return Err(FieldError::EmailTooLong);
    }
    Ok(normal)
}

/// Whether a label has letters of more than one of the alphabets that share shapes: Latin, Greek, Cyrillic, Armenian, Cherokee.
/// One wholly in another alphabet is somebody's name and passes; that it is another domain, the code sent there shows.
fn mixes_scripts(label: &str) -> bool {
    let script = |character: char| match u32::from(character) {
        0x41..=0x5a | 0x61..=0x7a | 0xc0..=0x24f | 0x1e00..=0x1eff => Some(0),
        0x370..=0x3ff | 0x1f00..=0x1fff => Some(1),
        0x400..=0x52f | 0x1c80..=0x1c8f | 0x2de0..=0x2dff | 0xa640..=0xa69f => Some(2),
        0x531..=0x58f => Some(3),
        0x13a0..=0x13ff | 0xab70..=0xabbf => Some(4),
        _ => None,
    };
    let mut scripts = label.chars().filter_map(script);
    let first = scripts.next();
    scripts.any(|script| Some(script) != first)
}

/// The phone number in E.164 form (`+` and digits), from the usual ways of typing it, if the numbering plan of its country has
/// such numbers. A trunk prefix that was typed after the country code goes. The library sees `+` and up to 15 digits only;
/// copies that it makes meanwhile are freed and not wiped.
pub(crate) fn phone_e164(value: &str) -> Result<String, FieldError> {
    if value.len() > PHONE_BYTES_MAX {
        return Err(FieldError::PhoneLength);
    }
    let trimmed = value.trim();
    let rest = trimmed
        .strip_prefix('+')
        .or_else(|| trimmed.strip_prefix("00"))
        .ok_or(FieldError::PhoneForm)?;
    let mut normal = String::with_capacity(PHONE_DIGITS_MAX + 1);
    normal.push('+');
    for character in rest.chars() {
        match character {
            '0'..='9' => normal.push(character),
            ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}' | '\u{2011}' => {}
            _ => return Err(FieldError::PhoneForm),
        }
    }
    let digits = normal.len() - 1;
    if !(PHONE_DIGITS_MIN..=PHONE_DIGITS_MAX).contains(&digits) {
        return Err(FieldError::PhoneLength);
    }
    // No country code begins with zero (E.164).
    if normal.as_bytes()[1] == b'0' {
        return Err(FieldError::PhoneForm);
    }
    let planned = planned(&normal);
    normal.zeroize();
    let planned = planned.ok_or(FieldError::PhoneUnassigned)?;
    if !(PHONE_DIGITS_MIN..=PHONE_DIGITS_MAX).contains(&(planned.len() - 1)) {
        return Err(FieldError::PhoneLength);
    }
    // What is sealed must be what it is taken for when it is read and typed again.
    match self::planned(&planned) {
        Some(again) if again == planned => Ok(planned),
        _ => Err(FieldError::PhoneUnassigned),
    }
}

/// The number in E.164 form by the numbering plan of its country; `None` if the plan has no such number.
fn planned(number: &str) -> Option<String> {
    if number
        .strip_prefix(PHONE_FICTION)
        .is_some_and(|rest| rest.len() == 3)
    {
        return Some(number.to_owned());
    }
    let parsed = phonenumber::parse(None, number).ok()?;
    let known = parsed.extension().is_none() && parsed.is_valid();
    known.then(|| parsed.format().mode(phonenumber::Mode::E164).to_string())
}

pub(crate) fn password_hash_checked(value: &str) -> Result<String, FieldError> {
    let plausible = value.starts_with('$')
        && value.len() <= PASSWORD_HASH_BYTES_MAX
        && value.bytes().all(|byte| byte.is_ascii_graphic());
    if plausible {
        Ok(value.to_owned())
    } else {
        Err(FieldError::PasswordHashForm)
    }
}

pub(crate) fn api_key_secret_checked(value: &[u8]) -> Result<Vec<u8>, FieldError> {
    if value.is_empty() || value.len() > API_KEY_SECRET_BYTES_MAX {
        return Err(FieldError::ApiKeySecretLength);
    }
    Ok(value.to_vec())
}

pub(crate) fn totp_secret_checked(value: &[u8]) -> Result<Vec<u8>, FieldError> {
    match value.len() == TOTP_SECRET_BYTES {
        true => Ok(value.to_vec()),
        false => Err(FieldError::TotpSecretLength),
    }
}

pub(crate) fn passkey_checked(value: &[u8]) -> Result<Vec<u8>, FieldError> {
    match value.is_empty() || value.len() > PASSKEY_BYTES_MAX {
        true => Err(FieldError::PasskeyLength),
        false => Ok(value.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_mailbox_have_one_index_form() {
        let cases = [
            ("ada@example.org", "ada@example.org"),
            ("  Ada@Example.ORG ", "ada@example.org"),
            ("ada+market@example.org", "ada+market@example.org"),
            ("ada@bücher.example", "ada@xn--bcher-kva.example"),
            ("ada@bu\u{308}cher.example", "ada@xn--bcher-kva.example"),
            ("o'hara@пошта.укр", "o'hara@xn--80a1acn3a.xn--j1amh"),
        ];
        for (typed, expected) in cases {
            assert_eq!(email_index_form(typed).unwrap(), expected, "{typed}");
        }
    }

    #[test]
    fn refuses_what_is_no_mailbox() {
        let long = format!("{}@example.org", "a".repeat(65));
        let cases = [
            "",
            "ada",
            "@example.org",
            "ada@",
            "ada@localhost",
            "ada@@example.org",
            "a da@example.org",
            "ada@example..org",
            ".ada@example.org",
            "ada\u{202e}@example.org",
            "аda@example.org",
            "ada@exa mple.org",
            "ada@example.org\r\nBcc: x@y.z",
            "ada@127.0.0.1",
            &long,
        ];
        for typed in cases {
            assert!(email_index_form(typed).is_err(), "{typed}");
        }
    }

    /// As typed, its local part, and as it is looked up.
    #[test]
    fn the_longest_mailbox_is_taken_and_one_byte_more_is_not() {
        let label = |length: usize| "a".repeat(length);
        let domain = format!("{}.{}.{}.org", label(63), label(63), label(57));
        let longest = format!("{}@{domain}", label(EMAIL_LOCAL_BYTES_MAX));
        assert_eq!(longest.len(), EMAIL_BYTES_MAX);
        assert!(email_index_form(&longest).is_ok());
        for more in 1..4 {
            let typed = longest.replace(".org", &format!("{}.org", label(more)));
            assert_eq!(email_index_form(&typed), Err(FieldError::EmailTooLong), "{more}");
            let typed = format!("{}@example.org", label(EMAIL_LOCAL_BYTES_MAX + more));
            assert_eq!(email_index_form(&typed), Err(FieldError::EmailTooLong), "{more}");
        }
        // Some domains are longer in the form that is looked up.
        let domain = format!("{}org", "bü.".repeat(20));
        let looked_up = email_index_form(&format!("a@{domain}")).unwrap().len() - "a@".len();
        let room = EMAIL_BYTES_MAX - looked_up - "@".len();
        assert!(
            room + 3 <= EMAIL_LOCAL_BYTES_MAX,
            "the local part does not decide: {room}"
        );
        assert!(email_index_form(&format!("{}@{domain}", label(room))).is_ok());
        for more in 1..4 {
            let typed = format!("{}@{domain}", label(room + more));
            assert_eq!(email_index_form(&typed), Err(FieldError::EmailTooLong), "{more}");
        }
    }

    /// Letters of other alphabets in the place of Latin ones, typed or in their ASCII form.
    ///
    /// Mechanism: `crates/vault/src/value.rs`
    /// Control: one alphabet a label, whichever it is, is somebody's name.
    #[test]
    fn clause_05_domains_of_mixed_alphabets_are_refused() {
        for typed in [
            "ada@exаmple.org",
            "ada@gооgle.com",
            "ada@αpple.com",
            "ada@mail.exаmple.org",
            "ada@xn--exmple-4nf.org",
        ] {
            assert_eq!(
                email_index_form(typed),
                Err(FieldError::EmailMixedScripts),
                "{typed}"
            );
        }
        // The control: one alphabet a label, whichever it is, is somebody's name.
        for typed in [
            "ada@example.org",
            "ada@пошта.укр",
            "ada@bücher.example",
            "ada@пошта.example",
        ] {
            assert!(email_index_form(typed).is_ok(), "{typed}");
        }
    }

    /// Characters that show nothing, or turn the direction of what is shown.
    ///
    /// Mechanism: `crates/vault/src/value.rs`
    /// Control: without the character both forms are taken.
    #[test]
    fn clause_05_control_and_bidirectional_characters_are_refused() {
        let invisible = [
            '\u{0}', '\u{7}', '\u{1b}', '\u{7f}', '\u{85}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202d}',
            '\u{202e}', '\u{2066}', '\u{2069}', '\u{61c}',
        ];
        for character in invisible {
            for typed in [
                format!("a{character}da@example.org"),
                format!("ada@ex{character}ample.org"),
            ] {
                assert!(email_checked(&typed).is_err(), "{typed:?}");
            }
            assert!(
                phone_e164(&format!("+38044{character}1234567")).is_err(),
                "{character:?}"
            );
        }
        assert!(email_checked("ada@example.org").is_ok() && phone_e164("+380441234567").is_ok());
    }

    proptest::proptest! {
        /// Whatever is typed: no panic, and what is accepted is normal, short and printable, and stays as it is.
        #[test]
        fn accepted_values_are_normal(typed in "\\PC{0,80}", local in "[a-zA-Z0-9.+_-]{1,70}", digits in "[+0-9 ().-]{1,45}") {
            for candidate in [typed.clone(), format!("{local}@{typed}"), format!("{local}@example.org")] {
                if let Ok(normal) = email_index_form(&candidate) {
                    assert!(normal.len() <= EMAIL_BYTES_MAX && normal.bytes().all(|byte| byte.is_ascii_graphic()));
                    assert_eq!(email_index_form(&normal).as_ref(), Ok(&normal));
                }
            }
            for candidate in [typed, digits] {
                if let Ok(normal) = phone_e164(&candidate) {
                    let rest = normal.strip_prefix('+').expect("a plus sign");
                    assert!((PHONE_DIGITS_MIN..=PHONE_DIGITS_MAX).contains(&rest.len()));
                    assert!(rest.bytes().all(|byte| byte.is_ascii_digit()) && !rest.starts_with('0'));
                    assert_eq!(phone_e164(&normal).as_ref(), Ok(&normal));
                }
            }
        }
    }

    #[test]
    fn refuses_what_is_no_international_number() {
        for typed in [
            "",
            "0441234567",
            "+",
            "+1234567",
            "+1234567890123456",
            "+38044abc4567",
            "+0441234567",
            "+٣٨٠٤٤١٢٣٤٥٦٧",
        ] {
            assert!(phone_e164(typed).is_err(), "{typed}");
        }
    }
}
