//! Order lists asked for and cancelled.
//!
//! A list's id is the id of its order `above`, which is unique within its market. The convention asks for lists without
//! a market: where an account has lists with one id in several, `symbol` says which is meant.

use crate::cancel::CancelName;
use crate::error::SpotError;
use crate::list_values::{ListFacts, list_status};
use crate::market::{ROWS_DEFAULT, ROWS_MAX};
use crate::order_kind::client_order_id;
use crate::order_queries::{rows_max_of, span};
use crate::params::Params;
use crate::shared::{Caller, Spot};
use ensoex_engine::{Command, OrderRef};
use ensoex_exchange::{ListFilter, ListRow, MarketListing};
use ensoex_types::{AccountId, ClientOrderId, MarketId, OrderId};
use serde_json::Value;

/// Which list is meant: by its id, by its owner's name for it, or by both.
struct ListRef {
    list: Option<OrderId>,
    name: Option<ClientOrderId>,
}

impl ListRef {
    fn read(params: &mut Params, list: &'static str, name: &'static str) -> Result<ListRef, SpotError> {
        let meant = ListRef {
            list: params.integer(list)?.map(OrderId),
            name: client_order_id(params, name)?,
        };
        if meant.list.is_none() && meant.name.is_none() {
            return Err(SpotError::MandatoryEither(name, list));
        }
        Ok(meant)
    }

    /// The newest lists that are meant, newest first.
    async fn find(
        &self,
        spot: &Spot,
        account: AccountId,
        market: Option<MarketId>,
    ) -> Result<Vec<ListRow>, SpotError> {
        let filter = ListFilter {
            account,
            market,
            list: self.list,
            list_client_order_id: if self.list.is_none() { self.name } else { None },
            limit: rows_max_of(ROWS_MAX),
            newest_first: true,
            ..ListFilter::default()
        };
        let lists = spot.exchange.history().lists(filter).await?;
        let named_otherwise =
            |list: &ListRow| self.name.is_some_and(|name| name != list.list_client_order_id);
        if self.list.is_some() && !lists.is_empty() && lists.iter().all(named_otherwise) {
            return Err(SpotError::ClientOrderIdMismatch);
        }
        Ok(lists.into_iter().filter(|list| !named_otherwise(list)).collect())
    }
}

impl Spot {
    /// `orderList` (GET). Of several lists with one name the newest is meant.
    pub(crate) async fn query_list(&self, caller: Caller, params: &mut Params) -> Result<Value, SpotError> {
        let meant = ListRef::read(params, "orderListId", "origClientOrderId")?;
        let market = match params.text("symbol") {
            Some(symbol) => Some(self.listing_of(&symbol)?.market),
            None => None,
        };
        params.finish()?;
        let lists = meant.find(self, caller.account, market).await?;
        let ambiguous = meant.list.is_some() && lists.len() > 1;
        match lists.first() {
            Some(_) if ambiguous => Err(SpotError::Mandatory("symbol")),
            Some(list) => list_value(&self.exchange.markets(), list),
            None => Err(SpotError::NoSuchList),
        }
    }

    /// `allOrderList`.
    pub(crate) async fn all_lists(&self, caller: Caller, params: &mut Params) -> Result<Value, SpotError> {
        let from_list = params.integer("fromId")?.map(OrderId);
        let (start_ms, end_ms) = span(params)?;
        let limit = params.limit(ROWS_DEFAULT, ROWS_MAX)?;
        params.finish()?;
        if from_list.is_some() && (start_ms.is_some() || end_ms.is_some()) {
            return Err(SpotError::BadCombination);
        }
        let filter = ListFilter {
            account: caller.account,
            from_list,
            start_ms,
            end_ms,
            limit: rows_max_of(limit),
            ..ListFilter::default()
        };
        let lists = self.exchange.history().lists(filter).await?;
        list_values(&self.exchange.markets(), &lists)
    }

    /// `openOrderList`: the lists that are executing.
    pub(crate) async fn open_lists(&self, caller: Caller, params: &mut Params) -> Result<Value, SpotError> {
        params.finish()?;
        let mut open = Vec::new();
        let mut before = None;
        loop {
            let filter = ListFilter {
                account: caller.account,
                open_only: Some(true),
                before,
                limit: rows_max_of(ROWS_MAX),
                newest_first: true,
                ..ListFilter::default()
            };
            let page = self.exchange.history().lists(filter).await?;
            before = page.last().map(|list| list.cursor);
            let last_page = page.len() < ROWS_MAX;
            open.extend(page.into_iter().filter(|list| list.ended_ms.is_none()));
            if last_page {
                break;
            }
        }
        open.reverse();
        list_values(&self.exchange.markets(), &open)
    }

    /// `orderList` (DELETE).
    pub(crate) async fn cancel_list(&self, caller: Caller, params: &mut Params) -> Result<Value, SpotError> {
        let listing = self.listing(params)?;
        let meant = ListRef::read(params, "orderListId", "listClientOrderId")?;
        let name = CancelName::read(params, "newClientOrderId")?;
        params.finish()?;
        let (account, market) = (caller.account, listing.market);
        let lists = meant.find(self, account, Some(market)).await?;
        let executing = lists.iter().find(|list| list.ended_ms.is_none());
        let list = executing.ok_or(SpotError::UnknownOrder)?;
        let command = Command::CancelOrder {
            account,
            market,
            order: OrderRef::Id(list.list),
        };
        let orders = [list.above.order, list.below.order];
        let outcome = self.submit_cancel(market, &orders, &name, command).await?;
        match outcome.reject() {
            Some(reject) => Err(SpotError::Rejected(reject)),
            None => self.canceled(account, &listing, list.list, &name, &outcome).await,
        }
    }
}

fn list_values(listings: &[MarketListing], lists: &[ListRow]) -> Result<Value, SpotError> {
    lists.iter().map(|list| list_value(listings, list)).collect()
}

fn list_value(listings: &[MarketListing], list: &ListRow) -> Result<Value, SpotError> {
    let listing = listings.iter().find(|listing| listing.market == list.market);
    Ok(facts_of(list).value(listing.ok_or(SpotError::Unknown)?))
}

/// The facts of a row of the history.
pub(crate) fn facts_of(list: &ListRow) -> ListFacts<'_> {
    ListFacts {
        above: (list.above.order, list.above.client_order_id.as_str()),
        below: (list.below.order, list.below.client_order_id.as_str()),
        list_client_order_id: list.list_client_order_id.as_str(),
        status: list_status(list.ended_ms.is_none()),
        at_ms: list.ended_ms.unwrap_or(list.created_ms),
    }
}
