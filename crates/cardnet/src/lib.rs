//! A simulated card network for development and tests: issuers with a durable ledger behind ISO 8583 over TCP,
//! and 3-D Secure over HTTP with a challenge page.
//!
//! What it does not know: EnsoExPAY, the Service, people. Cards are kept as keyed hashes and masked numbers. It
//! must never be reachable from outside: its 3-D Secure side trusts whoever calls it.

mod acceptor;
mod clock;
mod currency;
mod http;
mod ledger;
mod network;
mod page;
mod random;
mod test_card;
mod three_d_secure;

pub use test_card::{Delivery, TEST_CARDS, TestCard};

use crate::ledger::Ledger;
use crate::network::Network;
use crate::three_d_secure::ThreeDSecure;
use sqlx::Connection as _;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long each task may take to end; a peer that never finishes its request does not hold us.
const STOP_MAX: Duration = Duration::from_secs(10);

/// How to start the network.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of the ledger; made if absent.
    pub data: PathBuf,
    /// Address to listen on.
    pub listen: IpAddr,
    /// Port of the pages and of 3-D Secure; 0 picks one.
    pub port: u16,
    /// Port of ISO 8583; 0 picks one.
    pub iso_port: u16,
    /// How browsers reach the pages; `http://LISTEN:PORT` when none.
    pub public_url: Option<String>,
}

/// Why the network did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The data folder or the key in it cannot be used.
    #[error("the data folder {path:?} cannot be used")]
    Data {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The key file does not hold 64 hexadecimal digits.
    #[error("{path:?} does not hold a key of 64 hexadecimal digits")]
    Key {
        /// The file.
        path: PathBuf,
    },
    /// The ledger cannot be opened.
    #[error("the ledger cannot be opened")]
    Ledger(#[source] sqlx::Error),
    /// The ledger cannot be brought to this version.
    #[error("the ledger cannot be brought to this version")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A port cannot be listened on.
    #[error("port {port} cannot be listened on")]
    Listen {
        /// The port.
        port: u16,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// A network at work. Dropping it does not stop it: call [`Running::stop`].
pub struct Running {
    /// Where the pages and 3-D Secure are.
    pub http_address: SocketAddr,
    /// Where ISO 8583 is.
    pub iso_address: SocketAddr,
    /// How browsers reach the pages.
    pub public_url: String,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    pool: SqlitePool,
}

/// Opens the ledger and listens.
pub async fn start(options: &Options) -> Result<Running, StartError> {
    let data_error = |source| StartError::Data {
        path: options.data.clone(),
        source,
    };
    std::fs::create_dir_all(&options.data).map_err(data_error)?;
    let key = card_hash_key(&options.data.join("card-hash.key"))?;
    let pool = open_ledger(&options.data.join("cardnet.db")).await?;

    let (http_listener, http_address) = listen(options.listen, options.port).await?;
    let (iso_listener, iso_address) = listen(options.listen, options.iso_port).await?;
    let public_url = options
        .public_url
        .clone()
        .unwrap_or_else(|| format!("http://{http_address}"));
    let public_url = public_url.trim_end_matches('/').to_owned();

    let ledger = Ledger::new(pool.clone(), key);
    let three_d_secure = ThreeDSecure::new(ledger.clone(), public_url.clone());
    let network = Network {
        ledger,
        three_d_secure,
    };
    let (stop, stopped) = watch::channel(false);
    let router = http::router(network.clone());
    let mut http_stop = stopped.clone();
    let http_task = tokio::spawn(async move {
        let served = axum::serve(http_listener, router).with_graceful_shutdown(async move {
            // A dropped sender means the same as a stop.
            let _ended = http_stop.wait_for(|stop| *stop).await;
        });
        if let Err(error) = served.await {
            tracing::error!(%error, "the pages ended");
        }
    });
    let iso_task = tokio::spawn(acceptor::accept(iso_listener, network, stopped));
    Ok(Running {
        http_address,
        iso_address,
        public_url,
        stop,
        tasks: vec![http_task, iso_task],
        pool,
    })
}

impl Running {
    /// Stops listening, lets work in progress end, closes the ledger.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for mut task in self.tasks {
            match tokio::time::timeout(STOP_MAX, &mut task).await {
                Ok(Ok(())) => {}
                Err(_) => task.abort(),
                Ok(Err(error)) => tracing::error!(%error, "a listener ended badly"),
            }
        }
        self.pool.close().await;
    }
}

async fn listen(address: IpAddr, port: u16) -> Result<(TcpListener, SocketAddr), StartError> {
    let listen_error = |source| StartError::Listen { port, source };
    let listener = TcpListener::bind((address, port)).await.map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;
    Ok((listener, address))
}

async fn open_ledger(path: &Path) -> Result<SqlitePool, StartError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true);
    // One writer: a booking never meets another.
    let pool = SqlitePoolOptions::new()
        // A full disk ends a transaction without the library's knowledge; such a connection is of no use any more.
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
        .max_connections(1)
        .connect_with(options)
        .await
        .map_err(StartError::Ledger)?;
    sqlx::migrate!("./migrations").run(&pool).await?;
    Ok(pool)
}

/// The key of card hashes, made at the first start and readable by the owner only.
fn card_hash_key(path: &Path) -> Result<[u8; 32], StartError> {
    let data_error = |source| StartError::Data {
        path: path.to_owned(),
        source,
    };
    if !path.exists() {
        write_private(path, &hex::encode(random::bytes::<32>())).map_err(data_error)?;
    }
    let text = std::fs::read_to_string(path).map_err(data_error)?;
    let mut key = [0; 32];
    hex::decode_to_slice(text.trim(), &mut key).map_err(|_| StartError::Key {
        path: path.to_owned(),
    })?;
    Ok(key)
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
