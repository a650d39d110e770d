//! What the network answers to each message. Knows ISO 8583 and the ledger; knows no sockets.
//!
//! | message | meaning | answered by |
//! |---|---|---|
//! | 0100, processing code 00 | authorise and hold | 0110 |
//! | 0200, processing code 26 | original credit | 0210 |
//! | 0220, 0221 | capture of the original in field 90 | 0230 |
//! | 0400, 0420, 0421 | reversal of the original in field 90 | 0410, 0430 |
//! | 0600 | inquiry about the original in field 90 | 0610 |
//! | 0800 | sign-on, echo | 0810 |
//!
//! An original is named by its acquirer (field 32), terminal (41), transmission date and time (7), trace number
//! (11) and retrieval reference (37); captures, reversals and inquiries repeat 37 and 41 and carry the rest in
//! field 90. A repeated message gets the same answer and books nothing. Reversing an original that never came
//! is approved, and the original is refused with 94 if it comes afterwards; money that has moved (captured or
//! credited) is not reversed: 21. An inquiry's answer has 00 in field 39 when the original is known, with its
//! response code and a state letter in field 44 (`00A` approved, `05D` declined, `00C` captured, `00K`
//! credited, `..R` reversed) and its approval code in field 38; 25 when it is not known.

use crate::currency::Currency;
use crate::ledger::{Decision, Identity, Ledger, LedgerError, Order};
use crate::test_card::{Delivery, behaviour};
use crate::three_d_secure::ThreeDSecure;
use ensoex_iso8583::{AdditionalData, CardNumber, Message, MessageType, OriginalDataElements, ResponseCode};
use ensoex_iso8583::{number, tag};

/// The network's side of every connection.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) ledger: Ledger,
    pub(crate) three_d_secure: ThreeDSecure,
}

/// The fields that every answer repeats.
const REPEATED_FIELDS: [u8; 10] = [
    number::PROCESSING_CODE,
    number::AMOUNT,
    number::TRANSMISSION_DATE_TIME,
    number::TRACE_NUMBER,
    number::LOCAL_TIME,
    number::LOCAL_DATE,
    number::ACQUIRER,
    number::RETRIEVAL_REFERENCE,
    number::TERMINAL,
    number::CURRENCY,
];

/// Why an order is refused before the ledger sees it.
struct Refusal(ResponseCode);

impl Network {
    /// The answer to a message; none if it is lost on the way, or asks for none.
    pub(crate) async fn answer(&self, request: &Message, now: i64) -> Result<Option<Message>, LedgerError> {
        let Some(response_type) = request.message_type().response() else {
            return Ok(None);
        };
        let mut response = Message::new(response_type);
        for field in REPEATED_FIELDS {
            response.copy(field, request);
        }
        response.copy(number::NETWORK_MANAGEMENT, request);
        match request.message_type() {
            MessageType::AUTHORIZATION_REQUEST | MessageType::FINANCIAL_REQUEST => {
                return self.order(request, response, now).await;
            }
            MessageType::FINANCIAL_ADVICE | MessageType::FINANCIAL_ADVICE_REPEAT => {
                let code = match (original(request), request.integer(number::AMOUNT)) {
                    (Some(original), Some(amount)) => self.ledger.capture(&original, amount).await?,
                    _ => ResponseCode::FORMAT_ERROR,
                };
                set_code(&mut response, code);
            }
            MessageType::REVERSAL_REQUEST
            | MessageType::REVERSAL_ADVICE
            | MessageType::REVERSAL_ADVICE_REPEAT => {
                let code = match original(request) {
                    Some(original) => self.ledger.reverse(&original, now).await?,
                    None => ResponseCode::FORMAT_ERROR,
                };
                set_code(&mut response, code);
            }
            MessageType::INQUIRY_REQUEST => self.inquiry(request, &mut response).await?,
            MessageType::NETWORK_MANAGEMENT_REQUEST => set_code(&mut response, ResponseCode::APPROVED),
            _ => set_code(&mut response, ResponseCode::INVALID_TRANSACTION),
        }
        Ok(Some(response))
    }

    async fn order(
        &self,
        request: &Message,
        mut response: Message,
        now: i64,
    ) -> Result<Option<Message>, LedgerError> {
        let (card, amount, currency, identity) = match parse_order(request, now) {
            Ok(parts) => parts,
            Err(Refusal(code)) => {
                set_code(&mut response, code);
                return Ok(Some(response));
            }
        };
        let behaviour = behaviour(&card);
        if behaviour.delivery == Delivery::RequestLost {
            return Ok(None);
        }
        let order = Order {
            identity: &identity,
            card: &card,
            amount,
            currency,
        };
        let credit = request.message_type() == MessageType::FINANCIAL_REQUEST;
        let decision = if credit {
            self.ledger.credit(order, behaviour.credit, now).await?
        } else {
            let authenticated = self.authenticated(request, &card, amount, currency).await?;
            let verdict = if behaviour.challenge && !authenticated {
                ResponseCode::AUTHENTICATION_REQUIRED
            } else {
                behaviour.authorization
            };
            self.ledger.authorize(order, verdict, now).await?
        };
        if behaviour.delivery == Delivery::AnswerLost {
            return Ok(None);
        }
        set_decision(&mut response, &decision);
        Ok(Some(response))
    }

    /// Whether the message carries the value that 3-D Secure gave for this card, amount and currency.
    async fn authenticated(
        &self,
        request: &Message,
        card: &CardNumber,
        amount: i64,
        currency: Currency,
    ) -> Result<bool, LedgerError> {
        let data = request
            .get(number::ADDITIONAL_DATA)
            .and_then(AdditionalData::parse);
        let value = data.as_ref().and_then(|data| data.get(tag::AUTHENTICATION_VALUE));
        let Some(value) = value.and_then(|value| core::str::from_utf8(value).ok()) else {
            return Ok(false);
        };
        let key = self.ledger.card_key(card);
        Ok(self
            .three_d_secure
            .is_authenticated(&key, amount, currency, value)
            .await?)
    }

    async fn inquiry(&self, request: &Message, response: &mut Message) -> Result<(), LedgerError> {
        let Some(original) = original(request) else {
            set_code(response, ResponseCode::FORMAT_ERROR);
            return Ok(());
        };
        match self.ledger.inquire(&original).await? {
            None => set_code(response, ResponseCode::RECORD_NOT_FOUND),
            Some(decision) => {
                set_code(response, ResponseCode::APPROVED);
                let outcome = format!("{}{}", decision.response_code, decision.state);
                set(response, number::ADDITIONAL_RESPONSE, outcome.as_bytes());
                if let Some(code) = &decision.approval_code {
                    set(response, number::APPROVAL_CODE, code.as_bytes());
                }
            }
        }
        Ok(())
    }
}

fn parse_order(request: &Message, now: i64) -> Result<(CardNumber, i64, Currency, Identity), Refusal> {
    let format = || Refusal(ResponseCode::FORMAT_ERROR);
    let identity = identity(request).ok_or_else(format)?;
    let code = request.text(number::PROCESSING_CODE).ok_or_else(format)?;
    let expected = if request.message_type() == MessageType::FINANCIAL_REQUEST {
        "26"
    } else {
        "00"
    };
    if !code.starts_with(expected) {
        return Err(Refusal(ResponseCode::INVALID_TRANSACTION));
    }
    let card = CardNumber::parse(request.text(number::CARD_NUMBER).ok_or_else(format)?)
        .map_err(|_| Refusal(ResponseCode::INVALID_CARD_NUMBER))?;
    let amount = request.integer(number::AMOUNT).ok_or_else(format)?;
    if amount <= 0 {
        return Err(Refusal(ResponseCode::INVALID_AMOUNT));
    }
    let currency = request
        .integer(number::CURRENCY)
        .and_then(Currency::from_numeric)
        .ok_or(Refusal(ResponseCode::INVALID_TRANSACTION))?;
    let expiry = request.text(number::EXPIRY).ok_or_else(format)?;
    if expiry < crate::clock::year_month(now).as_str() {
        return Err(Refusal(ResponseCode::EXPIRED_CARD));
    }
    Ok((card, amount, currency, identity))
}

/// The identity that a message gives itself.
fn identity(message: &Message) -> Option<Identity> {
    Some(Identity {
        acquirer: message.text(number::ACQUIRER)?.trim_start_matches('0').to_owned(),
        terminal: message.text(number::TERMINAL)?.trim_end().to_owned(),
        transmission_date_time: message.text(number::TRANSMISSION_DATE_TIME)?.to_owned(),
        trace_number: message.text(number::TRACE_NUMBER)?.to_owned(),
        retrieval_reference: message.text(number::RETRIEVAL_REFERENCE)?.to_owned(),
    })
}

/// The identity of the message that this one speaks of.
fn original(message: &Message) -> Option<Identity> {
    let original = OriginalDataElements::parse(message.get(number::ORIGINAL_DATA)?)?;
    Some(Identity {
        acquirer: original.acquirer.to_string(),
        terminal: message.text(number::TERMINAL)?.trim_end().to_owned(),
        transmission_date_time: core::str::from_utf8(&original.transmission_date_time)
            .ok()?
            .to_owned(),
        trace_number: format!("{:06}", original.trace_number),
        retrieval_reference: message.text(number::RETRIEVAL_REFERENCE)?.to_owned(),
    })
}

fn set_decision(response: &mut Message, decision: &Decision) {
    set(response, number::RESPONSE_CODE, decision.response_code.as_bytes());
    if let Some(code) = &decision.approval_code {
        set(response, number::APPROVAL_CODE, code.as_bytes());
    }
}

fn set_code(response: &mut Message, code: ResponseCode) {
    set(response, number::RESPONSE_CODE, &code.bytes());
}

/// Sets a field to a value that this module made.
fn set(response: &mut Message, field: u8, value: &[u8]) {
    if let Err(error) = response.set(field, value) {
        tracing::error!(%error, "an answer could not be written");
    }
}
