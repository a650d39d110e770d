//! Messages to people: e-mail and SMS. They go to the carriers that are configured; in the demo to a sink in memory that the
//! person at the browser can read. Without either, registration says so instead of pretending.

use crate::carriers::Carriers;
use crate::clock;
use crate::limits::SINK_MESSAGES_MAX;
use crate::outbox::{Handed, Outgoing, Patience};
use ensoex_egress::{Item, Recipient};
use ensoex_vault::Disclosure;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Channel {
    Email,
    Sms,
}

impl Channel {
    /// Who delivers it.
    pub(crate) fn recipient(self) -> Recipient {
        match self {
            Channel::Email => Recipient::MailRelay,
            Channel::Sms => Recipient::SmsCarrier,
        }
    }

    /// What they are given.
    pub(crate) fn items(self) -> [Item; 2] {
        match self {
            Channel::Email => [Item::Email, Item::Message],
            Channel::Sms => [Item::MobilePhone, Item::Message],
        }
    }
}

/// A message in the demo's sink.
#[derive(Clone, Serialize)]
pub(crate) struct SinkMessage {
    pub(crate) id: u64,
    pub(crate) at: String,
    pub(crate) channel: Channel,
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) body: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
}

/// What is sent to one person.
pub(crate) struct Message<'a> {
    pub(crate) locale: Locale,
    pub(crate) subject: &'a str,
    pub(crate) body: String,
    /// The code in it, which the demo's sink shows apart.
    pub(crate) code: Option<&'a str>,
    pub(crate) patience: Patience,
}

impl<'a> Message<'a> {
    /// One that holds a code.
    pub(crate) fn code(locale: Locale, body: String, code: &'a str) -> Message<'a> {
        Message {
            locale,
            subject: texts::code_subject(locale),
            body,
            code: Some(code),
            patience: Patience::Code,
        }
    }

    /// One that nobody asks for again.
    pub(crate) fn notice(locale: Locale, (subject, body): (&'a str, String)) -> Message<'a> {
        Message {
            locale,
            subject,
            body,
            code: None,
            patience: Patience::Notice,
        }
    }

    /// One that is owed until it was taken.
    pub(crate) fn owed(locale: Locale, text: (&'a str, String)) -> Message<'a> {
        Message {
            patience: Patience::Owed,
            ..Message::notice(locale, text)
        }
    }
}

/// Where messages go.
#[derive(Clone)]
pub(crate) enum Messenger {
    /// Kept in memory, shown at `/dev/messages`.
    Sink(Arc<Mutex<Sink>>),
    /// Handed to a mail relay and an SMS provider.
    Carriers(Arc<Carriers>),
    /// No relay or carrier is configured.
    None,
}

/// The last messages, oldest first.
#[derive(Default)]
pub(crate) struct Sink {
    next: u64,
    messages: VecDeque<SinkMessage>,
}

/// The message could not be handed over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotSent {
    /// There is nobody to hand it to.
    #[error("no mail relay or SMS carrier is configured")]
    NotConfigured,
    /// Very many wait already.
    #[error("more messages wait for their carrier than may")]
    TooMany,
    /// Its carrier did not take it.
    #[error("who delivers messages did not take it")]
    NotTaken,
    /// It was entered that somebody else is given something.
    #[error("this message was not entered as given to who delivers it")]
    NotEntered,
}

impl Messenger {
    pub(crate) fn sink() -> Messenger {
        Messenger::Sink(Arc::new(Mutex::new(Sink::default())))
    }

    /// Whether there is anybody to hand such a message to.
    pub(crate) fn is_connected(&self, channel: Channel) -> bool {
        match self {
            Messenger::Sink(_) => true,
            Messenger::Carriers(carriers) => match channel {
                Channel::Email => carriers.mail.is_some(),
                Channel::Sms => carriers.sms.is_some(),
            },
            Messenger::None => false,
        }
    }

    /// Hands a message over for delivery, once it is entered as given to who delivers it.
    pub(crate) fn send(
        &self,
        entered: &Disclosure,
        channel: Channel,
        to: &str,
        message: Message<'_>,
    ) -> Result<Handed, NotSent> {
        if !self.is_connected(channel) {
            return Err(NotSent::NotConfigured);
        }
        if entered.recipient() != channel.recipient() {
            return Err(NotSent::NotEntered);
        }
        let Message {
            locale,
            subject,
            body,
            code,
            patience,
        } = message;
        let sink = match self {
            Messenger::Sink(sink) => sink,
            Messenger::None => return Err(NotSent::NotConfigured),
            Messenger::Carriers(carriers) => {
                let letter = Outgoing {
                    to: Zeroizing::new(to.to_owned()),
                    subject: subject.to_owned(),
                    body: Zeroizing::new(body),
                    locale,
                    patience,
                };
                return match (channel, &carriers.mail, &carriers.sms) {
                    (Channel::Email, Some(mail), _) => mail.post(letter),
                    (Channel::Sms, _, Some(sms)) => sms.post(letter),
                    _ => Err(NotSent::NotConfigured),
                };
            }
        };
        let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
        sink.next += 1;
        let message = SinkMessage {
            id: sink.next,
            at: clock::text(clock::now_us()),
            channel,
            to: to.to_owned(),
            subject: subject.to_owned(),
            body,
            code: code.map(str::to_owned),
        };
        if sink.messages.len() == SINK_MESSAGES_MAX {
            sink.messages.pop_front();
        }
        sink.messages.push_back(message);
        Ok(Handed::taken())
    }

    /// Newest first; empty outside the demo.
    pub(crate) fn sunk(&self) -> Vec<SinkMessage> {
        match self {
            Messenger::Sink(sink) => {
                let sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
                sink.messages.iter().rev().cloned().collect()
            }
            Messenger::Carriers(_) | Messenger::None => Vec::new(),
        }
    }
}

/// Language of messages and pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Locale {
    #[default]
    En,
    Uk,
}

impl Locale {
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Locale::En => "en",
            Locale::Uk => "uk",
        }
    }

    pub(crate) fn from_tag(tag: &str) -> Locale {
        if tag == "uk" { Locale::Uk } else { Locale::En }
    }
}

/// The texts of messages, by language.
pub(crate) mod texts {
    use super::{Channel, Locale};
    use crate::factors::Change;

    pub(crate) fn code_subject(locale: Locale) -> &'static str {
        match locale {
            Locale::En => "Your EnsoEx code",
            Locale::Uk => "Ваш код EnsoEx",
        }
    }

    pub(crate) fn code(locale: Locale, code: &str) -> String {
        match locale {
            Locale::En => format!(
                "Your code is {code}. It is good for 10 minutes and for this registration only. \
                 We never ask for it by phone or e-mail. If you did not register, do nothing."
            ),
            Locale::Uk => format!(
                "Ваш код: {code}. Він дійсний 10 хвилин і лише для цієї реєстрації. \
                 Ми ніколи не питаємо його телефоном чи поштою. Якщо ви не реєструвалися, нічого не робіть."
            ),
        }
    }

    pub(crate) fn correction_code(locale: Locale, code: &str) -> String {
        match locale {
            Locale::En => format!(
                "Your code is {code}. It is good for 10 minutes and makes this your new contact at EnsoEx. \
                 We never ask for it by phone or e-mail. If you did not ask for it, do nothing."
            ),
            Locale::Uk => format!(
                "Ваш код: {code}. Він дійсний 10 хвилин і робить цей контакт вашим новим контактом в EnsoEx. \
                 Ми ніколи не питаємо його телефоном чи поштою. Якщо ви про нього не просили, нічого не робіть."
            ),
        }
    }

    pub(crate) fn corrected(locale: Locale) -> (&'static str, String) {
        match locale {
            Locale::En => (
                "Your contact at EnsoEx was changed",
                "This is no longer your contact at EnsoEx: a new one was confirmed with a code and your password. If this \
                 was not you, somebody knows your password: sign in and look at My data."
                    .to_owned(),
            ),
            Locale::Uk => (
                "Ваш контакт в EnsoEx змінено",
                "Це більше не ваш контакт в EnsoEx: новий підтверджено кодом і вашим паролем. Якщо це були не ви, хтось \
                 знає ваш пароль: увійдіть і перегляньте «Мої дані»."
                    .to_owned(),
            ),
        }
    }

    pub(crate) fn taken_by_correction(locale: Locale, channel: Channel) -> (&'static str, String) {
        let (title, body) = match (locale, channel) {
            (Locale::En, Channel::Email) => (
                "Somebody entered your e-mail address",
                "Somebody with another EnsoEx account entered this address as theirs. You have an account with it, so nothing \
                 was changed, and nobody learned that the account exists. There is nothing to do.",
            ),
            (Locale::En, Channel::Sms) => (
                "Somebody entered your phone number",
                "Somebody with another EnsoEx account entered this number as theirs. You have an account with it, so nothing \
                 was changed, and nobody learned that the account exists. There is nothing to do.",
            ),
            (Locale::Uk, Channel::Email) => (
                "Хтось вказав вашу адресу",
                "Хтось з іншим обліковим записом EnsoEx вказав цю адресу як свою. Ви маєте з нею обліковий запис, тож нічого \
                 не змінено, і ніхто не дізнався, що він існує. Робити нічого не треба.",
            ),
            (Locale::Uk, Channel::Sms) => (
                "Хтось вказав ваш номер",
                "Хтось з іншим обліковим записом EnsoEx вказав цей номер як свій. Ви маєте з ним обліковий запис, тож нічого \
                 не змінено, і ніхто не дізнався, що він існує. Робити нічого не треба.",
            ),
        };
        (title, body.to_owned())
    }

    pub(crate) fn factors_changed(locale: Locale, change: Change, url: &str) -> (&'static str, String) {
        let (title, what, not_you) = match locale {
            Locale::En => (
                "The security of your EnsoEx account changed",
                match change {
                    Change::AppAdded => "An authenticator app was added to your account.",
                    Change::AppRemoved => "The authenticator app was removed from your account.",
                    Change::PasskeyAdded => {
                        "A passkey was added to your account. It signs in without the password."
                    }
                    Change::PasskeyRemoved => "A passkey was removed from your account.",
                    Change::CodesRenewed => {
                        "New recovery codes were made for your account; the old ones no longer work."
                    }
                    Change::CodeUsed => "A recovery code of your account was used. It does not work again.",
                    Change::Password => {
                        "The password of your account was changed, and every other session was ended."
                    }
                },
                "If this was not you, sign in, end the other sessions and look at what is set up",
            ),
            Locale::Uk => (
                "Захист вашого облікового запису EnsoEx змінено",
                match change {
                    Change::AppAdded => "До вашого облікового запису додано застосунок-автентифікатор.",
                    Change::AppRemoved => "З вашого облікового запису видалено застосунок-автентифікатор.",
                    Change::PasskeyAdded => {
                        "До вашого облікового запису додано ключ доступу. Він дає змогу входити без пароля."
                    }
                    Change::PasskeyRemoved => "З вашого облікового запису видалено ключ доступу.",
                    Change::CodesRenewed => {
                        "Для вашого облікового запису створено нові коди відновлення; старі більше не діють."
                    }
                    Change::CodeUsed => {
                        "Використано код відновлення вашого облікового запису. Удруге він не спрацює."
                    }
                    Change::Password => {
                        "Пароль вашого облікового запису змінено, а всі інші сеанси завершено."
                    }
                },
                "Якщо це були не ви, увійдіть, завершіть інші сеанси та перегляньте, що налаштовано",
            ),
        };
        (title, format!("{what} {not_you}: {url}/account-security"))
    }

    pub(crate) fn answered(locale: Locale, url: &str) -> (&'static str, String) {
        match locale {
            Locale::En => (
                "There is word on your request",
                format!(
                    "What became of your request stands at My data, with a signed receipt: {url}/my-data . If you do not \
                     agree, you may complain to the data protection authority of your country, or go to court."
                ),
            ),
            Locale::Uk => (
                "Є відповідь на ваше прохання",
                format!(
                    "Що сталося з вашим проханням, сказано в «Моїх даних», разом із підписаною квитанцією: {url}/my-data . \
                     Якщо ви не згодні, можете поскаржитися до органу захисту персональних даних вашої країни або звернутися до суду."
                ),
            ),
        }
    }

    pub(crate) fn erased(locale: Locale, certificate: &str) -> (&'static str, String) {
        match locale {
            Locale::En => (
                "Your data at EnsoEx was erased",
                format!(
                    "The keys of everything we held about you were destroyed a moment ago, at your wish. This is the last \
                     message: we no longer know this address. Your certificate, as long as you wish: {certificate}"
                ),
            ),
            Locale::Uk => (
                "Ваші дані в EnsoEx видалено",
                format!(
                    "Щойно, за вашим бажанням, ми знищили ключі до всього, що зберігали про вас. Це останнє повідомлення: \
                     ми більше не знаємо цієї адреси. Ваше свідоцтво, доки воно вам потрібне: {certificate}"
                ),
            ),
        }
    }

    pub(crate) fn new_version(
        locale: Locale,
        url: &str,
        from: i64,
        to: u64,
        summary: &str,
        effective_at: &str,
    ) -> (&'static str, String) {
        match locale {
            Locale::En => (
                "A new version of our Terms and Privacy Policy",
                format!(
                    "Version {to} was published: {summary} It is in force from {effective_at}. What changes, word by word: \
                     {url}/documents/diff?from={from}&to={to} . There is nothing to do now: on your next visit we ask you to \
                     confirm that you have read it."
                ),
            ),
            Locale::Uk => (
                "Нова версія наших Умов і Політики конфіденційності",
                format!(
                    "Оприлюднено версію {to}: {summary} Вона чинна з {effective_at}. Що змінюється, слово за словом: \
                     {url}/uk/documents/diff?from={from}&to={to} . Зараз робити нічого не треба: під час наступного відвідування \
                     ми попросимо підтвердити, що ви її прочитали."
                ),
            ),
        }
    }

    pub(crate) fn newsletter(locale: Locale, text: &str, url: &str) -> String {
        let text = text.trim_end();
        match locale {
            Locale::En => format!(
                "{text}\n\nYou get this because you agreed to our newsletter. One click ends it, at My data: {url}/my-data"
            ),
            Locale::Uk => format!(
                "{text}\n\nВи отримали це, бо погодилися на нашу розсилку. Щоб її припинити, досить одного натискання в «Моїх \
                 даних»: {url}/my-data"
            ),
        }
    }

    pub(crate) fn broken_glass_subject(locale: Locale) -> &'static str {
        match locale {
            Locale::En => "Staff had emergency access to your data",
            Locale::Uk => "Працівник мав екстрений доступ до ваших даних",
        }
    }

    pub(crate) fn broken_glass(locale: Locale, at: &str) -> String {
        match locale {
            Locale::En => format!(
                "On {at} a member of staff opened emergency access that covers your data, without the approval that is \
                 usual. It lasts 15 minutes at most. Every look is in your access log under My data, with its reason."
            ),
            Locale::Uk => format!(
                "{at} працівник відкрив екстрений доступ, що охоплює ваші дані, без звичайного погодження. \
                 Він триває щонайбільше 15 хвилин. Кожен перегляд із його причиною є у вашому журналі доступу в розділі «Мої дані»."
            ),
        }
    }

    pub(crate) fn taken(locale: Locale, channel: Channel) -> (&'static str, String) {
        let (title, body) = match (locale, channel) {
            (Locale::En, Channel::Email) => (
                "Somebody tried to register with your e-mail address",
                "You have an EnsoEx account with this e-mail address already. If it was you, sign in instead. \
                 If it was not, there is nothing to do: nobody learned that the account exists.",
            ),
            (Locale::En, Channel::Sms) => (
                "Somebody tried to register with your phone number",
                "You have an EnsoEx account with this phone number already. If it was you, sign in instead, with the e-mail \
                 address of that account. If it was not, there is nothing to do: nobody learned that the account exists.",
            ),
            (Locale::Uk, Channel::Email) => (
                "Хтось намагався зареєструватися з вашою адресою",
                "Ви вже маєте обліковий запис EnsoEx із цією адресою. Якщо це були ви, просто увійдіть. \
                 Якщо ні, робити нічого не треба: ніхто не дізнався, що обліковий запис існує.",
            ),
            (Locale::Uk, Channel::Sms) => (
                "Хтось намагався зареєструватися з вашим номером",
                "Ви вже маєте обліковий запис EnsoEx із цим номером. Якщо це були ви, просто увійдіть з адресою електронної \
                 пошти того запису. Якщо ні, робити нічого не треба: ніхто не дізнався, що обліковий запис існує.",
            ),
        };
        (title, body.to_owned())
    }
}
