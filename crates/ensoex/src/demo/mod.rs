//! `ensoex demo`: the three processes, their first people and the traders, from one command until Ctrl-C.
//!
//! Knows the other programs by their command lines and public addresses only.

pub mod accounts;
pub mod announcement;
pub mod directory;
pub mod pay_form;
pub mod ports;
pub mod processes;
pub mod seed;
pub mod site;
pub mod watchdog;

use crate::arguments::DemoArguments;
use crate::stop_signal::StopSignals;
use crate::traders::{Market, Traders};
use accounts::DemoAccounts;
use announcement::{Announcement, Place, TEST_CARDS};
use anyhow::{Context, bail};
use directory::DemoDirectory;
use ports::Ports;
use processes::{Process, ProcessPlan};
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use watchdog::Watchdog;

/// Runs the demo until it is asked to stop.
///
/// # Errors
/// A sentence for what stands in the way.
pub async fn run(arguments: DemoArguments) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut signals = StopSignals::listen().context("cannot listen for signals")?;
    let programs = Programs::find()?;
    let directory = DemoDirectory::take(&arguments.data, arguments.fresh)?;
    let ports = ports::choose(arguments.port, arguments.pay_port, arguments.cardnet_port).await?;
    directory::create_shared_secrets(&directory.shared_secrets())?;
    crate::policy::publish_for_demo(&directory.of("service"))?;

    let mut running = Running::default();
    let result = tokio::select! {
        result = start_and_watch(&mut running, &programs, &directory, ports, &arguments, begun) => result,
        () = signals.next() => Ok(()),
    };
    say!("");
    let stop = running.stop(&directory);
    tokio::select! {
        () = stop => {}
        // Impatience: the children are killed when they are dropped.
        () = signals.next() => say!("  Stopped at once."),
    }
    result
}

/// Time for people: `0.4 s`.
pub fn seconds(duration: Duration) -> String {
    let tenths = (duration.as_millis() + 50) / 100;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

/// The programs that the demo starts, which lie beside this one.
struct Programs {
    service: PathBuf,
    pay: PathBuf,
    cardnet: PathBuf,
}

impl Programs {
    fn find() -> anyhow::Result<Programs> {
        let service = std::env::current_exe().context("cannot find this program")?;
        let folder = service.parent().unwrap_or(Path::new("."));
        let (pay, cardnet) = (folder.join("ensoex-pay"), folder.join("ensoex-cardnet"));
        for program in [&pay, &cardnet] {
            if !program.is_file() {
                bail!(
                    "{} is missing. `cargo demo` builds all that is needed; by hand: cargo build -p ensoex -p \
                     ensoex-pay -p ensoex-cardnet",
                    program.display()
                );
            }
        }
        Ok(Programs {
            service,
            pay,
            cardnet,
        })
    }
}

/// What has been started so far, to be stopped in the reverse order.
#[derive(Default)]
struct Running {
    cardnet: Option<Process>,
    pay: Option<Process>,
    service: Option<Process>,
    traders: Option<Traders>,
}

impl Running {
    async fn stop(self, directory: &DemoDirectory) {
        if let Err(error) = directory::remove(&directory.announcement()) {
            say!("  {}", crate::plain_sentence(&error));
        }
        // Dropping them ends their tasks.
        drop(self.traders);
        let begun = Instant::now();
        let mut stopped = false;
        for process in [self.service, self.pay, self.cardnet].into_iter().flatten() {
            process.stop().await;
            stopped = true;
        }
        if stopped {
            say!(
                "  Stopped ({}). Everything is kept in {}.",
                seconds(begun.elapsed()),
                directory.root().display()
            );
        }
    }
}

fn url(port: u16) -> String {
    format!("http://localhost:{port}")
}

fn progress(what: &str) -> Instant {
    let mut output = std::io::stdout();
    // A reader that has gone is no reason to stop.
    let _ = write!(output, "  {what:<34}").and_then(|()| output.flush());
    Instant::now()
}

fn done(begun: Instant) {
    say!("{:>7}", seconds(begun.elapsed()));
}

async fn start_and_watch(
    running: &mut Running,
    programs: &Programs,
    directory: &DemoDirectory,
    ports: Ports,
    arguments: &DemoArguments,
    begun: Instant,
) -> anyhow::Result<()> {
    let http = site::local_client(false).context("cannot make an HTTP client")?;
    let watchdog = Watchdog::start()?;
    say!("EnsoEx demo");
    let Running {
        cardnet,
        pay,
        service,
        traders,
    } = running;
    for (plan, name) in [
        (cardnet_plan(programs, directory, ports)?, "card network"),
        (pay_plan(programs, directory, ports)?, "EnsoExPAY"),
        (service_plan(programs, directory, ports)?, "the Service"),
    ] {
        let step = progress(&format!("Starting {name}"));
        let place = match name {
            "card network" => &mut *cardnet,
            "EnsoExPAY" => &mut *pay,
            _ => &mut *service,
        };
        *place = Some(
            Process::start(plan, watchdog.clone(), http.clone())
                .await
                .inspect_err(|_| say!(""))?,
        );
        done(step);
    }
    let (Some(cardnet), Some(pay), Some(service)) = (&*cardnet, &*pay, &*service) else {
        bail!("not all processes were started");
    };

    let mut accounts = DemoAccounts::load_or_create(&directory.accounts())?;
    let base = url(ports.service);
    if !accounts.ready {
        let step = progress("Registering and funding accounts");
        let seeded = seed::seed(&base, &mut accounts, &directory.accounts()).await;
        seeded.inspect_err(|_| say!(""))?;
        done(step);
    }
    if !arguments.no_traders {
        let step = progress("Opening the markets");
        let history = !accounts.history;
        let started = Traders::start(&base, &accounts, history)
            .await
            .inspect_err(|_| say!(""))?;
        let markets: Vec<&str> = started.markets().iter().map(Market::symbol).collect();
        done(step);
        say!("  Trading {}", markets.join(", "));
        *traders = Some(started);
        accounts.history = true;
        accounts.save(&directory.accounts())?;
    }

    let announce = || -> Announcement<'_> {
        Announcement {
            service: Place {
                url: url(ports.service),
                pid: service.pid(),
            },
            pay: Place {
                url: url(ports.pay),
                pid: pay.pid(),
            },
            cardnet: Place {
                url: url(ports.cardnet),
                pid: cardnet.pid(),
            },
            test_cards: &TEST_CARDS,
            user: (&accounts.user).into(),
        }
    };
    let mut changes = [service.pid_changes(), pay.pid_changes(), cardnet.pid_changes()];
    announce().publish(&directory.announcement())?;
    say!("  Ready after {}", seconds(begun.elapsed()));
    say!("{}", announce().text(directory.root(), traders.is_some()));
    loop {
        let [one, two, three] = &mut changes;
        tokio::select! {
            () = one.next() => {}
            () = two.next() => {}
            () = three.next() => {}
        }
        // Between death and restart the old content stays: a reader finds a process id in any case.
        if [service, pay, cardnet]
            .iter()
            .all(|process| process.pid().is_some())
            && let Err(error) = announce().publish(&directory.announcement())
        {
            say!("  {}", crate::plain_sentence(&error));
        }
    }
}

fn arguments<const COUNT: usize>(pairs: [(&str, OsString); COUNT]) -> Vec<OsString> {
    pairs
        .into_iter()
        .flat_map(|(name, value)| [name.into(), value])
        .collect()
}

fn cardnet_plan(programs: &Programs, directory: &DemoDirectory, ports: Ports) -> anyhow::Result<ProcessPlan> {
    Ok(ProcessPlan {
        title: "The card network",
        program: programs.cardnet.clone(),
        arguments: arguments([
            ("--data", directory.of("cardnet").into()),
            ("--port", ports.cardnet.to_string().into()),
            ("--iso-port", ports.iso.to_string().into()),
            ("--public-url", url(ports.cardnet).into()),
        ]),
        health_url: format!("{}/health", url(ports.cardnet)),
        log: directory.log("cardnet")?,
    })
}

fn pay_plan(programs: &Programs, directory: &DemoDirectory, ports: Ports) -> anyhow::Result<ProcessPlan> {
    let mut all = arguments([
        ("--data", directory.of("pay").into()),
        ("--port", ports.pay.to_string().into()),
        ("--public-url", url(ports.pay).into()),
        (
            "--service-webhook-url",
            format!("{}/v1/webhooks/pay", url(ports.service)).into(),
        ),
        ("--cardnet-url", url(ports.cardnet).into()),
        ("--cardnet-iso", format!("127.0.0.1:{}", ports.iso).into()),
        ("--shared-secrets", directory.shared_secrets().into()),
    ]);
    all.push("--test-mode".into());
    Ok(ProcessPlan {
        title: "EnsoExPAY",
        program: programs.pay.clone(),
        arguments: all,
        health_url: format!("{}/health", url(ports.pay)),
        log: directory.log("pay")?,
    })
}

fn service_plan(programs: &Programs, directory: &DemoDirectory, ports: Ports) -> anyhow::Result<ProcessPlan> {
    let mut all: Vec<OsString> = vec!["serve".into()];
    all.extend(arguments([
        ("--data", directory.of("service").into()),
        ("--port", ports.service.to_string().into()),
        ("--public-url", url(ports.service).into()),
        ("--pay-url", format!("http://127.0.0.1:{}", ports.pay).into()),
        ("--shared-secrets", directory.shared_secrets().into()),
    ]));
    all.push("--demo".into());
    Ok(ProcessPlan {
        title: "The Service",
        program: programs.service.clone(),
        arguments: all,
        health_url: format!("{}/health", url(ports.service)),
        log: directory.log("service")?,
    })
}

#[cfg(test)]
mod tests {
    use super::seconds;
    use std::time::Duration;

    #[test]
    fn durations_read_well() {
        assert_eq!(seconds(Duration::from_millis(40)), "0.0 s");
        assert_eq!(seconds(Duration::from_millis(1_250)), "1.3 s");
        assert_eq!(seconds(Duration::from_secs(61)), "61.0 s");
    }
}
