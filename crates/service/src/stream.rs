//! `/v1/stream`: a signed-in browser's own changes, pushed: balances, orders, trades, deposits, withdrawals.

use crate::app::App;
use crate::cards;
use crate::guard::{User, lives};
use crate::limits::PRIVATE_STREAMS_MAX;
use crate::problem::Problem;
use crate::trading::{order_view, trade_json};
use crate::wallet::{balances_of, card_transfer_json};
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::Response;
use ensoex_engine::{Event, OrderRef, Side};
use ensoex_exchange::{Applied, Cursor, TradeRow};
use ensoex_types::{AccountId, MarketId, OrderId};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

const PING_INTERVAL: Duration = Duration::from_secs(20);
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// Browsers send nothing here but answers to pings.
const INCOMING_BYTES_MAX: usize = 1_024;
/// How often at most balances and orders are pushed.
const GATHER: Duration = Duration::from_millis(50);

/// Opens the stream.
pub(crate) async fn open(
    State(app): State<App>,
    user: User,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    let place = Place::take(&app, user.account).ok_or_else(|| {
        Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_streams",
            format!("At most {PRIVATE_STREAMS_MAX} pages of one account are live at once. Close one."),
        )
    })?;
    let upgrade = upgrade.max_message_size(INCOMING_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let _ended = serve(&place.app, &user, socket).await;
    }))
}

/// One of the account's open streams; given back when dropped.
struct Place {
    app: App,
    account: AccountId,
}

impl Place {
    fn take(app: &App, account: AccountId) -> Option<Place> {
        let mut open = app.private_streams.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(account).or_default();
        if *count >= PRIVATE_STREAMS_MAX {
            return None;
        }
        *count += 1;
        Some(Place {
            app: app.clone(),
            account,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self
            .app
            .private_streams
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.account) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.account);
            }
        }
    }
}

/// What changed since the last push.
#[derive(Default)]
struct Changes {
    balances: bool,
    orders: BTreeSet<(MarketId, OrderId)>,
    trades: Vec<Value>,
    card_transfers: BTreeSet<String>,
}

struct Closed;

async fn serve(app: &App, user: &User, mut socket: WebSocket) -> Result<(), Closed> {
    let account = user.account;
    let mut feed = app.exchange.feed();
    let mut card_changes = app.card_changes.subscribe();
    let sequence = app.exchange.read(|engine| engine.sequence());
    send(&mut socket, &json!({ "type": "hello", "sequence": sequence.0 })).await?;
    let mut ping = tokio::time::interval(PING_INTERVAL);
    let mut gather = tokio::time::interval(GATHER);
    let mut changes = Changes::default();
    loop {
        tokio::select! {
            run = feed.recv() => match run {
                Ok(run) => run.iter().for_each(|applied| changes.note(app, account, &applied)),
                // Too slow to follow: the page reloads what it shows when it connects again.
                Err(RecvError::Lagged(_) | RecvError::Closed) => return Err(Closed),
            },
            changed = card_changes.recv() => match changed {
                Ok((owner, id)) if owner == account => { changes.card_transfers.insert(id); }
                Ok(_) => {}
                Err(_) => return Err(Closed),
            },
            incoming = socket.recv() => match incoming {
                Some(Ok(Message::Close(_))) | Some(Err(_)) | None => return Err(Closed),
                Some(Ok(_)) => {}
            },
            _ = gather.tick() => push(app, account, &mut socket, std::mem::take(&mut changes)).await?,
            _ = ping.tick() => {
                // Of a session that ended, or has another token: the page connects again if it may.
                if !lives(app, user).await.unwrap_or(true) {
                    return Err(Closed);
                }
                timeout(SEND_TIMEOUT, socket.send(Message::Ping(Vec::new().into())))
                    .await.map_err(|_| Closed)?.map_err(|_| Closed)?;
            }
        }
    }
}

impl Changes {
    fn note(&mut self, app: &App, account: AccountId, applied: &Applied<'_>) {
        for event in applied.events.iter() {
            match event {
                Event::OrderAccepted {
                    order,
                    account: owner,
                    market,
                    ..
                }
                | Event::OrderTriggered {
                    order,
                    account: owner,
                    market,
                }
                | Event::OrderReduced {
                    order,
                    account: owner,
                    market,
                    ..
                }
                | Event::OrderClosed {
                    order,
                    account: owner,
                    market,
                    ..
                } if *owner == account => {
                    self.balances = true;
                    self.orders.insert((*market, *order));
                }
                Event::Trade(trade) => {
                    for is_maker in [true, false] {
                        let (owner, order, fee) = if is_maker {
                            (trade.maker_account, trade.maker_order, trade.maker_fee)
                        } else {
                            (trade.taker_account, trade.taker_order, trade.taker_fee)
                        };
                        if owner != account {
                            continue;
                        }
                        self.balances = true;
                        self.orders.insert((trade.market, order));
                        let side = match (trade.taker_side, is_maker) {
                            (Side::Buy, true) | (Side::Sell, false) => Side::Sell,
                            (Side::Sell, true) | (Side::Buy, false) => Side::Buy,
                        };
                        let row = TradeRow {
                            trade: trade.trade,
                            market: trade.market,
                            order,
                            side,
                            price: trade.price,
                            quantity: trade.quantity,
                            quote: trade.quote,
                            fee,
                            is_maker,
                            at_ms: applied.at.as_millis(),
                            cursor: Cursor {
                                at_us: applied.at.0,
                                market: trade.market,
                                id: trade.trade.0,
                            },
                        };
                        if let Some(market) = app.exchange.markets().get(usize::from(trade.market.0)) {
                            self.trades.push(trade_json(market, &row));
                        }
                    }
                }
                Event::MatchPrevented {
                    market,
                    account: owner,
                    maker_order,
                    taker_order,
                    ..
                } if *owner == account => {
                    self.balances = true;
                    self.orders
                        .extend([(*market, *maker_order), (*market, *taker_order)]);
                }
                Event::TransferPosted { debit, credit, .. } | Event::TransferHeld { debit, credit, .. }
                    if *debit == account || *credit == account =>
                {
                    self.balances = true;
                }
                Event::TransferVoided { debit, .. } if *debit == account => self.balances = true,
                _ => {}
            }
        }
    }
}

async fn push(app: &App, account: AccountId, socket: &mut WebSocket, changes: Changes) -> Result<(), Closed> {
    if changes.balances {
        let balances = balances_of(app, account);
        let mut message = serde_json::to_value(balances).map_err(|_| Closed)?;
        if let Some(object) = message.as_object_mut() {
            object.insert("type".to_owned(), json!("balances"));
        }
        send(socket, &message).await?;
    }
    let markets = app.exchange.markets();
    for (market, order) in changes.orders {
        let row = app
            .exchange
            .history()
            .order(account, market, &OrderRef::Id(order))
            .await
            .map_err(|_| Closed)?;
        if let (Some(row), Some(market)) = (row, markets.get(usize::from(market.0))) {
            send(
                socket,
                &json!({ "type": "order", "order": order_view(market, &row) }),
            )
            .await?;
        }
    }
    for trade in changes.trades {
        send(socket, &json!({ "type": "trade", "trade": trade })).await?;
    }
    for id in changes.card_transfers {
        if let Ok(Some(transfer)) = cards::load(app, &id).await {
            let view = card_transfer_json(app, &transfer).await.map_err(|_| Closed)?;
            let kind = transfer.kind.text();
            send(socket, &json!({ "type": kind, kind: view })).await?;
        }
    }
    Ok(())
}

async fn send(socket: &mut WebSocket, message: &Value) -> Result<(), Closed> {
    let text = Message::Text(message.to_string().into());
    timeout(SEND_TIMEOUT, socket.send(text))
        .await
        .map_err(|_| Closed)?
        .map_err(|_| Closed)
}
