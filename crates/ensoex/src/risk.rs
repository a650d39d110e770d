//! `ensoex risk`: rule books of fraud prevention before they are in force, and decisions after they were made.
//!
//! Exit code 0: the book would be loaded; the decision comes out the same. 1: not, and the sentence says why.

use crate::requests::{RecordsPlace, records};
use anyhow::{Context, bail};
use clap::Subcommand;
use ensoex_risk::{BOOK_BYTES_MAX, Feature, Language, Mode, Place, RuleBook};
use ensoex_service::{Explanation, explain_decision};
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
        RiskCommand::Explain { place, decision } => {
            let explained = explain_decision(&records(&place)?, &decision).await?;
            let explained =
                explained.with_context(|| format!("there is no decision {decision} in these records"))?;
            explain(&explained)
        }
    }
}

fn check(file: Option<&Path>, may_stop_everybody: bool) -> anyhow::Result<()> {
    let text = match file {
        None => ensoex_risk::DEFAULT_BOOK.to_owned(),
        Some(path) => {
            let cannot = || format!("{} cannot be read", path.display());
            let mut text = String::new();
            let file = std::fs::File::open(path).with_context(cannot)?;
            let read = file.take(BOOK_BYTES_MAX as u64 + 1).read_to_string(&mut text);
            read.with_context(cannot)?;
            text
        }
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
