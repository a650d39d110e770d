//! Events: what changed, in a sequence without gaps. Webhooks deliver them at least once and in any order;
//! `GET /v1/events?after=SEQ&limit=N` lists them in order.

use crate::{EventId, Payment, Payout};
use serde::{Deserialize, Serialize};

/// Most events in one answer of `GET /v1/events`.
pub const EVENTS_PER_PAGE_MAX: u32 = 500;

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum EventType {
    /// The person is asked to confirm with their bank.
    #[serde(rename = "payment.requires_action")]
    PaymentRequiresAction,
    /// Sent to the card network, answer missing.
    #[serde(rename = "payment.processing")]
    PaymentProcessing,
    /// The money is taken: credit the account.
    #[serde(rename = "payment.succeeded")]
    PaymentSucceeded,
    /// No money was taken.
    #[serde(rename = "payment.failed")]
    PaymentFailed,
    /// The person turned back.
    #[serde(rename = "payment.canceled")]
    PaymentCanceled,
    /// Nobody paid in time.
    #[serde(rename = "payment.expired")]
    PaymentExpired,
    /// Sent to the card network.
    #[serde(rename = "payout.submitted")]
    PayoutSubmitted,
    /// The card was credited.
    #[serde(rename = "payout.paid")]
    PayoutPaid,
    /// Nothing was sent: give the money back.
    #[serde(rename = "payout.failed")]
    PayoutFailed,
    /// Sent and come back: give the money back.
    #[serde(rename = "payout.returned")]
    PayoutReturned,
    /// The person turned back: give the money back.
    #[serde(rename = "payout.canceled")]
    PayoutCanceled,
    /// Nobody chose a card in time: give the money back.
    #[serde(rename = "payout.expired")]
    PayoutExpired,
}

/// The object at the moment of the event. Tell them apart by the variant (`object` on the wire).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EventObject {
    /// A payment.
    Payment(Payment),
    /// A payout.
    Payout(Payout),
}

/// The `data` of an event.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EventData {
    /// The object as the event left it.
    pub object: EventObject,
}

/// An event: the body of a webhook, and an element of [`EventList`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// `evt_…`.
    pub id: EventId,
    /// 1, 2, 3 … without a gap.
    pub seq: i64,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Unix seconds.
    pub created: i64,
    /// The object.
    pub data: EventData,
}

/// Answer of `GET /v1/events?after=SEQ&limit=N`, ascending by `seq`, which starts at `after + 1`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EventList {
    /// The events.
    pub data: Vec<Event>,
    /// Whether more follow the last one.
    pub has_more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Currency, PaymentObject, PaymentStatus, PayoutObject, PayoutStatus};

    #[test]
    fn the_object_field_decides_the_kind() {
        let payout = Payout {
            id: "po_000000000000000000000001".parse().unwrap(),
            object: PayoutObject::Payout,
            version: 2,
            status: PayoutStatus::Paid,
            outcome: None,
            amount: 5,
            currency: Currency::Uah,
            client_reference: "w1".parse().unwrap(),
            decline: None,
            created: 1,
        };
        let payment = Payment {
            id: "pay_000000000000000000000001".parse().unwrap(),
            object: PaymentObject::Payment,
            version: 2,
            status: PaymentStatus::Succeeded,
            outcome: None,
            amount: 5,
            amount_refunded: 0,
            currency: Currency::Eur,
            client_reference: "d1".parse().unwrap(),
            decline: None,
            created: 1,
        };
        for (event_type, object) in [
            (EventType::PayoutPaid, EventObject::Payout(payout)),
            (EventType::PaymentSucceeded, EventObject::Payment(payment)),
        ] {
            let event = Event {
                id: "evt_000000000000000000000001".parse().unwrap(),
                seq: 1,
                event_type,
                created: 1,
                data: EventData { object },
            };
            let json = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
        }
    }
}
