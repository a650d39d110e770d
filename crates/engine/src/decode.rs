//! Reading an encoded command from the log.
//!
//! What a command looks like in bytes is postcard's affair, and so is reading it. But a start after a crash reads millions, nearly all of
//! them limit orders, cancels by id, and both in one; for these the general way takes longer than the engine takes to apply them. So these
//! are read here, and whatever is not one of them, or is in any way out of the ordinary, is left to postcard: errors too. A test compares the
//! two on every kind of command, whole and damaged.
//!
//! Knows no log and no batches.

use crate::{Command, OrderKind, OrderRef, PlaceOrder, SelfTradePrevention, Side, TimeInForce};
use ensoex_types::{AccountId, ClientOrderId, MarketId, OrderId, Price, Quantity};

/// Positions of the variants in [`Command`].
const PLACE_ORDER: u8 = 4;
const CANCEL_ORDER: u8 = 6;
const REPLACE_ORDER: u8 = 9;

/// Reads the command at the beginning of `data`; returns it with what follows.
///
/// # Errors
/// As postcard's: the bytes are no command, or end in the middle of one.
#[inline]
pub fn decode(data: &[u8]) -> Result<(Command, &[u8]), postcard::Error> {
    match ordinary(data) {
        Some(found) => Ok(found),
        None => postcard::take_from_bytes(data),
    }
}

/// The command, if it is one of those that are nearly all there is.
fn ordinary(data: &[u8]) -> Option<(Command, &[u8])> {
    let mut reader = Reader { rest: data };
    let command = match reader.byte()? {
        PLACE_ORDER => Command::PlaceOrder(reader.place()?),
        CANCEL_ORDER => Command::CancelOrder {
            account: reader.account()?,
            market: reader.market()?,
            order: reader.order()?,
        },
        REPLACE_ORDER => Command::ReplaceOrder {
            order: reader.order()?,
            place: reader.place()?,
        },
        _ => return None,
    };
    Some((command, reader.rest))
}

/// Each of its functions reads one thing, or says `None` to what is out of the ordinary.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    #[inline(always)]
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    /// A number below 2^56, seven bits a byte, the least first; each byte but the last has its highest bit set. All at once, without
    /// a loop whose end cannot be foreseen.
    #[inline(always)]
    fn number(&mut self) -> Option<u64> {
        let word = u64::from_le_bytes(*self.rest.first_chunk()?);
        let ends = !word & 0x8080_8080_8080_8080;
        if ends == 0 {
            return None;
        }
        // The bits up to the first byte that ends a number.
        let bits = word & (ends ^ (ends - 1)) & 0x7f7f_7f7f_7f7f_7f7f;
        let bits = (bits & 0x007f_007f_007f_007f) | (bits & 0x7f00_7f00_7f00_7f00) >> 1;
        let bits = (bits & 0x0000_3fff_0000_3fff) | (bits & 0x3fff_0000_3fff_0000) >> 2;
        let bits = (bits & 0x0000_0000_0fff_ffff) | (bits & 0x0fff_ffff_0000_0000) >> 4;
        self.rest = self.rest.get(ends.trailing_zeros() as usize / 8 + 1..)?;
        Some(bits)
    }

    /// A number of the type's own width; a wider one is an error, which postcard finds.
    #[inline(always)]
    fn narrow<T: TryFrom<u64>>(&mut self, bytes_max: usize) -> Option<T> {
        let before = self.rest.len();
        let number = T::try_from(self.number()?).ok();
        number.filter(|_| before - self.rest.len() <= bytes_max)
    }

    #[inline(always)]
    fn account(&mut self) -> Option<AccountId> {
        self.narrow(5).map(AccountId)
    }

    #[inline(always)]
    fn market(&mut self) -> Option<MarketId> {
        self.narrow(3).map(MarketId)
    }

    #[inline(always)]
    fn order(&mut self) -> Option<OrderRef> {
        match self.byte()? {
            0 => Some(OrderRef::Id(OrderId(self.number()?))),
            _ => None,
        }
    }

    #[inline(always)]
    fn place(&mut self) -> Option<PlaceOrder> {
        Some(PlaceOrder {
            account: self.account()?,
            market: self.market()?,
            side: match self.byte()? {
                0 => Side::Buy,
                1 => Side::Sell,
                _ => return None,
            },
            kind: self.kind()?,
            self_trade_prevention: match self.byte()? {
                0 => SelfTradePrevention::ExpireTaker,
                1 => SelfTradePrevention::ExpireMaker,
                2 => SelfTradePrevention::ExpireBoth,
                3 => SelfTradePrevention::Decrement,
                _ => return None,
            },
            client_order_id: self.client_order_id()?,
        })
    }

    #[inline(always)]
    fn kind(&mut self) -> Option<OrderKind> {
        let kind = self.byte()?;
        if kind > 1 {
            return None;
        }
        let (price, quantity) = (Price(self.number()?), Quantity(self.number()?));
        if kind == 1 {
            return Some(OrderKind::LimitMaker { price, quantity });
        }
        let time_in_force = match self.byte()? {
            0 => TimeInForce::Gtc,
            1 => TimeInForce::Ioc,
            2 => TimeInForce::Fok,
            _ => return None,
        };
        Some(OrderKind::Limit {
            price,
            quantity,
            time_in_force,
        })
    }

    #[inline(always)]
    fn client_order_id(&mut self) -> Option<ClientOrderId> {
        let length = self.byte()?;
        if length == 0 {
            return Some(ClientOrderId::NONE);
        }
        let (text, rest) = self.rest.split_at_checked(usize::from(length))?;
        self.rest = rest;
        ClientOrderId::new(core::str::from_utf8(text).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// Numbers of every length.
    fn number() -> impl Strategy<Value = u64> {
        (any::<u64>(), 0..64_u32).prop_map(|(number, shift)| number >> shift)
    }

    fn name() -> impl Strategy<Value = ClientOrderId> {
        prop::collection::vec(prop::sample::select(&b"aZ0.:/_-"[..]), 0..37).prop_map(|bytes| {
            let text = alloc::string::String::from_utf8(bytes).expect("it is ASCII");
            ClientOrderId::new(&text).expect("it is a name")
        })
    }

    prop_compose! {
        fn place()(
            (account, market, sells, kind) in (any::<u32>(), any::<u16>(), any::<bool>(), 0..5_u8),
            (price, quantity) in (number(), number()),
            prevention in 0..4_usize,
            client_order_id in name(),
        ) -> PlaceOrder {
            let (price, quantity) = (Price(price), Quantity(quantity));
            let limit = |time_in_force| OrderKind::Limit { price, quantity, time_in_force };
            PlaceOrder {
                account: AccountId(account),
                market: MarketId(market),
                side: if sells { Side::Sell } else { Side::Buy },
                kind: match kind {
                    0 => limit(TimeInForce::Gtc),
                    1 => limit(TimeInForce::Ioc),
                    2 => limit(TimeInForce::Fok),
                    3 => OrderKind::LimitMaker { price, quantity },
                    _ => OrderKind::Market { quantity },
                },
                self_trade_prevention: [
                    SelfTradePrevention::ExpireTaker,
                    SelfTradePrevention::ExpireMaker,
                    SelfTradePrevention::ExpireBoth,
                    SelfTradePrevention::Decrement,
                ][prevention],
                client_order_id,
            }
        }
    }

    fn command() -> impl Strategy<Value = Command> {
        let order = prop_oneof![
            4 => number().prop_map(|id| OrderRef::Id(OrderId(id))),
            1 => name().prop_map(OrderRef::Client),
        ];
        (0..4_u8, place(), order).prop_map(|(kind, place, order)| match kind {
            0 => Command::PlaceOrder(place),
            1 => Command::ReplaceOrder { order, place },
            2 => Command::CancelOrder {
                account: place.account,
                market: place.market,
                order,
            },
            _ => Command::CancelAllOrders {
                account: place.account,
                market: place.market,
            },
        })
    }

    fn both_say_the_same(data: &[u8]) {
        let general: Result<(Command, &[u8]), _> = postcard::take_from_bytes(data);
        assert_eq!(decode(data).ok(), general.ok(), "{data:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn commands_are_read_as_postcard_reads_them(
            command in command(),
            after in prop::collection::vec(any::<u8>(), 0..12),
            (place, byte) in (any::<prop::sample::Index>(), any::<u8>()),
        ) {
            let mut data = postcard::to_allocvec(&command).expect("it can be written");
            let length = data.len();
            data.extend(&after);
            let read = decode(&data).expect("it is whole");
            prop_assert_eq!(read, (command, &after[..]));
            // Cut off, and damaged.
            both_say_the_same(&data[..place.index(length)]);
            let at = place.index(length);
            data[at] = byte;
            both_say_the_same(&data);
            data[at] = byte | 0x80;
            both_say_the_same(&data);
        }

        #[test]
        fn bytes_are_read_as_postcard_reads_them(kind in 0..20_u8, rest in prop::collection::vec(0..5_u8, 0..40)) {
            let mut data = Vec::from([kind]);
            data.extend(rest);
            both_say_the_same(&data);
        }
    }

    /// Positive control: the ordinary ones do go the short way, and a number that is read wrong would be seen.
    #[test]
    fn ordinary_commands_are_not_left_to_postcard() {
        let account = AccountId(1_000_000);
        let cancel = |id| Command::CancelOrder {
            account,
            market: MarketId(3),
            order: OrderRef::Id(OrderId(id)),
        };
        let mut data = postcard::to_allocvec(&cancel(1 << 40)).expect("it can be written");
        let length = data.len();
        data.extend([0; 8]);
        assert_eq!(ordinary(&data), Some((cancel(1 << 40), &[0; 8][..])));
        data[length - 1] += 1;
        assert_ne!(ordinary(&data), Some((cancel(1 << 40), &[0; 8][..])));
        assert_eq!(
            ordinary(&[3, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
            None,
            "the general way is for the others"
        );
    }
}
