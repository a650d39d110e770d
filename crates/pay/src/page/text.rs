//! Every sentence of the pages, in English and Ukrainian.

use super::FieldError;
use ensoex_pay_api::{DeclineCode, Locale};

/// How a session ended.
pub(crate) struct Ending {
    pub(super) heading: &'static str,
    pub(super) sentence: &'static str,
}

/// The sentences of one language.
pub(crate) struct Texts {
    pub(super) locale: Locale,
    pub(super) other_language: &'static str,
    pub(super) payment_title: &'static str,
    pub(super) payout_title: &'static str,
    pub(super) pay_to: &'static str,
    pub(super) payout_from: &'static str,
    pub(super) reference: &'static str,
    pub(super) back_to: &'static str,
    pub(super) promise: &'static str,
    /// Before the name of whose documents they are and their version.
    pub(super) documents: &'static str,
    pub(super) test_mode: &'static str,
    pub(super) test_mode_text: &'static str,
    pub(super) pay_by_card: &'static str,
    pub(super) send_to_card: &'static str,
    pub(super) card_number: &'static str,
    pub(super) expiry: &'static str,
    pub(super) expiry_placeholder: &'static str,
    pub(super) cvc: &'static str,
    pub(super) cvc_hint: &'static str,
    pub(super) remember: &'static str,
    pub(super) remember_why: &'static str,
    pub(super) your_cards: &'static str,
    pub(super) another_card: &'static str,
    pub(super) forget: &'static str,
    pub(super) saved_code: &'static str,
    pub(super) pay: &'static str,
    pub(super) send: &'static str,
    pub(super) busy: &'static str,
    pub(super) kept: &'static str,
    pub(super) kept_payout: &'static str,
    pub(super) paying_cards: &'static str,
    pub(super) not_a_paying_card: &'static str,
    pub(super) check_fields: &'static str,
    pub(super) number_error: &'static str,
    pub(super) expiry_error: &'static str,
    pub(super) expiry_past_error: &'static str,
    pub(super) cvc_error: &'static str,
    declined: &'static str,
    declined_advice: &'static str,
    not_confirmed: &'static str,
    not_confirmed_advice: &'static str,
    not_processed: &'static str,
    not_processed_advice: &'static str,
    pub(super) attempts_left: &'static str,
    pub(super) waiting: &'static str,
    pub(super) waiting_text: &'static str,
    pub(super) unknown: &'static str,
    pub(super) unknown_text: &'static str,
    pub(super) unknown_payout_text: &'static str,
    pub(super) challenge: &'static str,
    pub(super) challenge_text: &'static str,
    pub(super) challenge_go: &'static str,
    pub(super) use_another_card: &'static str,
    pub(super) paid: Ending,
    pub(super) sent: Ending,
    pub(super) payment_failed: Ending,
    pub(super) payout_failed: Ending,
    pub(super) canceled: Ending,
    pub(super) expired: Ending,
    pub(crate) not_found: &'static str,
    pub(crate) failed: &'static str,
    pub(crate) home: &'static str,
}

impl Texts {
    /// What is wrong with a field.
    pub(super) fn field_error(&self, error: FieldError) -> &'static str {
        match error {
            FieldError::Number => self.number_error,
            FieldError::Expiry => self.expiry_error,
            FieldError::ExpiryPast => self.expiry_past_error,
            FieldError::VerificationCode => self.cvc_error,
        }
    }

    /// What happened. One sentence for every refusal by a bank, whatever its reason.
    pub(super) fn decline_heading(&self, code: DeclineCode) -> &'static str {
        match code {
            DeclineCode::CardDeclined | DeclineCode::InsufficientFunds | DeclineCode::AttemptsExceeded => {
                self.declined
            }
            DeclineCode::AuthenticationFailed => self.not_confirmed,
            DeclineCode::ProcessingError => self.not_processed,
        }
    }

    /// What to do.
    pub(super) fn decline_advice(&self, code: DeclineCode) -> &'static str {
        match code {
            DeclineCode::CardDeclined | DeclineCode::InsufficientFunds | DeclineCode::AttemptsExceeded => {
                self.declined_advice
            }
            DeclineCode::AuthenticationFailed => self.not_confirmed_advice,
            DeclineCode::ProcessingError => self.not_processed_advice,
        }
    }
}

/// The sentences of a language.
pub(super) const fn texts(locale: Locale) -> &'static Texts {
    match locale {
        Locale::En => &ENGLISH,
        Locale::Uk => &UKRAINIAN,
    }
}

const ENGLISH: Texts = Texts {
    locale: Locale::En,
    other_language: "Українською",
    payment_title: "Payment",
    payout_title: "Payout",
    pay_to: "Pay",
    payout_from: "Payout from",
    reference: "Reference",
    back_to: "Back to",
    promise: "You are on EnsoExPAY. Your card stays here: the exchange never sees it, not even its last digits.",
    documents: "Terms and Privacy Policy of",
    test_mode: "Test mode.",
    test_mode_text: "No real money moves. Try 4242 4242 4242 4242, any future date, any three digits.",
    pay_by_card: "Pay by card",
    send_to_card: "Which card should the money go to?",
    card_number: "Card number",
    expiry: "Valid until",
    expiry_placeholder: "MM / YY",
    cvc: "Security code",
    cvc_hint: "Three digits on the back. Never stored.",
    remember: "Remember this card",
    remember_why: "Kept sealed at EnsoExPAY, for your next visit. You can remove it here at any time.",
    your_cards: "Your cards",
    another_card: "Another card",
    forget: "Remove",
    saved_code: "The security code is asked for every time, because it is never stored.",
    pay: "Pay",
    send: "Send",
    busy: "One moment…",
    kept: "The number goes to your bank over the card network. Unless you ask us to remember the card, we delete it when the payment is done.",
    kept_payout: "The number goes to your bank over the card network. Unless you ask us to remember the card, we delete it when the money is sent.",
    paying_cards: "This money came from a card a short while ago, so it goes back to one: take a card that you paid in with, and from which at least this amount has not come back yet.",
    not_a_paying_card: "That much was not paid in with this card. Nothing was sent.",
    check_fields: "Please check the fields marked below and enter the card again.",
    number_error: "This is not a complete card number.",
    expiry_error: "Enter the month and year on the card, such as 04 / 30.",
    expiry_past_error: "This card has expired. Please use another one.",
    cvc_error: "Enter the three or four digits of the security code.",
    declined: "Your bank declined this card. No money was taken.",
    declined_advice: "Try another card, or ask your bank.",
    not_confirmed: "The confirmation with your bank did not succeed. No money was taken.",
    not_confirmed_advice: "Try again, or use another card.",
    not_processed: "The card network could not process it. No money was taken.",
    not_processed_advice: "Try again in a moment, or use another card.",
    attempts_left: "Attempts left:",
    waiting: "Asking your bank",
    waiting_text: "This usually takes a few seconds. The page goes on by itself.",
    unknown: "Your bank has not answered yet",
    unknown_text: "We are finding out whether the payment went through. Do not pay again: you will not be charged twice, and you may leave this page. The result will appear in your account.",
    unknown_payout_text: "We are finding out whether the money has arrived. It is not sent twice, and you may leave this page. The result will appear in your account.",
    challenge: "Confirm with your bank",
    challenge_text: "Your bank wants to be sure that it is you. Confirm on its page, and you will be brought back here.",
    challenge_go: "Continue to your bank",
    use_another_card: "Use another card",
    paid: Ending {
        heading: "Paid",
        sentence: "The payment has gone through. You can close this page.",
    },
    sent: Ending {
        heading: "Sent",
        sentence: "Your bank has credited the card. You can close this page.",
    },
    payment_failed: Ending {
        heading: "The payment did not succeed",
        sentence: "No money was taken. You can start again with another card.",
    },
    payout_failed: Ending {
        heading: "The bank did not accept the money",
        sentence: "Nothing was sent, and the amount goes back to your account. You can start again with another card.",
    },
    canceled: Ending {
        heading: "Canceled",
        sentence: "Nothing was charged and nothing was sent.",
    },
    expired: Ending {
        heading: "This page has expired",
        sentence: "Nothing was charged and nothing was sent. Please start again.",
    },
    not_found: "There is no such page here. Please start again from the exchange.",
    failed: "Something went wrong on our side. Nothing is charged twice: please reload this page.",
    home: "EnsoExPAY takes and sends card payments for EnsoEx. There is nothing to do here without a payment.",
};

const UKRAINIAN: Texts = Texts {
    locale: Locale::Uk,
    other_language: "English",
    payment_title: "Оплата",
    payout_title: "Виплата",
    pay_to: "Оплата на користь",
    payout_from: "Виплата від",
    reference: "Номер",
    back_to: "Повернутися до",
    promise: "Ви на EnsoExPAY. Ваша картка лишається тут: біржа її не бачить, навіть останніх цифр.",
    documents: "Умови та Політика конфіденційності",
    test_mode: "Тестовий режим.",
    test_mode_text: "Справжні гроші не рухаються. Спробуйте 4242 4242 4242 4242, будь-яку майбутню дату й будь-які три цифри.",
    pay_by_card: "Оплата карткою",
    send_to_card: "На яку картку надіслати гроші?",
    card_number: "Номер картки",
    expiry: "Дійсна до",
    expiry_placeholder: "ММ / РР",
    cvc: "Код безпеки",
    cvc_hint: "Три цифри на звороті. Ніколи не зберігаємо.",
    remember: "Запам’ятати цю картку",
    remember_why: "Зберігається запечатаною в EnsoExPAY до наступного разу. Видалити її тут можна будь-коли.",
    your_cards: "Ваші картки",
    another_card: "Інша картка",
    forget: "Видалити",
    saved_code: "Код безпеки запитуємо щоразу, бо ніколи його не зберігаємо.",
    pay: "Сплатити",
    send: "Надіслати",
    busy: "Хвилинку…",
    kept: "Номер іде до вашого банку через карткову мережу. Якщо ви не попросите запам’ятати картку, ми видалимо його після оплати.",
    kept_payout: "Номер іде до вашого банку через карткову мережу. Якщо ви не попросите запам’ятати картку, ми видалимо його після виплати.",
    paying_cards: "Ці гроші нещодавно надійшли з картки, тож вони повертаються на картку: візьміть ту, якою ви поповнювали рахунок і на яку щонайменше ця сума ще не поверталася.",
    not_a_paying_card: "Цією карткою стільки не вносили. Нічого не надіслано.",
    check_fields: "Перевірте позначені поля та введіть картку ще раз.",
    number_error: "Це не повний номер картки.",
    expiry_error: "Введіть місяць і рік із картки, наприклад 04 / 30.",
    expiry_past_error: "Термін дії картки минув. Скористайтеся іншою.",
    cvc_error: "Введіть три або чотири цифри коду безпеки.",
    declined: "Ваш банк відхилив цю картку. Гроші не списано.",
    declined_advice: "Спробуйте іншу картку або зверніться до банку.",
    not_confirmed: "Підтвердити оплату в банку не вдалося. Гроші не списано.",
    not_confirmed_advice: "Спробуйте ще раз або скористайтеся іншою карткою.",
    not_processed: "Карткова мережа не змогла обробити оплату. Гроші не списано.",
    not_processed_advice: "Спробуйте за хвилину або скористайтеся іншою карткою.",
    attempts_left: "Залишилося спроб:",
    waiting: "Запитуємо ваш банк",
    waiting_text: "Зазвичай це кілька секунд. Сторінка продовжить сама.",
    unknown: "Ваш банк ще не відповів",
    unknown_text: "Ми з’ясовуємо, чи пройшла оплата. Не платіть удруге: двічі гроші не спишуться, а сторінку можна закрити. Результат з’явиться у вашому акаунті.",
    unknown_payout_text: "Ми з’ясовуємо, чи надійшли гроші. Двічі їх не буде надіслано, а сторінку можна закрити. Результат з’явиться у вашому акаунті.",
    challenge: "Підтвердьте у своєму банку",
    challenge_text: "Банк хоче переконатися, що це ви. Підтвердьте на його сторінці — і повернетеся сюди автоматично.",
    challenge_go: "Перейти до банку",
    use_another_card: "Інша картка",
    paid: Ending {
        heading: "Сплачено",
        sentence: "Оплата пройшла. Цю сторінку можна закрити.",
    },
    sent: Ending {
        heading: "Надіслано",
        sentence: "Банк зарахував гроші на картку. Цю сторінку можна закрити.",
    },
    payment_failed: Ending {
        heading: "Оплата не вдалася",
        sentence: "Гроші не списано. Можна почати знову з іншою карткою.",
    },
    payout_failed: Ending {
        heading: "Банк не прийняв гроші",
        sentence: "Нічого не надіслано, сума повертається у ваш акаунт. Можна почати знову з іншою карткою.",
    },
    canceled: Ending {
        heading: "Скасовано",
        sentence: "Нічого не списано й нічого не надіслано.",
    },
    expired: Ending {
        heading: "Час цієї сторінки минув",
        sentence: "Нічого не списано й нічого не надіслано. Почніть, будь ласка, знову.",
    },
    not_found: "Такої сторінки тут немає. Почніть, будь ласка, знову з біржі.",
    failed: "У нас щось пішло не так. Двічі нічого не спишеться: оновіть, будь ласка, сторінку.",
    home: "EnsoExPAY приймає та надсилає карткові платежі для EnsoEx. Без платежу тут нічого робити.",
};
