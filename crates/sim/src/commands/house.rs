//! What the house does: listings, states, money, tiers and restrictions.

use super::{Decoder, Gene, MAIN_MARKETS, USERS, account};
use ensoex_engine::{Command, Restrictions, Transfer, TransferCode};
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, FEE_TIERS_MAX, FeeRate, FeeRates, MarketId, MarketSpec,
    MarketState, Price, PriceBand, Quantity, TransferId,
};

/// Assets, their decimals, and what a user starts with. Of the last two, one lot and its price pass 64 bits.
const ASSETS: [(&str, u8, i128); 5] = [
    ("BTC", 2, 2_000),
    ("EUR", 2, 4_000),
    ("USD", 2, 200_000),
    ("FINE", 18, 1 << 69),
    ("WIDE", 18, 1 << 75),
];
/// Quote asset of the third market.
const WIDE: AssetId = AssetId(4);

pub(super) fn prelude() -> Vec<Command> {
    let mut commands = Vec::new();
    for (asset, (code, scale, _)) in (0..).zip(ASSETS) {
        let spec = AssetSpec {
            code: code.into(),
            scale,
        };
        commands.push(Command::ListAsset {
            asset: AssetId(asset),
            spec,
        });
    }
    for position in 0..MAIN_MARKETS {
        commands.push(list_again(MarketId(position as u16), position));
    }
    for user in 0..u32::from(USERS) {
        let account = AccountId(AccountId::FIRST_USER.0 + user);
        commands.push(Command::OpenAccount { account });
        for (asset, (.., start)) in (0..).zip(ASSETS) {
            commands.push(Command::Transfer(Transfer {
                transfer: TransferId((1 << 100) + u128::from(user) * 10 + u128::from(asset)),
                debit: AccountId::OPERATOR_CAPITAL,
                credit: account,
                asset: AssetId(asset),
                amount: Amount(start),
                code: TransferCode::Capital,
            }));
        }
    }
    commands
}

/// Lists the main market of this position under its next id.
pub(super) fn list_again(market: MarketId, position: usize) -> Command {
    let [first, second, third] = markets();
    let spec = Box::new(match position {
        0 => first,
        1 => second,
        _ => third,
    });
    Command::ListMarket { market, spec }
}

impl Decoder {
    /// One of 38 commands, some of them alike.
    pub(super) fn house(&mut self, choice: u16, gene: &Gene) -> Command {
        match choice {
            0..=10 => Command::Transfer(self.transfer(gene)),
            11..=15 => Command::HoldTransfer(self.transfer(gene)),
            16..=18 => Command::PostTransfer {
                transfer: self.transfer_id(gene[1]),
            },
            19..=21 => Command::VoidTransfer {
                transfer: self.transfer_id(gene[1]),
            },
            22..=27 => Command::SetMarketState {
                market: self.market(gene[1]),
                state: match gene[2] % 100 {
                    0..=3 => MarketState::CancelOnly,
                    4..=7 => MarketState::Halted,
                    8 => MarketState::Delisted,
                    _ => MarketState::Trading,
                },
            },
            28 => Command::OpenAccount {
                account: AccountId(match gene[1] % 4 {
                    0 => u32::from(gene[2] % 4),
                    1 => AccountId::FIRST_USER.0 + u32::from(gene[2] % 8),
                    _ => u32::from(gene[2] % 4) << 30,
                }),
            },
            29..=30 => self.listing(gene),
            31..=33 => Command::RestrictAccount {
                account: account(gene[1]),
                restrictions: Restrictions {
                    no_trade: gene[2].is_multiple_of(12),
                    no_withdraw: gene[3].is_multiple_of(4),
                },
            },
            34..=35 => Command::SetAccountTier {
                account: account(gene[1]),
                tier: match gene[2] % 8 {
                    0..=4 => 0,
                    5..=6 => (gene[3] % 4) as u8,
                    _ => gene[3] as u8,
                },
            },
            _ => Command::SetFeeTiers {
                quote: AssetId(gene[1] % 6),
                volumes: thresholds(gene),
            },
        }
    }

    fn transfer(&mut self, gene: &Gene) -> Transfer {
        let transfer = if gene[5].is_multiple_of(8) {
            self.transfer_id(gene[5])
        } else {
            self.transfers += 1;
            TransferId(self.transfers)
        };
        // One in four brings a user money.
        let (debit, amount) = match gene[6] % 4 {
            0 => (AccountId::OPERATOR_CAPITAL, gene[4]),
            _ => (account(gene[1]), gene[4] % 3_000),
        };
        let mut asset = AssetId(gene[3] % 88 / 16);
        let amount = i128::from(amount);
        let amount = match gene[8] % 64 {
            0 => 0,
            1 => -1 - amount,
            2 => i128::MAX - amount,
            3..=4 => {
                asset = WIDE;
                (1 << 109) + amount
            }
            _ if asset.0 >= 3 => amount << 64,
            _ => amount,
        };
        Transfer {
            transfer,
            debit,
            credit: account(gene[2]),
            asset,
            amount: Amount(amount),
            code: match gene[7] % 8 {
                0 => TransferCode::Deposit,
                1..=2 => TransferCode::Withdrawal,
                3 => TransferCode::Capital,
                4..=5 => TransferCode::Correction {
                    of: self.transfer_id(gene[9]),
                },
                _ => TransferCode::Internal,
            },
        }
    }

    fn listing(&self, gene: &Gene) -> Command {
        let asset = AssetId(gene[1] % 8);
        match gene[2] % 4 {
            0 => Command::ListAsset {
                asset,
                spec: AssetSpec {
                    code: match gene[3] % 8 {
                        0 => "a".into(),
                        other => format!("A{}", other % 4),
                    },
                    scale: (gene[4] % 21) as u8,
                },
            },
            _ => Command::ListMarket {
                market: MarketId(self.markets.saturating_sub(gene[1] % 3 / 2)),
                spec: Box::new(flawed(gene)),
            },
        }
    }
}

/// A market that often cannot be listed.
fn flawed(gene: &Gene) -> MarketSpec {
    let [first, second, _] = markets();
    let mut spec = MarketSpec {
        symbol: format!("M{}", gene[3] % 4),
        base: AssetId(gene[4] % 4),
        quote: AssetId(gene[5] % 4),
        ..if gene[6] & 1 == 0 { first } else { second }
    };
    let flaw = gene[7] % 16;
    if flaw < 8 {
        spec.symbol = format!("F{flaw}");
    }
    match flaw {
        0 => spec.symbol.clear(),
        1 => spec.lot_size = 0,
        2 => spec.price_scale = 19,
        3 => spec.price_min = Price(0),
        4 => spec.fees.clear(),
        5 => spec.fees = vec![FeeRates::default(); FEE_TIERS_MAX + usize::from(gene[8] % 2)],
        6 => spec.quantity_max = Quantity(u64::MAX - u64::from(gene[8])),
        7 => {
            spec.price_band = Some(PriceBand {
                below: FeeRate::MAX.0 + u32::from(gene[8] % 2),
                above: PriceBand::ABOVE_MAX + u32::from(gene[8] / 2 % 2),
            });
        }
        _ => {}
    }
    spec
}

/// Volumes from which tiers begin; now and then too many, or not ascending.
fn thresholds(gene: &Gene) -> Vec<Amount> {
    let count = match gene[2] % 16 {
        0 => usize::from(gene[3] % 20),
        other => usize::from(other % 4),
    };
    let scale = match gene[1] % 6 == WIDE.0 {
        true => 10_i128.pow(20 + u32::from(gene[4] % 6)),
        false => 10_i128.pow(u32::from(gene[4] % 6)),
    };
    let mut volumes: Vec<Amount> = (1..)
        .take(count)
        .map(|tier| Amount(tier * tier * scale))
        .collect();
    match gene[5] % 16 {
        0 => volumes.reverse(),
        1 => volumes.insert(0, Amount(0)),
        _ => {}
    }
    volumes
}

fn markets() -> [MarketSpec; MAIN_MARKETS] {
    let rates = |maker, taker| FeeRates {
        maker: FeeRate(maker),
        taker: FeeRate(taker),
    };
    let first = MarketSpec {
        symbol: "BTCUSD".into(),
        base: AssetId(0),
        quote: AssetId(2),
        lot_size: 3,
        tick_value: 1,
        price_scale: 2,
        tick_units: 1,
        price_min: Price(2),
        price_max: Price(50_000_000),
        quantity_min: Quantity(1),
        quantity_max: Quantity(50_000),
        notional_min: Amount(603),
        notional_max: Amount(1_000_000_000),
        price_band: Some(PriceBand {
            below: 60_000,
            above: 75_000,
        }),
        orders_per_account_max: 6,
        stops_per_account_max: 4,
        fees: vec![rates(1_000, 33_333), rates(999, 20_000), rates(0, 7)],
    };
    let second = MarketSpec {
        symbol: "EURUSD".into(),
        base: AssetId(1),
        quote: AssetId(2),
        lot_size: 1,
        tick_value: 7,
        quantity_min: Quantity(2),
        notional_min: Amount(0),
        price_band: None,
        orders_per_account_max: 9,
        stops_per_account_max: 7,
        fees: vec![
            rates(0, 50_000),
            rates(100, 40_000),
            rates(1_000, 30_000),
            rates(2_000, 0),
        ],
        ..first.clone()
    };
    let third = MarketSpec {
        symbol: "FINEWIDE".into(),
        base: AssetId(3),
        quote: WIDE,
        lot_size: 1 << 61,
        tick_value: u64::MAX >> 4,
        price_max: Price(1 << 50),
        quantity_max: Quantity(1 << 15),
        notional_max: Amount(1 << 100),
        ..second.clone()
    };
    [first, second, third]
}
