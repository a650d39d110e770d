//! `ensoex at`: an account at a past moment, by replaying the log and nothing else.
//!
//! What the Service answers its users comes from the projections; this is how an operator or an auditor checks it.
//! Exit code 0: here it is. 1: there is no such moment or account, or the log cannot be read. 2: there is no log here.

use crate::place::find_exchange;
use clap::Args;
use ensoex_exchange::{AccountAt, AccountAtError, AccountAtView, At, assets, markets, replay};
use ensoex_log::LogAddress;
use ensoex_types::{AccountId, Sequence, Timestamp};
use std::path::PathBuf;
use std::process::ExitCode;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const NO_ANSWER: u8 = 1;
const NO_LOG: u8 = 2;

/// `ensoex at`
#[derive(Args)]
#[command(group = clap::ArgGroup::new("moment").required(true))]
pub struct AtArguments {
    /// Number of the account
    #[arg(long)]
    pub account: u32,
    /// Right after this command of the log
    #[arg(long, group = "moment")]
    pub sequence: Option<u64>,
    /// After everything stamped at or before this time, for example 2026-11-22T12:00:00Z
    #[arg(long, value_name = "RFC3339", group = "moment", value_parser = read_time)]
    pub time: Option<Timestamp>,
    /// The log, if it is not a file in DIR: postgres://…
    #[arg(long, value_name = "ADDRESS")]
    pub log: Option<LogAddress>,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
    /// Folder of a demo or of a Service
    #[arg(value_name = "DIR", default_value = ".demo")]
    pub directory: PathBuf,
}

impl AtArguments {
    /// The group holds exactly one of the two.
    fn moment(&self) -> At {
        match (self.sequence, self.time) {
            (_, Some(time)) => At::Time(time),
            (sequence, None) => At::Sequence(Sequence(sequence.unwrap_or_default())),
        }
    }
}

/// A time, or `sequence:N`.
pub(crate) fn read_moment(text: &str) -> Result<At, String> {
    match text.strip_prefix("sequence:") {
        Some(number) => {
            let number = number
                .parse()
                .map_err(|_| "write a sequence as in sequence:1234".to_owned())?;
            Ok(At::Sequence(Sequence(number)))
        }
        None => read_time(text).map(At::Time),
    }
}

fn read_time(text: &str) -> Result<Timestamp, String> {
    let wrong = || "write a time as in 2026-11-22T12:00:00Z, from 1970 on".to_owned();
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| wrong())?;
    let micros = time.unix_timestamp_nanos().div_euclid(1_000);
    u64::try_from(micros).map(Timestamp).map_err(|_| wrong())
}

/// RFC 3339, UTC, to the microsecond: exact, so that it can be asked for again.
fn time_text(at: Timestamp) -> String {
    let nanoseconds = i128::from(at.0) * 1_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanoseconds)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("{} µs since 1970", at.0))
}

/// Replays and prints.
pub async fn run(arguments: &AtArguments) -> ExitCode {
    let in_folder = || {
        let log = find_exchange(&arguments.directory)?.join("log.db");
        log.is_file().then_some(LogAddress::Sqlite(log))
    };
    let Some(log) = arguments.log.clone().or_else(in_folder) else {
        eprintln!(
            "There is no log of an exchange in {}: give the folder of a demo or of a Service, or the log with --log.",
            arguments.directory.display()
        );
        return ExitCode::from(NO_LOG);
    };
    match replay::engine_at(&log, arguments.moment()).await {
        Ok(then) => {
            let account = AccountId(arguments.account);
            let Some(found) = AccountAt::of_engine(&then.engine, account, then.at) else {
                let sequence = then.engine.sequence();
                return no_answer(AccountAtError::NotOpen { sequence });
            };
            let view = found.view(&assets(&then.engine), &markets(&then.engine), time_text);
            if arguments.json {
                return print_json(arguments.account, &view);
            }
            say!("{}", as_text(arguments.account, &view));
            ExitCode::SUCCESS
        }
        Err(error) => no_answer(error),
    }
}

fn no_answer(error: AccountAtError) -> ExitCode {
    let sentence = match error {
        AccountAtError::TimeBeyondHead { head, at } => format!(
            "The log ends at sequence {head}, stamped {}: what came after that time it cannot say.",
            time_text(at)
        ),
        error => crate::plain_sentence(&anyhow::Error::from(error)),
    };
    eprintln!("{sentence}");
    ExitCode::from(NO_ANSWER)
}

fn print_json(account: u32, view: &AccountAtView) -> ExitCode {
    let answer = serde_json::to_value(view).map(|mut answer| {
        if let Some(fields) = answer.as_object_mut() {
            fields.insert("account".to_owned(), account.into());
        }
        answer
    });
    match answer {
        Ok(answer) => {
            say!("{answer:#}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("The answer cannot be written as JSON: {error}.");
            ExitCode::from(NO_ANSWER)
        }
    }
}

fn as_text(account: u32, view: &AccountAtView) -> String {
    let mut lines = vec![
        format!(
            "Account {account} after sequence {}, stamped {}",
            view.sequence, view.at
        ),
        String::new(),
        format!("  {:<8}{:>32}{:>32}", "asset", "available", "held"),
    ];
    for balance in &view.balances {
        lines.push(format!(
            "  {:<8}{:>32}{:>32}",
            balance.asset, balance.available, balance.held
        ));
    }
    lines.push(String::new());
    lines.push(match view.open_orders.len() {
        0 => "  No open orders".to_owned(),
        1 => "  1 open order".to_owned(),
        more => format!("  {more} open orders"),
    });
    for order in &view.open_orders {
        let price = |name: &str, price: &Option<String>| {
            price
                .as_ref()
                .map_or_else(String::new, |price| format!(" {name} {price}"))
        };
        lines.push(format!(
            "  {} {} {} {} of {} {}{}{}{}{}",
            order.created_at,
            order.symbol,
            order.side,
            order.remaining,
            order.quantity,
            order.kind,
            price("at", &order.price),
            price("stop", &order.stop_price),
            if order.working { "" } else { ", waiting" },
            order
                .other_order
                .as_ref()
                .map_or_else(String::new, |other| format!(", one of two with {other}")),
        ));
        lines.push(format!("    order {} {}", order.order, order.client_order_id));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written_exactly() {
        for (text, micros) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-22T12:00:00.000001Z", 1_795_348_800_000_001),
            ("2026-11-22T14:00:00+02:00", 1_795_348_800_000_000),
        ] {
            assert_eq!(read_time(text), Ok(Timestamp(micros)), "{text}");
            assert_eq!(read_time(&time_text(Timestamp(micros))), Ok(Timestamp(micros)));
        }
        for text in [
            "",
            "yesterday",
            "2026-11-22",
            "1969-12-31T23:59:59Z",
            "2026-13-01T00:00:00Z",
        ] {
            assert!(read_time(text).is_err(), "{text}");
        }
    }
}
