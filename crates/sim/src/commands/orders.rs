//! Orders of every kind, near the market and far from it.

use super::{Decoder, Gene, account, name};
use ensoex_engine::{
    OcoKind, OcoOrder, OrderKind, PlaceOco, PlaceOrder, SelfTradePrevention, Side, TimeInForce, Trigger,
};
use ensoex_types::{Amount, MarketId, Price, Quantity};

impl Decoder {
    pub(super) fn place(&self, gene: &Gene) -> PlaceOrder {
        let (market, side) = (self.market(gene[2]), side(gene[2]));
        let price = Price(self.price(market, gene[3], gene[4]));
        let quantity = quantity(gene);
        let time_in_force = time_in_force(gene[8] >> 2);
        let kind = match gene[6] % 40 {
            0..=13 => OrderKind::Limit {
                price,
                quantity,
                time_in_force: TimeInForce::Gtc,
            },
            14..=19 => OrderKind::Limit {
                price,
                quantity,
                time_in_force: match gene[6] % 2 {
                    0 => TimeInForce::Ioc,
                    _ => TimeInForce::Fok,
                },
            },
            20..=22 => OrderKind::LimitMaker { price, quantity },
            23..=25 => OrderKind::Market { quantity },
            26..=27 => OrderKind::MarketQuote {
                quote: Amount(match i128::from(gene[5] % 8_000) - 10 {
                    quote if market == self.main[2] => quote << 60,
                    quote => quote,
                }),
            },
            28..=33 => {
                let trigger = trigger(gene[8] >> 5);
                OrderKind::Stop {
                    trigger,
                    stop_price: Price(self.stop_price(market, trigger.rises(side), gene[3], gene[4])),
                    quantity,
                }
            }
            _ => {
                let trigger = trigger(gene[8] >> 5);
                let stop_price = self.stop_price(market, trigger.rises(side), gene[3], gene[4]);
                OrderKind::StopLimit {
                    trigger,
                    stop_price: Price(stop_price),
                    price: Price(self.near(market, stop_price, gene[9])),
                    quantity,
                    time_in_force,
                }
            }
        };
        PlaceOrder {
            account: account(gene[1]),
            market,
            side,
            kind,
            self_trade_prevention: self_trade_prevention(gene[8]),
            client_order_id: name(gene[7]),
        }
    }

    pub(super) fn place_oco(&self, gene: &Gene) -> PlaceOco {
        let (market, side) = (self.market(gene[2]), side(gene[2]));
        let last = self.last_price(market);
        let (near, far) = (u64::from(gene[3] % 5), u64::from(gene[3] / 8 % 5));
        // One in sixteen: as it comes.
        let [above, below] = match gene[4] % 16 {
            0 => [
                self.price(market, gene[3], gene[9]),
                self.price(market, gene[9], gene[3]),
            ],
            _ => [last.saturating_add(1 + near), last.saturating_sub(1 + far)],
        };
        let takes_profit_above = match gene[6] % 16 {
            0 => gene[6] & 0x10 == 0,
            _ => side == Side::Sell,
        };
        let takes_profit_below = match gene[6] / 0x20 % 16 {
            0 => gene[6] & 0x200 == 0,
            _ => side == Side::Buy,
        };
        let kind = |takes_profit: bool, price: u64, choice: u16| {
            let trigger = match takes_profit {
                true => Trigger::TakeProfit,
                false => Trigger::StopLoss,
            };
            let stop_price = Price(price);
            match choice % 4 {
                0..=1 if takes_profit => OcoKind::LimitMaker { price: stop_price },
                2 => OcoKind::Stop { trigger, stop_price },
                _ => OcoKind::StopLimit {
                    trigger,
                    stop_price,
                    price: Price(self.near(market, price, gene[9])),
                    time_in_force: time_in_force(choice >> 2),
                },
            }
        };
        PlaceOco {
            account: account(gene[1]),
            market,
            side,
            quantity: quantity(gene),
            above: OcoOrder {
                kind: kind(takes_profit_above, above, gene[11]),
                client_order_id: name(gene[7]),
            },
            below: OcoOrder {
                kind: kind(takes_profit_below, below, gene[11] >> 4),
                client_order_id: name(gene[7] >> 5),
            },
            self_trade_prevention: self_trade_prevention(gene[8]),
            list_client_order_id: name(gene[8]),
        }
    }

    /// Mostly near the market; sometimes far away, so that the levels' window has to move.
    fn price(&self, market: MarketId, number: u16, cluster: u16) -> u64 {
        let number = u64::from(number);
        match cluster % 64 {
            0 => number * 1_000,
            1 => number % 3,
            2 => u64::MAX - number,
            3..=5 => 100_000 + number % 20,
            6..=30 => self.last_price(market).saturating_sub(8) + number % 17,
            _ => 100 + number % 20,
        }
    }

    /// Mostly where the market has not been yet.
    fn stop_price(&self, market: MarketId, rises: bool, number: u16, cluster: u16) -> u64 {
        let (last, distance) = (self.last_price(market), 1 + u64::from(number % 5));
        match cluster % 16 {
            0 => self.price(market, number, cluster / 16),
            _ if rises => last.saturating_add(distance),
            _ => last.saturating_sub(distance),
        }
    }

    /// A limit price for a stop price.
    fn near(&self, market: MarketId, stop_price: u64, number: u16) -> u64 {
        match number % 32 {
            0 => self.price(market, number / 32, number / 64),
            other => stop_price.saturating_sub(7).saturating_add(u64::from(other % 15)),
        }
    }
}

fn side(number: u16) -> Side {
    match number & 0x100 {
        0 => Side::Buy,
        _ => Side::Sell,
    }
}

fn quantity(gene: &Gene) -> Quantity {
    Quantity(match gene[5] % 64 {
        0 => 0,
        1 => u64::from(gene[5]),
        2 => u64::MAX - u64::from(gene[6]),
        other => u64::from(other),
    })
}

fn time_in_force(number: u16) -> TimeInForce {
    match number % 8 {
        0..=3 => TimeInForce::Gtc,
        4..=5 => TimeInForce::Ioc,
        _ => TimeInForce::Fok,
    }
}

fn trigger(number: u16) -> Trigger {
    match number % 2 {
        0 => Trigger::StopLoss,
        _ => Trigger::TakeProfit,
    }
}

fn self_trade_prevention(number: u16) -> SelfTradePrevention {
    match number % 4 {
        0 => SelfTradePrevention::ExpireTaker,
        1 => SelfTradePrevention::ExpireMaker,
        2 => SelfTradePrevention::ExpireBoth,
        _ => SelfTradePrevention::Decrement,
    }
}
