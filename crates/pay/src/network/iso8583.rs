//! The messages that EnsoExPAY sends to the card network, and what their answers mean.

use super::connection::Connection;
use super::{Answer, Confirmation, Decision, Found};
use crate::card::{Card, VerificationCode};
use crate::clock;
use crate::store::attempt::NetworkReference;
use ensoex_iso8583::{AdditionalData, FieldError, Message, MessageType, OriginalDataElements, number, tag};
use ensoex_pay_api::Currency;

/// EnsoExPAY's number as an acquirer.
const ACQUIRER: u64 = 588_801;
const TERMINAL: &str = "ENSOPAY1";
const MERCHANT: &str = "ENSOEX";
/// Quasi cash: money, foreign currency, non-fiat currency.
const MERCHANT_CATEGORY: u64 = 6051;
const PURCHASE: u64 = 0;
const ORIGINAL_CREDIT: u64 = 260_000;
/// Electronic commerce.
const ENTRY_MODE: u64 = 812;
const CONDITION_CODE: u64 = 59;

/// How the cardholder has shown that the card is theirs.
pub(crate) enum Proof {
    /// The code on the card, and the value of 3-D Secure without a challenge.
    Code {
        code: VerificationCode,
        authentication: Option<Authentication>,
    },
    /// The value of a 3-D Secure challenge. The code is gone by then.
    Challenge(Authentication),
}

/// The result of 3-D Secure for the issuer to check.
pub(crate) struct Authentication {
    pub(crate) value: String,
    pub(crate) commerce_indicator: String,
}

/// What moves.
#[derive(Clone, Copy)]
pub(crate) struct Money {
    /// Whole minor units, above zero.
    pub(crate) amount: i64,
    pub(crate) currency: Currency,
}

/// The card network over ISO 8583.
#[derive(Clone)]
pub(crate) struct CardNetwork {
    connection: Connection,
    merchant_name: String,
}

impl CardNetwork {
    pub(crate) fn new(connection: Connection, merchant_name: &str) -> Self {
        // Field 43 is 40 characters of printable ASCII.
        let merchant_name = merchant_name
            .chars()
            .filter(|c| c.is_ascii_graphic() || *c == ' ')
            .take(40)
            .collect();
        Self {
            connection,
            merchant_name,
        }
    }

    /// 0100: asks the issuer to hold the amount.
    pub(crate) async fn authorize(
        &self,
        reference: &NetworkReference,
        money: Money,
        card: &Card,
        proof: &Proof,
    ) -> Answer<Decision> {
        let message = self
            .order(
                MessageType::AUTHORIZATION_REQUEST,
                PURCHASE,
                reference,
                money,
                card,
            )
            .and_then(|mut message| {
                if let Some(data) = additional_data(proof) {
                    message.set(number::ADDITIONAL_DATA, &data.encode())?;
                }
                Ok(message)
            });
        self.ask(message, decision).await
    }

    /// 0200, original credit: sends the amount to the card.
    pub(crate) async fn credit(
        &self,
        reference: &NetworkReference,
        money: Money,
        card: &Card,
    ) -> Answer<Decision> {
        let message = self.order(
            MessageType::FINANCIAL_REQUEST,
            ORIGINAL_CREDIT,
            reference,
            money,
            card,
        );
        self.ask(message, decision).await
    }

    /// 0220: takes what was held. May be told again.
    pub(crate) async fn capture(
        &self,
        original: &NetworkReference,
        money: Money,
        approval_code: Option<&str>,
        trace_number: i64,
        repeat: bool,
    ) -> Answer<Confirmation> {
        let kind = if repeat {
            MessageType::FINANCIAL_ADVICE_REPEAT
        } else {
            MessageType::FINANCIAL_ADVICE
        };
        let message = self
            .about(kind, MessageType::AUTHORIZATION_REQUEST, original, trace_number)
            .and_then(|mut message| {
                set_money(&mut message, PURCHASE, money)?;
                if let Some(code) = approval_code {
                    message.set_padded(number::APPROVAL_CODE, code)?;
                }
                Ok(message)
            });
        self.ask(message, confirmation).await
    }

    /// 0420: undoes, or makes sure that it never happens. May be told again.
    pub(crate) async fn reverse(
        &self,
        original_type: MessageType,
        original: &NetworkReference,
        trace_number: i64,
        repeat: bool,
    ) -> Answer<Confirmation> {
        let kind = if repeat {
            MessageType::REVERSAL_ADVICE_REPEAT
        } else {
            MessageType::REVERSAL_ADVICE
        };
        let message = self.about(kind, original_type, original, trace_number);
        self.ask(message, confirmation).await
    }

    /// 0600: asks what became of a message.
    pub(crate) async fn inquire(
        &self,
        original_type: MessageType,
        original: &NetworkReference,
        trace_number: i64,
    ) -> Answer<Found> {
        let message = self.about(
            MessageType::INQUIRY_REQUEST,
            original_type,
            original,
            trace_number,
        );
        self.ask(message, found).await
    }

    async fn ask<T>(
        &self,
        message: Result<Message, FieldError>,
        read: impl FnOnce(&Message) -> Option<T>,
    ) -> Answer<T> {
        let message = match message {
            Ok(message) => message,
            Err(error) => {
                tracing::error!(%error, "a message to the card network could not be written");
                return Answer::NotSent;
            }
        };
        match self.connection.ask(message).await {
            Answer::Given(answer) => read(&answer).map_or(Answer::Unknown, Answer::Given),
            Answer::NotSent => Answer::NotSent,
            Answer::Unknown => Answer::Unknown,
        }
    }

    fn order(
        &self,
        kind: MessageType,
        processing_code: u64,
        reference: &NetworkReference,
        money: Money,
        card: &Card,
    ) -> Result<Message, FieldError> {
        let mut message = Message::new(kind);
        message.set(number::CARD_NUMBER, card.number.digits())?;
        set_money(&mut message, processing_code, money)?;
        message.set(
            number::TRANSMISSION_DATE_TIME,
            reference.transmission_date_time.as_bytes(),
        )?;
        message.set_integer(number::TRACE_NUMBER, reference.trace_number.unsigned_abs())?;
        set_local_time(&mut message, &reference.transmission_date_time)?;
        message.set(number::EXPIRY, card.expiry.year_month().as_bytes())?;
        message.set_integer(number::MERCHANT_CATEGORY, MERCHANT_CATEGORY)?;
        message.set_integer(number::ENTRY_MODE, ENTRY_MODE)?;
        message.set_integer(number::CONDITION_CODE, CONDITION_CODE)?;
        self.set_acceptor(&mut message, reference)?;
        message.set_padded(number::MERCHANT_NAME, &self.merchant_name)?;
        Ok(message)
    }

    /// A message that speaks of an earlier one.
    fn about(
        &self,
        kind: MessageType,
        original_type: MessageType,
        original: &NetworkReference,
        trace_number: i64,
    ) -> Result<Message, FieldError> {
        let field = number::ORIGINAL_DATA;
        let elements = OriginalDataElements {
            message_type: original_type,
            trace_number: u32::try_from(original.trace_number).map_err(|_| FieldError::Content { field })?,
            transmission_date_time: original
                .transmission_date_time
                .as_bytes()
                .try_into()
                .map_err(|_| FieldError::Content { field })?,
            acquirer: ACQUIRER,
        };
        let mut message = Message::new(kind);
        let now = clock::transmission_date_time(clock::now());
        message.set(number::TRANSMISSION_DATE_TIME, now.as_bytes())?;
        message.set_integer(number::TRACE_NUMBER, trace_number.unsigned_abs())?;
        self.set_acceptor(&mut message, original)?;
        message.set(field, &elements.encode().ok_or(FieldError::Content { field })?)?;
        Ok(message)
    }

    fn set_acceptor(&self, message: &mut Message, reference: &NetworkReference) -> Result<(), FieldError> {
        message.set(number::ACQUIRER, ACQUIRER.to_string().as_bytes())?;
        message.set(
            number::RETRIEVAL_REFERENCE,
            reference.retrieval_reference.as_bytes(),
        )?;
        message.set_padded(number::TERMINAL, TERMINAL)?;
        message.set_padded(number::MERCHANT, MERCHANT)
    }
}

fn set_money(message: &mut Message, processing_code: u64, money: Money) -> Result<(), FieldError> {
    message.set_integer(number::PROCESSING_CODE, processing_code)?;
    message.set_integer(number::AMOUNT, money.amount.unsigned_abs())?;
    message.set(number::CURRENCY, money.currency.numeric().as_bytes())
}

/// Local time is UTC here: date and time of the transmission, taken apart.
fn set_local_time(message: &mut Message, transmission_date_time: &str) -> Result<(), FieldError> {
    let (date, time) = transmission_date_time
        .split_at_checked(4)
        .ok_or(FieldError::Content {
            field: number::LOCAL_DATE,
        })?;
    message.set(number::LOCAL_DATE, date.as_bytes())?;
    message.set(number::LOCAL_TIME, time.as_bytes())
}

fn additional_data(proof: &Proof) -> Option<AdditionalData> {
    let mut data = AdditionalData::default();
    let authentication = match proof {
        Proof::Code { code, authentication } => {
            data.push(tag::VERIFICATION_CODE, code.digits())?;
            authentication.as_ref()
        }
        Proof::Challenge(authentication) => Some(authentication),
    };
    if let Some(authentication) = authentication {
        data.push(
            tag::COMMERCE_INDICATOR,
            authentication.commerce_indicator.as_bytes(),
        )?;
        data.push(tag::AUTHENTICATION_VALUE, authentication.value.as_bytes())?;
    }
    Some(data)
}

fn decision(answer: &Message) -> Option<Decision> {
    Some(Decision {
        response_code: answer.text(number::RESPONSE_CODE)?.to_owned(),
        approval_code: answer.text(number::APPROVAL_CODE).map(str::to_owned),
    })
}

fn confirmation(answer: &Message) -> Option<Confirmation> {
    match answer.text(number::RESPONSE_CODE)? {
        "00" => Some(Confirmation::Done),
        // The network is in trouble: no statement about the original.
        "96" | "91" | "30" => None,
        _ => Some(Confirmation::Refused),
    }
}

fn found(answer: &Message) -> Option<Found> {
    match answer.text(number::RESPONSE_CODE)? {
        "25" => Some(Found::Nothing),
        "00" => {
            let outcome = answer.text(number::ADDITIONAL_RESPONSE)?;
            let (response_code, state) = outcome.split_at_checked(2)?;
            if state == "R" {
                return Some(Found::Reversed);
            }
            Some(Found::Decided(Decision {
                response_code: response_code.to_owned(),
                approval_code: answer.text(number::APPROVAL_CODE).map(str::to_owned),
            }))
        }
        _ => None,
    }
}
