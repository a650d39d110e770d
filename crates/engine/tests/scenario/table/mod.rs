//! Scenarios as tables: one row a command and what the engine answers, `command | events`.
//!
//! `ann`, `bob` and `cat` are users with 1,000 of each asset but 100,000 `quote`; `fees`, `capital` and `pay` are
//! of the house. Commands:
//! - `ann buy 3 @ 100 [ioc|fok|maker]`, `ann buy 3 market`, `ann buy for 500 market`,
//!   `ann sell 3 stop-loss|take-profit 90 [@ 89 [ioc|fok]]`, each with a mode of self-trade prevention
//!   `[expire-maker|expire-both|decrement]` and a name `[as NAME]`;
//! - `ann oco sell 3 [MODE] [list NAME] above LEG [as NAME] below LEG [as NAME]`, a leg being `@ 110 maker` or
//!   `stop-loss 90 [@ 89 [ioc|fok]]`;
//! - `ann cancel #1|NAME|all`, `ann reduce #1 by 2`, `ann replace #1: buy 3 @ 100`;
//! - `transfer 7 ann to bob 5 base [withdrawal|deposit|capital|correction of 6]`, `hold 7 …`, `post 7`,
//!   `void 7`;
//! - `market trading|cancel-only|halted|delisted`, `list 1 third/quote`, `open ann`;
//! - `restrict ann [no-trade] [no-withdraw]`, `tier ann 2`, `tiers quote 1000 5000`.
//!
//! Questions: `ann has [third]` (available+held), `ann orders`, `ann pays` (tier, fees of maker/taker,
//! volume), `ann may`, `last` (price), `book` (bids / asks). `day 3` and `day 3 end` set the clock to that
//! UTC day's first or last microsecond; each command then takes a millisecond. `in 1: …` goes to market 1
//! instead of 0.
//!
//! After every row, [`audit`] looks at the whole state from outside. Every table runs twice: straight on, and
//! with an engine restored from its own state after every row.

mod audit;
mod describe;
mod parse;

use ensoex_engine::{Command, Engine, Event, Transfer, TransferCode};
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, FeeRate, FeeRates, MarketId, MarketSpec, OrderId, Price, Quantity,
    Sequence, Timestamp, TransferId,
};
use parse::{Question, Step};

const ASSETS: [(&str, AssetId); 3] = [("base", AssetId(0)), ("quote", AssetId(1)), ("third", AssetId(2))];
const USERS: [&str; 3] = ["ann", "bob", "cat"];
const DAY: u64 = 86_400_000_000;

/// A market with no fees and wide limits, one base unit a lot and one quote unit a tick.
pub(crate) fn plain() -> MarketSpec {
    MarketSpec {
        symbol: "BASEQUOTE".into(),
        base: AssetId(0),
        quote: AssetId(1),
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
        price_band: None,
        orders_per_account_max: 100,
        stops_per_account_max: 50,
        fees: fees(&[(0, 0)]),
    }
}

/// Fees of the tiers in order, maker and taker, in parts per million.
pub(crate) fn fees(tiers: &[(u32, u32)]) -> Vec<FeeRates> {
    let rates = |&(maker, taker): &(u32, u32)| FeeRates {
        maker: FeeRate(maker),
        taker: FeeRate(taker),
    };
    tiers.iter().map(rates).collect()
}

/// Runs the table in [`plain`]'s market.
#[track_caller]
pub(crate) fn check(table: &str) {
    check_in(plain(), table);
}

/// Runs the table in the given market.
#[track_caller]
pub(crate) fn check_in(market: MarketSpec, table: &str) {
    run(market.clone(), table, false);
    run(market, table, true);
}

/// Runs the table, if wished with an engine that is restored from its state after every row.
#[track_caller]
fn run(market: MarketSpec, table: &str, restored: bool) {
    let mut exchange = Exchange::new(market);
    let rows = table.lines().map(str::trim).filter(|row| !row.is_empty());
    for row in rows {
        let (command, expected) = row.split_once('|').expect("a row is `command | answer`");
        let answer = match parse::step(&exchange.spec, command) {
            Step::Command(command) => exchange.apply(&command),
            Step::Question(market, question) => exchange.ask(market, &question),
            Step::Clock(at) => {
                exchange.clock = at;
                String::new()
            }
        };
        assert_eq!(answer, expected.trim(), "in row: {row}");
        audit::check(&exchange.engine, row);
        if restored {
            exchange.engine = match Engine::from_state(&exchange.engine.state()) {
                Ok(engine) => engine,
                Err(error) => panic!("{error}, after row: {row}"),
            };
        }
    }
}

struct Exchange {
    engine: Engine,
    spec: MarketSpec,
    /// Of the next command, in microseconds.
    clock: u64,
}

impl Exchange {
    fn new(spec: MarketSpec) -> Exchange {
        let mut exchange = Exchange {
            engine: Engine::new(),
            spec: spec.clone(),
            clock: 0,
        };
        for (name, asset) in ASSETS {
            let spec = AssetSpec {
                code: name.to_uppercase(),
                scale: 2,
            };
            exchange.must(&Command::ListAsset { asset, spec });
        }
        exchange.must(&Command::ListMarket {
            market: MarketId(0),
            spec: Box::new(spec),
        });
        for (number, name) in (0..).zip(USERS) {
            let account = account(name);
            exchange.must(&Command::OpenAccount { account });
            for ((_, asset), amount) in ASSETS.into_iter().zip([1_000, 100_000, 1_000]) {
                exchange.must(&Command::Transfer(Transfer {
                    transfer: TransferId(1_000 + number * 10 + u128::from(asset.0)),
                    debit: AccountId::OPERATOR_CAPITAL,
                    credit: account,
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
        let next = Sequence(self.engine.sequence().0 + 1);
        let mut events = Vec::new();
        self.engine
            .apply(next, Timestamp(self.clock), command, &mut events);
        self.clock += 1_000;
        check_takers(&events);
        events.iter().map(describe::event).collect::<Vec<_>>().join(", ")
    }

    fn ask(&self, market: MarketId, question: &Question) -> String {
        let engine = &self.engine;
        match question {
            Question::Has(account) => {
                let [base, quote] = [0, 1].map(|asset| engine.balance(*account, AssetId(asset)));
                format!(
                    "base {} quote {}",
                    describe::balance(base),
                    describe::balance(quote)
                )
            }
            Question::HasOf(account, asset) => describe::balance(engine.balance(*account, *asset)),
            Question::Orders(account) => describe::orders(&engine.open_orders(*account, Some(market))),
            Question::Pays(account) => describe::fees(engine.account_fees(*account, market)),
            Question::May(account) => describe::restrictions(engine.restrictions(*account)),
            Question::Last => match engine.last_price(market) {
                Some(price) => price.0.to_string(),
                None => "none".into(),
            },
            Question::Book => describe::book(engine, market),
        }
    }
}

/// A trade's taker is the order accepted or triggered last; the tables do not repeat it.
fn check_takers(events: &[Event]) {
    let mut taker = OrderId(0);
    for event in events {
        match event {
            Event::OrderAccepted { order, .. } | Event::OrderTriggered { order, .. } => taker = *order,
            Event::Trade(trade) => assert_eq!(trade.taker_order, taker, "{events:?}"),
            Event::MatchPrevented { taker_order, .. } => assert_eq!(*taker_order, taker, "{events:?}"),
            _ => {}
        }
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

fn asset(name: &str) -> AssetId {
    match ASSETS.into_iter().find(|(listed, _)| *listed == name) {
        Some((_, asset)) => asset,
        None => AssetId(number(name)),
    }
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    match text.parse() {
        Ok(number) => number,
        Err(_) => panic!("{text} is no number"),
    }
}

/// Positive controls: a table that says something wrong fails.
mod controls {
    use super::check;

    #[test]
    #[should_panic(expected = "in row: ann sell 5 @ 100 | accepted #2")]
    fn a_wrong_answer_is_seen() {
        check("ann sell 5 @ 100 | accepted #2");
    }

    #[test]
    #[should_panic(expected = "in row: bob buy 5 @ 100 | accepted #2")]
    fn a_missing_event_is_seen() {
        check(
            "
            ann sell 5 @ 100 | accepted #1
            bob buy 5 @ 100 | accepted #2
            ",
        );
    }

    #[test]
    #[should_panic(expected = "in row: ann has | base 995+6 quote 100000+0")]
    fn a_wrong_balance_is_seen() {
        check(
            "
            ann sell 5 @ 100 | accepted #1
            ann has | base 995+6 quote 100000+0
            ",
        );
    }

    #[test]
    #[should_panic(expected = "at is no trigger")]
    fn a_row_that_cannot_be_read_is_seen() {
        check("ann sell 5 at 100 | accepted #1");
    }
}
