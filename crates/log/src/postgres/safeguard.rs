//! What PostgreSQL must be set to so that it does not lose what it confirmed.

use crate::LogError;
use std::fmt;
use std::str::FromStr;

/// A setting of PostgreSQL without which confirmed rows can be lost; by its own name an exception can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safeguard {
    /// Without it, a power cut loses or damages anything.
    Fsync,
    /// Without it, a power cut can damage pages.
    FullPageWrites,
    /// Anything less than `on` confirms before the standby has the row.
    SynchronousCommit,
    /// Without a synchronous standby there is one copy only, lost with its machine.
    SynchronousStandbyNames,
}

impl Safeguard {
    const ALL: [Safeguard; 4] = [
        Safeguard::Fsync,
        Safeguard::FullPageWrites,
        Safeguard::SynchronousCommit,
        Safeguard::SynchronousStandbyNames,
    ];

    /// The setting's name.
    pub const fn name(self) -> &'static str {
        match self {
            Safeguard::Fsync => "fsync",
            Safeguard::FullPageWrites => "full_page_writes",
            Safeguard::SynchronousCommit => "synchronous_commit",
            Safeguard::SynchronousStandbyNames => "synchronous_standby_names",
        }
    }
}

impl fmt::Display for Safeguard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Safeguard {
    type Err = String;

    fn from_str(text: &str) -> Result<Safeguard, String> {
        let found = Safeguard::ALL
            .into_iter()
            .find(|safeguard| safeguard.name() == text);
        found.ok_or_else(|| {
            let names = Safeguard::ALL.map(Safeguard::name).join(", ");
            format!("there is no safeguard {text:?}; the names are {names}")
        })
    }
}

/// What a server says of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) fsync: Option<String>,
    pub(crate) full_page_writes: Option<String>,
    pub(crate) synchronous_commit: Option<String>,
    pub(crate) synchronous_standby_names: Option<String>,
    /// Synchronous standbys at work; `None` when this user may not see them.
    pub(crate) standbys: Option<i64>,
}

impl Settings {
    /// The first safeguard that is absent and not allowed to be.
    pub(crate) fn check(&self, allowed: &[Safeguard], log: &str) -> Result<(), LogError> {
        let refuse = |safeguard: Safeguard, what: String| match allowed.contains(&safeguard) {
            true => Ok(()),
            false => Err(LogError::Unsafe {
                log: log.to_owned(),
                what,
                name: safeguard.name(),
            }),
        };
        let is = |value: &Option<String>| match value {
            Some(value) => format!("is {value:?}"),
            None => "is unknown to this server".to_owned(),
        };
        for (safeguard, value, lost) in [
            (
                Safeguard::Fsync,
                &self.fsync,
                "a power cut would lose confirmed rows",
            ),
            (
                Safeguard::FullPageWrites,
                &self.full_page_writes,
                "a power cut could damage confirmed rows",
            ),
        ] {
            if value.as_deref() != Some("on") {
                refuse(
                    safeguard,
                    format!("{safeguard} {} and must be on, or {lost}", is(value)),
                )?;
            }
        }
        let commit = self.synchronous_commit.as_deref();
        if !matches!(commit, Some("on" | "remote_apply")) {
            let is = is(&self.synchronous_commit);
            let what = format!("synchronous_commit {is} although this session asked for on");
            refuse(Safeguard::SynchronousCommit, what)?;
        }
        if !self.has_standby_names() {
            let what = "synchronous_standby_names is empty: every row would have one copy only, lost with its machine. \
                        Attach a standby and name it there"
                .to_owned();
            return refuse(Safeguard::SynchronousStandbyNames, what);
        }
        if self.standbys == Some(0) {
            let what = "synchronous_standby_names names a standby but none is connected: start it, or nothing can be \
                        confirmed"
                .to_owned();
            return refuse(Safeguard::SynchronousStandbyNames, what);
        }
        Ok(())
    }

    pub(crate) fn has_standby_names(&self) -> bool {
        has_names(self.synchronous_standby_names.as_deref())
    }
}

/// Whether a value of `synchronous_standby_names` asks for a standby at all.
pub(crate) fn has_names(value: Option<&str>) -> bool {
    value.is_some_and(|names| !names.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn safe() -> Settings {
        let on = || Some("on".to_owned());
        Settings {
            fsync: on(),
            full_page_writes: on(),
            synchronous_commit: on(),
            synchronous_standby_names: Some("*".to_owned()),
            standbys: Some(1),
        }
    }

    #[test]
    fn each_absent_safeguard_is_refused_unless_named() {
        assert!(safe().check(&[], "log").is_ok());
        let off = || Some("off".to_owned());
        for (settings, safeguard) in [
            (
                Settings {
                    fsync: off(),
                    ..safe()
                },
                Safeguard::Fsync,
            ),
            (
                Settings {
                    fsync: None,
                    ..safe()
                },
                Safeguard::Fsync,
            ),
            (
                Settings {
                    full_page_writes: off(),
                    ..safe()
                },
                Safeguard::FullPageWrites,
            ),
            (
                Settings {
                    synchronous_commit: Some("local".into()),
                    ..safe()
                },
                Safeguard::SynchronousCommit,
            ),
            (
                Settings {
                    synchronous_standby_names: Some(" ".into()),
                    ..safe()
                },
                Safeguard::SynchronousStandbyNames,
            ),
            (
                Settings {
                    standbys: Some(0),
                    ..safe()
                },
                Safeguard::SynchronousStandbyNames,
            ),
        ] {
            let refused = settings.check(&[], "log");
            assert!(
                matches!(&refused, Err(LogError::Unsafe { name, .. }) if *name == safeguard.name()),
                "{settings:?}: {refused:?}"
            );
            assert!(settings.check(&[safeguard], "log").is_ok(), "{settings:?}");
        }
        assert_eq!("fsync".parse(), Ok(Safeguard::Fsync));
        assert!("everything".parse::<Safeguard>().is_err());
    }
}
