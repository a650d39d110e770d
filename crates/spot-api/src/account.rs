//! Balances, own trades, fees and order counts of an account.

use crate::clock::now_ms;
use crate::error::SpotError;
use crate::market::{ROWS_DEFAULT, ROWS_MAX};
use crate::new_order::{no_discount, rate_text};
use crate::order_queries::{rows_max_of, span};
use crate::order_values::own_trade_value;
use crate::params::Params;
use crate::shared::{Caller, Spot};
use ensoex_engine::{Balance, OrderRef};
use ensoex_exchange::TradeFilter;
use ensoex_types::{AccountId, FeeRate, FeeRates, OrderId, TradeId};
use serde_json::{Value, json};

/// Parts per million in one ten-thousandth, the unit of `makerCommission`.
const PPM_IN_BASIS_POINT: u32 = 100;

impl Spot {
    /// `account`.
    pub(crate) async fn account(&self, caller: Caller, params: &mut Params) -> Result<Value, SpotError> {
        let omit_zero = params.boolean("omitZeroBalances")?.unwrap_or(false);
        params.finish()?;
        let latest = self
            .exchange
            .history()
            .entries(caller.account, None, None, 1)
            .await?;
        let assets = self.exchange.assets();
        let balances: Vec<Balance> = self.exchange.read(|engine| {
            assets
                .iter()
                .map(|asset| engine.balance(caller.account, asset.asset))
                .collect()
        });
        let shown = assets
            .iter()
            .zip(balances)
            .filter(|(_, balance)| !omit_zero || *balance != Balance::default());
        let balances: Vec<Value> = shown
            .map(|(asset, balance)| {
                json!({ "asset": asset.code, "free": asset.text(balance.available), "locked": asset.text(balance.held) })
            })
            .collect();
        let (maker, taker) = self.highest_fees(caller.account);
        let restrictions = self.exchange.read(|engine| engine.restrictions(caller.account));
        let restrictions = restrictions.unwrap_or_default();
        Ok(json!({
            "makerCommission": maker.0.div_ceil(PPM_IN_BASIS_POINT),
            "takerCommission": taker.0.div_ceil(PPM_IN_BASIS_POINT),
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": {
                "maker": rate_text(maker),
                "taker": rate_text(taker),
                "buyer": rate_text(FeeRate(0)),
                "seller": rate_text(FeeRate(0)),
            },
            "canTrade": caller.permissions.trade && !restrictions.no_trade,
            "canWithdraw": caller.permissions.withdraw && !restrictions.no_withdraw,
            "canDeposit": true,
            "brokered": false,
            "requireSelfTradePrevention": true,
            "preventSor": false,
            "updateTime": latest.first().map_or(0, |entry| entry.at_ms),
            "accountType": "SPOT",
            "balances": balances,
            "permissions": ["SPOT"],
            "uid": caller.account.0,
        }))
    }

    /// Fees are a market's and an account's: the highest that this account pays now, as maker and as taker.
    fn highest_fees(&self, account: AccountId) -> (FeeRate, FeeRate) {
        let fees: Vec<FeeRates> = self
            .exchange
            .markets()
            .iter()
            .map(|listing| self.fees_of(account, listing))
            .collect();
        let highest = |fee: fn(&FeeRates) -> FeeRate| fees.iter().map(fee).max().unwrap_or_default();
        (highest(|fees| fees.maker), highest(|fees| fees.taker))
    }

    /// `account/commission`: what the account pays now, by its tier.
    pub(crate) fn commission(&self, caller: Caller, params: &mut Params) -> Result<Value, SpotError> {
        let listing = self.listing(params)?;
        params.finish()?;
        let rates = |maker, taker| {
            json!({ "maker": rate_text(maker), "taker": rate_text(taker), "buyer": rate_text(FeeRate(0)),
                "seller": rate_text(FeeRate(0)) })
        };
        let none = rates(FeeRate(0), FeeRate(0));
        let fees = self.fees_of(caller.account, &listing);
        Ok(json!({
            "symbol": listing.spec.symbol,
            "standardCommission": rates(fees.maker, fees.taker),
            "specialCommission": none,
            "taxCommission": none,
            "discount": no_discount(),
        }))
    }

    /// `myTrades`.
    pub(crate) async fn own_trades(&self, caller: Caller, params: &mut Params) -> Result<Value, SpotError> {
        let listing = self.listing(params)?;
        let order = params.integer("orderId")?.map(OrderId);
        let from_trade = params.integer("fromId")?.map(TradeId);
        let (start_ms, end_ms) = span(params)?;
        let limit = params.limit(ROWS_DEFAULT, ROWS_MAX)?;
        params.finish()?;
        let timed = start_ms.is_some() || end_ms.is_some();
        if timed && (order.is_some() || from_trade.is_some()) {
            return Err(SpotError::BadCombination);
        }
        let filter = TradeFilter {
            account: caller.account,
            market: Some(listing.market),
            order,
            from_trade,
            start_ms,
            end_ms,
            limit: rows_max_of(limit),
            ..TradeFilter::default()
        };
        let history = self.exchange.history();
        let rows = history.trades_of(filter).await?;
        // A trade does not know the list of its order; its order does. Trades of one order mostly stand together.
        let mut known: Option<(OrderId, Option<OrderId>)> = None;
        let mut values = Vec::with_capacity(rows.len());
        for row in &rows {
            let list = match known.filter(|(order, _)| *order == row.order) {
                Some((_, list)) => list,
                None => {
                    let reference = OrderRef::Id(row.order);
                    let order = history.order(caller.account, listing.market, &reference).await?;
                    order.and_then(|order| order.list).map(|place| place.list)
                }
            };
            known = Some((row.order, list));
            values.push(own_trade_value(&listing, row, list));
        }
        Ok(Value::Array(values))
    }

    /// `rateLimit/order`.
    pub(crate) fn order_counts(&self, caller: Caller, params: &mut Params) -> Result<Value, SpotError> {
        params.finish()?;
        Ok(Value::Array(self.order_count_values(caller)))
    }

    /// The two order windows with their counts.
    pub(crate) fn order_count_values(&self, caller: Caller) -> Vec<Value> {
        let counts = self.limiter.orders(caller.account, now_ms());
        vec![
            json!({ "rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10,
                "limit": self.limits.orders_per_10_seconds_max, "count": counts.short }),
            json!({ "rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1,
                "limit": self.limits.orders_per_day_max, "count": counts.day }),
        ]
    }

    /// `/sapi/v1/asset/tradeFee`.
    pub(crate) fn trade_fees(&self, caller: Caller, params: &mut Params) -> Result<Value, SpotError> {
        let listings = match params.text("symbol") {
            Some(symbol) => vec![self.listing_of(&symbol)?],
            None => self.listings(),
        };
        params.finish()?;
        let fee = |listing: &ensoex_exchange::MarketListing| {
            let fees = self.fees_of(caller.account, listing);
            json!({ "symbol": listing.spec.symbol, "makerCommission": rate_text(fees.maker),
                "takerCommission": rate_text(fees.taker) })
        };
        Ok(listings.iter().map(fee).collect())
    }
}
