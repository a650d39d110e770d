//! `ensoex incident`: the register of incidents, its clock of 72 hours, drafts of the notices, and a rehearsal.
//!
//! Writes `incidents.jsonl` in the Service's folder; a running Service reads it each minute and reports what is overdue. Exit
//! code 0: done. 1: it was not, and the sentence says why; `rehearse` also when anything did not go as it must.

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use ensoex_incidents::notices::{self, Controller, Draft, Language};
use ensoex_incidents::register::Register;
use ensoex_incidents::{Assessment, Breach, Event, Incident, Risk, Told};
use ensoex_vault::catalogue::{Language as CatalogueLanguage, table};
use std::fs;
use std::path::{Path, PathBuf};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// `ensoex incident`
#[derive(Subcommand)]
pub enum IncidentCommand {
    /// Open an incident: from the moment at which you were aware of it, 72 hours run
    Open {
        /// The Service.
        #[command(flatten)]
        place: RegisterPlace,
        /// What happened, in a sentence or two; no personal data
        #[arg(long)]
        summary: String,
        /// What was breached
        #[arg(long, value_enum, required = true, value_delimiter = ',')]
        breach: Vec<BreachWord>,
        /// When you became aware, as 2026-11-23T10:00:00Z [default: now]
        #[arg(long, value_parser = moment)]
        aware_at: Option<OffsetDateTime>,
    },
    /// Write down what more was learned
    Note {
        /// The Service.
        #[command(flatten)]
        place: RegisterPlace,
        /// The incident
        incident: u64,
        /// What was learned; no personal data
        text: String,
    },
    /// Assess the risk to persons; a later assessment replaces an earlier one
    Assess(AssessArguments),
    /// Write down that somebody was told
    Told {
        /// The Service.
        #[command(flatten)]
        place: RegisterPlace,
        /// The incident
        incident: u64,
        /// Who was told
        who: ToldWord,
        /// When, as 2026-11-23T10:00:00Z [default: now]
        #[arg(long, value_parser = moment)]
        at: Option<OffsetDateTime>,
        /// How, and under which reference; if it was late, why
        #[arg(long)]
        text: String,
    },
    /// Close an incident of which everybody was told who must be
    Close {
        /// The Service.
        #[command(flatten)]
        place: RegisterPlace,
        /// The incident
        incident: u64,
        /// What was learned from it
        #[arg(long)]
        text: String,
    },
    /// Every incident, with what is still to be done
    List(RegisterPlace),
    /// One incident with all that was written down
    Show {
        /// The Service.
        #[command(flatten)]
        place: RegisterPlace,
        /// The incident
        incident: u64,
    },
    /// Write drafts of the notices to the authority and to those affected, in English and Ukrainian
    Notices {
        /// The Service.
        #[command(flatten)]
        place: RegisterPlace,
        /// The incident
        incident: u64,
        /// Who sends them
        #[command(flatten)]
        controller: ControllerArguments,
        /// Folder for the drafts
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Go through an invented incident in a scratch register, with a clock that runs ahead
    Rehearse,
}

/// Where the register is.
#[derive(Args)]
pub struct RegisterPlace {
    /// Folder of a demo or of a Service
    #[arg(long, value_name = "DIR", default_value = ".demo")]
    data: PathBuf,
}

/// `ensoex incident assess`
#[derive(Args)]
pub struct AssessArguments {
    /// The Service.
    #[command(flatten)]
    place: RegisterPlace,
    /// The incident
    incident: u64,
    /// How likely and grave it is for persons
    #[arg(long, value_enum)]
    risk: RiskWord,
    /// About how many persons
    #[arg(long)]
    persons: u64,
    /// About how many records of theirs
    #[arg(long)]
    records: u64,
    /// Which fields, by their names in the catalogue
    #[arg(long, value_delimiter = ',', required = true)]
    fields: Vec<String>,
    /// What is likely to follow for them
    #[arg(long)]
    consequences: String,
    /// What was done, and what will be done
    #[arg(long)]
    measures: String,
}

/// Who answers for the processing.
#[derive(Args)]
pub struct ControllerArguments {
    /// Name of the controller
    #[arg(long, value_name = "NAME")]
    controller: String,
    /// Where the authority and persons can ask
    #[arg(long, value_name = "CONTACT")]
    contact: String,
}

/// What was breached.
#[derive(Clone, Copy, ValueEnum)]
pub enum BreachWord {
    /// Somebody saw what they must not see
    Confidentiality,
    /// Something was changed
    Integrity,
    /// Something was lost or cannot be reached
    Availability,
}

/// A risk.
#[derive(Clone, Copy, ValueEnum)]
pub enum RiskWord {
    /// A risk to persons is unlikely: nobody must be told
    Unlikely,
    /// There is a risk: the authority is told
    Risk,
    /// The risk is high: those affected are told as well
    High,
}

/// Who was told.
#[derive(Clone, Copy, ValueEnum)]
pub enum ToldWord {
    /// The data protection authority
    Authority,
    /// Those affected
    Persons,
}

/// Does what was typed.
///
/// # Errors
/// A sentence that says what to do.
pub fn run(command: IncidentCommand) -> anyhow::Result<()> {
    let now = OffsetDateTime::now_utc();
    match command {
        IncidentCommand::Open {
            place,
            summary,
            breach,
            aware_at,
        } => {
            let breach: Vec<Breach> = breach.into_iter().map(of_word).collect();
            let mut register = place.register()?;
            let incident = register.begin(&summary, &breach, aware_at.unwrap_or(now), now)?;
            say!("Incident {} is open.", incident.number);
            say_duties(incident, now);
            Ok(())
        }
        IncidentCommand::Note {
            place,
            incident,
            text,
        } => {
            place.register()?.add(incident, Event::Noted { text }, now)?;
            say!("Written down.");
            Ok(())
        }
        IncidentCommand::Assess(arguments) => assess(arguments, now),
        IncidentCommand::Told {
            place,
            incident,
            who,
            at,
            text,
        } => {
            let who = match who {
                ToldWord::Authority => Told::Authority,
                ToldWord::Persons => Told::Persons,
            };
            let at = at.unwrap_or(now);
            let mut register = place.register()?;
            let incident = register.add(incident, Event::Told { who, at, text }, now)?;
            say!("Written down.");
            say_duties(incident, now);
            Ok(())
        }
        IncidentCommand::Close {
            place,
            incident,
            text,
        } => {
            place.register()?.add(incident, Event::Closed { text }, now)?;
            say!("Incident {incident} is closed.");
            Ok(())
        }
        IncidentCommand::List(place) => {
            let register = place.register()?;
            if register.incidents().is_empty() {
                say!("No incident was ever opened here.");
            }
            for incident in register.incidents() {
                let state = if incident.is_open() { "open" } else { "closed" };
                say!(
                    "{}  {state}  aware {}  {}",
                    incident.number,
                    text_of(incident.aware_at),
                    incident.summary
                );
                if incident.is_open() {
                    say_duties(incident, now);
                }
            }
            Ok(())
        }
        IncidentCommand::Show { place, incident } => {
            show(place.register()?.incident(incident)?, now);
            Ok(())
        }
        IncidentCommand::Notices {
            place,
            incident,
            controller,
            to,
        } => {
            let register = place.register()?;
            let controller = Controller {
                name: controller.controller,
                contact: controller.contact,
            };
            write_drafts(register.incident(incident)?, &controller, &to, now)
        }
        IncidentCommand::Rehearse => rehearse(),
    }
}

impl RegisterPlace {
    fn register(&self) -> anyhow::Result<Register> {
        let candidates = [self.data.join("service"), self.data.clone()];
        let is_service =
            |folder: &&PathBuf| folder.join("policy").is_dir() || Register::file(folder).is_file();
        let folder = candidates.iter().find(is_service).with_context(|| {
            format!(
                "there is no Service in {}: give the folder of a demo or of a Service with --data",
                self.data.display()
            )
        })?;
        Ok(Register::open(folder)?)
    }
}

fn assess(arguments: AssessArguments, now: OffsetDateTime) -> anyhow::Result<()> {
    let known: Vec<&str> = table(CatalogueLanguage::English)
        .iter()
        .map(|row| row.field)
        .collect();
    if let Some(unknown) = arguments
        .fields
        .iter()
        .find(|field| !known.contains(&field.as_str()))
    {
        bail!(
            "the catalogue has no field {unknown}; it has {}",
            known.join(", ")
        );
    }
    let assessment = Assessment {
        risk: match arguments.risk {
            RiskWord::Unlikely => Risk::Unlikely,
            RiskWord::Risk => Risk::Risk,
            RiskWord::High => Risk::High,
        },
        persons: arguments.persons,
        records: arguments.records,
        fields: arguments.fields,
        consequences: arguments.consequences,
        measures: arguments.measures,
    };
    let mut register = arguments.place.register()?;
    let incident = register.add(arguments.incident, Event::Assessed(assessment), now)?;
    say!("Written down.");
    say_duties(incident, now);
    Ok(())
}

fn say_duties(incident: &Incident, now: OffsetDateTime) {
    if incident.duties().is_empty() {
        say!("   Nobody must be told any more. It can be closed.");
    }
    for duty in incident.duties() {
        let whom = match duty.who {
            Told::Authority => "the data protection authority",
            Told::Persons => "those affected",
        };
        let left = duty.due_at - now;
        let due = text_of(duty.due_at);
        match left.is_negative() {
            true => say!("   OVERDUE since {due}: tell {whom}, and say why it is late."),
            false => say!(
                "   Tell {whom} by {due}, in {} h {:02} min.",
                left.whole_hours(),
                left.whole_minutes() % 60
            ),
        }
    }
}

fn show(incident: &Incident, now: OffsetDateTime) {
    say!("Incident {}: {}", incident.number, incident.summary);
    say!("   Aware since {}.", text_of(incident.aware_at));
    for (at, text) in &incident.notes {
        say!("   {}  {text}", text_of(*at));
    }
    if let Some(assessment) = &incident.assessment {
        let Assessment {
            risk,
            persons,
            records,
            fields,
            ..
        } = assessment;
        say!(
            "   Risk {risk:?}: about {persons} persons, {records} records, {}.",
            fields.join(", ")
        );
        say!("   Consequences: {}", assessment.consequences);
        say!("   Measures: {}", assessment.measures);
    }
    for (who, told) in [
        ("The authority", &incident.authority_told),
        ("Those affected", &incident.persons_told),
    ] {
        if let Some((at, text)) = told {
            say!("   {who} were told at {}: {text}", text_of(*at));
        }
    }
    match incident.closed_at {
        Some(at) => say!("   Closed at {}.", text_of(at)),
        None => say_duties(incident, now),
    }
}

/// A field in words, as in the public table.
fn label_in(language: Language) -> impl Fn(&str) -> String {
    let rows = table(match language {
        Language::English => CatalogueLanguage::English,
        Language::Ukrainian => CatalogueLanguage::Ukrainian,
    });
    move |field| {
        let row = rows.iter().find(|row| row.field == field);
        row.map_or_else(|| field.to_owned(), |row| row.label.to_owned())
    }
}

fn drafts(incident: &Incident, controller: &Controller, now: OffsetDateTime) -> Vec<(String, Draft)> {
    let mut drafts = Vec::new();
    for (language, code) in [(Language::English, "en"), (Language::Ukrainian, "uk")] {
        let label = label_in(language);
        let authority = notices::to_authority(incident, controller, language, now, &label);
        drafts.push((
            format!("incident-{}-authority.{code}.md", incident.number),
            authority,
        ));
        if notices::persons_are_told(incident) {
            let persons = notices::to_persons(incident, controller, language, &label);
            drafts.push((format!("incident-{}-persons.{code}.md", incident.number), persons));
        }
    }
    drafts
}

fn write_drafts(
    incident: &Incident,
    controller: &Controller,
    to: &Path,
    now: OffsetDateTime,
) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| format!("{} cannot be made", to.display()))?;
    for (name, draft) in drafts(incident, controller, now) {
        let path = to.join(&name);
        fs::write(&path, &draft.text).with_context(|| format!("{} cannot be written", path.display()))?;
        match draft.missing.is_empty() {
            true => say!("{}: whole; read it before you send it.", path.display()),
            false => say!(
                "{}: {} things are missing, named at its end.",
                path.display(),
                draft.missing.len()
            ),
        }
    }
    Ok(())
}

/// An invented incident from its opening to its closing.
fn rehearse() -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("there is no place for a scratch register")?;
    let begin = OffsetDateTime::now_utc();
    let hour = |hours: i64| begin + Duration::hours(hours);
    let controller = Controller {
        name: "Rehearsal".to_owned(),
        contact: "the data protection desk".to_owned(),
    };
    let mut register = Register::open(folder.path())?;
    let held = |what: &str, is: bool| -> anyhow::Result<()> {
        say!("{} {what}", if is { "ok    " } else { "FAILED" });
        if !is {
            bail!("the rehearsal failed: {what}")
        } else {
            Ok(())
        }
    };

    let summary = "Rehearsal: one staff session read the contacts of persons without a case of theirs.";
    let incident = register.begin(summary, &[Breach::Confidentiality], begin, begin)?;
    say!("An invented incident is open in a scratch register.");
    say_duties(incident, begin);
    held(
        "after 72 hours less a minute nothing is overdue",
        incident.overdue(hour(72) - Duration::minutes(1)).is_empty(),
    )?;
    held(
        "a minute after 72 hours the authority is overdue",
        incident.overdue(hour(72) + Duration::minutes(1)).len() == 1,
    )?;
    let unassessed = drafts(incident, &controller, hour(1));
    held(
        "drafts before an assessment say what is missing",
        unassessed.iter().all(|(_, draft)| !draft.missing.is_empty()),
    )?;

    let assessment = Assessment {
        risk: Risk::High,
        persons: 30,
        records: 30,
        fields: vec!["email".to_owned(), "mobile_phone".to_owned()],
        consequences: "Messages that pretend to come from us.".to_owned(),
        measures: "The member of staff is suspended; the limits held the number down.".to_owned(),
    };
    let incident = register.add(1, Event::Assessed(assessment), hour(2))?;
    held("a high risk is told to two", incident.duties().len() == 2)?;
    let whole = drafts(incident, &controller, hour(3));
    held(
        "four drafts are whole",
        whole.len() == 4 && whole.iter().all(|(_, draft)| draft.missing.is_empty()),
    )?;
    let closing = || Event::Closed {
        text: "Rehearsed.".to_owned(),
    };
    held(
        "it cannot be closed before they are told",
        register.add(1, closing(), hour(4)).is_err(),
    )?;
    for who in [Told::Authority, Told::Persons] {
        let text = "Rehearsed; nothing was sent.".to_owned();
        register.add(
            1,
            Event::Told {
                who,
                at: hour(5),
                text,
            },
            hour(5),
        )?;
    }
    held(
        "nothing is overdue once they were told",
        register.incident(1)?.overdue(hour(1_000)).is_empty(),
    )?;
    held(
        "then it can be closed",
        register.add(1, closing(), hour(6)).is_ok(),
    )?;
    let path = Register::file(folder.path());
    let text = fs::read_to_string(&path)?;
    fs::write(&path, text.replacen("contacts", "weather!", 1))?;
    held(
        "a changed line of the register is noticed",
        Register::open(folder.path()).is_err(),
    )?;
    say!("\nThe draft to those affected reads:\n");
    if let Some((_, draft)) = whole.iter().find(|(name, _)| name.contains("persons.en")) {
        say!("{}", draft.text);
    }
    Ok(())
}

fn of_word(word: BreachWord) -> Breach {
    match word {
        BreachWord::Confidentiality => Breach::Confidentiality,
        BreachWord::Integrity => Breach::Integrity,
        BreachWord::Availability => Breach::Availability,
    }
}

fn moment(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "write a moment as 2026-11-23T10:00:00Z".to_owned())
}

fn text_of(at: OffsetDateTime) -> String {
    let at = at.replace_nanosecond(0).unwrap_or(at);
    at.format(&Rfc3339).unwrap_or_else(|_| at.to_string())
}
