//! Order lists in the convention's shapes. A list is named by the id of its order `above`.
//!
//! A list is executing until anything happens to one of its orders; then it is done, and the order that is left, if
//! one is, is an order like any other.

use ensoex_exchange::MarketListing;
use ensoex_types::OrderId;
use serde_json::{Value, json};

/// `listStatusType` and `listOrderStatus`.
pub(crate) type ListStatus = (&'static str, &'static str);

/// A list, with what its two orders are called.
pub(crate) struct ListFacts<'a> {
    pub(crate) above: (OrderId, &'a str),
    pub(crate) below: (OrderId, &'a str),
    pub(crate) list_client_order_id: &'a str,
    pub(crate) status: ListStatus,
    /// Milliseconds since the Unix epoch.
    pub(crate) at_ms: u64,
}

impl ListFacts<'_> {
    /// The list in an answer.
    pub(crate) fn value(&self, listing: &MarketListing) -> Value {
        let (status_type, order_status) = self.status;
        json!({
            "orderListId": self.above.0.0,
            "contingencyType": "OCO",
            "listStatusType": status_type,
            "listOrderStatus": order_status,
            "listClientOrderId": self.list_client_order_id,
            "transactionTime": self.at_ms,
            "symbol": listing.spec.symbol,
            "orders": self.orders(listing, ["symbol", "orderId", "clientOrderId"]),
        })
    }

    /// The list in an answer, with what is said of each order.
    pub(crate) fn value_with(&self, listing: &MarketListing, reports: [Value; 2]) -> Value {
        let mut value = self.value(listing);
        value["orderReports"] = Value::from(reports.to_vec());
        value
    }

    /// `listStatus`, told to the list's owner.
    pub(crate) fn event(&self, listing: &MarketListing, now_ms: u64) -> Value {
        let (status_type, order_status) = self.status;
        json!({
            "e": "listStatus",
            "E": now_ms,
            "s": listing.spec.symbol,
            "g": self.above.0.0,
            "c": "OCO",
            "l": status_type,
            "L": order_status,
            "r": "NONE",
            "C": self.list_client_order_id,
            "T": self.at_ms,
            "O": self.orders(listing, ["s", "i", "c"]),
        })
    }

    fn orders(&self, listing: &MarketListing, [symbol, order, client]: [&str; 3]) -> Value {
        [self.above, self.below]
            .into_iter()
            .map(|(id, name)| json!({ symbol: listing.spec.symbol, order: id.0, client: name }))
            .collect()
    }
}

/// The status of a list that goes on, or of one that has ended.
pub(crate) const fn list_status(executing: bool) -> ListStatus {
    if executing {
        ("EXEC_STARTED", "EXECUTING")
    } else {
        ("ALL_DONE", "ALL_DONE")
    }
}
