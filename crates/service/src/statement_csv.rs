//! A statement as CSV (RFC 4180): a header, then for each asset its opening balance, its entries, its closing balance.
//!
//! Sent while it is read. Spreadsheets calculate with what begins like a formula, so text that does gets an apostrophe before it;
//! numbers are written by us and hold digits, a point and a sign only. Knows no page, font or language but English.

use crate::statement::{EntryReader, Subject};
use axum::body::{Body, Bytes};
use ensoex_exchange::{AssetStatement, EntryView};
use futures_util::stream;
use std::io::Error;
use std::sync::Arc;

const HEADER: [&str; 8] = [
    "time",
    "asset",
    "kind",
    "amount",
    "total",
    "reference",
    "sequence",
    "entry",
];

/// Where in the file the next lines come from.
struct Place {
    subject: Arc<Subject>,
    /// Index of the asset in the statement.
    asset: usize,
    reader: Option<EntryReader>,
    begun: bool,
}

/// The file, line by line.
pub(crate) fn body(subject: Arc<Subject>) -> Body {
    let place = Place {
        subject,
        asset: 0,
        reader: None,
        begun: false,
    };
    Body::from_stream(stream::try_unfold(place, |mut place| async move {
        let lines = place.next().await?;
        Ok::<_, Error>(lines.map(|lines| (Bytes::from(lines), place)))
    }))
}

impl Place {
    async fn next(&mut self) -> Result<Option<String>, Error> {
        if !std::mem::replace(&mut self.begun, true) {
            return Ok(Some(line(HEADER)));
        }
        let subject = Arc::clone(&self.subject);
        let Some(of) = subject.statement.assets.get(self.asset) else {
            return Ok(None);
        };
        let Some(reader) = &mut self.reader else {
            self.reader = Some(EntryReader::new(of));
            return Ok(Some(balance(&subject, of, Side::Opening)));
        };
        // The caller sees a download that breaks off; the cause is in our log.
        let read = reader.next(&subject).await;
        match read.map_err(|_| Error::other("the statement cannot be read to its end"))? {
            Some(entries) => {
                let code = subject.listing(of).map_or("", |asset| &asset.code);
                Ok(Some(
                    entries.iter().map(|entry| entry_line(entry, code)).collect(),
                ))
            }
            None => {
                self.asset += 1;
                self.reader = None;
                Ok(Some(balance(&subject, of, Side::Closing)))
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Side {
    Opening,
    Closing,
}

fn balance(subject: &Subject, of: &AssetStatement, side: Side) -> String {
    let Some(asset) = subject.listing(of) else {
        return String::new();
    };
    let (kind, total, time, sequence) = match side {
        Side::Opening => {
            let before = subject.statement.first.0.saturating_sub(1);
            (
                "Opening balance",
                of.opening,
                subject.from.clone().unwrap_or_default(),
                before,
            )
        }
        Side::Closing => {
            let at = crate::moment::stamp(subject.statement.at);
            (
                "Closing balance",
                of.closing_total(),
                at,
                subject.statement.last.0,
            )
        }
    };
    let (total, sequence) = (asset.text(total), sequence.to_string());
    line([
        &text(&time),
        &text(&asset.code),
        kind,
        "",
        &total,
        "",
        &sequence,
        "",
    ])
}

fn entry_line(entry: &EntryView, asset: &str) -> String {
    let sequence = entry.sequence.to_string();
    let (asset, kind, reference) = (text(asset), text(&entry.kind), text(&entry.reference));
    line([
        &entry.at,
        &asset,
        &kind,
        &entry.amount,
        &entry.total,
        &reference,
        &sequence,
        &entry.entry,
    ])
}

/// Text that no spreadsheet takes for a formula.
fn text(text: &str) -> String {
    let begins = |first: char| {
        matches!(
            first,
            '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}'
        )
    };
    if text.starts_with(begins) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

fn line<const N: usize>(fields: [&str; N]) -> String {
    let mut line = String::new();
    for (index, field) in fields.into_iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        if field.contains(['"', ',', '\r', '\n']) || field.starts_with(' ') || field.ends_with(' ') {
            line.push('"');
            line.push_str(&field.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(field);
        }
    }
    line.push_str("\r\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_follow_the_standard() {
        assert_eq!(line(["a", "b c", ""]), "a,b c,\r\n");
        assert_eq!(
            line(["a,b", "say \"yes\"", "two\r\nlines"]),
            "\"a,b\",\"say \"\"yes\"\"\",\"two\r\nlines\"\r\n"
        );
    }

    #[test]
    fn no_text_is_a_formula() {
        for dangerous in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "\u{ff1d}1",
        ] {
            let safe = text(dangerous);
            assert_eq!(safe, format!("'{dangerous}"));
        }
        for harmless in ["Deposit", "BTCEUR-17", "", "1-1", "'=1"] {
            assert_eq!(text(harmless), harmless);
        }
    }
}
