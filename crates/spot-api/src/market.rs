//! Public market data in the convention's shapes: what the exchange lists, books, trades, candles, averages.

use crate::clock::now_ms;
use crate::error::{SYMBOLS_RANGE, SpotError};
use crate::interval::{Interval, candles};
use crate::limits::Limits;
use crate::params::Params;
use crate::shared::Spot;
use crate::words::{ORDER_TYPES, SELF_TRADE_PREVENTIONS, market_status, self_trade_prevention_text};
use ensoex_engine::{Level, SelfTradePrevention, Side};
use ensoex_exchange::{Candle, MarketListing, PublicTrade};
use ensoex_types::{MarketId, MarketState, PriceBand, TradeId, format_decimal};
use serde_json::{Value, json};

/// Levels of one side of a book in an answer.
pub(crate) const DEPTH_LEVELS_MAX: usize = 5_000;
const DEPTH_LEVELS_DEFAULT: usize = 100;
/// Trades, candles and orders in one answer.
pub(crate) const ROWS_MAX: usize = 1_000;
pub(crate) const ROWS_DEFAULT: usize = 500;
/// Minutes of the average price.
pub(crate) const AVERAGE_MINUTES: u64 = 5;
const MINUTE_MS: u64 = 60_000;
/// Decimals of a price band's multipliers: bands are in parts per million.
const MULTIPLIER_SCALE: u8 = 6;

/// Which markets a request is about.
pub(crate) enum Selection {
    One(Box<MarketListing>),
    Many(Vec<MarketListing>),
    All,
}

impl Spot {
    /// Reads `symbol`, `symbols` and `symbolStatus`.
    pub(crate) fn selection(
        &self,
        params: &mut Params,
    ) -> Result<(Selection, Option<&'static str>), SpotError> {
        let (symbol, symbols) = (params.text("symbol"), params.text("symbols"));
        let status = params
            .text("symbolStatus")
            .map(|text| status_filter(&text))
            .transpose()?;
        let selection = match (symbol, symbols) {
            (Some(_), Some(_)) => return Err(SpotError::BadCombination),
            (Some(symbol), None) => Selection::One(Box::new(self.listing_of(&symbol)?)),
            (None, Some(symbols)) => Selection::Many(self.listings_of(&symbols)?),
            (None, None) => Selection::All,
        };
        Ok((selection, status))
    }

    fn listings_of(&self, symbols: &str) -> Result<Vec<MarketListing>, SpotError> {
        let illegal = SpotError::IllegalCharacters {
            name: "symbols",
            range: SYMBOLS_RANGE,
        };
        let Ok(names) = serde_json::from_str::<Vec<String>>(symbols) else {
            return Err(illegal);
        };
        let mut listings: Vec<MarketListing> = Vec::new();
        for name in names {
            let listing = self.listing_of(&name)?;
            if listings.iter().any(|other| other.market == listing.market) {
                return Err(SpotError::DuplicateSymbols);
            }
            listings.push(listing);
        }
        Ok(listings)
    }

    /// One answer for a single symbol, an array for several; `status` leaves out the others.
    pub(crate) fn for_each(
        &self,
        selection: Selection,
        status: Option<&'static str>,
        answer: impl Fn(&MarketListing) -> Value,
    ) -> Result<Value, SpotError> {
        let fits =
            |listing: &MarketListing| status.is_none_or(|wanted| self.status(listing.market) == wanted);
        let listings = match selection {
            Selection::One(listing) if fits(&listing) => return Ok(answer(&listing)),
            Selection::One(_) => return Err(SpotError::SymbolStatusMismatch),
            Selection::Many(listings) => listings,
            Selection::All => self.listings(),
        };
        Ok(listings
            .iter()
            .filter(|listing| fits(listing))
            .map(answer)
            .collect())
    }

    fn status(&self, market: MarketId) -> &'static str {
        market_status(self.exchange.read(|engine| engine.market_state(market)))
    }

    /// `exchangeInfo`.
    pub(crate) fn exchange_info(&self, params: &mut Params) -> Result<Value, SpotError> {
        let (selection, status) = self.selection(params)?;
        let permissions = params.text("permissions");
        let show_sets = params.boolean("showPermissionSets")?.unwrap_or(true);
        params.finish()?;
        let narrowed = !matches!(selection, Selection::All);
        if narrowed && (status.is_some() || permissions.is_some()) {
            return Err(SpotError::BadCombination);
        }
        let spot_wanted =
            permissions.is_none_or(|wanted| wanted.split(['"', '[', ']', ',']).any(|name| name == "SPOT"));
        let listings = match selection {
            Selection::One(listing) => vec![*listing],
            Selection::Many(listings) => listings,
            Selection::All if spot_wanted => self.listings(),
            Selection::All => Vec::new(),
        };
        let wanted = listings
            .iter()
            .filter(|listing| status.is_none_or(|status| self.status(listing.market) == status));
        let symbols: Vec<Value> = wanted
            .map(|listing| symbol_value(listing, self.status(listing.market), show_sets))
            .collect();
        Ok(json!({
            "timezone": "UTC",
            "serverTime": now_ms(),
            "rateLimits": rate_limits(&self.limits),
            "exchangeFilters": [],
            "symbols": symbols,
        }))
    }

    /// `depth`: the book and the sequence it had, in one look.
    pub(crate) fn depth(&self, params: &mut Params) -> Result<Value, SpotError> {
        let listing = self.listing(params)?;
        let status = params
            .text("symbolStatus")
            .map(|text| status_filter(&text))
            .transpose()?;
        let limit = params.limit(DEPTH_LEVELS_DEFAULT, DEPTH_LEVELS_MAX)?;
        params.finish()?;
        let market = listing.market;
        if status.is_some_and(|wanted| self.status(market) != wanted) {
            return Err(SpotError::SymbolStatusMismatch);
        }
        let (sequence, bids, asks) = self.exchange.read(|engine| {
            let side = |side| engine.depth(market, side, limit);
            (engine.sequence(), side(Side::Buy), side(Side::Sell))
        });
        Ok(json!({
            "lastUpdateId": sequence.0,
            "bids": levels_value(&listing, &bids),
            "asks": levels_value(&listing, &asks),
        }))
    }

    /// `trades`.
    pub(crate) fn recent_trades(&self, params: &mut Params) -> Result<Value, SpotError> {
        let listing = self.listing(params)?;
        let limit = params.limit(ROWS_DEFAULT, ROWS_MAX)?;
        params.finish()?;
        let trades = self
            .exchange
            .market_data(|data| data.recent_trades(listing.market, limit));
        Ok(trades.iter().map(|trade| trade_value(&listing, trade)).collect())
    }

    /// `historicalTrades`.
    pub(crate) async fn historical_trades(&self, params: &mut Params) -> Result<Value, SpotError> {
        let listing = self.listing(params)?;
        let limit = params.limit(ROWS_DEFAULT, ROWS_MAX)?;
        let from = params.integer("fromId")?.map(TradeId);
        params.finish()?;
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let history = self.exchange.history();
        let trades = history
            .public_trades(listing.market, from, None, None, limit)
            .await?;
        Ok(trades.iter().map(|trade| trade_value(&listing, trade)).collect())
    }

    /// `aggTrades`. Every trade is an aggregate of its own, with its own id, here and in the stream.
    pub(crate) async fn aggregate_trades(&self, params: &mut Params) -> Result<Value, SpotError> {
        let listing = self.listing(params)?;
        let limit = params.limit(ROWS_DEFAULT, ROWS_MAX)?;
        let from = params.integer("fromId")?.map(TradeId);
        let (start, end) = (params.moment_ms("startTime")?, params.moment_ms("endTime")?);
        params.finish()?;
        let market = listing.market;
        let trades = if from.is_none() && start.is_none() && end.is_none() {
            self.exchange
                .market_data(|data| data.recent_trades(market, limit))
        } else {
            let limit = u32::try_from(limit).unwrap_or(u32::MAX);
            self.exchange
                .history()
                .public_trades(market, from, start, end, limit)
                .await?
        };
        Ok(trades
            .iter()
            .map(|trade| aggregate_value(&listing, trade))
            .collect())
    }

    /// `klines` and `uiKlines`.
    pub(crate) async fn klines(&self, params: &mut Params) -> Result<Value, SpotError> {
        let listing = self.listing(params)?;
        let interval = Interval::parse(&params.mandatory("interval")?)?;
        let range = (params.moment_ms("startTime")?, params.moment_ms("endTime")?);
        let zone = params.text("timeZone");
        let limit = params.limit(ROWS_DEFAULT, ROWS_MAX)?;
        params.finish()?;
        if zone.is_some_and(|zone| !matches!(zone.as_str(), "0" | "0:00" | "00:00" | "+00:00" | "-00:00")) {
            return Err(SpotError::InvalidValue("timeZone"));
        }
        let candles = candles(&self.exchange, listing.market, interval, range, limit, now_ms()).await?;
        Ok(candles
            .iter()
            .map(|candle| candle_value(&listing, interval, candle))
            .collect())
    }

    /// `avgPrice`.
    pub(crate) fn average_price(&self, params: &mut Params) -> Result<Value, SpotError> {
        let listing = self.listing(params)?;
        params.finish()?;
        let (price, last_ms) = self.average_of(&listing);
        Ok(json!({ "mins": AVERAGE_MINUTES, "price": price, "closeTime": last_ms }))
    }

    /// Volume-weighted price of the last minutes, else the last price; with the moment of the last trade.
    pub(crate) fn average_of(&self, listing: &MarketListing) -> (String, u64) {
        let from = now_ms().saturating_sub(AVERAGE_MINUTES * MINUTE_MS);
        let (minutes, last) = self.exchange.market_data(|data| {
            let minutes = data.since(listing.market, from);
            (minutes, data.recent_trades(listing.market, 1).pop())
        });
        let (quote, base) = minutes
            .map(|minutes| (minutes.quote_volume, minutes.volume))
            .unwrap_or_default();
        let last_price = last.map(|trade| trade.price).unwrap_or_default();
        let price = listing.average_price_text(quote, base);
        (
            price.unwrap_or_else(|| listing.price_text(last_price)),
            last.map_or(0, |trade| trade.at_ms),
        )
    }
}

/// `symbolStatus` takes these.
fn status_filter(text: &str) -> Result<&'static str, SpotError> {
    ["TRADING", "CANCEL_ONLY", "HALT", "BREAK"]
        .into_iter()
        .find(|status| *status == text)
        .ok_or(SpotError::SymbolStatus)
}

/// `rateLimits` of exchangeInfo.
fn rate_limits(limits: &Limits) -> Value {
    json!([
        { "rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1,
          "limit": limits.request_weight_per_minute_max },
        { "rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": limits.orders_per_10_seconds_max },
        { "rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": limits.orders_per_day_max },
    ])
}

fn symbol_value(listing: &MarketListing, status: &str, show_sets: bool) -> Value {
    let spec = &listing.spec;
    let trading = status == market_status(Some(MarketState::Trading));
    json!({
        "symbol": spec.symbol,
        "status": status,
        "baseAsset": listing.base.code,
        "baseAssetPrecision": listing.base.scale,
        "quoteAsset": listing.quote.code,
        "quotePrecision": listing.quote.scale,
        "quoteAssetPrecision": listing.quote.scale,
        "baseCommissionPrecision": listing.base.scale,
        "quoteCommissionPrecision": listing.quote.scale,
        "orderTypes": ORDER_TYPES,
        "icebergAllowed": false,
        "ocoAllowed": true,
        "otoAllowed": false,
        "opoAllowed": false,
        "quoteOrderQtyMarketAllowed": true,
        "allowTrailingStop": false,
        "cancelReplaceAllowed": true,
        "amendAllowed": true,
        "pegInstructionsAllowed": false,
        "isSpotTradingAllowed": trading,
        "isMarginTradingAllowed": false,
        "filters": filters(listing),
        "permissions": [],
        "permissionSets": if show_sets { json!([["SPOT"]]) } else { json!([]) },
        "defaultSelfTradePreventionMode": self_trade_prevention_text(SelfTradePrevention::default()),
        "allowedSelfTradePreventionModes": SELF_TRADE_PREVENTIONS.map(self_trade_prevention_text),
    })
}

fn filters(listing: &MarketListing) -> Vec<Value> {
    let spec = &listing.spec;
    let lots = |name| {
        json!({
            "filterType": name,
            "minQty": listing.quantity_text(spec.quantity_min),
            "maxQty": listing.quantity_text(spec.quantity_max),
            "stepSize": listing.lot_size_text(),
        })
    };
    let mut filters = vec![
        json!({ "filterType": "PRICE_FILTER", "minPrice": listing.price_text(spec.price_min),
            "maxPrice": listing.price_text(spec.price_max), "tickSize": listing.tick_size_text() }),
        lots("LOT_SIZE"),
        lots("MARKET_LOT_SIZE"),
        json!({ "filterType": "NOTIONAL", "minNotional": listing.quote_text(spec.notional_min),
            "applyMinToMarket": true, "maxNotional": listing.quote_text(spec.notional_max),
            "applyMaxToMarket": true, "avgPriceMins": 0 }),
        json!({ "filterType": "MAX_NUM_ORDERS", "maxNumOrders": spec.orders_per_account_max }),
        json!({ "filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": spec.stops_per_account_max }),
    ];
    filters.extend(spec.price_band.map(band_filter));
    filters
}

/// The band is around the last trade's price, which the convention calls an average over 0 minutes.
fn band_filter(band: PriceBand) -> Value {
    let one = 10_i128.pow(u32::from(MULTIPLIER_SCALE));
    let up = format_decimal(one + i128::from(band.above), MULTIPLIER_SCALE);
    let down = format_decimal(one - i128::from(band.below), MULTIPLIER_SCALE);
    json!({ "filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": up, "bidMultiplierDown": down,
        "askMultiplierUp": up, "askMultiplierDown": down, "avgPriceMins": 0 })
}

/// `[price, quantity]` for each level.
pub(crate) fn levels_value(listing: &MarketListing, levels: &[Level]) -> Value {
    levels
        .iter()
        .map(|level| {
            json!([
                listing.price_text(level.price),
                listing.quantity_text(level.quantity)
            ])
        })
        .collect()
}

fn trade_value(listing: &MarketListing, trade: &PublicTrade) -> Value {
    json!({
        "id": trade.trade.0,
        "price": listing.price_text(trade.price),
        "qty": listing.quantity_text(trade.quantity),
        "quoteQty": listing.quote_text(trade.quote),
        "time": trade.at_ms,
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": true,
    })
}

fn aggregate_value(listing: &MarketListing, trade: &PublicTrade) -> Value {
    json!({
        "a": trade.trade.0,
        "p": listing.price_text(trade.price),
        "q": listing.quantity_text(trade.quantity),
        "f": trade.trade.0,
        "l": trade.trade.0,
        "T": trade.at_ms,
        "m": trade.buyer_is_maker,
        "M": true,
    })
}

fn candle_value(listing: &MarketListing, interval: Interval, candle: &Candle) -> Value {
    json!([
        candle.open_ms,
        listing.price_text(candle.open),
        listing.price_text(candle.high),
        listing.price_text(candle.low),
        listing.price_text(candle.close),
        listing.quantity_text(candle.volume),
        interval.after(candle.open_ms, 1) - 1,
        listing.quote_text(candle.quote_volume),
        candle.trades,
        listing.quantity_text(candle.taker_buy_volume),
        listing.quote_text(candle.taker_buy_quote),
        "0",
    ])
}
