//! Scenarios as tables: one row a command and what the engine answers, `command | events`.
//!
//! Commands: `ann buy 3 @ 100 [ioc|fok|maker] [as NAME]`, `ann buy 3 market`, `ann buy for 500 market`,
//! `ann cancel #1|NAME|all`, `ann reduce #1 by 2`, `ann replace #1: buy 3 @ 100`, `market trading|cancel-only|halted`,
//! `transfer 7 ann to bob 5 base|quote`, `hold 7 …`, `post 7`, `void 7`, and the question `ann has` whose answer
//! is `base AVAILABLE+HELD quote AVAILABLE+HELD`. `ann`, `bob` and `cat` are users with 1,000 base and 100,000
//! quote; `fees`, `capital` and `pay` are of the house.

use ensoex_engine::{
    Command, Engine, Event, OrderKind, OrderRef, PlaceOrder, Side, TimeInForce, Transfer, TransferCode,
};
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, FeeRate, MarketId, MarketSpec, MarketState, OrderId, Price,
    Quantity, Sequence, Timestamp, TransferId,
};

const MARKET: MarketId = MarketId(0);
const BASE: AssetId = AssetId(0);
const QUOTE: AssetId = AssetId(1);

/// A market with no fees and wide limits, one base unit a lot and one quote unit a tick.
pub(crate) fn plain() -> MarketSpec {
    MarketSpec {
        symbol: "BASEQUOTE".into(),
        base: BASE,
        quote: QUOTE,
        lot_size: 1,
        tick_value: 1,
        price_scale: 0,
        tick_units: 1,
        price_min: Price(1),
        price_max: Price(1_000_000),
        quantity_min: Quantity(1),
        quantity_max: Quantity(1_000_000),
        notional_min: Amount(0),
        notional_max: Amount(1_000_000_000_000),
        orders_per_account_max: 100,
        maker_fee: FeeRate(0),
        taker_fee: FeeRate(0),
    }
}

/// Runs the table in [`plain`]'s market.
#[track_caller]
pub(crate) fn check(table: &str) {
    check_in(plain(), table);
}

/// Runs the table in the given market.
#[track_caller]
pub(crate) fn check_in(market: MarketSpec, table: &str) {
    let mut exchange = Exchange::new(market);
    let rows = table.lines().map(str::trim).filter(|row| !row.is_empty());
    for row in rows {
        let (command, expected) = row.split_once('|').expect("a row is `command | answer`");
        let words: Vec<&str> = command.split_whitespace().collect();
        let answer = match words[..] {
            [account, "has"] => exchange.balances(account),
            _ => exchange.apply(&parse(&words)),
        };
        assert_eq!(answer, expected.trim(), "in row: {row}");
        if let Err(broken) = exchange.engine.check_invariants() {
            panic!("{broken}, after row: {row}");
        }
    }
}

struct Exchange {
    engine: Engine,
    sequence: u64,
}

impl Exchange {
    fn new(spec: MarketSpec) -> Exchange {
        let mut exchange = Exchange {
            engine: Engine::new(),
            sequence: 0,
        };
        for (asset, code) in [(BASE, "BASE"), (QUOTE, "QUOTE")] {
            let (code, scale) = (code.into(), 2);
            let spec = AssetSpec { code, scale };
            exchange.must(&Command::ListAsset { asset, spec });
        }
        exchange.must(&Command::ListMarket { market: MARKET, spec });
        for (number, name) in (0..).zip(["ann", "bob", "cat"]) {
            exchange.must(&Command::OpenAccount {
                account: account(name),
            });
            for (asset, amount) in [(BASE, 1_000), (QUOTE, 100_000)] {
                exchange.must(&Command::Transfer(Transfer {
                    transfer: TransferId(1_000 + number * 10 + u128::from(asset.0)),
                    debit: AccountId::OPERATOR_CAPITAL,
                    credit: account(name),
                    asset,
                    amount: Amount(amount),
                    code: TransferCode::Capital,
                }));
            }
        }
        exchange
    }

    fn must(&mut self, command: &Command) {
        let answer = self.apply(command);
        assert!(!answer.contains("rejected"), "{command:?}: {answer}");
    }

    fn apply(&mut self, command: &Command) -> String {
        self.sequence += 1;
        let mut events = Vec::new();
        let at = Timestamp(self.sequence * 1_000);
        self.engine
            .apply(Sequence(self.sequence), at, command, &mut events);
        events.iter().map(describe).collect::<Vec<_>>().join(", ")
    }

    fn balances(&self, name: &str) -> String {
        let base = self.engine.balance(account(name), BASE);
        let quote = self.engine.balance(account(name), QUOTE);
        format!(
            "base {}+{} quote {}+{}",
            base.available.0, base.held.0, quote.available.0, quote.held.0
        )
    }
}

fn account(name: &str) -> AccountId {
    match name {
        "pay" => AccountId::PAY_CLEARING,
        "fees" => AccountId::FEES,
        "capital" => AccountId::OPERATOR_CAPITAL,
        "ann" => AccountId(1_000),
        "bob" => AccountId(1_001),
        "cat" => AccountId(1_002),
        "nobody" => AccountId(4_000_000_000),
        other => panic!("who is {other}?"),
    }
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    match text.parse() {
        Ok(number) => number,
        Err(_) => panic!("{text} is no number"),
    }
}

fn side(word: &str) -> Side {
    match word {
        "buy" => Side::Buy,
        "sell" => Side::Sell,
        other => panic!("{other} is no side"),
    }
}

fn order_ref(word: &str) -> OrderRef {
    match word.trim_end_matches(':').strip_prefix('#') {
        Some(id) => OrderRef::Id(OrderId(number(id))),
        None => OrderRef::Client(word.trim_end_matches(':').into()),
    }
}

fn parse(words: &[&str]) -> Command {
    match *words {
        ["market", state] => Command::SetMarketState {
            market: MARKET,
            state: match state {
                "trading" => MarketState::Trading,
                "cancel-only" => MarketState::CancelOnly,
                "halted" => MarketState::Halted,
                other => panic!("{other} is no state"),
            },
        },
        ["transfer", ref rest @ ..] => Command::Transfer(transfer(rest)),
        ["hold", ref rest @ ..] => Command::HoldTransfer(transfer(rest)),
        ["post", id] => Command::PostTransfer {
            transfer: TransferId(number(id)),
        },
        ["void", id] => Command::VoidTransfer {
            transfer: TransferId(number(id)),
        },
        [name, "cancel", "all"] => Command::CancelAllOrders {
            account: account(name),
            market: MARKET,
        },
        [name, "cancel", order] => Command::CancelOrder {
            account: account(name),
            market: MARKET,
            order: order_ref(order),
        },
        [name, "reduce", order, "by", by] => Command::ReduceOrder {
            account: account(name),
            market: MARKET,
            order: order_ref(order),
            by: Quantity(number(by)),
        },
        [name, "replace", order, ref rest @ ..] => Command::ReplaceOrder {
            order: order_ref(order),
            place: place(name, rest),
        },
        [name, ref rest @ ..] => Command::PlaceOrder(place(name, rest)),
        [] => panic!("an empty command"),
    }
}

fn transfer(words: &[&str]) -> Transfer {
    let [id, debit, "to", credit, amount, asset] = *words else {
        panic!("a transfer is `ID FROM to TO AMOUNT ASSET`, not {words:?}");
    };
    Transfer {
        transfer: TransferId(number(id)),
        debit: account(debit),
        credit: account(credit),
        asset: match asset {
            "base" => BASE,
            "quote" => QUOTE,
            other => AssetId(number(other)),
        },
        amount: Amount(number(amount)),
        code: TransferCode::Internal,
    }
}

fn place(name: &str, words: &[&str]) -> PlaceOrder {
    let (words, client_order_id) = match words {
        [words @ .., "as", client_order_id] => (words, *client_order_id),
        words => (words, ""),
    };
    let limit = |quantity: &str, price: &str, time_in_force| OrderKind::Limit {
        price: Price(number(price)),
        quantity: Quantity(number(quantity)),
        time_in_force,
    };
    let (side_word, kind) = match *words {
        [side, quantity, "@", price] => (side, limit(quantity, price, TimeInForce::Gtc)),
        [side, quantity, "@", price, "ioc"] => (side, limit(quantity, price, TimeInForce::Ioc)),
        [side, quantity, "@", price, "fok"] => (side, limit(quantity, price, TimeInForce::Fok)),
        [side, quantity, "@", price, "maker"] => {
            let (price, quantity) = (Price(number(price)), Quantity(number(quantity)));
            (side, OrderKind::LimitMaker { price, quantity })
        }
        [side, quantity, "market"] => {
            let quantity = Quantity(number(quantity));
            (side, OrderKind::Market { quantity })
        }
        [side, "for", quote, "market"] => {
            let quote = Amount(number(quote));
            (side, OrderKind::MarketQuote { quote })
        }
        _ => panic!("{words:?} is no order"),
    };
    PlaceOrder {
        account: account(name),
        market: MARKET,
        side: side(side_word),
        kind,
        client_order_id: client_order_id.into(),
    }
}

fn describe(event: &Event) -> String {
    match event {
        Event::Rejected { reject } => format!("rejected {reject:?}"),
        Event::OrderAccepted { order, .. } => format!("accepted #{order}"),
        Event::Trade(trade) => {
            let mut text = format!(
                "trade {} @ {} with #{}",
                trade.quantity.0, trade.price.0, trade.maker_order
            );
            if trade.maker_fee.0 != 0 || trade.taker_fee.0 != 0 {
                text += &format!(" fees {}/{}", trade.maker_fee.0, trade.taker_fee.0);
            }
            text
        }
        Event::OrderClosed {
            order,
            reason,
            remaining,
            ..
        } => match remaining.0 {
            0 => format!("#{order} {reason:?}"),
            left => format!("#{order} {reason:?} with {left} left"),
        },
        Event::OrderReduced { order, remaining, .. } => format!("#{order} reduced to {}", remaining.0),
        Event::TransferPosted { transfer, .. } => format!("posted {transfer}"),
        Event::TransferHeld { transfer, .. } => format!("held {transfer}"),
        Event::TransferVoided { transfer, .. } => format!("voided {transfer}"),
        Event::MarketStateChanged { .. } => "changed".into(),
        Event::AssetListed { .. } | Event::MarketListed { .. } | Event::AccountOpened { .. } => "done".into(),
    }
}
