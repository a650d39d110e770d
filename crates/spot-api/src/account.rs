//! Balances, own trades, fees and order counts of an account.

use crate::clock::now_ms;
use crate::error::SpotError;
use crate::market::{ROWS_DEFAULT, ROWS_MAX};
use crate::new_order::{no_discount, rate_text};
use crate::order_queries::{rows_max_of, span};
use crate::order_values::own_trade_value;
use crate::params::Params;
use crate::shared::{Caller, Spot};
use ensoex_engine::Balance;
use ensoex_exchange::TradeFilter;
use ensoex_types::{FeeRate, OrderId, TradeId};
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
        let markets = self.exchange.markets();
        let highest = |fee: fn(&ensoex_types::MarketSpec) -> FeeRate| {
            markets
                .iter()
                .map(|listing| fee(&listing.spec))
                .max_by_key(|rate| rate.0)
                .unwrap_or_default()
        };
        // Fees are the market's: what is said here is the highest.
        let (maker, taker) = (highest(|spec| spec.maker_fee), highest(|spec| spec.taker_fee));
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
            "canTrade": caller.permissions.trade,
            "canWithdraw": caller.permissions.withdraw,
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

    /// `account/commission`.
    pub(crate) fn commission(&self, params: &mut Params) -> Result<Value, SpotError> {
        let listing = self.listing(params)?;
        params.finish()?;
        let rates = |maker, taker| {
            json!({ "maker": rate_text(maker), "taker": rate_text(taker), "buyer": rate_text(FeeRate(0)),
                "seller": rate_text(FeeRate(0)) })
        };
        let none = rates(FeeRate(0), FeeRate(0));
        Ok(json!({
            "symbol": listing.spec.symbol,
            "standardCommission": rates(listing.spec.maker_fee, listing.spec.taker_fee),
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
        let rows = self.exchange.history().trades_of(filter).await?;
        Ok(rows.iter().map(|row| own_trade_value(&listing, row)).collect())
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
    pub(crate) fn trade_fees(&self, params: &mut Params) -> Result<Value, SpotError> {
        let listings = match params.text("symbol") {
            Some(symbol) => vec![self.listing_of(&symbol)?],
            None => self.exchange.markets(),
        };
        params.finish()?;
        let fee = |listing: &ensoex_exchange::MarketListing| {
            json!({ "symbol": listing.spec.symbol, "makerCommission": rate_text(listing.spec.maker_fee),
                "takerCommission": rate_text(listing.spec.taker_fee) })
        };
        Ok(listings.iter().map(fee).collect())
    }
}
