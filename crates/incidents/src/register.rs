//! The register's file: `incidents.jsonl`, a line an entry, each with the SHA-256 hash of the line before.
//!
//! Entries are appended by one process at a time, durable before they are acknowledged; a last line that a crash left
//! unfinished was never acknowledged and is cut off. A changed, swapped or missing line is noticed at the next opening.
//! Time is an input.

use crate::{Breach, Event, FIELDS_MAX, INCIDENTS_MAX, Incident, TEXT_CHARACTERS_MAX, Told};
use ensoex_card_firewall::find;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use time::OffsetDateTime;

const FILE: &str = "incidents.jsonl";
const NO_LINE: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Digits in a row, spaces and the like aside, that may be somebody's telephone number.
const PHONE_DIGITS_MIN: usize = 9;

/// Why an entry is not made or the register is not read.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line is not what was written.
    #[error(
        "line {line} of {path} is not what was written there: restore the file from a backup and see who changed it"
    )]
    Tampered {
        /// The file.
        path: PathBuf,
        /// The first such line, from 1.
        line: usize,
    },
    /// No such incident.
    #[error("there is no incident {0}: see `ensoex incident list`")]
    Unknown(u64),
    /// It is closed.
    #[error("incident {0} is closed; open another one and refer to it")]
    Closed(u64),
    /// Somebody must be told first.
    #[error("incident {number} cannot be closed: {who} must be told first, or the risk assessed as unlikely")]
    DutyLeft {
        /// The incident.
        number: u64,
        /// Who.
        who: &'static str,
    },
    /// A text that says nothing or too much.
    #[error("a text has 1 to {TEXT_CHARACTERS_MAX} characters, without control characters but line ends")]
    Text,
    /// A text that may name somebody.
    #[error(
        "\"{0}\" may be somebody's address or number, and the register holds no personal data: name persons by their pseudonym"
    )]
    Personal(String),
    /// Nothing is said to be breached, or something twice.
    #[error("name what was breached, each once: confidentiality, integrity, availability")]
    Breach,
    /// Names of fields that are none.
    #[error(
        "fields are named as in the catalogue (`GET /v1/catalogue`), at most {FIELDS_MAX}: lower-case words joined by _"
    )]
    Fields,
    /// A time that cannot be.
    #[error("the time lies after this entry, or before the operator was aware")]
    Time,
    /// Too many incidents.
    #[error("the register is full with {INCIDENTS_MAX} incidents: keep its file and begin a new one")]
    Full,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    incident: u64,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    event: Event,
    previous: String,
}

/// The register.
pub struct Register {
    path: PathBuf,
    incidents: Vec<Incident>,
    last: String,
    last_at: OffsetDateTime,
}

impl Register {
    /// Opens the register in this folder; an empty one if there is none yet.
    ///
    /// # Errors
    /// [`RegisterError::File`], [`RegisterError::Tampered`].
    pub fn open(folder: &Path) -> Result<Self, RegisterError> {
        let mut register = Self {
            path: Self::file(folder),
            incidents: Vec::new(),
            last: NO_LINE.to_owned(),
            last_at: OffsetDateTime::UNIX_EPOCH,
        };
        if register.path.exists() {
            register.locked(|_, _| Ok(()))?;
        }
        Ok(register)
    }

    /// The register's file in this folder.
    pub fn file(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }

    /// Every incident, oldest first.
    pub fn incidents(&self) -> &[Incident] {
        &self.incidents
    }

    /// The incident with this number.
    ///
    /// # Errors
    /// [`RegisterError::Unknown`].
    pub fn incident(&self, number: u64) -> Result<&Incident, RegisterError> {
        let found = self.incidents.iter().find(|incident| incident.number == number);
        found.ok_or(RegisterError::Unknown(number))
    }

    /// Opens an incident, durably.
    ///
    /// # Errors
    /// [`RegisterError`].
    pub fn begin(
        &mut self,
        summary: &str,
        breach: &[Breach],
        aware_at: OffsetDateTime,
        at: OffsetDateTime,
    ) -> Result<&Incident, RegisterError> {
        let event = Event::Opened {
            summary: summary.trim().to_owned(),
            breach: breach.to_vec(),
            aware_at,
        };
        self.enter(None, event, at)
    }

    /// Makes an entry about an incident, durably.
    ///
    /// # Errors
    /// [`RegisterError`].
    pub fn add(&mut self, number: u64, event: Event, at: OffsetDateTime) -> Result<&Incident, RegisterError> {
        self.enter(Some(number), event, at)
    }

    fn enter(
        &mut self,
        number: Option<u64>,
        event: Event,
        at: OffsetDateTime,
    ) -> Result<&Incident, RegisterError> {
        check_texts(&event)?;
        let number = self.locked(|register, file| {
            let number = number.unwrap_or(register.incidents.len() as u64 + 1);
            // A clock that went back does not undo the order of the entries.
            let at = at.max(register.last_at);
            let line = Line {
                incident: number,
                at,
                event,
                previous: register.last.clone(),
            };
            check(&register.incidents, &line)?;
            let failed = |source| RegisterError::File {
                path: register.path.clone(),
                source,
            };
            let mut text = serde_json::to_string(&line).map_err(|error| failed(error.into()))?;
            text.push('\n');
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
                .map_err(failed)?;
            register.apply(text.trim_end(), line);
            Ok(number)
        })?;
        self.incident(number)
    }

    /// Runs `change` as the only process at the file, after reading what others have written.
    fn locked<T>(
        &mut self,
        change: impl FnOnce(&mut Self, &mut File) -> Result<T, RegisterError>,
    ) -> Result<T, RegisterError> {
        let path = self.path.clone();
        let failed = |source| RegisterError::File {
            path: path.clone(),
            source,
        };
        let opened = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path);
        let mut file = opened
            .and_then(|file| file.lock().map(|()| file))
            .map_err(failed)?;
        let mut text = String::new();
        file.seek(SeekFrom::Start(0))
            .and_then(|_| file.read_to_string(&mut text))
            .map_err(failed)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            file.set_len(whole as u64)
                .and_then(|()| file.sync_all())
                .map_err(failed)?;
            text.truncate(whole);
        }
        self.incidents.clear();
        (self.last, self.last_at) = (NO_LINE.to_owned(), OffsetDateTime::UNIX_EPOCH);
        for (index, written) in text.lines().enumerate() {
            let tampered = || RegisterError::Tampered {
                path: path.clone(),
                line: index + 1,
            };
            let line: Line = serde_json::from_str(written).map_err(|_| tampered())?;
            if line.previous != self.last || line.at < self.last_at || check(&self.incidents, &line).is_err()
            {
                return Err(tampered());
            }
            self.apply(written, line);
        }
        change(self, &mut file)
    }

    fn apply(&mut self, written: &str, line: Line) {
        self.last = hex::encode(Sha256::digest(written.as_bytes()));
        self.last_at = line.at;
        let Line {
            incident: number,
            at,
            event,
            ..
        } = line;
        let known = self
            .incidents
            .iter_mut()
            .find(|incident| incident.number == number);
        match (event, known) {
            (
                Event::Opened {
                    summary,
                    breach,
                    aware_at,
                },
                None,
            ) => self.incidents.push(Incident {
                number,
                summary,
                breach,
                aware_at,
                notes: Vec::new(),
                assessment: None,
                authority_told: None,
                persons_told: None,
                closed_at: None,
            }),
            (Event::Noted { text }, Some(incident)) => incident.notes.push((at, text)),
            (Event::Assessed(assessment), Some(incident)) => incident.assessment = Some(assessment),
            (Event::Told { who, at, text }, Some(incident)) => match who {
                Told::Authority => incident.authority_told = Some((at, text)),
                Told::Persons => incident.persons_told = Some((at, text)),
            },
            (Event::Closed { text }, Some(incident)) => {
                incident.notes.push((at, text));
                incident.closed_at = Some(at);
            }
            // `check` let no other through.
            (Event::Opened { .. }, Some(_)) | (_, None) => {}
        }
    }
}

/// Whether this line may follow upon these incidents.
fn check(incidents: &[Incident], line: &Line) -> Result<(), RegisterError> {
    let number = line.incident;
    if let Event::Opened { breach, aware_at, .. } = &line.event {
        if number != incidents.len() as u64 + 1 {
            return Err(RegisterError::Unknown(number));
        }
        if incidents.len() >= INCIDENTS_MAX {
            return Err(RegisterError::Full);
        }
        let twice = breach
            .iter()
            .enumerate()
            .any(|(at, one)| breach[..at].contains(one));
        if breach.is_empty() || twice {
            return Err(RegisterError::Breach);
        }
        return if *aware_at > line.at {
            Err(RegisterError::Time)
        } else {
            Ok(())
        };
    }
    let incident = incidents.iter().find(|incident| incident.number == number);
    let incident = incident.ok_or(RegisterError::Unknown(number))?;
    if !incident.is_open() {
        return Err(RegisterError::Closed(number));
    }
    match &line.event {
        Event::Told { at, .. } if *at > line.at || *at < incident.aware_at => Err(RegisterError::Time),
        Event::Closed { .. } => match incident.duties().first() {
            Some(duty) => Err(RegisterError::DutyLeft {
                number,
                who: match duty.who {
                    Told::Authority => "the authority",
                    Told::Persons => "those affected",
                },
            }),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn check_texts(event: &Event) -> Result<(), RegisterError> {
    let texts: Vec<&String> = match event {
        Event::Opened { summary, .. } => vec![summary],
        Event::Noted { text } | Event::Told { text, .. } | Event::Closed { text } => vec![text],
        Event::Assessed(assessment) => {
            let is_word = |field: &String| {
                let lower = |c: char| c.is_ascii_lowercase() || c == '_';
                !field.is_empty() && field.len() <= 64 && field.chars().all(lower)
            };
            if assessment.fields.len() > FIELDS_MAX || !assessment.fields.iter().all(is_word) {
                return Err(RegisterError::Fields);
            }
            vec![&assessment.consequences, &assessment.measures]
        }
    };
    for text in texts {
        let characters = text.chars().count();
        let control = |c: char| {
            c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        if text.trim().is_empty() || characters > TEXT_CHARACTERS_MAX || text.chars().any(control) {
            return Err(RegisterError::Text);
        }
        if let Some(word) = personal(text) {
            return Err(RegisterError::Personal(word));
        }
    }
    Ok(())
}

/// A part of the text that may be an e-mail address, a telephone number or a card number; cards are not repeated.
fn personal(text: &str) -> Option<String> {
    if find(text).is_some() {
        return Some("a card number".to_owned());
    }
    if let Some(word) = text.split_whitespace().find(|word| word.contains('@')) {
        return Some(word.to_owned());
    }
    let mut run = String::new();
    let undated: Vec<&str> = text
        .split_whitespace()
        .map(|word| {
            if is_date(word) || is_pseudonym(word) {
                "."
            } else {
                word
            }
        })
        .collect();
    for character in undated.join(" ").chars().chain(['.', ' ', '\n']) {
        let between = matches!(character, ' ' | '-' | '(' | ')' | '\u{a0}' | '/') && !run.is_empty();
        if character.is_numeric() || character == '+' || between {
            run.push(character);
            continue;
        }
        if run.chars().filter(|c| c.is_numeric()).count() >= PHONE_DIGITS_MIN {
            return Some(run.trim().to_owned());
        }
        run.clear();
    }
    None
}

/// A date as 2026-11-23, which is nobody's number.
fn is_date(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_digit());
    let form: String = word
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    form.starts_with("0000-00-00") && form.as_bytes().get(10).is_none_or(|next| *next == b'T')
}

/// A pseudonym or a hash: 32 hexadecimal digits or more.
fn is_pseudonym(word: &str) -> bool {
    let word = word.trim_matches(|c: char| c.is_ascii_punctuation());
    word.len() >= 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}
