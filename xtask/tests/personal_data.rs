//! Personal data lies in the vault's catalogue and nowhere else: whatever is stored, sent to EnsoExPAY, entered in the access log or
//! written as a field of a log line is classified in `personal_data/classes.txt`, and no class is personal data in the clear.
//! A column, wire field, leaf field or log field that is new fails here until somebody has said what it holds.
//!
//! EnsoExPAY's own tables are not looked at: they hold no person, and its cards have tests of their own (`crates/pay/tests/secrecy.rs`).

#[path = "../src/sources.rs"]
mod sources;

use sources::{Source, sources};
use std::collections::{BTreeMap, BTreeSet};

const CLASSES_FILE: &str = include_str!("personal_data/classes.txt");

/// What a column or field may hold.
const CLASSES: [&str; 13] = [
    // A random or running number under which a person is known.
    "pseudonym",
    // Of a thing: an order, a payment, a key, a case.
    "identifier",
    "time",
    // A count, a place in a sequence, a flag.
    "number",
    // Amounts, prices, quantities.
    "money",
    // A hash, a keyed tag, a MAC.
    "hash",
    "sealed",
    // A key, public or itself kept apart.
    "key",
    // A word of a closed list, or a sentence of ours.
    "word",
    "language",
    // Encoded from what is classified elsewhere: commands, events, leaves, signed statements.
    "document",
    // Chosen by the person and not needed by us: the name of an API key, an id of an order or a wish. Short and printable.
    "own_words",
    // An error or a refusal of ours; no error of the vault holds a value.
    "error",
];

/// `exchange.orders.account` and what it holds, from the file.
fn classified(file: &str) -> Result<BTreeMap<String, String>, String> {
    let (mut place, mut classified) = (String::new(), BTreeMap::new());
    for line in file
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            place = name.to_owned();
            continue;
        }
        let (class, names) = line
            .split_once(':')
            .ok_or_else(|| format!("not a class: {line}"))?;
        if !CLASSES.contains(&class) {
            return Err(format!("{class} is no class of the closed list"));
        }
        for name in names.split_whitespace() {
            if classified
                .insert(format!("{place}.{name}"), class.to_owned())
                .is_some()
            {
                return Err(format!("{place}.{name} is classified twice"));
            }
        }
    }
    Ok(classified)
}

/// Columns that the migrations of one dialect make, as `store.table.column`.
fn columns(files: &[Source], dialect: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files {
        let parts: Vec<&str> = file.path.split('/').collect();
        let ["crates", owner, "migrations", rest @ ..] = parts.as_slice() else {
            continue;
        };
        if ["pay", "cardnet"].contains(owner) || !rest.contains(&dialect) {
            continue;
        }
        let store = match rest {
            [store, _, _] => format!("{owner}.{store}"),
            _ => (*owner).to_owned(),
        };
        let mut table = None;
        for line in file.text.lines().map(str::trim) {
            let mut words = line.split_whitespace();
            let first = words.next().unwrap_or_default();
            if let Some(made) = line.strip_prefix("CREATE TABLE ") {
                table = made.split_whitespace().next();
            } else if let Some(dropped) = line.strip_prefix("DROP TABLE ") {
                let gone = format!("{store}.{}.", dropped.trim_end_matches(';'));
                found.retain(|column: &String| !column.starts_with(&gone));
            } else if let Some(changed) = line.strip_prefix("ALTER TABLE ") {
                let words: Vec<&str> = changed.split_whitespace().collect();
                if let [table, "ADD", "COLUMN", column, ..] = words.as_slice() {
                    found.insert(format!("{store}.{table}.{column}"));
                }
            } else if line.starts_with(')') {
                table = None;
            } else if let Some(table) = table
                && first
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit())
                && !first.is_empty()
            {
                found.insert(format!("{store}.{table}.{first}"));
            }
        }
    }
    found
}

/// Public fields of structs in files below `folder`, as `kind.Struct.field`.
fn fields(files: &[Source], folder: &str, kind: &str, only: Option<&str>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files.iter().filter(|file| file.path.starts_with(folder)) {
        let mut current = None;
        for line in file.text.lines() {
            if let Some(name) = line
                .strip_prefix("pub struct ")
                .and_then(|rest| rest.strip_suffix(" {"))
            {
                current = (only.is_none_or(|only| only == name)).then_some(name);
            } else if line == "}" {
                current = None;
            } else if let (Some(name), Some(field)) = (current, line.strip_prefix("    pub "))
                && let Some((field, _)) = field.split_once(':')
            {
                found.insert(format!("{kind}.{name}.{field}"));
            }
        }
    }
    found
}

/// Fields of log lines in the Service's own crates, as `log_line.fields.name`; what a message has in braces counts too.
fn log_fields(files: &[Source]) -> BTreeSet<String> {
    let ours = ["crates/service/src", "crates/vault/src"];
    let mut found = BTreeSet::new();
    for file in files
        .iter()
        .filter(|file| ours.iter().any(|ours| file.path.starts_with(ours)))
    {
        for level in ["error", "warn", "info", "debug", "trace"] {
            let start = format!("tracing::{level}!(");
            for line in file.text.split(start.as_str()).skip(1) {
                found.extend(
                    fields_of_call(line)
                        .iter()
                        .map(|name| format!("log_line.fields.{name}")),
                );
            }
        }
    }
    found
}

fn fields_of_call(text: &str) -> BTreeSet<String> {
    let (mut depth, mut in_text, mut escaped) = (0_u32, false, false);
    let (mut part, mut message, mut parts) = (String::new(), String::new(), Vec::new());
    for character in text.chars() {
        if in_text {
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_text = false,
                other => message.push(other),
            }
            continue;
        }
        match character {
            '"' => in_text = true,
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => break,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => parts.push(std::mem::take(&mut part)),
            other if depth == 0 => part.push(other),
            _ => {}
        }
    }
    parts.push(part);
    let is_name = |character: char| character.is_alphanumeric() || character == '_' || character == '.';
    let name = |text: &str| {
        text.trim_start_matches(['%', '?', ' ', '\n'])
            .split(|c| !is_name(c))
            .next()
            .map(str::to_owned)
    };
    let mut names: BTreeSet<String> = parts.iter().filter_map(|part| name(part)).collect();
    names.extend(message.split('{').skip(1).filter_map(name));
    names.retain(|name| !name.is_empty());
    names
}

/// What the file and the sources disagree about.
fn disagreements(file: &str, files: &[Source]) -> Vec<String> {
    let classified = match classified(file) {
        Ok(classified) => classified,
        Err(wrong) => return vec![wrong],
    };
    let (sqlite, postgres) = (columns(files, "sqlite"), columns(files, "postgres"));
    let mut wrong: Vec<String> = sqlite
        .symmetric_difference(&postgres)
        .map(|column| format!("{column} is a column of one dialect only"))
        .collect();
    let mut found: BTreeSet<String> = sqlite.union(&postgres).cloned().collect();
    found.extend(fields(files, "crates/pay-api/src", "wire", None));
    found.extend(fields(
        files,
        "crates/vault/src/access_leaf.rs",
        "leaf",
        Some("AccessLeaf"),
    ));
    found.extend(log_fields(files));
    let known: BTreeSet<String> = classified.keys().cloned().collect();
    let unclassified = found.difference(&known);
    wrong.extend(
        unclassified.map(|name| format!("{name} is not classified: say in classes.txt what it holds")),
    );
    wrong.extend(
        known
            .difference(&found)
            .map(|name| format!("{name} is classified, but is not there")),
    );
    wrong
}

/// Words by which a field of a card would be called.
const OF_A_CARD: [&str; 14] = [
    "card",
    "pan",
    "number",
    "digits",
    "last",
    "last4",
    "brand",
    "bin",
    "expiry",
    "cvc",
    "cvv",
    "holder",
    "track",
    "fingerprint",
];

/// The fields of the wire that are called as a card's are.
fn of_a_card(files: &[Source]) -> BTreeSet<String> {
    let mut found = fields(files, "crates/pay-api/src", "wire", None);
    found.retain(|name| {
        let field = name.rsplit('.').next().unwrap_or_default();
        field.split('_').any(|word| OF_A_CARD.contains(&word))
    });
    found
}

/// What crosses between the Service and EnsoExPAY has no field for anything of a card.
///
/// Mechanism: `crates/pay-api/src/lib.rs`
/// Control: fields of a made-up card are found, and the fields that there are were read.
#[test]
fn clause_06_no_field_of_the_wire_is_a_cards() {
    let mut files = sources(&["rs"]);
    let wire = fields(&files, "crates/pay-api/src", "wire", None);
    assert!(wire.contains("wire.Payment.amount"), "{wire:?}");
    assert_eq!(of_a_card(&files), BTreeSet::new());
    files.push(Source {
        path: "crates/pay-api/src/planted.rs".to_owned(),
        text: "pub struct Planted {\n    pub last4: String,\n    pub card_brand: String,\n    pub amount: u64,\n}\n"
            .to_owned(),
    });
    let planted = ["wire.Planted.card_brand", "wire.Planted.last4"].map(str::to_owned);
    assert_eq!(of_a_card(&files), BTreeSet::from(planted));
}

/// Mechanism: `xtask/tests/personal_data/classes.txt`
/// Control: `clause_01_a_new_place_for_personal_data_is_found_out`.
#[test]
fn clause_01_whatever_is_stored_sent_or_logged_is_classified() {
    let files = sources(&["rs", "sql"]);
    let wrong = disagreements(CLASSES_FILE, &files);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The control: each kind of place, with a name of a person added to it, is found out.
///
/// Mechanism: `xtask/tests/personal_data.rs`
/// Control: the test is one: made-up columns, fields and log lines are found.
#[test]
fn clause_01_a_new_place_for_personal_data_is_found_out() {
    let planted = [
        (
            "crates/service/migrations/sqlite/9999_name.sql",
            "ALTER TABLE users ADD COLUMN nickname TEXT;",
            "service.users.nickname",
        ),
        (
            "crates/service/migrations/postgres/9999_name.sql",
            "ALTER TABLE users ADD COLUMN nickname TEXT;",
            "service.users.nickname",
        ),
        (
            "crates/vault/migrations/records/sqlite/9999_name.sql",
            "CREATE TABLE names (\n    full_name TEXT NOT NULL\n) STRICT;",
            "vault.records.names.full_name",
        ),
        (
            "crates/exchange/migrations/postgres/9999_name.sql",
            "CREATE TABLE people (\n    -- who\n    born BIGINT NOT NULL\n);",
            "exchange.people.born",
        ),
        (
            "crates/pay-api/src/customer.rs",
            "/// Who pays.\npub struct Customer {\n    /// Name.\n    pub name: String,\n}\n",
            "wire.Customer.name",
        ),
        (
            "crates/vault/src/access_leaf.rs",
            "pub struct AccessLeaf {\n    pub address: String,\n}\n",
            "leaf.AccessLeaf.address",
        ),
        (
            "crates/service/src/planted.rs",
            "tracing::info!(%email, \"sign-in\");",
            "log_line.fields.email",
        ),
        (
            "crates/service/src/planted.rs",
            "tracing::warn!(\n    name = person.name(),\n    \"sign-in\"\n);",
            "log_line.fields.name",
        ),
        (
            "crates/vault/src/planted.rs",
            "tracing::error!(\"{phone} is taken\");",
            "log_line.fields.phone",
        ),
    ];
    for (path, text, expected) in planted {
        let mut files = sources(&["rs", "sql"]);
        files.push(Source {
            path: path.to_owned(),
            text: text.to_owned(),
        });
        let wrong = disagreements(CLASSES_FILE, &files);
        assert!(
            wrong.iter().any(|wrong| wrong.starts_with(expected)),
            "{expected}: {wrong:?}"
        );
    }
    let files = sources(&["rs", "sql"]);
    let gone = format!("{CLASSES_FILE}[service.users]\nword: favourite_colour\n");
    assert!(disagreements(&gone, &files).concat().contains("favourite_colour"));
    let no_class = format!("{CLASSES_FILE}[service.users]\nname: nickname\n");
    assert!(disagreements(&no_class, &files).concat().contains("no class"));
}
