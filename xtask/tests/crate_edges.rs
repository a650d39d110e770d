//! Which crate may know which: what `cargo metadata` says must be allowed here.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Direct dependencies between the workspace's crates, build and normal; those of tests are looked at apart.
const ALLOWED: &[(&str, &[&str])] = &[
    ("ensoex-types", &[]),
    ("ensoex-engine", &["ensoex-types"]),
    ("ensoex-log", &["ensoex-types"]),
    ("ensoex-sql", &[]),
    ("ensoex-sql-test", &["ensoex-sql", "ensoex-pg-test"]),
    ("ensoex-pg-test", &[]),
    (
        "ensoex-exchange",
        &["ensoex-types", "ensoex-engine", "ensoex-log", "ensoex-sql"],
    ),
    ("ensoex-egress", &[]),
    (
        "ensoex-backup",
        &["ensoex-types", "ensoex-log", "ensoex-sql", "ensoex-egress"],
    ),
    ("ensoex-merkle", &[]),
    ("ensoex-vault", &["ensoex-sql", "ensoex-merkle", "ensoex-egress"]),
    ("ensoex-policy", &["ensoex-merkle"]),
    ("ensoex-pay-api", &[]),
    ("ensoex-card-firewall", &[]),
    ("ensoex-incidents", &["ensoex-card-firewall"]),
    ("ensoex-risk", &[]),
    (
        "ensoex-spot-api",
        &[
            "ensoex-types",
            "ensoex-engine",
            "ensoex-exchange",
            "ensoex-card-firewall",
        ],
    ),
    (
        "ensoex-service",
        &[
            "ensoex-types",
            "ensoex-egress",
            "ensoex-engine",
            "ensoex-exchange",
            "ensoex-sql",
            "ensoex-vault",
            "ensoex-policy",
            "ensoex-pay-api",
            "ensoex-incidents",
            "ensoex-risk",
            "ensoex-card-firewall",
            "ensoex-spot-api",
        ],
    ),
    ("ensoex-sim", &["ensoex-types", "ensoex-engine"]),
    (
        "ensoex",
        &[
            "ensoex-types",
            "ensoex-engine",
            "ensoex-log",
            "ensoex-backup",
            "ensoex-exchange",
            "ensoex-vault",
            "ensoex-policy",
            "ensoex-pay-api",
            "ensoex-incidents",
            "ensoex-risk",
            "ensoex-card-firewall",
            "ensoex-service",
            "ensoex-sim",
            "ensoex-sql",
        ],
    ),
    ("ensoex-iso8583", &[]),
    ("ensoex-pay", &["ensoex-pay-api", "ensoex-iso8583"]),
    ("ensoex-cardnet", &["ensoex-iso8583"]),
    ("xtask", &[]),
];

/// The Service's side, which never reaches the card side.
const SERVICE_SIDE: &[&str] = &[
    "ensoex-egress",
    "ensoex-types",
    "ensoex-engine",
    "ensoex-log",
    "ensoex-backup",
    "ensoex-exchange",
    "ensoex-incidents",
    "ensoex-risk",
    "ensoex-merkle",
    "ensoex-vault",
    "ensoex-policy",
    "ensoex-card-firewall",
    "ensoex-spot-api",
    "ensoex-service",
    "ensoex-sim",
    "ensoex",
];
const CARD_SIDE: &[&str] = &["ensoex-pay", "ensoex-cardnet", "ensoex-iso8583"];
/// Known by both sides, and knowing neither.
const COMMON: &str = "ensoex-pay-api";
/// The pure core and what it must not reach by any way.
const PURE: &[&str] = &["ensoex-types", "ensoex-engine"];
const IMPURE: &[&str] = &[
    "tokio",
    "serde_json",
    "sqlx",
    "axum",
    "reqwest",
    "getrandom",
    "time",
    "rand",
    "tracing",
];
/// Crates that know nothing of orders and balances.
const NOTHING_OF_TRADING: &[&str] = &[
    "ensoex-merkle",
    "ensoex-vault",
    "ensoex-policy",
    "ensoex-pay-api",
    "ensoex-egress",
];
const TRADING: &[&str] = &[
    "ensoex-types",
    "ensoex-engine",
    "ensoex-log",
    "ensoex-exchange",
    "ensoex-spot-api",
];

/// Who depends on whom, by package name.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// What is wrong with a graph of direct dependencies; nothing when all is allowed. `alone` is what the pure core needs by itself.
fn faults(direct: &Graph, with_tests: &Graph, alone: &Graph, members: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    let is_member = |name: &String| members.contains(name);
    for member in members {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| name == member) else {
            faults.push(format!("{member} is not in the table of allowed dependencies"));
            continue;
        };
        let used = direct
            .get(member)
            .into_iter()
            .flatten()
            .filter(|name| is_member(name));
        for used in used.filter(|used| !allowed.contains(&used.as_str())) {
            faults.push(format!("{member} depends on {used}"));
        }
    }
    let mut never = |from: &[&str], to: &[&str], graph: &Graph| {
        for from in from {
            let reached = reached(graph, from);
            let is_reached = |to: &str| reached.iter().any(|name| name.split('@').next() == Some(to));
            for to in to.iter().filter(|to| is_reached(to)) {
                faults.push(format!("{from} reaches {to}"));
            }
        }
    };
    // Tests too: a test that knows both sides would hide what must stay apart.
    never(SERVICE_SIDE, CARD_SIDE, with_tests);
    never(CARD_SIDE, SERVICE_SIDE, with_tests);
    never(&[COMMON], SERVICE_SIDE, with_tests);
    never(&[COMMON], CARD_SIDE, with_tests);
    never(NOTHING_OF_TRADING, TRADING, with_tests);
    never(PURE, IMPURE, alone);
    faults
}

fn reached(graph: &Graph, from: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(name) = open.pop() {
        for next in graph.get(&name).into_iter().flatten() {
            if reached.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    reached
}

/// Of this platform only: what others need has perhaps never been downloaded.
fn platform() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().expect("rustc runs");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("a platform")
        .to_owned()
}

fn metadata() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--format-version",
            "1",
            "--offline",
            "--filter-platform",
            &platform(),
        ])
        .args(["--manifest-path", manifest])
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// All that a crate needs when it is built by itself: in the workspace, others switch on features of what it shares with them.
fn alone(name: &str) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let output = Command::new(cargo)
        .args(["tree", "--offline", "--prefix", "none", "--edges", "normal"])
        .args(["--package", name, "--manifest-path", manifest])
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("text");
    let names = text.lines().filter_map(|line| line.split(' ').next());
    names
        .filter(|other| !other.is_empty() && *other != name)
        .map(str::to_owned)
        .collect()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// The graph as resolved. A dependency of tests alone is followed from the workspace's own crates only.
fn graph(metadata: &Value, tests: bool) -> (Graph, Vec<String>) {
    let packages = metadata["packages"].as_array().expect("packages");
    let mut versions: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for package in packages {
        versions.entry(text(package, "name")).or_default().push(package);
    }
    // Two versions of one crate are two crates: what one of them reaches, the other need not.
    let name = |package: &Value| match versions[text(package, "name")].len() {
        1 => text(package, "name").to_owned(),
        _ => format!("{}@{}", text(package, "name"), text(package, "version")),
    };
    let name_of: BTreeMap<&str, String> = packages
        .iter()
        .map(|package| (text(package, "id"), name(package)))
        .collect();
    let members: BTreeSet<&str> = metadata["workspace_members"]
        .as_array()
        .expect("members")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let mut graph = Graph::new();
    for node in metadata["resolve"]["nodes"].as_array().expect("nodes") {
        let id = text(node, "id");
        let used = node["deps"].as_array().expect("deps").iter().filter(|used| {
            let kinds = used["dep_kinds"].as_array().expect("kinds");
            kinds
                .iter()
                .any(|kind| kind["kind"] != "dev" || (tests && members.contains(id)))
        });
        let used = used.filter_map(|used| name_of.get(text(used, "pkg")).cloned());
        graph.entry(name_of[id].clone()).or_default().extend(used);
    }
    (graph, members.iter().map(|id| name_of[id].clone()).collect())
}

#[test]
fn crates_know_only_whom_they_may_know() {
    let metadata = metadata();
    let ((direct, members), (with_tests, _)) = (graph(&metadata, false), graph(&metadata, true));
    assert!(members.len() >= ALLOWED.len() - 1, "{members:?}");
    // The graph is really read: these edges are known to be there.
    assert!(reached(&direct, "ensoex-service").contains("tokio"));
    assert!(reached(&direct, "ensoex-pay").contains(COMMON));
    let alone: Graph = PURE
        .iter()
        .map(|name| ((*name).to_owned(), alone(name)))
        .collect();
    assert!(alone["ensoex-engine"].contains("ensoex-types") && alone["ensoex-engine"].contains("sha2"));
    assert_eq!(faults(&direct, &with_tests, &alone, &members), [""; 0]);
}

#[test]
fn the_pure_core_needs_no_standard_library() {
    for name in ["types", "engine"] {
        let path = format!("{}/../crates/{name}/src/lib.rs", env!("CARGO_MANIFEST_DIR"));
        let source = std::fs::read_to_string(&path).expect("read");
        assert!(
            source
                .lines()
                .any(|line| line.starts_with("#![no_std]")
                    || line.starts_with("#![cfg_attr(not(test), no_std)]")),
            "{path} does not say #![no_std]"
        );
    }
}

/// Positive control: each kind of forbidden edge is found.
#[test]
fn forbidden_edges_are_found() {
    let members: Vec<String> = ALLOWED.iter().map(|(name, _)| (*name).to_owned()).collect();
    let allowed = || -> Graph {
        ALLOWED
            .iter()
            .map(|(name, used)| {
                (
                    (*name).to_owned(),
                    used.iter().map(|name| (*name).to_owned()).collect(),
                )
            })
            .collect()
    };
    assert_eq!(faults(&allowed(), &allowed(), &allowed(), &members), [""; 0]);
    for (from, to, fault) in [
        (
            "ensoex-service",
            "ensoex-iso8583",
            "ensoex-service depends on ensoex-iso8583",
        ),
        (
            "ensoex-service",
            "ensoex-iso8583",
            "ensoex reaches ensoex-iso8583",
        ),
        ("ensoex-pay", "ensoex-types", "ensoex-pay reaches ensoex-types"),
        (
            "ensoex-vault",
            "ensoex-types",
            "ensoex-vault reaches ensoex-types",
        ),
        (
            "ensoex-pay-api",
            "ensoex-log",
            "ensoex-cardnet reaches ensoex-log",
        ),
        ("ensoex-engine", "tokio", "ensoex-engine reaches tokio"),
    ] {
        let mut graph = allowed();
        graph.entry(from.to_owned()).or_default().insert(to.to_owned());
        if fault.starts_with("ensoex-cardnet") {
            graph
                .entry("ensoex-cardnet".to_owned())
                .or_default()
                .insert(from.to_owned());
        }
        let found = faults(&graph, &graph, &graph, &members);
        assert!(found.iter().any(|found| found == fault), "{fault}: {found:?}");
    }
    // An edge that only tests have, and one behind a foreign crate.
    let mut tests = allowed();
    tests
        .entry("ensoex-service".to_owned())
        .or_default()
        .insert("helper".to_owned());
    tests
        .entry("helper".to_owned())
        .or_default()
        .insert("ensoex-cardnet".to_owned());
    let found = faults(&allowed(), &tests, &allowed(), &members);
    assert!(
        found.contains(&"ensoex-service reaches ensoex-cardnet".to_owned()),
        "{found:?}"
    );
    let newcomer = [members, vec!["ensoex-newcomer".to_owned()]].concat();
    assert_eq!(faults(&allowed(), &allowed(), &allowed(), &newcomer).len(), 1);
}
