//! Where benchmarks take place: an engine with one market that has everything on, and funded accounts.

use ensoex_engine::{Command, Engine, Event, Transfer, TransferCode};
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, FeeRate, FeeRates, MarketId, MarketSpec, Price, PriceBand,
    Quantity, Sequence, Timestamp, TransferId,
};

use crate::workload::NUMBER_MAX;

/// The only market.
pub const MARKET: MarketId = MarketId(0);
/// Base and quote of [`MARKET`].
pub const ASSETS: [AssetId; 2] = [AssetId(0), AssetId(1)];
/// What each account has of each asset, in smallest units.
pub const FUNDS: Amount = Amount(1 << 84);
/// 1 January 2026, in microseconds.
const MORNING: u64 = 1_767_225_600_000_000;
/// Between two commands: the longest stream fits in one day.
const MICROSECONDS_APART: u64 = 1;

/// An engine in the middle of a run.
pub struct Stage {
    /// The engine.
    pub engine: Engine,
    /// Of its last command.
    pub sequence: u64,
}

/// When the command at `sequence` is stamped.
pub fn at(sequence: u64) -> Timestamp {
    Timestamp(MORNING + sequence * MICROSECONDS_APART)
}

/// The account at position `number`, from 0.
pub fn account(number: u32) -> AccountId {
    AccountId(AccountId::FIRST_USER.0.saturating_add(number))
}

impl Stage {
    /// An engine after the [`prelude`].
    pub fn new(accounts: u32) -> Stage {
        let (engine, sequence) = (Engine::new(), 0);
        let mut stage = Stage { engine, sequence };
        for command in prelude(accounts) {
            stage.apply(&command);
        }
        stage
    }

    /// An engine with the market and no account of a user.
    pub fn empty() -> Stage {
        let (engine, sequence) = (Engine::new(), 0);
        let mut stage = Stage { engine, sequence };
        for command in listing() {
            stage.apply(&command);
        }
        stage
    }

    /// Applies a command of the stage's own, which must not be refused.
    ///
    /// # Panics
    /// The engine refused it: a fault of the benchmark.
    pub fn apply(&mut self, command: &Command) {
        let mut events = Vec::with_capacity(4);
        self.sequence += 1;
        let sequence = Sequence(self.sequence);
        self.engine
            .apply(sequence, at(self.sequence), command, &mut events);
        let refused = events.iter().any(|event| matches!(event, Event::Rejected { .. }));
        assert!(!refused, "{command:?}: {events:?}");
    }

    /// Opens the account at position `number`.
    pub fn open(&mut self, number: u32) {
        let account = account(number);
        self.apply(&Command::OpenAccount { account });
    }

    /// Gives the account at position `number` its [`FUNDS`] of `asset`.
    pub fn fund(&mut self, number: u32, asset: AssetId, transfer: u128) {
        self.apply(&funding(number, asset, transfer));
    }
}

/// The market, and `accounts` accounts that have [`FUNDS`] of both assets; every third is in the second fee tier.
pub fn prelude(accounts: u32) -> impl Iterator<Item = Command> {
    let accounts = (0..accounts).flat_map(|number| {
        let account = account(number);
        let fund = move |asset: AssetId| funding(number, asset, u128::from(number) * 2 + u128::from(asset.0));
        let tier = number
            .is_multiple_of(3)
            .then_some(Command::SetAccountTier { account, tier: 1 });
        [Command::OpenAccount { account }]
            .into_iter()
            .chain(ASSETS.map(fund))
            .chain(tier)
    });
    listing().into_iter().chain(accounts)
}

fn funding(number: u32, asset: AssetId, transfer: u128) -> Command {
    Command::Transfer(Transfer {
        transfer: TransferId(transfer),
        debit: AccountId::OPERATOR_CAPITAL,
        credit: account(number),
        asset,
        amount: FUNDS,
        code: TransferCode::Capital,
    })
}

/// The commands that list the assets and the market.
pub fn listing() -> Vec<Command> {
    let asset = |(asset, code): (AssetId, &str)| Command::ListAsset {
        asset,
        spec: AssetSpec {
            code: code.into(),
            scale: 8,
        },
    };
    let mut commands: Vec<_> = ASSETS.into_iter().zip(["BASE", "QUOTE"]).map(asset).collect();
    commands.push(Command::ListMarket {
        market: MARKET,
        spec: Box::new(market()),
    });
    commands.push(Command::SetFeeTiers {
        quote: ASSETS[1],
        volumes: vec![Amount(1 << 70)],
    });
    commands
}

/// Two fee tiers, and a band that is asked on every order but as wide as bands can be: real flow has outliers.
fn market() -> MarketSpec {
    let fees = |maker, taker| FeeRates {
        maker: FeeRate(maker),
        taker: FeeRate(taker),
    };
    MarketSpec {
        symbol: "BASEQUOTE".into(),
        base: ASSETS[0],
        quote: ASSETS[1],
        lot_size: 10,
        tick_value: 10,
        price_scale: 2,
        tick_units: 1,
        price_min: Price(1),
        price_max: Price(NUMBER_MAX),
        quantity_min: Quantity(1),
        quantity_max: Quantity(NUMBER_MAX),
        notional_min: Amount(1),
        notional_max: Amount(1 << 120),
        price_band: Some(PriceBand {
            below: FeeRate::MAX.0,
            above: PriceBand::ABOVE_MAX,
        }),
        orders_per_account_max: u32::MAX,
        stops_per_account_max: u32::MAX,
        fees: vec![fees(1_000, 1_500), fees(800, 1_200)],
    }
}
