//! The public sections cannot name a session: what their handlers can reach is listed here.
//!
//! The router of `crates/service/src/public.rs` is built on `PublicState` alone. This test reads that state's fields and what the
//! handlers take, so that a session, a user, the vault, the Service's records or a visitor's address are found out.

const PUBLIC: &str = include_str!("../../crates/service/src/public.rs");
/// The other modules of the public sections, whose routers stand on the same state.
const OTHERS: [&str; 3] = [
    include_str!("../../crates/service/src/policy_history.rs"),
    include_str!("../../crates/service/src/documents/mod.rs"),
    include_str!("../../crates/service/src/documents/page.rs"),
];

/// What public handlers may reach: nothing of it knows a person.
const FIELDS: [(&str, &str); 7] = [
    ("exchange", "Exchange"),
    ("policy", "PolicyStore"),
    ("public_url", "String"),
    ("access_head", "HeadSource"),
    ("statistics", "Arc<crate::improvement::Published>"),
    ("disclosed", "Arc<crate::disclosures::Published>"),
    ("demo", "bool"),
];
/// Words that must not stand in the module of the public sections.
const NEVER: [&str; 15] = [
    "App>",
    "AppState",
    "guard::",
    "User",
    "session",
    "Cookie",
    "COOKIE",
    "cookie",
    "HeaderMap",
    "ConnectInfo",
    "SocketAddr",
    "IpAddr",
    "Vault",
    "Database",
    "Request<",
];

fn faults(public: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let state = public.split("pub(crate) struct PublicState {").nth(1);
    let state = state
        .and_then(|rest| rest.split("\n}").next())
        .unwrap_or_default();
    for line in state
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("pub(crate) "))
    {
        let line = line.trim_start_matches("pub(crate) ").trim_end_matches(',');
        let known = FIELDS
            .iter()
            .any(|(name, kind)| line == format!("{name}: {kind}"));
        if !known {
            faults.push(format!("the public sections can reach {line}"));
        }
    }
    if state.is_empty() || !public.contains(".with_state(state)") {
        faults.push("the public router is not built on PublicState".to_owned());
    }
    faults.extend(named(public));
    faults
}

/// What a module of the public sections names that it must not.
fn named(module: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for line in module.lines().filter(|line| !line.trim_start().starts_with("//")) {
        faults.extend(
            NEVER
                .iter()
                .filter(|word| line.contains(*word))
                .map(|word| format!("the public sections name {word}: {}", line.trim())),
        );
    }
    faults
}

/// Mechanism: `crates/service/src/public.rs`
/// Control: a session in the state, a handler that takes a user, headers or an address, and another state are each found.
#[test]
fn clause_04_public_sections_cannot_name_a_session() {
    assert_eq!(faults(PUBLIC), [""; 0]);
    for module in OTHERS {
        assert_eq!(named(module), [""; 0]);
        let with_user = module.replacen("State(state): State<PublicState>", "user: User", 1);
        assert!(with_user == module || !named(&with_user).is_empty());
    }
    for (from, to) in [
        (
            "pub(crate) demo: bool",
            "pub(crate) demo: bool,\n    pub(crate) database: Sessions",
        ),
        (
            "pub(crate) async fn health(",
            "pub(crate) async fn health(user: User, ",
        ),
        (
            "pub(crate) async fn health(",
            "pub(crate) async fn health(headers: HeaderMap, ",
        ),
        (
            "pub(crate) async fn health(",
            "pub(crate) async fn health(from: ConnectInfo<Address>, ",
        ),
        (".with_state(state)", ".with_state(app)"),
    ] {
        assert!(PUBLIC.contains(from), "{from}");
        assert!(!faults(&PUBLIC.replacen(from, to, 1)).is_empty(), "{to}");
    }
}
