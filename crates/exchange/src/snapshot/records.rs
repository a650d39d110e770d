//! What stands in a snapshot's frames: the engine's state and the market data as records. Knows no files.

use super::frames::{FrameReader, FrameWriter};
use super::{Damage, SnapshotHeader};
use crate::market_data::{Candle, Market, MarketData, PublicTrade};
use ensoex_engine::{
    AccountRecord, AssetRecord, MarketRecord, OrderRecord, STATE_FORMAT, State, StateError, Transfer,
};
use ensoex_types::{MarketId, TransferId};
use std::io::{self, Read, Write};

/// Kinds of records, besides the header's.
pub(super) const KINDS: usize = 9;

const HEADER: u8 = 0;
const ASSET: u8 = 1;
const ACCOUNT: u8 = 2;
/// A market without its orders.
const MARKET: u8 = 3;
/// An order of a market before it.
const ORDER: u8 = 4;
const TRANSFER_USED: u8 = 5;
const TRANSFER_HELD: u8 = 6;
/// A market's number of prevented matches.
const PREVENTED: u8 = 7;
const TRADE: u8 = 8;
const MINUTE: u8 = 9;

/// How many records of each kind there will be.
pub(super) fn counts(state: &State, market_data: &MarketData) -> [u64; KINDS] {
    let mut counts = [0; KINDS];
    let mut set = |kind: u8, count: usize| counts[usize::from(kind) - 1] = count as u64;
    set(ASSET, state.assets.len());
    set(ACCOUNT, state.accounts.len());
    set(MARKET, state.markets.len());
    set(
        ORDER,
        state.markets.iter().map(|market| market.orders.len()).sum(),
    );
    set(TRANSFER_USED, state.transfers_used.len());
    set(TRANSFER_HELD, state.transfers_held.len());
    set(PREVENTED, market_data.markets.len());
    let markets = || market_data.markets.values();
    set(TRADE, markets().map(|market| market.recent.len()).sum());
    set(MINUTE, markets().map(|market| market.minutes.len()).sum());
    counts
}

pub(super) fn write<W: Write>(
    to: W,
    header: &SnapshotHeader,
    state: &State,
    market_data: &MarketData,
) -> io::Result<W> {
    let mut frames = FrameWriter::new(to);
    frames.record(HEADER, &(state.format, header))?;
    for asset in &state.assets {
        frames.record(ASSET, asset)?;
    }
    for account in &state.accounts {
        frames.record(ACCOUNT, account)?;
    }
    for market in &state.markets {
        let without_orders = MarketRecord {
            spec: market.spec.clone(),
            orders: Vec::new(),
            ..*market
        };
        frames.record(MARKET, &without_orders)?;
    }
    for (index, market) in (0_u16..).zip(&state.markets) {
        for order in &market.orders {
            frames.record(ORDER, &(index, order))?;
        }
    }
    for transfer in &state.transfers_used {
        frames.record(TRANSFER_USED, transfer)?;
    }
    for transfer in &state.transfers_held {
        frames.record(TRANSFER_HELD, transfer)?;
    }
    for (id, market) in &market_data.markets {
        frames.record(PREVENTED, &(id, market.prevented_matches))?;
    }
    for (id, market) in &market_data.markets {
        for trade in &market.recent {
            frames.record(TRADE, &(id, trade))?;
        }
    }
    for (id, market) in &market_data.markets {
        for minute in &market.minutes {
            frames.record(MINUTE, &(id, minute))?;
        }
    }
    frames.finish()
}

/// The first frame.
pub(super) fn header<R: Read>(frames: &mut FrameReader<R>) -> Result<SnapshotHeader, Damage> {
    let Some((HEADER, mut records)) = frames.next()? else {
        return Err(Damage::CutOff);
    };
    // The layout of the state comes first: what follows in a header of another layout is not read at all.
    match records.next::<u16>()? {
        Some(STATE_FORMAT) => {}
        Some(other) => return Err(StateError::Format(other).into()),
        None => return Err(Damage::Undecodable),
    }
    let header = records.next()?.ok_or(Damage::Undecodable)?;
    match records.next::<u8>() {
        Ok(None) => Ok(header),
        _ => Err(Damage::Counts),
    }
}

/// All frames after the header's.
pub(super) fn read<R: Read>(
    frames: &mut FrameReader<R>,
    header: &SnapshotHeader,
) -> Result<(State, MarketData), Damage> {
    let mut state = State {
        format: STATE_FORMAT,
        sequence: header.sequence,
        day: header.day,
        assets: Vec::new(),
        accounts: Vec::new(),
        markets: Vec::new(),
        transfers_used: Vec::new(),
        transfers_held: Vec::new(),
    };
    let mut market_data = MarketData::default();
    let mut unknown_market = false;
    while let Some((kind, records)) = frames.next()? {
        match kind {
            ASSET => records.each(|asset: AssetRecord| state.assets.push(asset))?,
            ACCOUNT => records.each(|account: AccountRecord| state.accounts.push(account))?,
            MARKET => records.each(|market: MarketRecord| state.markets.push(market))?,
            ORDER => records.each(|(market, order): (u16, OrderRecord)| {
                match state.markets.get_mut(usize::from(market)) {
                    Some(market) => market.orders.push(order),
                    None => unknown_market = true,
                }
            })?,
            TRANSFER_USED => records.each(|transfer: TransferId| state.transfers_used.push(transfer))?,
            TRANSFER_HELD => records.each(|transfer: Transfer| state.transfers_held.push(transfer))?,
            PREVENTED => records.each(|(id, prevented): (MarketId, u64)| {
                market_data.markets.entry(id).or_default().prevented_matches = prevented;
            })?,
            TRADE => records.each(|(id, trade): (MarketId, PublicTrade)| {
                market_data.markets.entry(id).or_default().recent.push_back(trade);
            })?,
            MINUTE => records.each(|(id, minute): (MarketId, Candle)| {
                market_data
                    .markets
                    .entry(id)
                    .or_default()
                    .minutes
                    .push_back(minute);
            })?,
            _ => return Err(Damage::Undecodable),
        }
    }
    if unknown_market || counts(&state, &market_data) != header.counts {
        return Err(Damage::Counts);
    }
    // A version that kept more may have written it; a replay would not have kept that.
    market_data.markets.values_mut().for_each(Market::forget);
    Ok((state, market_data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market_data::MINUTES_MAX;
    use crate::snapshot::frames::FrameReader;
    use ensoex_engine::Engine;
    use ensoex_types::{Amount, Price, Quantity, Sequence, Timestamp};

    #[test]
    fn what_would_be_forgotten_is_not_read() {
        let minute = |number: usize| Candle {
            open_ms: number as u64 * 60_000,
            open: Price(1),
            high: Price(1),
            low: Price(1),
            close: Price(1),
            volume: Quantity(1),
            quote_volume: Amount(1),
            trades: 1,
            taker_buy_volume: Quantity(0),
            taker_buy_quote: Amount(0),
        };
        let mut market_data = MarketData::default();
        let kept_more = market_data.markets.entry(MarketId(0)).or_default();
        kept_more.minutes.extend((0..MINUTES_MAX + 100).map(minute));
        let state = Engine::new().state();
        let header = SnapshotHeader {
            sequence: Sequence(0),
            epoch: 1,
            log_hash: [0; 32],
            at: Timestamp(0),
            state_hash: [0; 32],
            day: state.day,
            counts: counts(&state, &market_data),
        };
        let written = write(Vec::new(), &header, &state, &market_data).unwrap();
        let mut frames = FrameReader::new(written.as_slice());
        let header = super::header(&mut frames).unwrap();
        let (_, read) = read(&mut frames, &header).unwrap();
        let minutes = &read.markets[&MarketId(0)].minutes;
        assert_eq!((minutes.len(), minutes[0]), (MINUTES_MAX, minute(100)));
    }
}
