//! Rows as commands and questions. A row that cannot be read is a mistake in the table, and panics.

use super::{DAY, account, asset, number};
use ensoex_engine::{
    Command, OcoKind, OcoOrder, OrderKind, OrderRef, PlaceOco, PlaceOrder, Restrictions, SelfTradePrevention,
    Side, TimeInForce, Transfer, TransferCode, Trigger,
};
use ensoex_types::{
    AccountId, Amount, AssetId, ClientOrderId, MarketId, MarketSpec, MarketState, OrderId, Price, Quantity,
    TransferId,
};

/// What a row does.
pub(super) enum Step {
    /// Applies it.
    Command(Command),
    /// Changes nothing.
    Question(MarketId, Question),
    /// The next command's time, in microseconds.
    Clock(u64),
}

/// What a row asks.
pub(super) enum Question {
    Has(AccountId),
    HasOf(AccountId, AssetId),
    Orders(AccountId),
    Pays(AccountId),
    May(AccountId),
    Last,
    Book,
}

/// Reads a row's left side; markets that it lists are like `spec`.
pub(super) fn step(spec: &MarketSpec, text: &str) -> Step {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (market, words) = match words[..] {
        ["in", market, ref rest @ ..] => (MarketId(number(market.trim_end_matches(':'))), rest),
        ref all => (MarketId(0), all),
    };
    let question = match *words {
        ["day", day] => return Step::Clock(DAY * number::<u64>(day)),
        ["day", day, "end"] => return Step::Clock(DAY * (number::<u64>(day) + 1) - 1),
        ["last"] => Question::Last,
        ["book"] => Question::Book,
        [name, "has"] => Question::Has(account(name)),
        [name, "has", of] => Question::HasOf(account(name), asset(of)),
        [name, "orders"] => Question::Orders(account(name)),
        [name, "pays"] => Question::Pays(account(name)),
        [name, "may"] => Question::May(account(name)),
        _ => return Step::Command(house(spec, market, words).unwrap_or_else(|| user(market, words))),
    };
    Step::Question(market, question)
}

/// Commands of the house and the risk department.
fn house(spec: &MarketSpec, market: MarketId, words: &[&str]) -> Option<Command> {
    Some(match *words {
        ["market", state] => Command::SetMarketState {
            market,
            state: match state {
                "trading" => MarketState::Trading,
                "cancel-only" => MarketState::CancelOnly,
                "halted" => MarketState::Halted,
                "delisted" => MarketState::Delisted,
                other => panic!("{other} is no state"),
            },
        },
        ["list", market, pair] => {
            let (base, quote) = pair.split_once('/').expect("a pair is `base/quote`");
            Command::ListMarket {
                market: MarketId(number(market)),
                spec: Box::new(MarketSpec {
                    symbol: format!("{base}{quote}").to_uppercase(),
                    base: asset(base),
                    quote: asset(quote),
                    ..spec.clone()
                }),
            }
        }
        ["open", name] => Command::OpenAccount {
            account: account(name),
        },
        ["restrict", name, ref what @ ..] => Command::RestrictAccount {
            account: account(name),
            restrictions: Restrictions {
                no_trade: what.contains(&"no-trade"),
                no_withdraw: what.contains(&"no-withdraw"),
            },
        },
        ["tier", name, tier] => Command::SetAccountTier {
            account: account(name),
            tier: number(tier),
        },
        ["tiers", quote, ref volumes @ ..] => Command::SetFeeTiers {
            quote: asset(quote),
            volumes: volumes.iter().map(|volume| Amount(number(volume))).collect(),
        },
        ["transfer", ref rest @ ..] => Command::Transfer(transfer(rest)),
        ["hold", ref rest @ ..] => Command::HoldTransfer(transfer(rest)),
        ["post", id] => Command::PostTransfer {
            transfer: TransferId(number(id)),
        },
        ["void", id] => Command::VoidTransfer {
            transfer: TransferId(number(id)),
        },
        _ => return None,
    })
}

/// Commands that begin with who gives them.
fn user(market: MarketId, words: &[&str]) -> Command {
    match *words {
        [name, "cancel", "all"] => Command::CancelAllOrders {
            account: account(name),
            market,
        },
        [name, "cancel", order] => Command::CancelOrder {
            account: account(name),
            market,
            order: order_ref(order),
        },
        [name, "reduce", order, "by", by] => Command::ReduceOrder {
            account: account(name),
            market,
            order: order_ref(order),
            by: Quantity(number(by)),
        },
        [name, "replace", order, ref rest @ ..] => Command::ReplaceOrder {
            order: order_ref(order),
            place: place(name, market, rest),
        },
        [name, "oco", side_word, quantity, ref rest @ ..] => {
            let (self_trade_prevention, list, rest) = oco_options(rest);
            let below = rest.iter().position(|word| *word == "below");
            let (above, below) = rest.split_at(below.expect("an OCO has `above … below …`"));
            Command::PlaceOco(Box::new(PlaceOco {
                account: account(name),
                market,
                side: side(side_word),
                quantity: Quantity(number(quantity)),
                above: leg(above),
                below: leg(below),
                self_trade_prevention,
                list_client_order_id: list,
            }))
        }
        [name, ref rest @ ..] => Command::PlaceOrder(place(name, market, rest)),
        [] => panic!("an empty command"),
    }
}

fn side(word: &str) -> Side {
    match word {
        "buy" => Side::Buy,
        "sell" => Side::Sell,
        other => panic!("{other} is no side"),
    }
}

fn client(text: &str) -> ClientOrderId {
    match ClientOrderId::new(text) {
        Ok(name) => name,
        Err(error) => panic!("{text}: {error}"),
    }
}

fn order_ref(word: &str) -> OrderRef {
    let word = word.trim_end_matches(':');
    match word.strip_prefix('#') {
        Some(id) => OrderRef::Id(OrderId(number(id))),
        None => OrderRef::Client(client(word)),
    }
}

fn transfer(words: &[&str]) -> Transfer {
    let [id, debit, "to", credit, amount, of, ref why @ ..] = *words else {
        panic!("a transfer is `ID FROM to TO AMOUNT ASSET`, not {words:?}");
    };
    Transfer {
        transfer: TransferId(number(id)),
        debit: account(debit),
        credit: account(credit),
        asset: asset(of),
        amount: Amount(number(amount)),
        code: match *why {
            [] => TransferCode::Internal,
            ["withdrawal"] => TransferCode::Withdrawal,
            ["deposit"] => TransferCode::Deposit,
            ["capital"] => TransferCode::Capital,
            ["correction", "of", of] => TransferCode::Correction {
                of: TransferId(number(of)),
            },
            _ => panic!("{why:?} is no reason"),
        },
    }
}

fn prevention(word: &str) -> Option<SelfTradePrevention> {
    Some(match word {
        "expire-taker" => SelfTradePrevention::ExpireTaker,
        "expire-maker" => SelfTradePrevention::ExpireMaker,
        "expire-both" => SelfTradePrevention::ExpireBoth,
        "decrement" => SelfTradePrevention::Decrement,
        _ => return None,
    })
}

/// `… as NAME`, if it ends so.
fn named<'a>(words: &'a [&'a str]) -> (&'a [&'a str], ClientOrderId) {
    match words {
        [words @ .., "as", name] => (words, client(name)),
        words => (words, ClientOrderId::NONE),
    }
}

fn oco_options<'a>(mut words: &'a [&'a str]) -> (SelfTradePrevention, ClientOrderId, &'a [&'a str]) {
    let mut mode = SelfTradePrevention::default();
    let mut list = ClientOrderId::NONE;
    loop {
        words = match *words {
            ["above", ref rest @ ..] => return (mode, list, rest),
            ["list", name, ref rest @ ..] => {
                list = client(name);
                rest
            }
            [word, ref rest @ ..] => {
                mode = prevention(word).expect("a mode, `list` or `above`");
                rest
            }
            [] => panic!("an OCO has `above … below …`"),
        };
    }
}

fn leg(words: &[&str]) -> OcoOrder {
    let words = words.strip_prefix(&["below"]).unwrap_or(words);
    let (words, client_order_id) = named(words);
    let kind = match kind("1", words) {
        OrderKind::LimitMaker { price, .. } => OcoKind::LimitMaker { price },
        OrderKind::Stop {
            trigger, stop_price, ..
        } => OcoKind::Stop { trigger, stop_price },
        OrderKind::StopLimit {
            trigger,
            stop_price,
            price,
            time_in_force,
            ..
        } => OcoKind::StopLimit {
            trigger,
            stop_price,
            price,
            time_in_force,
        },
        other => panic!("{other:?} cannot be of an OCO"),
    };
    OcoOrder {
        kind,
        client_order_id,
    }
}

fn place(name: &str, market: MarketId, words: &[&str]) -> PlaceOrder {
    let (words, client_order_id) = named(words);
    let (words, self_trade_prevention) = match words {
        [words @ .., mode] if prevention(mode).is_some() => (words, prevention(mode)),
        words => (words, None),
    };
    let (side_word, kind) = match *words {
        [side, "for", quote, "market"] => {
            let quote = Amount(number(quote));
            (side, OrderKind::MarketQuote { quote })
        }
        [side, quantity, ref rest @ ..] => (side, kind(quantity, rest)),
        _ => panic!("{words:?} is no order"),
    };
    PlaceOrder {
        account: account(name),
        market,
        side: side(side_word),
        kind,
        self_trade_prevention: self_trade_prevention.unwrap_or_default(),
        client_order_id,
    }
}

fn kind(quantity: &str, words: &[&str]) -> OrderKind {
    let quantity = Quantity(number(quantity));
    let price = |text| Price(number(text));
    let trigger = |word| match word {
        "stop-loss" => Trigger::StopLoss,
        "take-profit" => Trigger::TakeProfit,
        other => panic!("{other} is no trigger"),
    };
    let time_in_force = |rest: &[&str]| match *rest {
        [] => TimeInForce::Gtc,
        ["ioc"] => TimeInForce::Ioc,
        ["fok"] => TimeInForce::Fok,
        _ => panic!("{rest:?} is no time in force"),
    };
    match *words {
        ["market"] => OrderKind::Market { quantity },
        ["@", at, "maker"] => OrderKind::LimitMaker {
            price: price(at),
            quantity,
        },
        ["@", at, ref rest @ ..] => OrderKind::Limit {
            price: price(at),
            quantity,
            time_in_force: time_in_force(rest),
        },
        [waits, stop, "@", at, ref rest @ ..] => OrderKind::StopLimit {
            trigger: trigger(waits),
            stop_price: price(stop),
            price: price(at),
            quantity,
            time_in_force: time_in_force(rest),
        },
        [waits, stop] => OrderKind::Stop {
            trigger: trigger(waits),
            stop_price: price(stop),
            quantity,
        },
        _ => panic!("{words:?} is no kind of order"),
    }
}
