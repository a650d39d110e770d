//! `ensoex risk`: rule books of fraud prevention before they are in force, and decisions after they were made.
//!
//! Exit code 0: the book would be loaded; the decision comes out the same. 1: not, and the sentence says why.

use crate::privacy::day_ms;
use crate::requests::{RecordsPlace, records};
use anyhow::{Context, bail};
use clap::Subcommand;
use ensoex_risk::{BOOK_BYTES_MAX, Feature, Language, Mode, Place, RuleBook};
use ensoex_service::{Backtest, Explanation, backtest, explain_decision};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// `ensoex risk`
#[derive(Subcommand)]
pub enum RiskCommand {
    /// Whether a rule book would be loaded, and whom of a sample of honest people it stops
    Check {
        /// The rules, as in DIR/service/risk-rules.toml [default: the built-in ones]
        file: Option<PathBuf>,
        /// It may stop everybody
        #[arg(long)]
        may_stop_everybody: bool,
    },
    /// What a rule may ask about
    Features,
    /// What rules would have decided about what happened, beside what humans found
    Backtest {
        /// Where the records are.
        #[command(flatten)]
        place: RecordsPlace,
        /// The rules
        file: PathBuf,
        /// From this day on, in UTC [default: the first]
        #[arg(long, value_name = "YYYY-MM-DD")]
        from: Option<String>,
        /// Before this day, in UTC [default: the last is in it]
        #[arg(long, value_name = "YYYY-MM-DD")]
        to: Option<String>,
    },
    /// Why something was decided, computed again from its rule book and the facts of its time
    Explain {
        /// Where the records are.
        #[command(flatten)]
        place: RecordsPlace,
        /// The decision (dcs_…)
        decision: String,
    },
}

/// Does what the command line says.
///
/// # Errors
/// A sentence that says what to do.
pub async fn run(command: RiskCommand) -> anyhow::Result<()> {
    match command {
        RiskCommand::Check {
            file,
            may_stop_everybody,
        } => check(file.as_deref(), may_stop_everybody),
        RiskCommand::Features => {
            for feature in Feature::all() {
                let places = Place::ALL.iter().filter(|place| feature.is_known_at(**place));
                let places: Vec<&str> = places.map(|place| place.word()).collect();
                say!(
                    "{:28} {}  [{}]",
                    feature.name(),
                    feature.meaning(),
                    places.join(" ")
                );
            }
            Ok(())
        }
        RiskCommand::Backtest {
            place,
            file,
            from,
            to,
        } => {
            let book = RuleBook::parse(&read(&file)?, true)?;
            let from_us = from.as_deref().map(day_us).transpose()?.unwrap_or(0);
            let to_us = to.as_deref().map(day_us).transpose()?.unwrap_or(i64::MAX);
            tested(&backtest(&records(&place)?, &book, from_us, to_us).await?);
            Ok(())
        }
        RiskCommand::Explain { place, decision } => {
            let explained = explain_decision(&records(&place)?, &decision).await?;
            let explained =
                explained.with_context(|| format!("there is no decision {decision} in these records"))?;
            explain(&explained)
        }
    }
}

/// A file, and a byte more than a book may have, so that a longer one is refused and not cut.
fn read(path: &Path) -> anyhow::Result<String> {
    let cannot = || format!("{} cannot be read", path.display());
    let mut text = String::new();
    let file = std::fs::File::open(path).with_context(cannot)?;
    let read = file.take(BOOK_BYTES_MAX as u64 + 1).read_to_string(&mut text);
    read.with_context(cannot)?;
    Ok(text)
}

fn day_us(day: &str) -> anyhow::Result<i64> {
    Ok(i64::try_from(day_ms(day)?)?.saturating_mul(1_000))
}

fn tested(result: &Backtest) {
    for ((place, then, now), count) in &result.outcomes {
        let changed = if then == now { "" } else { "  CHANGED" };
        say!(
            "{:14} {:16} -> {:16} {:8} decisions, {} reference cents{changed}",
            place.word(),
            then.word(),
            now.word(),
            count.decisions,
            count.cents
        );
    }
    for (rule, hits) in &result.rules {
        say!("rule {rule}: {hits}");
    }
    for (what, count) in [
        ("stopped, and a human had let it through", result.stopped_honest),
        ("stopped, and a human had refused it", result.stopped_wrong),
        ("let through, and a human had refused it", result.missed_wrong),
    ] {
        say!(
            "{what}: {} decisions, {} reference cents",
            count.decisions,
            count.cents
        );
    }
    if result.unreadable > 0 {
        say!(
            "{} decisions have inputs that are not known any more and were left out",
            result.unreadable
        );
    }
}

fn check(file: Option<&Path>, may_stop_everybody: bool) -> anyhow::Result<()> {
    let text = match file {
        None => ensoex_risk::DEFAULT_BOOK.to_owned(),
        Some(path) => read(path)?,
    };
    let book = RuleBook::parse(&text, may_stop_everybody)?;
    let count = |mode: Mode| book.rules().iter().filter(|rule| rule.mode == mode).count();
    say!("{}", book.hash());
    say!(
        "{} rules: {} on, {} shadow, {} off",
        book.rules().len(),
        count(Mode::On),
        count(Mode::Shadow),
        count(Mode::Off)
    );
    for place in Place::ALL {
        let (stopped, of) = book.stopped_of_sample(*place);
        say!("{}: stops {stopped} of {of} honest people", place.word());
    }
    Ok(())
}

fn explain(explained: &Explanation) -> anyhow::Result<()> {
    let decision = &explained.decision;
    let word = decision.outcome.word();
    say!(
        "{} at {}, account {}: {word}",
        decision.place.word(),
        explained.at,
        decision.account
    );
    say!("to {}; rule book {}", decision.destination.word(), decision.book);
    for (name, value) in &decision.inputs {
        let meaning = explained.meanings.get(name).map_or("", String::as_str);
        say!("  {name} = {value}  ({meaning})");
    }
    for fired in &decision.fired {
        let (rule, version) = (&fired.rule, fired.version);
        say!(
            "rule {rule} version {version}: {}",
            fired.reason.text(Language::English)
        );
    }
    for fired in &decision.shadow {
        say!("did not count: rule {} version {}", fired.rule, fired.version);
    }
    for (name, stored, counted) in &explained.differing {
        say!("DIFFERS: {name} was {stored}, and the facts of its time give {counted}");
    }
    if !explained.is_the_same() {
        bail!(
            "computed again it does not come out the same: book, facts or decision were changed afterwards"
        );
    }
    say!("Computed again from its rule book and the facts of its time, it comes out the same.");
    Ok(())
}
