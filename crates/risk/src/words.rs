//! The words of fraud prevention, each a closed list with stable texts, and what a person is told.
//!
//! What a person reads is true and says what to do next. It names no threshold: those are for honest people of no use, and
//! for others a map.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$each])* $variant),+ }

        impl $name {
            /// Every one there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable word.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Of a stable word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What is decided; the later ones outweigh the earlier.
    Outcome {
        /// It goes on.
        Approve = "approve",
        /// A human looks at it; what moves money out waits until then.
        Review = "review",
        /// A human looks at it, and until then no other money leaves the account.
        BlockAndReview = "block_and_review",
        /// It is not done. The person may ask a human.
        Decline = "decline",
    }
}

words! {
    /// Where a decision is asked for.
    Place {
        /// Money from a card is about to be asked for.
        Deposit = "deposit",
        /// Money is about to leave to a card.
        Withdrawal = "withdrawal",
        /// A key for programs is about to be made.
        KeyCreation = "key_creation",
        /// An e-mail address or phone number is about to be changed.
        ContactChange = "contact_change",
    }
}

words! {
    /// Whether a rule counts.
    Mode {
        /// It counts.
        On = "on",
        /// What it would say is written down, and nothing else.
        Shadow = "shadow",
        /// It is not asked.
        Off = "off",
    }
}

words! {
    /// To which cards money may leave.
    Destination {
        /// Any card of the person's.
        AnyCard = "any_card",
        /// Only one from which at least as much came and was not given back yet. Which that is, only EnsoExPAY knows.
        PayingCard = "paying_card",
    }
}

words! {
    /// Why, as a person and staff are told.
    Reason {
        /// Money from cards goes back to them first.
        PayingCardFirst = "paying_card_first",
        /// More than can go back to the cards, soon after money came from them.
        RecentDeposit = "recent_deposit",
        /// An address or number was changed a short while ago.
        ContactChanged = "contact_changed",
        /// Many or large movements in a short time.
        UnusualActivity = "unusual_activity",
        /// The account has not been used for long.
        LongUnused = "long_unused",
        /// Several payments were not accepted.
        DeclinedPayments = "declined_payments",
        /// A human is looking at an earlier movement.
        UnderReview = "under_review",
        /// A human found something wrong with an earlier movement.
        FoundWrong = "found_wrong",
        /// A rule could not be applied, so a human looks.
        CheckFailed = "check_failed",
        /// A human approved.
        HumanApproved = "human_approved",
    }
}

/// The language of what a person reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Ukrainian.
    Ukrainian,
}

impl Reason {
    /// What the person reads.
    pub const fn text(self, language: Language) -> &'static str {
        match language {
            Language::English => self.english(),
            Language::Ukrainian => self.ukrainian(),
        }
    }

    const fn english(self) -> &'static str {
        match self {
            Self::PayingCardFirst => {
                "Money that came from a card a short while ago goes back to that card first. At EnsoExPAY, take a card that you paid in with."
            }
            Self::RecentDeposit => {
                "This is more than can go back to the cards that you paid in with, and part of your money came from a card a short while ago. A person of our staff looks at it, or you withdraw less, or later."
            }
            Self::ContactChanged => {
                "Your e-mail address or phone number was changed a short while ago. For a day we are careful, in case it was not you."
            }
            Self::UnusualActivity => {
                "This is more, or more often, than is usual for your account. A person of our staff looks at it, so that nobody else moves your money."
            }
            Self::LongUnused => {
                "Your account had not been used for a long time. A person of our staff looks at it, so that nobody else moves your money."
            }
            Self::DeclinedPayments => {
                "Several payments were not accepted. Try again later, or ask your bank."
            }
            Self::UnderReview => {
                "A person of our staff is looking at an earlier movement of your account. Until that is decided nothing else can be done here."
            }
            Self::FoundWrong => {
                "A person of our staff found something wrong with an earlier movement of your account. Until they let one through, this is not done automatically."
            }
            Self::CheckFailed => {
                "We could not check this automatically, so a person of our staff looks at it."
            }
            Self::HumanApproved => "A person of our staff has looked at it and approved.",
        }
    }

    const fn ukrainian(self) -> &'static str {
        match self {
            Self::PayingCardFirst => {
                "Гроші, що нещодавно надійшли з картки, спершу повертаються на неї. На EnsoExPAY візьміть картку, якою ви поповнювали рахунок."
            }
            Self::RecentDeposit => {
                "Це більше, ніж може повернутися на картки, якими ви поповнювали рахунок, а частина грошей надійшла з картки нещодавно. Це перегляне наш співробітник; або виведіть менше чи пізніше."
            }
            Self::ContactChanged => {
                "Вашу електронну адресу або номер телефону нещодавно змінено. Протягом доби ми обережні на випадок, якщо це були не ви."
            }
            Self::UnusualActivity => {
                "Це більше або частіше, ніж звичайно для вашого рахунку. Це перегляне наш співробітник, щоб ніхто інший не розпорядився вашими грошима."
            }
            Self::LongUnused => {
                "Вашим рахунком довго не користувалися. Це перегляне наш співробітник, щоб ніхто інший не розпорядився вашими грошима."
            }
            Self::DeclinedPayments => {
                "Кілька платежів не було прийнято. Спробуйте пізніше або зверніться до банку."
            }
            Self::UnderReview => {
                "Наш співробітник переглядає попередню операцію вашого рахунку. Поки рішення немає, тут нічого більше зробити не можна."
            }
            Self::FoundWrong => {
                "Наш співробітник виявив, що з попередньою операцією вашого рахунку щось не так. Поки він не дозволить якусь, автоматично це не робиться."
            }
            Self::CheckFailed => "Ми не змогли перевірити це автоматично, тож перегляне наш співробітник.",
            Self::HumanApproved => "Наш співробітник переглянув це й дозволив.",
        }
    }
}
