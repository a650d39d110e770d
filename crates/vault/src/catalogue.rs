//! The one catalogue of personal data: every field, why it is held, and which purpose may open it.
//!
//! From it come the types of the vault's reads, the public page "What we hold and why", the data
//! table of the Privacy Policy and the schema of the export. It does not know how values are sealed
//! (`sealing`) or stored (`record_store`). A field that is not here cannot enter the vault.

use ensoex_egress::{Recipient, Words};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::law::{HoldRule, Law, Retention};
use crate::purpose::{PreventFraud, ProvideService, Purpose, PurposeName};
use crate::value::{self, FieldError, FieldValue};

/// A text in every language in which the Policy is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Text {
    /// English.
    pub en: &'static str,
    /// Ukrainian.
    pub uk: &'static str,
}

/// What the public is told about a field.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct FieldDescription {
    /// The field's stable name.
    pub name: FieldName,
    /// The field's name for people.
    pub label: Text,
    /// Category of personal data, a term of the W3C Data Privacy Vocabulary.
    pub category: &'static str,
    /// Where the field is asked for, or how it comes to be.
    pub asked: Text,
    /// Why it is needed.
    pub reason: Text,
    /// The purposes that may open it.
    pub purposes: &'static [PurposeName],
    /// Who of the register receives it on the Service's behalf; empty when nobody does.
    pub recipients: &'static [Recipient],
    /// How long it is kept.
    pub retention: Retention,
    /// Which laws may keep it beyond an erasure, for persons whom they concern; none by default.
    pub legal_hold: Option<HoldRule>,
    /// Whether an export shows the value to the person, or only that it is held.
    pub exported: bool,
    /// Bits of the keyed blind index, if the field can be looked up.
    pub index_bits: Option<u32>,
}

mod sealed {
    pub trait Sealed {}
}

/// A field of the catalogue, as a type.
pub trait Field: sealed::Sealed + Send + Sync + 'static {
    /// The kind of value that the field holds.
    type Value: FieldValue + Send + Sync;
    /// The field's name at run time.
    const NAME: FieldName;
    /// The value in the form in which it is sealed.
    fn checked(value: &Self::Value) -> Result<Self::Value, FieldError>;
}

/// The catalogue grants this field to purpose `P`.
#[diagnostic::on_unimplemented(
    message = "the catalogue does not grant `{Self}` to the purpose `{P}`",
    note = "purposes are granted in crates/vault/src/catalogue.rs and published in the Privacy Policy"
)]
pub trait GrantedFor<P: Purpose>: Field {}

/// The field can be looked up through a keyed blind index.
pub trait Indexed: Field {
    /// How many bits of the index tag are kept: 256, or fewer where the field's own entropy is low.
    const INDEX_BITS: u32;
    /// The form in which two spellings of one value are equal.
    fn index_form(value: &Self::Value) -> Result<Self::Value, FieldError>;
}

/// The field may stay open for a limited time under a single logged access.
pub trait Leasable: Field {}

type IndexForm = fn(Zeroizing<Vec<u8>>) -> Option<Zeroizing<Vec<u8>>>;

macro_rules! catalogue {
    ($(
        $(#[$meta:meta])*
        $field:ident: $value:ty = $name:literal {
            label: $label:expr,
            category: $category:literal,
            asked: $asked:expr,
            reason: $reason:expr,
            purposes: [$($purpose:ident),+],
            recipients: $recipients:expr,
            retention: $retention:expr,
            legal_hold: $legal_hold:expr,
            exported: $exported:literal,
            checked: $checked:expr,
            $(index: ($bits:literal, $index_form:expr),)?
            $(leasable: $leasable:literal,)?
        }
    )+) => {
        /// The name of a field.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum FieldName { $($(#[$meta])* $field),+ }

        impl FieldName {
            /// Every field that exists.
            pub const ALL: &'static [Self] = &[$(Self::$field),+];

            /// The stable text form.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$field => $name),+ }
            }

            /// The field's description.
            pub const fn description(self) -> &'static FieldDescription {
                match self { $(Self::$field => {
                    const DESCRIPTION: FieldDescription = FieldDescription {
                        name: FieldName::$field,
                        label: $label,
                        category: $category,
                        asked: $asked,
                        reason: $reason,
                        purposes: &[$($purpose::NAME),+],
                        recipients: $recipients,
                        retention: $retention,
                        legal_hold: $legal_hold,
                        exported: $exported,
                        index_bits: first_of(&[$($bits)?]),
                    };
                    &DESCRIPTION
                }),+ }
            }
        }

        impl FieldName {
            /// The form of a value in which two spellings are equal; `None` if the field has no index or this is no value of it.
            pub(crate) fn index_form(self, plain: Zeroizing<Vec<u8>>) -> Option<Zeroizing<Vec<u8>>> {
                let form: Option<IndexForm> = match self {
                    $(Self::$field => {
                        const FORMS: &[IndexForm] = &[$(|plain| {
                            let mut value = <$value as FieldValue>::from_plain(plain)?;
                            let form = ($index_form)(&value);
                            zeroize::Zeroize::zeroize(&mut value);
                            let mut form: $value = form.ok()?;
                            let plain = form.to_plain();
                            zeroize::Zeroize::zeroize(&mut form);
                            Some(plain)
                        })?];
                        FORMS.first().copied()
                    }),+
                };
                form?(plain)
            }
        }

        $(
            $(#[$meta])*
            pub enum $field {}
            impl sealed::Sealed for $field {}
            impl Field for $field {
                type Value = $value;
                const NAME: FieldName = FieldName::$field;
                fn checked(value: &Self::Value) -> Result<Self::Value, FieldError> {
                    ($checked)(value)
                }
            }
            $(impl GrantedFor<$purpose> for $field {})+
            $(impl Indexed for $field {
                const INDEX_BITS: u32 = $bits;
                fn index_form(value: &Self::Value) -> Result<Self::Value, FieldError> {
                    ($index_form)(value)
                }
            })?
            $(
                const _: bool = $leasable;
                impl Leasable for $field {}
            )?
        )+
    };
}

const fn first_of(bits: &[u32]) -> Option<u32> {
    if bits.is_empty() { None } else { Some(bits[0]) }
}

const WITH_THE_ACCOUNT: Retention = Retention {
    text: Text {
        en: "as long as the account exists; destroyed with its keys on erasure",
        uk: "доки існує обліковий запис; знищується разом із ключами під час видалення",
    },
    days_after_storing: None,
};
const UNTIL_REMOVED: Retention = Retention {
    text: Text {
        en: "until you remove it or the account",
        uk: "доки ви не видалите його або обліковий запис",
    },
    days_after_storing: None,
};
const WHO_IT_IS: HoldRule = HoldRule {
    text: Text {
        en: "a law against money laundering or a court's order may forbid to destroy it for one person until a date, which that person is shown",
        uk: "закон про запобігання відмиванню коштів або судовий наказ може заборонити знищувати їх щодо однієї особи до певної дати, яку цій особі показано",
    },
    laws: &[Law::AntiMoneyLaundering, Law::CourtOrder],
};

catalogue! {
    /// The e-mail address with which the person registers and signs in.
    Email: String = "email" {
        label: Text { en: "E-mail address", uk: "Адреса електронної пошти" },
        category: "pd:EmailAddress",
        asked: Text { en: "at registration", uk: "під час реєстрації" },
        reason: Text {
            en: "to sign you in, to send you codes and notices, and our newsletter if you agreed to it, and to notice several accounts of one person",
            uk: "щоб ви могли увійти, щоб надсилати вам коди, повідомлення і, якщо ви погодилися, нашу розсилку та помічати кілька облікових записів однієї особи",
        },
        purposes: [ProvideService, PreventFraud],
        recipients: &[Recipient::MailRelay],
        retention: WITH_THE_ACCOUNT,
        legal_hold: Some(WHO_IT_IS),
        exported: true,
        checked: |value: &String| value::email_checked(value),
        index: (256, |value: &String| value::email_index_form(value)),
    }
    /// The mobile phone number of the person, in E.164 form.
    MobilePhone: String = "mobile_phone" {
        label: Text { en: "Mobile phone number", uk: "Номер мобільного телефону" },
        category: "pd:TelephoneNumber",
        asked: Text { en: "at registration", uk: "під час реєстрації" },
        reason: Text {
            en: "to confirm with a code that it is yours, and to notice several accounts of one person",
            uk: "щоб підтвердити кодом, що він ваш, і помічати кілька облікових записів однієї особи",
        },
        purposes: [ProvideService, PreventFraud],
        recipients: &[Recipient::SmsCarrier],
        retention: WITH_THE_ACCOUNT,
        legal_hold: Some(WHO_IT_IS),
        exported: true,
        checked: |value: &String| value::phone_e164(value),
        // A phone number has about 33 bits of entropy. 20 bits of tag make deliberate collisions,
        // so that even a stolen index key does not give a certain list of members.
        index: (20, |value: &String| value::phone_e164(value)),
    }
    /// The Argon2id hash of the password, in PHC text form.
    PasswordHash: String = "password_hash" {
        label: Text { en: "Password, as a one-way hash", uk: "Пароль у вигляді необоротного гешу" },
        category: "pd:Password",
        asked: Text { en: "at registration", uk: "під час реєстрації" },
        reason: Text {
            en: "to check the password when you sign in; the password itself is never kept",
            uk: "щоб перевіряти пароль під час входу; сам пароль ніколи не зберігається",
        },
        purposes: [ProvideService],
        recipients: &[],
        retention: WITH_THE_ACCOUNT,
        legal_hold: None,
        exported: false,
        checked: |value: &String| value::password_hash_checked(value),
    }
    /// The shared secret of an HMAC API key; the record is named by the key.
    ApiKeySecret: Vec<u8> = "api_key_secret" {
        label: Text { en: "Secret of an HMAC API key", uk: "Секрет HMAC-ключа API" },
        category: "pd:Authenticating",
        asked: Text {
            en: "made by us when you create an HMAC key; never for an Ed25519 key",
            uk: "створюємо ми, коли ви створюєте HMAC-ключ; для ключа Ed25519 не існує",
        },
        reason: Text {
            en: "to check the signature of requests made with the key",
            uk: "щоб перевіряти підпис запитів, зроблених із цим ключем",
        },
        purposes: [ProvideService],
        recipients: &[],
        retention: Retention {
            text: Text {
                en: "until you delete the key or the account, and for 730 days at most",
                uk: "доки ви не видалите ключ або обліковий запис, але не довше ніж 730 днів",
            },
            days_after_storing: Some(730),
        },
        legal_hold: None,
        exported: false,
        checked: |value: &Vec<u8>| value::api_key_secret_checked(value),
        leasable: true,
    }
    /// The secret that an authenticator app and the Service share.
    TotpSecret: Vec<u8> = "totp_secret" {
        label: Text { en: "Secret of your authenticator app", uk: "Секрет вашого застосунку-автентифікатора" },
        category: "pd:Authenticating",
        asked: Text {
            en: "made by us when you add an authenticator app",
            uk: "створюємо ми, коли ви додаєте застосунок-автентифікатор",
        },
        reason: Text {
            en: "to check the code of your authenticator app when you sign in or confirm a change",
            uk: "щоб перевіряти код вашого застосунку-автентифікатора, коли ви входите або підтверджуєте зміну",
        },
        purposes: [ProvideService],
        recipients: &[],
        retention: UNTIL_REMOVED,
        legal_hold: None,
        exported: false,
        checked: |value: &Vec<u8>| value::totp_secret_checked(value),
    }
    /// What a passkey is recognised by: its public key and its number, never a secret. The record is named by the Service.
    Passkey: Vec<u8> = "passkey" {
        label: Text { en: "Passkey, its public half", uk: "Ключ доступу, його відкрита половина" },
        category: "pd:Authenticating",
        asked: Text {
            en: "made by your device when you add a passkey; the secret half stays there",
            uk: "створює ваш пристрій, коли ви додаєте ключ доступу; секретна половина лишається там",
        },
        reason: Text {
            en: "to check the passkey when you sign in or confirm a change",
            uk: "щоб перевіряти ключ доступу, коли ви входите або підтверджуєте зміну",
        },
        purposes: [ProvideService],
        recipients: &[],
        retention: UNTIL_REMOVED,
        legal_hold: None,
        exported: false,
        checked: |value: &Vec<u8>| value::passkey_checked(value),
    }
}

impl std::str::FromStr for FieldName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .iter()
            .copied()
            .find(|field| field.as_str() == text)
            .ok_or(())
    }
}

impl Serialize for FieldName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A language of the public tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Ukrainian.
    Ukrainian,
}

impl From<Words> for Text {
    fn from(words: Words) -> Self {
        Self {
            en: words.en,
            uk: words.uk,
        }
    }
}

impl Text {
    /// The text in this language.
    pub const fn in_language(&self, language: Language) -> &'static str {
        match language {
            Language::English => self.en,
            Language::Ukrainian => self.uk,
        }
    }
}

impl PurposeName {
    /// The purpose in the words of the Policy.
    pub const fn label(self) -> Text {
        match self {
            Self::ProvideService => Text {
                en: "providing the service",
                uk: "надання послуг",
            },
            Self::ImproveService => Text {
                en: "improving the service",
                uk: "поліпшення Сервісу",
            },
            Self::PreventFraud => Text {
                en: "preventing fraud",
                uk: "запобігання шахрайству",
            },
        }
    }
}

/// One row of the public table "What we hold and why", in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableRow {
    /// The field's stable name.
    pub field: &'static str,
    /// The field's name for people.
    pub label: &'static str,
    /// Category of personal data (W3C Data Privacy Vocabulary).
    pub category: &'static str,
    /// Where it is asked for.
    pub asked: &'static str,
    /// Why it is needed.
    pub reason: &'static str,
    /// The purposes that may open it, in words.
    pub purposes: Vec<&'static str>,
    /// Their terms in the W3C Data Privacy Vocabulary.
    pub purpose_terms: Vec<&'static str>,
    /// Who receives it on the Service's behalf.
    pub recipients: Vec<&'static str>,
    /// How long it is kept.
    pub retention: &'static str,
    /// Which law may keep it beyond an erasure, if any.
    pub legal_hold: Option<&'static str>,
}

/// The public table "What we hold and why".
pub fn table(language: Language) -> Vec<TableRow> {
    FieldName::ALL
        .iter()
        .map(|field| row(field.description(), language))
        .collect()
}

fn row(description: &'static FieldDescription, language: Language) -> TableRow {
    TableRow {
        field: description.name.as_str(),
        label: description.label.in_language(language),
        category: description.category,
        asked: description.asked.in_language(language),
        reason: description.reason.in_language(language),
        purposes: description
            .purposes
            .iter()
            .map(|purpose| purpose.label().in_language(language))
            .collect(),
        purpose_terms: description
            .purposes
            .iter()
            .map(|purpose| purpose.vocabulary_term())
            .collect(),
        recipients: description
            .recipients
            .iter()
            .map(|recipient| Text::from(recipient.entry().described).in_language(language))
            .collect(),
        retention: description.retention.text.in_language(language),
        legal_hold: description.legal_hold.map(|rule| rule.text.in_language(language)),
    }
}

/// The same table as Markdown.
pub fn table_markdown(language: Language) -> String {
    let (head, nobody) = match language {
        Language::English => (
            ["What", "Asked", "Why", "Purposes", "Who receives it", "Kept"],
            "nobody",
        ),
        Language::Ukrainian => (
            [
                "Що",
                "Коли запитуємо",
                "Навіщо",
                "Цілі",
                "Хто отримує",
                "Скільки зберігаємо",
            ],
            "ніхто",
        ),
    };
    let mut markdown = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for row in table(language) {
        let recipients = if row.recipients.is_empty() {
            nobody.to_owned()
        } else {
            row.recipients.join("; ")
        };
        let retention = match row.legal_hold {
            Some(hold) => format!("{}; {hold}", row.retention),
            None => row.retention.to_owned(),
        };
        let cells = [
            row.label,
            row.asked,
            row.reason,
            &row.purposes.join(", "),
            &recipients,
            &retention,
        ];
        markdown.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    markdown
}
