//! How each test card behaves. Numbers are those that Stripe documents, and three of our own; every other card
//! number with a right check digit behaves like an ordinary card with money on it.

use ensoex_iso8583::{CardNumber, ResponseCode};

/// What becomes of a request's answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// It is answered.
    Answered,
    /// The issuer decides and books, but the answer never arrives.
    AnswerLost,
    /// The request never reaches the issuer.
    RequestLost,
}

/// How a card behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Behaviour {
    /// The issuer's answer to an authorisation, funds permitting.
    pub authorization: ResponseCode,
    /// The issuer's answer to an original credit.
    pub credit: ResponseCode,
    /// Whether 3-D Secure asks the cardholder.
    pub challenge: bool,
    /// What becomes of the answer.
    pub delivery: Delivery,
}

/// A test card: its number and what it is for.
pub struct TestCard {
    /// The number, grouped as on a card.
    pub number: &'static str,
    /// What it shows.
    pub purpose: &'static str,
    behaviour: Behaviour,
}

const ORDINARY: Behaviour = Behaviour {
    authorization: ResponseCode::APPROVED,
    credit: ResponseCode::APPROVED,
    challenge: false,
    delivery: Delivery::Answered,
};

/// The cards with a behaviour of their own, and two that behave ordinarily.
pub const TEST_CARDS: [TestCard; 10] = [
    TestCard {
        number: "4242 4242 4242 4242",
        purpose: "VISA, approved",
        behaviour: ORDINARY,
    },
    TestCard {
        number: "5555 5555 5555 4444",
        purpose: "Mastercard, approved",
        behaviour: ORDINARY,
    },
    TestCard {
        number: "4000 0000 0000 3220",
        purpose: "3-D Secure challenge, then approved",
        behaviour: Behaviour {
            challenge: true,
            ..ORDINARY
        },
    },
    TestCard {
        number: "4000 0084 0000 1629",
        purpose: "3-D Secure challenge, then declined",
        behaviour: Behaviour {
            challenge: true,
            authorization: ResponseCode::DO_NOT_HONOUR,
            ..ORDINARY
        },
    },
    TestCard {
        number: "4000 0000 0000 0002",
        purpose: "Declined",
        behaviour: Behaviour {
            authorization: ResponseCode::DO_NOT_HONOUR,
            credit: ResponseCode::DO_NOT_HONOUR,
            ..ORDINARY
        },
    },
    TestCard {
        number: "4000 0000 0000 9995",
        purpose: "Insufficient funds; payouts to it are refused",
        behaviour: Behaviour {
            authorization: ResponseCode::INSUFFICIENT_FUNDS,
            credit: ResponseCode::NOT_PERMITTED,
            ..ORDINARY
        },
    },
    TestCard {
        number: "4000 0000 0000 9987",
        purpose: "Reported lost",
        behaviour: Behaviour {
            authorization: ResponseCode::LOST_CARD,
            credit: ResponseCode::LOST_CARD,
            ..ORDINARY
        },
    },
    TestCard {
        number: "4000 0000 0000 7007",
        purpose: "Approved, but the answer is lost: outcome unknown, found by inquiry",
        behaviour: Behaviour {
            delivery: Delivery::AnswerLost,
            ..ORDINARY
        },
    },
    TestCard {
        number: "4000 0000 0000 7106",
        purpose: "The request is lost: outcome unknown, nothing booked",
        behaviour: Behaviour {
            delivery: Delivery::RequestLost,
            ..ORDINARY
        },
    },
    TestCard {
        number: "4000 0000 0000 7205",
        purpose: "Declined, but the answer is lost: outcome unknown, found by inquiry",
        behaviour: Behaviour {
            authorization: ResponseCode::DO_NOT_HONOUR,
            credit: ResponseCode::DO_NOT_HONOUR,
            challenge: false,
            delivery: Delivery::AnswerLost,
        },
    },
];

/// How a card behaves.
pub(crate) fn behaviour(card: &CardNumber) -> Behaviour {
    TEST_CARDS
        .iter()
        .find(|test| {
            test.number
                .bytes()
                .filter(u8::is_ascii_digit)
                .eq(card.digits().iter().copied())
        })
        .map_or(ORDINARY, |test| test.behaviour)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_card_has_a_right_check_digit_and_is_found() {
        for test in &TEST_CARDS {
            let card =
                CardNumber::parse(test.number).unwrap_or_else(|error| panic!("{}: {error}", test.number));
            assert_eq!(
                behaviour(&card).challenge,
                test.behaviour.challenge,
                "{}",
                test.number
            );
            assert_eq!(
                behaviour(&card).authorization,
                test.behaviour.authorization,
                "{}",
                test.number
            );
        }
        let ordinary = CardNumber::parse("4111 1111 1111 1111").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(behaviour(&ordinary).authorization, ResponseCode::APPROVED);
    }
}
