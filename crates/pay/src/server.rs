//! EnsoExPAY as a whole: opens the files, starts the tasks, listens, stops.

use crate::http::{self, Edge};
use crate::network::connection::Connection;
use crate::network::iso8583::CardNetwork;
use crate::network::three_d_secure::ThreeDSecure;
use crate::private_file::{PrivateFileError, read_or_create};
use crate::processor::{DECLINES_PER_CARD_AND_DAY_MAX, ProcessError, Processor};
use crate::random;
use crate::relay::Relay;
use crate::store::{OpenError, Store, StoreError, instrument};
use crate::vault::{KEY_VERSION, Vault, VaultError};
use ensoex_pay_api::SharedSecrets;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// How long each task may take to end; a peer that never finishes its request does not hold us.
const STOP_MAX: Duration = Duration::from_secs(10);

/// How to start EnsoExPAY.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of the database and keys; made if absent.
    pub data: PathBuf,
    /// Address to listen on.
    pub listen: IpAddr,
    /// Port; 0 picks one.
    pub port: u16,
    /// How browsers and the Service reach this; `http://LISTEN:PORT` when none.
    pub public_url: Option<String>,
    /// Where events are delivered.
    pub service_webhook_url: String,
    /// The card network's 3-D Secure server and challenge page.
    pub cardnet_url: String,
    /// The card network's ISO 8583 address, HOST:PORT.
    pub cardnet_iso: String,
    /// The file of secrets shared with the Service; `DATA/shared-secrets.json` when none. Made if absent.
    pub shared_secrets: Option<PathBuf>,
    /// Who is paid, as the person knows them.
    pub merchant_name: String,
    /// Whether the pages say that no real money moves, and offer a test card. A declined card is then not barred for
    /// the day, since everybody uses the same test cards.
    pub test_mode: bool,
    /// Waits and lifetimes.
    pub timing: Timing,
}

/// Waits and lifetimes.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How long a session's page takes input.
    pub session: Duration,
    /// How long an answer of the card network is awaited before the outcome is unknown.
    pub network: Duration,
    /// How often the resolver looks for something due.
    pub resolver_pause: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            session: Duration::from_secs(30 * 60),
            network: Duration::from_secs(8),
            resolver_pause: Duration::from_millis(500),
        }
    }
}

/// Why EnsoExPAY did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// A key or secret cannot be used.
    #[error(transparent)]
    PrivateFile(#[from] PrivateFileError),
    /// The data folder cannot be made.
    #[error("the data folder {path:?} cannot be made")]
    Data {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// What a crash left could not be taken up.
    #[error("what was left open could not be taken up")]
    Recover(#[source] ProcessError),
    /// The cards in the database are sealed under another key.
    #[error("the key-encryption key is not the one that the database was made with")]
    WrongKey,
    /// The port cannot be listened on.
    #[error("port {port} cannot be listened on")]
    Listen {
        /// The port.
        port: u16,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
}

/// EnsoExPAY at work. Dropping it does not stop it: call [`Running::stop`].
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// How browsers reach it.
    pub public_url: String,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    store: Store,
}

/// Lets the relay wait for the processor's events.
struct EventsWait(Arc<Processor>);

impl AsRef<Notify> for EventsWait {
    fn as_ref(&self) -> &Notify {
        &self.0.events_wait
    }
}

/// Opens the files, takes up what was left open, and listens.
pub async fn start(options: &Options) -> Result<Running, StartError> {
    let data_error = |source| StartError::Data {
        path: options.data.clone(),
        source,
    };
    std::fs::create_dir_all(&options.data).map_err(data_error)?;
    let secrets_path = options
        .shared_secrets
        .clone()
        .unwrap_or_else(|| options.data.join("shared-secrets.json"));
    let secrets = read_shared_secrets(&secrets_path)?;
    let vault = Vault::open(&options.data.join("keys"))?;
    let store = Store::open(&options.data.join("pay.db")).await?;
    check_key(&store, &vault).await?;

    let listen_error = |source| StartError::Listen {
        port: options.port,
        source,
    };
    let listener = TcpListener::bind((options.listen, options.port))
        .await
        .map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;
    let public_url = options
        .public_url
        .clone()
        .unwrap_or_else(|| format!("http://{address}"));
    let public_url = public_url.trim_end_matches('/').to_owned();

    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(3))
        .build()
        .map_err(StartError::Client)?;
    let connection = Connection::new(options.cardnet_iso.clone(), options.timing.network);
    let processor = Arc::new(Processor {
        store: store.clone(),
        vault,
        network: CardNetwork::new(connection, &options.merchant_name),
        three_d_secure: ThreeDSecure::new(client.clone(), &options.cardnet_url, &options.merchant_name),
        public_url: public_url.clone(),
        session_seconds: i64::try_from(options.timing.session.as_secs()).unwrap_or(i64::MAX / 2),
        network_timeout: options.timing.network,
        declines_per_card_and_day_max: if options.test_mode {
            i64::MAX
        } else {
            DECLINES_PER_CARD_AND_DAY_MAX
        },
        events_wait: Notify::new(),
        outcomes_wait: Notify::new(),
    });
    processor.recover().await.map_err(StartError::Recover)?;

    let (stop, stopped) = watch::channel(false);
    let relay = Arc::new(Relay {
        store: store.clone(),
        client,
        url: options.service_webhook_url.clone(),
        secrets: vec![secrets.webhook],
    });
    let edge = Edge {
        processor: processor.clone(),
        request_secrets: Arc::new(vec![secrets.request]),
        merchant_name: options.merchant_name.clone().into(),
        test_mode: options.test_mode,
    };
    let router = http::router(edge);
    let mut http_stop = stopped.clone();
    let tasks = vec![
        tokio::spawn(async move {
            let served = axum::serve(listener, router).with_graceful_shutdown(async move {
                // A dropped sender means the same as a stop.
                let _ended = http_stop.wait_for(|stop| *stop).await;
            });
            if let Err(error) = served.await {
                tracing::error!(%error, "the listener ended");
            }
        }),
        tokio::spawn(
            processor
                .clone()
                .resolve(options.timing.resolver_pause, stopped.clone()),
        ),
        tokio::spawn(relay.run(EventsWait(processor), stopped)),
    ];
    Ok(Running {
        address,
        public_url,
        stop,
        tasks,
        store,
    })
}

impl Running {
    /// Stops listening, lets work in progress end, closes the database.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for mut task in self.tasks {
            match tokio::time::timeout(STOP_MAX, &mut task).await {
                Ok(Ok(())) => {}
                Err(_) => task.abort(),
                Ok(Err(error)) => tracing::error!(%error, "a task ended badly"),
            }
        }
        self.store.close().await;
    }
}

fn read_shared_secrets(path: &Path) -> Result<SharedSecrets, PrivateFileError> {
    let text = read_or_create(path, || {
        SharedSecrets::json_from_random(&random::bytes(), &random::bytes())
    })?;
    SharedSecrets::from_json(&text).map_err(|_| PrivateFileError::Content {
        path: path.to_owned(),
        expected: "a JSON object with `request_secret` and `webhook_secret`, 64 hexadecimal digits each",
    })
}

/// Notices a wrong key before the first card does.
async fn check_key(store: &Store, vault: &Vault) -> Result<(), StartError> {
    let mut transaction = store.begin().await?;
    match instrument::key_check(&mut transaction, KEY_VERSION).await? {
        Some(sealed) if vault.matches_check(&sealed) => Ok(()),
        Some(_) => Err(StartError::WrongKey),
        None => {
            instrument::insert_key_check(&mut transaction, KEY_VERSION, &vault.check()?).await?;
            transaction.commit().await.map_err(StoreError::from)?;
            Ok(())
        }
    }
}
