//! A real exchange in a temporary directory behind a real listening server, with static keys.

use axum::Router;
use base64::Engine as _;
use ed25519_dalek::{Signer, SigningKey};
use ensoex_engine::{
    Command, OrderKind, PlaceOrder, SelfTradePrevention, Side, TimeInForce, Transfer, TransferCode,
};
use ensoex_exchange::{Exchange, Outcome};
use ensoex_spot_api::{ApiKey, ApiKeys, ApiKeysUnavailable, KeyVerifier, Limits, Permissions, SpotApi};
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, ClientOrderId, FeeRate, FeeRates, MarketId, MarketSpec, Price,
    PriceBand, Quantity, TransferId,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use zeroize::Zeroizing;

pub(crate) const BTC: AssetId = AssetId(0);
pub(crate) const EUR: AssetId = AssetId(2);
pub(crate) const BTCEUR: MarketId = MarketId(0);
pub(crate) const TRADER: AccountId = AccountId(1_000);
pub(crate) const ED25519_TRADER: AccountId = AccountId(1_001);
pub(crate) const MAKER: AccountId = AccountId(1_002);
pub(crate) const TAKER: AccountId = AccountId(1_003);
pub(crate) const UNIT: i128 = 100_000_000;

/// A client's key: what it is called and how it signs.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) signs: Signs,
}

#[derive(Clone)]
pub(crate) enum Signs {
    Hmac(String),
    Ed25519(SigningKey),
}

impl Key {
    pub(crate) fn hmac(name: &str, secret: &str) -> Key {
        Key {
            name: name.into(),
            signs: Signs::Hmac(secret.into()),
        }
    }

    pub(crate) fn ed25519(name: &str, seed: u8) -> Key {
        Key {
            name: name.into(),
            signs: Signs::Ed25519(SigningKey::from_bytes(&[seed; 32])),
        }
    }

    /// As a client would send it, before percent-encoding.
    pub(crate) fn sign(&self, payload: &str) -> String {
        match &self.signs {
            Signs::Hmac(secret) => {
                let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
                mac.update(payload.as_bytes());
                hex::encode(mac.finalize().into_bytes())
            }
            Signs::Ed25519(key) => {
                base64::engine::general_purpose::STANDARD.encode(key.sign(payload.as_bytes()).to_bytes())
            }
        }
    }

    pub(crate) fn verifier(&self) -> KeyVerifier {
        match &self.signs {
            Signs::Hmac(secret) => KeyVerifier::Hmac(Arc::new(Zeroizing::new(secret.as_bytes().to_vec()))),
            Signs::Ed25519(key) => KeyVerifier::Ed25519(key.verifying_key().to_bytes()),
        }
    }
}

pub(crate) fn trader_key() -> Key {
    Key::hmac("trader-key-0001", "trader-secret-0001")
}

pub(crate) fn ed25519_key() -> Key {
    Key::ed25519("ed25519-key-0001", 7)
}

pub(crate) fn maker_key() -> Key {
    Key::hmac("maker-key-0001", "maker-secret-0001")
}

pub(crate) fn reader_key() -> Key {
    Key::hmac("reader-key-0001", "reader-secret-0001")
}

/// Keys in memory; a test may take one away or make all of them unavailable.
#[derive(Default)]
pub(crate) struct StaticKeys {
    keys: Mutex<HashMap<String, ApiKey>>,
    pub(crate) unavailable: std::sync::atomic::AtomicBool,
}

impl StaticKeys {
    pub(crate) fn new() -> Arc<StaticKeys> {
        let keys = StaticKeys::default();
        let all = Permissions {
            read: true,
            trade: true,
            withdraw: false,
        };
        let read = Permissions {
            read: true,
            trade: false,
            withdraw: false,
        };
        for (key, account, permissions) in [
            (trader_key(), TRADER, all),
            (ed25519_key(), ED25519_TRADER, all),
            (maker_key(), MAKER, all),
            (reader_key(), TRADER, read),
        ] {
            let entry = ApiKey {
                account,
                permissions,
                verifier: key.verifier(),
            };
            keys.keys.lock().unwrap().insert(key.name, entry);
        }
        Arc::new(keys)
    }

    #[allow(dead_code, reason = "the example uses this module too")]
    pub(crate) fn remove(&self, name: &str) {
        self.keys.lock().unwrap().remove(name);
    }
}

impl ApiKeys for StaticKeys {
    fn find<'a>(
        &'a self,
        key: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Option<ApiKey>, ApiKeysUnavailable>> + Send + 'a>> {
        let unavailable = self.unavailable.load(std::sync::atomic::Ordering::Relaxed);
        let found = self.keys.lock().unwrap().get(key).cloned();
        Box::pin(async move {
            if unavailable {
                Err(ApiKeysUnavailable("the vault is closed".into()))
            } else {
                Ok(found)
            }
        })
    }
}

/// The exchange with three markets and funded accounts.
pub(crate) async fn exchange(directory: &std::path::Path) -> Exchange {
    let exchange = Exchange::open(directory).await.unwrap();
    let asset = |code: &str| AssetSpec {
        code: code.into(),
        scale: 8,
    };
    let mut commands: Vec<Command> = ["BTC", "ETH", "EUR", "UAH"]
        .into_iter()
        .enumerate()
        .map(|(id, code)| Command::ListAsset {
            asset: AssetId(id as u16),
            spec: asset(code),
        })
        .collect();
    let markets = [
        market("BTCEUR", 0, 2, 1_000, 10, 2),
        // From half the last price to twice it.
        MarketSpec {
            price_band: Some(PriceBand {
                below: 500_000,
                above: 1_000_000,
            }),
            ..market("ETHEUR", 1, 2, 10_000, 100, 2)
        },
        market("EURUAH", 2, 3, 1_000_000, 100, 4),
    ];
    for (id, spec) in markets.into_iter().enumerate() {
        commands.push(Command::ListMarket {
            market: MarketId(id as u16),
            spec: Box::new(spec),
        });
    }
    for (number, account) in [TRADER, ED25519_TRADER, MAKER, TAKER].into_iter().enumerate() {
        commands.push(Command::OpenAccount { account });
        for asset in 0..4_u16 {
            let funds = if account == MAKER {
                1_000_000_000
            } else {
                [2, 20, 100_000, 1_000_000][usize::from(asset)]
            };
            commands.push(Command::Transfer(transfer(
                number as u128 * 10 + u128::from(asset) + 1,
                account,
                AssetId(asset),
                funds * UNIT,
            )));
        }
    }
    for outcome in exchange.submit_all(commands).await.unwrap() {
        assert_eq!(outcome.reject(), None);
    }
    exchange
}

/// Brings `amount` in.
pub(crate) fn transfer(id: u128, credit: AccountId, asset: AssetId, amount: i128) -> Transfer {
    Transfer {
        transfer: TransferId(id),
        debit: AccountId::OPERATOR_CAPITAL,
        credit,
        asset,
        amount: Amount(amount),
        code: TransferCode::Capital,
    }
}

pub(crate) fn market(
    symbol: &str,
    base: u16,
    quote: u16,
    lot_size: u64,
    tick_value: u64,
    price_scale: u8,
) -> MarketSpec {
    MarketSpec {
        symbol: symbol.into(),
        base: AssetId(base),
        quote: AssetId(quote),
        lot_size,
        tick_value,
        price_scale,
        tick_units: 1,
        price_min: Price(1),
        price_max: Price(100_000_000),
        quantity_min: Quantity(1),
        quantity_max: Quantity(10_000_000),
        notional_min: Amount(5 * UNIT),
        notional_max: Amount(1_000_000 * UNIT),
        price_band: None,
        orders_per_account_max: 200,
        stops_per_account_max: 5,
        fees: vec![rates(1_000, 2_000), rates(500, 1_000)],
    }
}

fn rates(maker: u32, taker: u32) -> FeeRates {
    FeeRates {
        maker: FeeRate(maker),
        taker: FeeRate(taker),
    }
}

/// A limit order straight to the engine: price in cents, quantity in 1/100 000 of the base.
pub(crate) fn limit(account: AccountId, side: Side, price: u64, quantity: u64) -> Command {
    Command::PlaceOrder(PlaceOrder {
        account,
        market: BTCEUR,
        side,
        kind: OrderKind::Limit {
            price: Price(price),
            quantity: Quantity(quantity),
            time_in_force: TimeInForce::Gtc,
        },
        self_trade_prevention: SelfTradePrevention::ExpireTaker,
        client_order_id: ClientOrderId::NONE,
    })
}

/// A server on a port of its own.
pub(crate) struct Server {
    pub(crate) exchange: Exchange,
    pub(crate) api: SpotApi,
    pub(crate) keys: Arc<StaticKeys>,
    pub(crate) address: SocketAddr,
    pub(crate) http: reqwest::Client,
    pub(crate) _directory: TempDir,
}

impl Server {
    pub(crate) async fn start() -> Server {
        Server::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Server {
        let directory = tempfile::tempdir().unwrap();
        let exchange = exchange(directory.path()).await;
        let keys = StaticKeys::new();
        let api = SpotApi::start(exchange.clone(), keys.clone(), limits)
            .await
            .unwrap();
        let address = serve(&api, 0).await;
        Server {
            exchange,
            api,
            keys,
            address,
            http: reqwest::Client::new(),
            _directory: directory,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The maker's two levels on either side of 50 000: 49 900, 49 990 | 50 010, 50 100.
    pub(crate) async fn with_book(&self) -> Vec<Outcome> {
        let orders = vec![
            limit(MAKER, Side::Buy, 4_990_000, 100_000),
            limit(MAKER, Side::Buy, 4_999_000, 50_000),
            limit(MAKER, Side::Sell, 5_001_000, 50_000),
            limit(MAKER, Side::Sell, 5_010_000, 100_000),
        ];
        self.exchange.submit_all(orders).await.unwrap()
    }
}

/// Serves both routers on the loopback interface.
pub(crate) async fn serve(api: &SpotApi, port: u16) -> SocketAddr {
    let router: Router = api.public_router().merge(api.trading_router());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    address
}

pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}
