//! The closed register of recipients: who they are, what for, and the least that each is given.
//!
//! A change here changes the published Policy. It does not know addresses: those are the operator's configuration.

use serde::{Deserialize, Serialize};

/// A text in every language in which the Policy is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Words {
    /// English.
    pub en: &'static str,
    /// Ukrainian.
    pub uk: &'static str,
}

/// Who may receive anything from the Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// Delivers e-mail.
    MailRelay,
    /// Delivers text messages.
    SmsCarrier,
    /// Processes card payments.
    EnsoExPay,
    /// Keeps databases and backups for the operator.
    Storage,
    /// Somebody whom law entitles to an answer.
    Authority,
}

/// Something that a recipient is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// The person's e-mail address.
    Email,
    /// The person's mobile phone number.
    MobilePhone,
    /// The text of a message to the person.
    Message,
    /// The amount of a payment.
    Amount,
    /// Its currency.
    Currency,
    /// A random reference of the payment or of the account.
    Reference,
    /// Databases and backups that nobody can read without keys that are not there.
    Sealed,
    /// What a lawful order names, and no more.
    Ordered,
}

/// What the register says of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RecipientEntry {
    /// Who.
    pub id: Recipient,
    /// Its name.
    pub name: Words,
    /// Its name with what it does, as the catalogue of personal data names it.
    pub described: Words,
    /// What for.
    pub why: Words,
    /// The least that this takes.
    pub items: &'static [Item],
    /// The same in words.
    pub given: Words,
    /// On which ground.
    pub ground: Words,
    /// Who runs it.
    pub operated_by: Words,
}

impl Recipient {
    /// Everybody in the register.
    pub const ALL: [Self; 5] = [
        Self::MailRelay,
        Self::SmsCarrier,
        Self::EnsoExPay,
        Self::Storage,
        Self::Authority,
    ];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MailRelay => "mail_relay",
            Self::SmsCarrier => "sms_carrier",
            Self::EnsoExPay => "enso_ex_pay",
            Self::Storage => "storage",
            Self::Authority => "authority",
        }
    }

    /// Of a stable word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|recipient| recipient.as_str() == word)
    }

    /// What the register says of it.
    pub const fn entry(self) -> &'static RecipientEntry {
        match self {
            Self::MailRelay => &MAIL_RELAY,
            Self::SmsCarrier => &SMS_CARRIER,
            Self::EnsoExPay => &ENSO_EX_PAY,
            Self::Storage => &STORAGE,
            Self::Authority => &AUTHORITY,
        }
    }
}

impl Item {
    /// Everything that anybody is given.
    pub const ALL: [Self; 8] = [
        Self::Email,
        Self::MobilePhone,
        Self::Message,
        Self::Amount,
        Self::Currency,
        Self::Reference,
        Self::Sealed,
        Self::Ordered,
    ];

    /// The stable word; of a field of a person, the catalogue's name of it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::MobilePhone => "mobile_phone",
            Self::Message => "message",
            Self::Amount => "amount",
            Self::Currency => "currency",
            Self::Reference => "reference",
            Self::Sealed => "sealed",
            Self::Ordered => "ordered",
        }
    }
}

const PERFORMANCE: Words = Words {
    en: "needed to perform the contract with you",
    uk: "потрібно для виконання договору з вами",
};
const CHOSEN: Words = Words {
    en: "a company that the operator of this installation chose and contracted to act on its behalf",
    uk: "компанія, яку обрав оператор цієї інсталяції і яка за договором діє від його імені",
};

const MESSAGES: Words = Words {
    en: "needed to perform the contract with you; of the newsletter, your consent",
    uk: "потрібно для виконання договору з вами; щодо розсилки — ваша згода",
};

const MAIL_RELAY: RecipientEntry = RecipientEntry {
    id: Recipient::MailRelay,
    name: Words {
        en: "the mail relay",
        uk: "поштовий сервер",
    },
    described: Words {
        en: "the mail relay that delivers our messages to you",
        uk: "поштовий сервер, що доставляє вам наші повідомлення",
    },
    why: Words {
        en: "delivers our messages to you",
        uk: "доставляє вам наші повідомлення",
    },
    items: &[Item::Email, Item::Message],
    given: Words {
        en: "your e-mail address and the message",
        uk: "вашу адресу електронної пошти та повідомлення",
    },
    ground: MESSAGES,
    operated_by: CHOSEN,
};

const SMS_CARRIER: RecipientEntry = RecipientEntry {
    id: Recipient::SmsCarrier,
    name: Words {
        en: "the telephone carrier",
        uk: "оператор зв’язку",
    },
    described: Words {
        en: "the telephone carrier that delivers our text messages to you",
        uk: "оператор зв’язку, що доставляє вам наші текстові повідомлення",
    },
    why: Words {
        en: "delivers our text messages to you",
        uk: "доставляє вам наші текстові повідомлення",
    },
    items: &[Item::MobilePhone, Item::Message],
    given: Words {
        en: "your phone number and the message",
        uk: "ваш номер телефону та повідомлення",
    },
    ground: PERFORMANCE,
    operated_by: CHOSEN,
};

const ENSO_EX_PAY: RecipientEntry = RecipientEntry {
    id: Recipient::EnsoExPay,
    name: Words {
        en: "EnsoExPAY",
        uk: "EnsoExPAY",
    },
    described: Words {
        en: "EnsoExPAY, which processes card payments",
        uk: "EnsoExPAY, що обробляє карткові платежі",
    },
    why: Words {
        en: "processes your card payments",
        uk: "обробляє ваші карткові платежі",
    },
    items: &[Item::Amount, Item::Currency, Item::Reference],
    given: Words {
        en: "the amount and the currency of a payment, and random references of it and of your account",
        uk: "суму й валюту платежу та випадкові посилання на нього і на ваш рахунок",
    },
    ground: PERFORMANCE,
    operated_by: Words {
        en: "a service of its own beside this one, with its own database, keys and pages",
        uk: "окремий сервіс поруч із цим, із власною базою даних, ключами та сторінками",
    },
};

const STORAGE: RecipientEntry = RecipientEntry {
    id: Recipient::Storage,
    name: Words {
        en: "the database and backup storage",
        uk: "сховище баз даних і резервних копій",
    },
    described: Words {
        en: "the database and backup storage, which holds sealed data only",
        uk: "сховище баз даних і резервних копій, що містить лише зашифровані дані",
    },
    why: Words {
        en: "keeps our records and their copies from loss",
        uk: "береже наші записи та їхні копії від втрати",
    },
    items: &[Item::Sealed],
    given: Words {
        en: "records in which Personal information is encrypted, and encrypted backups, without the root key",
        uk: "записи, в яких персональну інформацію зашифровано, і зашифровані резервні копії, без кореневого ключа",
    },
    ground: PERFORMANCE,
    operated_by: Words {
        en: "the operator of this installation, or a company that the operator contracted to act on its behalf",
        uk: "оператор цієї інсталяції або компанія, яка за договором діє від його імені",
    },
};

const AUTHORITY: RecipientEntry = RecipientEntry {
    id: Recipient::Authority,
    name: Words {
        en: "an authority with a lawful order",
        uk: "орган влади із законним наказом",
    },
    described: Words {
        en: "an authority that the law compels us to answer",
        uk: "орган влади, якому закон зобов’язує нас відповісти",
    },
    why: Words {
        en: "the law compels us to answer it",
        uk: "закон зобов’язує нас відповісти",
    },
    items: &[Item::Ordered],
    given: Words {
        en: "what its lawful order names, and no more",
        uk: "те, що названо в його законному наказі, і не більше",
    },
    ground: Words {
        en: "a legal obligation",
        uk: "обов’язок за законом",
    },
    operated_by: Words {
        en: "the state",
        uk: "держава",
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_stable_and_return() {
        for recipient in Recipient::ALL {
            assert_eq!(Recipient::from_word(recipient.as_str()), Some(recipient));
            assert_eq!(recipient.entry().id, recipient);
            assert!(!recipient.entry().items.is_empty());
        }
        assert_eq!(Recipient::from_word("advertiser"), None);
    }
}
