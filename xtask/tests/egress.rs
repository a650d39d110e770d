//! Nothing of the Service opens a connection but through `crates/egress`: whoever makes a socket, a client or looks up a name
//! elsewhere stands here with a reason, and no crate gets a library that could without being named.
//!
//! The card side (EnsoExPAY, the card network's simulator) has connections of its own and is not looked at; sockets of this machine
//! (Unix) leave nothing.

#[path = "../src/sources.rs"]
mod sources;

use sources::{Source, sources};

/// What opens a connection, finds an address, or makes something that does.
const OPENERS: [&str; 20] = [
    "reqwest::Client::",
    "reqwest::get(",
    "reqwest::blocking",
    "Client::builder(",
    "Client::new(",
    "TcpStream::connect",
    "TcpSocket::",
    "UdpSocket::",
    "to_socket_addrs",
    "lookup_host",
    "HttpConnector::new",
    "HttpsConnectorBuilder::",
    "connect_async(",
    "connect_with(",
    ".connect().await",
    "PgConnection::connect",
    "PgPool::connect",
    "Socket::new(",
    "lettre::",
    "TlsConnector::",
];

/// Files that may, and why.
const MAY: &[(&str, &str)] = &[
    ("crates/egress/src/http.rs", "the way out itself"),
    (
        "crates/egress/src/https.rs",
        "forms for one recipient behind TLS, checked by Destinations at each request",
    ),
    (
        "crates/egress/src/mail.rs",
        "the way out to the mail relay, which is one host by configuration",
    ),
    (
        "crates/backup/src/transport.rs",
        "to the hosts that egress's Destinations hold of the storage, checked at each request",
    ),
    (
        "crates/sql/src/database.rs",
        "the SQL library, to the operator's databases (recipient: storage) that --database names, or to a file",
    ),
    (
        "crates/log/src/postgres/session.rs",
        "the SQL library, to the operator's database (recipient: storage) that --log names",
    ),
    ("crates/log/src/write_ahead.rs", "a file of SQLite"),
    ("crates/sql/src/ahead.rs", "a file of SQLite"),
    ("crates/log/src/sqlite.rs", "a file of SQLite"),
    ("crates/backup/src/copy.rs", "a file of SQLite"),
    (
        "crates/ensoex/src/demo/site.rs",
        "the demo's visitor and traders, who are clients of the Service",
    ),
    (
        "crates/ensoex/src/bench/connection.rs",
        "the benchmark's clients of the Service",
    ),
];

/// Crates that are not the Service.
const OTHERS: [&str; 6] = ["pay", "cardnet", "iso8583", "pg-test", "sql-test", "sim"];

/// Libraries that reach other machines, and the crates of the Service that may depend on them.
const LIBRARIES: &[(&str, &[&str])] = &[
    // The Service names the library's types; its clients come from egress. The demo's and the benchmark's clients are in `ensoex`.
    ("reqwest", &["egress", "service", "ensoex"]),
    ("hyper-util", &["backup", "egress"]),
    ("hyper-rustls", &["backup", "egress"]),
    ("opendal", &["backup"]),
    ("sqlx", &["sql", "log", "backup"]),
    ("hyper", &[]),
    ("lettre", &["egress"]),
    ("ureq", &[]),
    ("isahc", &[]),
    ("curl", &[]),
    ("socket2", &[]),
    ("hickory-resolver", &[]),
    ("tungstenite", &[]),
    ("tokio-tungstenite", &[]),
    ("tonic", &[]),
    ("sentry", &[]),
    ("opentelemetry-otlp", &[]),
];

fn crate_of(file: &Source) -> Option<(&str, &str)> {
    let (name, rest) = file.path.strip_prefix("crates/")?.split_once('/')?;
    (!OTHERS.contains(&name)).then_some((name, rest))
}

/// What opens connections beside the register.
fn faults(files: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files {
        let Some((name, rest)) = crate_of(file) else {
            continue;
        };
        if rest == "Cargo.toml" {
            faults.extend(libraries(name, &file.text));
        }
        if !rest.starts_with("src/") || !rest.ends_with(".rs") || MAY.iter().any(|(may, _)| *may == file.path)
        {
            continue;
        }
        // A file's own tests stand at its end.
        let code = file
            .text
            .split("#[cfg(test)]\nmod tests")
            .next()
            .unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            if let Some(opener) = OPENERS.iter().find(|opener| opens(line, opener)) {
                faults.push(format!("{}:{} opens by {opener}", file.path, number + 1));
            }
        }
    }
    faults
}

/// Whether the line has the opener, not at the end of a longer name.
fn opens(line: &str, opener: &str) -> bool {
    let part_of_name = |before: &str| before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let starts_a_name = opener.starts_with(char::is_alphabetic);
    line.match_indices(opener)
        .any(|(at, _)| !starts_a_name || !part_of_name(&line[..at]))
}

fn libraries(name: &str, manifest: &str) -> Vec<String> {
    let mut section = "";
    let mut faults = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
            continue;
        }
        if section != "[dependencies]" {
            continue;
        }
        let used = line.split(['.', ' ', '=']).next().unwrap_or_default();
        let known = LIBRARIES.iter().find(|(library, _)| *library == used);
        if known.is_some_and(|(_, may)| !may.contains(&name)) {
            faults.push(format!("{name} depends on {used}"));
        }
    }
    faults
}

/// Every outbound connection of the Service goes through the register, or stands in the list above with its reason.
/// Mechanism: `crates/egress/src/lib.rs`
/// Control: a planted client, socket, look-up and library are each found, as is the way out itself without its exception.
#[test]
fn clause_08_connections_are_opened_through_the_register_only() {
    let files = sources(&["rs", "toml"]);
    assert_eq!(faults(&files), [""; 0]);
    for (path, reason) in MAY {
        let file = files.iter().find(|file| file.path == *path);
        let file = file.unwrap_or_else(|| panic!("{path} is excepted and not there"));
        assert!(
            OPENERS.iter().any(|opener| file.text.contains(opener)),
            "{path} opens nothing: strike the exception ({reason})"
        );
    }
    let planted = [
        ("let http = reqwest::Client::new();", "reqwest::Client::"),
        (
            "    let stream = TcpStream::connect(\"192.0.2.1:80\").await?;",
            "TcpStream::connect",
        ),
        ("UdpSocket::bind(\"0.0.0.0:0\")", "UdpSocket::"),
        ("(\"tracker.example\", 443).to_socket_addrs()", "to_socket_addrs"),
        ("let one = options.connect().await?;", ".connect().await"),
    ];
    for (line, opener) in planted {
        let file = Source {
            path: "crates/service/src/planted.rs".to_owned(),
            text: format!("fn leak() {{\n{line}\n}}\n"),
        };
        assert_eq!(
            faults(&[file]),
            [format!("crates/service/src/planted.rs:2 opens by {opener}")]
        );
    }
    let manifest = Source {
        path: "crates/service/Cargo.toml".to_owned(),
        text:
            "[dependencies]\nsentry = \"1\"\nreqwest.workspace = true\n[dev-dependencies]\nopendal = \"1\"\n"
                .to_owned(),
    };
    assert_eq!(faults(&[manifest]), ["service depends on sentry"]);
    let moved = files
        .into_iter()
        .find(|file| file.path == "crates/egress/src/http.rs");
    let moved = moved.map(|file| Source {
        path: "crates/service/src/http.rs".to_owned(),
        ..file
    });
    assert!(!faults(&[moved.expect("the way out")]).is_empty());
}
