//! Where a log is: a file, or a schema in PostgreSQL on one of several hosts. Connects to nothing.

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The schema of a PostgreSQL log whose address names none.
pub const SCHEMA_DEFAULT: &str = "ensoex_log";
/// Hosts in one address.
const HOSTS_MAX: usize = 8;
/// PostgreSQL's own limit for a name.
const SCHEMA_BYTES_MAX: usize = 63;

/// Where a log is. Written as a path, `sqlite:PATH`, or
/// `postgres://USER:PASSWORD@HOST:PORT,HOST:PORT/DATABASE?schema=NAME`.
#[derive(Clone)]
pub enum LogAddress {
    /// A file on this machine.
    Sqlite(PathBuf),
    /// A schema in PostgreSQL.
    Postgres(PostgresAddress),
    /// In a simulation; has no text.
    #[cfg(feature = "simulation")]
    Simulated(crate::SimulatedDisk),
}

/// A schema in PostgreSQL, on whichever of the hosts is the primary.
#[derive(Clone)]
pub struct PostgresAddress {
    /// In the order in which they are tried.
    pub(crate) hosts: Vec<PgConnectOptions>,
    /// Lower-case letters, digits and underscores.
    pub(crate) schema: String,
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing where a path or URL should be.
    #[error(
        "the address of the log is empty: give a file, or postgres://USER@HOST:PORT/DATABASE?schema=NAME"
    )]
    Empty,
    /// Too many hosts, or none.
    #[error("the address of the log names {0} hosts; between 1 and {HOSTS_MAX} are possible")]
    Hosts(usize),
    /// Not a URL that the database's client understands.
    #[error(
        "the address of the log cannot be read: {0}; write postgres://USER@HOST:PORT/DATABASE?schema=NAME"
    )]
    Url(String),
    /// A schema name that would have to be quoted.
    #[error(
        "the schema's name {0:?} must be of lower-case letters, digits and underscores, not begin with a digit, and have \
         {SCHEMA_BYTES_MAX} characters at most"
    )]
    Schema(String),
}

impl FromStr for LogAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<LogAddress, AddressError> {
        let text = text.trim();
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return text.parse().map(LogAddress::Postgres);
        }
        let path = text.strip_prefix("sqlite:").unwrap_or(text);
        let path = path
            .strip_prefix("//")
            .filter(|_| path.len() < text.len())
            .unwrap_or(path);
        match path.is_empty() {
            true => Err(AddressError::Empty),
            false => Ok(LogAddress::Sqlite(PathBuf::from(path))),
        }
    }
}

impl FromStr for PostgresAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<PostgresAddress, AddressError> {
        let (_, rest) = text.split_once("://").ok_or(AddressError::Empty)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let mut schema = SCHEMA_DEFAULT.to_owned();
        let mut kept = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.strip_prefix("schema=") {
                Some(name) => schema = name.to_owned(),
                None => kept.push(pair),
            }
        }
        let hosts: Vec<&str> = hosts.split(',').collect();
        if hosts.len() > HOSTS_MAX || hosts.contains(&"") {
            return Err(AddressError::Hosts(
                hosts.iter().filter(|host| !host.is_empty()).count(),
            ));
        }
        let at = if user.is_empty() { "" } else { "@" };
        let options = hosts.iter().map(|host| {
            let one = format!("postgres://{user}{at}{host}/{database}?{}", kept.join("&"));
            PgConnectOptions::from_str(&one)
                .map(|options| options.disable_statement_logging().application_name("ensoex-log"))
                .map_err(|error| AddressError::Url(error.to_string()))
        });
        let hosts = options.collect::<Result<_, _>>()?;
        PostgresAddress {
            hosts,
            schema: String::new(),
        }
        .with_schema(&schema)
    }
}

impl PostgresAddress {
    /// The same servers, another schema.
    ///
    /// # Errors
    /// [`AddressError::Schema`] when the name would have to be quoted.
    pub fn with_schema(self, schema: &str) -> Result<PostgresAddress, AddressError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let begins_well = schema.bytes().next().is_some_and(|first| !first.is_ascii_digit());
        if !begins_well || schema.len() > SCHEMA_BYTES_MAX || !schema.bytes().all(plain) {
            return Err(AddressError::Schema(schema.to_owned()));
        }
        Ok(PostgresAddress {
            schema: schema.to_owned(),
            ..self
        })
    }

    /// The schema.
    pub fn schema(&self) -> &str {
        &self.schema
    }
}

impl fmt::Display for LogAddress {
    /// Without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogAddress::Sqlite(path) => write!(f, "{}", path.display()),
            LogAddress::Postgres(address) => write!(f, "{address}"),
            #[cfg(feature = "simulation")]
            LogAddress::Simulated(disk) => write!(f, "{disk:?}"),
        }
    }
}

impl fmt::Display for PostgresAddress {
    /// Without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<String> = self.hosts.iter().map(host_name).collect();
        let database = self
            .hosts
            .first()
            .and_then(PgConnectOptions::get_database)
            .unwrap_or_default();
        write!(
            f,
            "postgres://{}/{database}?schema={}",
            hosts.join(","),
            self.schema
        )
    }
}

impl fmt::Debug for LogAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Debug for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A host as a message names it.
pub(crate) fn host_name(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, AddressError> {
        text.parse::<LogAddress>().map(|address| address.to_string())
    }

    #[test]
    fn addresses_are_read_and_shown_without_their_password() {
        for (text, expected) in [
            ("log.db", "log.db"),
            ("sqlite:dir/log.db", "dir/log.db"),
            ("sqlite:///dir/log.db", "/dir/log.db"),
            (
                "postgres://u:secret@h1:5433/d",
                "postgres://h1:5433/d?schema=ensoex_log",
            ),
            (
                "postgres://u@h1:1,h2:2/d?schema=s1&sslmode=disable",
                "postgres://h1:1,h2:2/d?schema=s1",
            ),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        assert_eq!(shown(" "), Err(AddressError::Empty));
        assert_eq!(shown("postgres://u@/d"), Err(AddressError::Hosts(0)));
        assert_eq!(
            shown("postgres://u@a,b,c,d,e,f,g,h,i/d"),
            Err(AddressError::Hosts(9))
        );
        assert!(matches!(
            shown("postgres://u@h:port/d"),
            Err(AddressError::Url(_))
        ));
        for schema in ["", "Log", "1log", "a-b", "a\"b", &"s".repeat(64)] {
            let refused = shown(&format!("postgres://u@h/d?schema={schema}"));
            assert_eq!(refused, Err(AddressError::Schema(schema.to_owned())));
        }
    }
}
