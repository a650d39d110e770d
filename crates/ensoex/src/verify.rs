//! `ensoex verify`: proofs that need nothing of a running Service, with an exit code and a plain sentence.
//!
//! Exit code 0: it holds. 1: it does not. 2: there is nothing to verify here.

use crate::arguments::VerifyArguments;
use anyhow::Context;
use ensoex_exchange::VerifyReport;
use ensoex_policy::{PolicyLog, ReceiptKind, SignedHead};
use ensoex_service::Stores;
use ensoex_sql::Address;
use ensoex_vault::{RecordAudit, Statement, VaultError};
use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

const HOLDS: u8 = 0;
const WRONG: u8 = 1;
const NOTHING_TO_VERIFY: u8 = 2;
/// Largest document that is read, in bytes.
const DOCUMENT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What a proof ends with: its exit code and what is printed.
struct Verdict {
    code: u8,
    text: String,
}

/// Replays the exchange's log and compares everything else with it.
pub async fn exchange(arguments: &VerifyArguments) -> ExitCode {
    let verdict = exchange_verdict(arguments).await;
    println!("{}", verdict.text);
    ExitCode::from(verdict.code)
}

async fn exchange_verdict(arguments: &VerifyArguments) -> Verdict {
    let json = arguments.json;
    let config = match arguments.place.config() {
        Ok(config) => config,
        Err(error) => return failed(NOTHING_TO_VERIFY, sentence(&crate::plain_sentence(&error)), json),
    };
    let directory = config.directory.clone();
    match ensoex_exchange::verify(config).await {
        Ok(report) => {
            let code = if report.holds() { HOLDS } else { WRONG };
            let text = if json {
                pretty(&as_json(&report))
            } else {
                as_text(&report, &directory)
            };
            Verdict { code, text }
        }
        // The files are there but cannot be read to their end: that is not what was written.
        Err(error) => {
            let sentence = crate::plain_sentence(&anyhow::Error::from(error));
            failed(
                WRONG,
                format!("Log or projections of the exchange cannot be read: {sentence}"),
                json,
            )
        }
    }
}

fn failed(code: u8, sentence: String, json: bool) -> Verdict {
    if !json {
        return Verdict { code, text: sentence };
    }
    let text = pretty(&json!({
        "holds": false, "commands": 0, "batches": 0, "trades": 0, "projected": 0, "state_hash": Value::Null,
        "findings": [{ "name": "files readable", "wrong": sentence }],
    }));
    Verdict { code, text }
}

fn as_json(report: &VerifyReport) -> Value {
    let findings: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| json!({ "name": finding.name, "wrong": finding.wrong }))
        .collect();
    json!({
        "holds": report.holds(),
        "commands": report.commands,
        "batches": report.batches,
        "trades": report.trades,
        "projected": report.projected.0,
        "state_hash": hex::encode(report.state_hash),
        "findings": findings,
    })
}

fn as_text(report: &VerifyReport, directory: &Path) -> String {
    let mut lines = vec![format!("Exchange in {}", directory.display()), String::new()];
    for (name, value) in [
        ("commands replayed", report.commands.to_string()),
        ("in batches", report.batches.to_string()),
        ("trades", report.trades.to_string()),
        ("projected up to", report.projected.0.to_string()),
        ("state hash", hex::encode(report.state_hash)),
    ] {
        lines.push(format!("  {name:<20}{value}"));
    }
    lines.push(String::new());
    for finding in &report.findings {
        let result = if finding.wrong.is_some() { "WRONG" } else { "holds" };
        lines.push(format!("  {result}   {}", finding.name));
    }
    lines.push(String::new());
    let wrong: Vec<String> = report
        .findings
        .iter()
        .filter_map(|finding| finding.wrong.as_deref())
        .map(sentence)
        .collect();
    if wrong.is_empty() {
        lines.push("Everything holds: the log, the balances and the projections agree.".to_owned());
    } else {
        lines.push(format!(
            "This exchange is not what its log says. {}",
            wrong.join(" ")
        ));
    }
    lines.join("\n")
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string())
        .unwrap_or_default();
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

/// Checks a signed receipt: of an acknowledgement, of consent given, or of consent withdrawn.
pub fn receipt(file: &Path, key: Option<&str>) -> ExitCode {
    document(file, key, |json, key| {
        let verified = ensoex_policy::verify_receipt(json, key).map_err(anyhow::Error::from)?;
        let (receipt, notice) = (&verified.receipt, &verified.receipt.privacy_notice);
        let at = receipt.events.last().map(|event| event.event_time.to_string());
        let at = at.unwrap_or_default();
        let purpose = receipt.purposes.first().map(|purpose| purpose.purpose.as_str());
        let purpose = purpose.unwrap_or_default();
        let what = match verified.kind {
            ReceiptKind::Acknowledgement => "acknowledged".to_owned(),
            ReceiptKind::ConsentGiven => format!("gave consent to: {purpose}, under"),
            ReceiptKind::ConsentWithdrawn => format!("withdrew consent to: {purpose}, under"),
        };
        let whose = if verified.trusted {
            "the trusted key"
        } else {
            "the key that it names itself,"
        };
        Ok(format!(
            "The receipt holds: {} {what} version {} ({}) on {at}; signed by {whose} {}.",
            receipt.pii_principal_id,
            notice.version,
            notice.hash,
            hex::encode(verified.public_key)
        ))
    })
}

/// Checks the log of versions of the Terms and the Policy: every line, the texts if they lie beside it, and that it continues
/// a signed head: the one given, or the one beside it.
pub fn policy_log(place: &Path, head: Option<&Path>, key: Option<&str>) -> ExitCode {
    let folders = [
        place.join("service/policy"),
        place.join("policy"),
        place.to_path_buf(),
    ];
    let mut files = folders.iter().map(|folder| PolicyLog::file(folder));
    let file = files
        .find(|file| file.is_file())
        .unwrap_or_else(|| place.to_path_buf());
    document(&file, key, |text, key| {
        let text = std::str::from_utf8(text).context("it is not text")?;
        let mut log = PolicyLog::of_text(text)?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let mut told = format!(
            "every one of the {} versions follows from the one before",
            log.versions().len()
        );
        if folder.join("policy-bundles").is_dir() {
            log = log.with_texts_in(folder);
            for version in log.versions() {
                log.bundle(&version.hash)?;
            }
            told.push_str(", and their texts are those of their hashes");
        }
        let beside = folder.join("policy-head.json");
        let head = head.or_else(|| beside.is_file().then_some(beside.as_path()));
        let Some(head) = head else {
            let advice = "give --head a signed head that you kept, which shows that nothing was written anew";
            return Ok(format!(
                "The log holds: {told}. No signed head was compared: {advice}."
            ));
        };
        let json = read(head).with_context(|| format!("{} cannot be read", head.display()))?;
        let head = SignedHead::verified(&json, key)?;
        log.continues(&head)?;
        Ok(format!(
            "The log holds: {told}; its first {} are those that the key {} signed.",
            head.size, head.public_key
        ))
    })
}

/// Checks a person's report of the accesses to their data.
pub fn access_report(file: &Path, key: Option<&str>) -> ExitCode {
    document(file, key, |json, key| {
        let (head, entries) = ensoex_vault::verify_access_report(json, key).map_err(anyhow::Error::from)?;
        Ok(format!(
            "The report holds: all {} entries are in the access log of {} entries that was signed by the key {}.",
            entries.len(),
            head.size,
            head.public_key
        ))
    })
}

/// Compares a Service's sealed records with the access log.
pub async fn records(data: &Path, database: Option<(&str, &str)>) -> ExitCode {
    let verdict = records_verdict(data, database).await;
    println!("{}", verdict.text);
    ExitCode::from(verdict.code)
}

async fn records_verdict(data: &Path, database: Option<(&str, &str)>) -> Verdict {
    let nothing = |text: String| Verdict {
        code: NOTHING_TO_VERIFY,
        text,
    };
    let stores = match database {
        Some((url, schemas)) => Stores::postgres(url, schemas, data),
        None => {
            let service = data.join("service");
            let directory = if service.is_dir() { &service } else { data };
            Ok(Stores::files(directory))
        }
    };
    let stores = match stores {
        Ok(stores) => stores,
        Err(error) => return nothing(sentence(&error.to_string())),
    };
    let is_missing = |store: &Address| store.path().is_some_and(|path| !path.is_file());
    if is_missing(&stores.vault_records) || is_missing(&stores.access_log) {
        let data = data.display();
        return nothing(format!(
            "There are no records in {data}: give the folder of a demo or of a Service with --data."
        ));
    }
    match ensoex_vault::audit_records(&stores.vault_records, &stores.access_log).await {
        Ok(audit) => records_told(&audit),
        Err(VaultError::AccessLogTampered) => Verdict {
            code: WRONG,
            text: "The access log's tree does not fit its entries: it was changed.".to_owned(),
        },
        Err(error) => nothing(sentence(&crate::plain_sentence(&anyhow::Error::from(error)))),
    }
}

fn records_told(audit: &RecordAudit) -> Verdict {
    let RecordAudit {
        entries,
        root,
        records,
        different,
        differences,
    } = audit;
    let log = format!("the access log of {entries} entries with the root {root}");
    if *different == 0 {
        let text = format!("The records hold: all {records} are what was stored by {log}.");
        return Verdict { code: HOLDS, text };
    }
    let mut lines = vec![format!("{different} records are not what was stored by {log}:")];
    for one in differences {
        let named = if one.record.is_empty() {
            String::new()
        } else {
            format!(" {}", one.record)
        };
        lines.push(format!(
            "  {} {}{named}: {}",
            one.subject,
            one.field.as_str(),
            one.what
        ));
    }
    lines.push("Restore the records, unless they are of another moment than the access log or one was being written.".to_owned());
    Verdict {
        code: WRONG,
        text: lines.join("\n"),
    }
}

/// Milliseconds since 1970 as a date and a time, UTC.
fn time_text(at_ms: u64) -> String {
    let at = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_ms) * 1_000_000);
    at.map_or_else(|_| format!("{at_ms} ms after 1970 began"), |at| at.to_string())
}

/// Checks the certificate of an erasure.
pub fn erasure(file: &Path, key: Option<&str>) -> ExitCode {
    document(file, key, |json, key| {
        let proven = ensoex_vault::verify_statement(json, key).map_err(anyhow::Error::from)?;
        let Statement::Erasure(erasure) = &proven.statement else {
            anyhow::bail!("it is no erasure certificate; try ensoex verify request");
        };
        let values: u64 = erasure.destroyed.iter().map(|field| field.values).sum();
        Ok(format!(
            "The certificate holds: the keys of all {values} values about {} were destroyed on {}; it is in the access log of {} entries that was signed by the key {}.",
            erasure.subject,
            time_text(erasure.erased_at_ms),
            proven.head.size,
            proven.head.public_key
        ))
    })
}

/// Checks the receipt of a request.
pub fn request(file: &Path, key: Option<&str>) -> ExitCode {
    document(file, key, |json, key| {
        let proven = ensoex_vault::verify_statement(json, key).map_err(anyhow::Error::from)?;
        let Statement::Request(request) = &proven.statement else {
            anyhow::bail!("it is no receipt of a request; try ensoex verify erasure");
        };
        Ok(format!(
            "The receipt holds: on {} {} asked for {} ({}), to be answered by {}; it is {} since {}; it is in the access \
             log of {} entries that was signed by the key {}.",
            time_text(request.made_at_ms),
            request.subject,
            request.right.word(),
            request.matter,
            time_text(request.due_at_ms),
            request.state.word(),
            time_text(request.state_at_ms),
            proven.head.size,
            proven.head.public_key
        ))
    })
}

fn document(
    file: &Path,
    key: Option<&str>,
    verify: impl FnOnce(&[u8], Option<&[u8; 32]>) -> anyhow::Result<String>,
) -> ExitCode {
    let verdict = document_verdict(file, key, verify);
    println!("{}", verdict.text);
    ExitCode::from(verdict.code)
}

fn document_verdict(
    file: &Path,
    key: Option<&str>,
    verify: impl FnOnce(&[u8], Option<&[u8; 32]>) -> anyhow::Result<String>,
) -> Verdict {
    let key = match key.map(parse_key) {
        None => None,
        Some(Some(key)) => Some(key),
        Some(None) => {
            let text = "The key is not an Ed25519 public key: give --key 64 hexadecimal digits.".to_owned();
            return Verdict {
                code: NOTHING_TO_VERIFY,
                text,
            };
        }
    };
    let content = match read(file) {
        Ok(content) => content,
        Err(error) => {
            let text = format!("{} cannot be read: {error}.", file.display());
            return Verdict {
                code: NOTHING_TO_VERIFY,
                text,
            };
        }
    };
    match verify(&content, key.as_ref()) {
        Ok(text) => Verdict { code: HOLDS, text },
        Err(error) => {
            let text = format!(
                "{} proves nothing: {}",
                file.display(),
                crate::plain_sentence(&error)
            );
            Verdict { code: WRONG, text }
        }
    }
}

fn parse_key(text: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    hex::decode_to_slice(text, &mut key).ok()?;
    Some(key)
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    std::fs::File::open(file)?
        .take(DOCUMENT_BYTES_MAX + 1)
        .read_to_end(&mut content)?;
    if content.len() as u64 > DOCUMENT_BYTES_MAX {
        return Err(std::io::Error::other(format!(
            "it is larger than {DOCUMENT_BYTES_MAX} bytes"
        )));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::{HOLDS, NOTHING_TO_VERIFY, WRONG, document_verdict, exchange_verdict};
    use crate::arguments::VerifyArguments;
    use crate::place::PlaceArguments;
    use ensoex_engine::Command;
    use ensoex_exchange::{Exchange, ExchangeConfig, LogAddress, Opening, Safeguard};
    use ensoex_pg_test::Cluster;
    use ensoex_service::Stores;
    use ensoex_types::{AssetId, AssetSpec};
    use std::fs;
    use std::path::Path;

    fn arguments(data: &Path, json: bool) -> VerifyArguments {
        VerifyArguments {
            place: PlaceArguments {
                data: data.to_path_buf(),
                log: None,
                database: None,
                schemas: "ensoex".to_owned(),
            },
            json,
            document: None,
        }
    }

    fn log_of(cluster: &Cluster) -> LogAddress {
        let separator = if cluster.url().contains('?') { '&' } else { '?' };
        let address = format!("{}{separator}schema=verified_log", cluster.url());
        address.parse().expect("an address")
    }

    #[tokio::test]
    async fn a_log_in_postgresql_is_verified_there() {
        let Some(mut cluster) = Cluster::start() else {
            return;
        };
        let place = tempfile::tempdir().expect("a folder");
        let directory = place.path().join("exchange");
        let stores = Stores::postgres(&cluster.url(), "verified", &directory).expect("plain");
        let log = log_of(&cluster);
        let config = ExchangeConfig {
            log: log.clone(),
            projections: stores.projections,
            opening: Opening {
                unsafe_allowed: vec![Safeguard::SynchronousStandbyNames],
                ..Opening::default()
            },
            ..ExchangeConfig::new(&directory)
        };
        let exchange = Exchange::start(config).await.expect("started");
        for (number, code) in (0..).zip(["EUR", "BTC", "UAH"]) {
            let spec = AssetSpec {
                code: code.to_owned(),
                scale: 8,
            };
            let asset = AssetId(number);
            let listed = exchange.submit(Command::ListAsset { asset, spec }).await;
            assert_eq!(listed.expect("recorded").reject(), None);
        }
        while exchange.projection_lag().commands() > 0 {
            tokio::task::yield_now().await;
        }
        exchange.close().await;
        let mut asked = arguments(place.path(), true);
        asked.place.log = Some(log);
        asked.place.database = Some(cluster.url());
        asked.place.schemas = "verified".to_owned();
        let verdict = exchange_verdict(&asked).await;
        assert_eq!(verdict.code, HOLDS, "{}", verdict.text);
        let report: serde_json::Value = serde_json::from_str(&verdict.text).expect("JSON");
        assert_eq!(report["commands"], 3);
        // Control: without its address there is no log, and an altered row is found.
        asked.place.log = None;
        assert_eq!(exchange_verdict(&asked).await.code, WRONG);
        let altered = "UPDATE verified_log.batch SET at_us = at_us + 1 WHERE first_sequence = 2";
        cluster.server().sql(altered);
        asked.place.log = Some(log_of(&cluster));
        let verdict = exchange_verdict(&asked).await;
        assert_eq!(verdict.code, WRONG, "{}", verdict.text);
        assert!(verdict.text.contains("hash chain whole"), "{}", verdict.text);
    }

    #[tokio::test]
    async fn no_exchange_is_neither_right_nor_wrong() {
        let place = tempfile::tempdir().expect("a folder");
        let verdict = exchange_verdict(&arguments(place.path(), false)).await;
        assert_eq!(verdict.code, NOTHING_TO_VERIFY);
        assert!(verdict.text.contains("--data"), "{}", verdict.text);
    }

    #[tokio::test]
    async fn unreadable_files_are_wrong() {
        let place = tempfile::tempdir().expect("a folder");
        let exchange = place.path().join("service/exchange");
        fs::create_dir_all(&exchange).expect("made");
        fs::write(
            exchange.join("log.db"),
            "this is no database at all, but long enough",
        )
        .expect("written");
        fs::write(exchange.join("projections.db"), "neither is this").expect("written");
        let verdict = exchange_verdict(&arguments(place.path(), true)).await;
        assert_eq!(verdict.code, WRONG, "{}", verdict.text);
        let json: serde_json::Value = serde_json::from_str(&verdict.text).expect("JSON");
        assert_eq!(json["holds"], false);
        assert!(json["findings"][0]["wrong"].is_string());
    }

    #[test]
    fn documents_have_three_ends() {
        let place = tempfile::tempdir().expect("a folder");
        let file = place.path().join("document.json");
        let verify = |code: Option<&'static str>| {
            move |_: &[u8], _: Option<&[u8; 32]>| match code {
                None => Ok("fine".to_owned()),
                Some(wrong) => Err(anyhow::anyhow!(wrong)),
            }
        };
        assert_eq!(
            document_verdict(&file, None, verify(None)).code,
            NOTHING_TO_VERIFY
        );
        fs::write(&file, "{}").expect("written");
        assert_eq!(document_verdict(&file, None, verify(None)).code, HOLDS);
        assert_eq!(
            document_verdict(&file, Some("12"), verify(None)).code,
            NOTHING_TO_VERIFY
        );
        let verdict = document_verdict(&file, Some(&"ab".repeat(32)), verify(Some("it was changed")));
        assert_eq!(verdict.code, WRONG);
        assert!(
            verdict.text.ends_with("proves nothing: it was changed."),
            "{}",
            verdict.text
        );
    }
}
