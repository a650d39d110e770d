//! The three processes as children: started in order, watched, started again when they die, stopped in order.

use super::watchdog::Watchdog;
use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long a process has from its start to its first healthy answer.
const START_WAIT: Duration = Duration::from_secs(30);
/// How long a process has from the request to stop to being killed.
const STOP_WAIT: Duration = Duration::from_secs(5);
/// First wait before a process that died is started again; doubled each time.
const RESTART_WAIT_MIN: Duration = Duration::from_millis(50);
const RESTART_WAIT_MAX: Duration = Duration::from_secs(5);
/// A process that lived this long starts again at once.
const STEADY_AFTER: Duration = Duration::from_secs(20);
const HEALTH_TIMEOUT: Duration = Duration::from_millis(500);
const HEALTH_INTERVAL: Duration = Duration::from_millis(20);
/// How much of a log's end is looked at for the reason of a failure.
const LOG_END_BYTES: u64 = 2_000;

/// How to start one of them.
#[derive(Clone)]
pub struct ProcessPlan {
    /// For people, at the start of a sentence: `The Service`.
    pub title: &'static str,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Answers 2xx to `GET` when it is ready.
    pub health_url: String,
    /// Takes its standard output and error.
    pub log: PathBuf,
}

/// What is known of a process at the moment.
#[derive(Clone, Copy, Default)]
struct Life {
    pid: Option<u32>,
    deaths: u32,
}

/// A process that is kept alive.
pub struct Process {
    plan: ProcessPlan,
    life: watch::Receiver<Life>,
    stop: watch::Sender<bool>,
    keeper: JoinHandle<()>,
}

impl Process {
    /// Starts it and waits until it is healthy.
    ///
    /// # Errors
    /// When it cannot be started, ends at once, or is not healthy in time.
    pub async fn start(
        plan: ProcessPlan,
        watchdog: Watchdog,
        http: reqwest::Client,
    ) -> anyhow::Result<Process> {
        let child = spawn(&plan)?;
        let (life_sender, life) = watch::channel(Life::default());
        let (stop, stop_receiver) = watch::channel(false);
        let keeper = tokio::spawn(keep(
            plan.clone(),
            child,
            life_sender,
            stop_receiver,
            watchdog,
            http.clone(),
        ));
        let process = Process {
            plan,
            life,
            stop,
            keeper,
        };
        match process.first_health(&http).await {
            Ok(()) => Ok(process),
            Err(error) => {
                process.stop().await;
                Err(error)
            }
        }
    }

    async fn first_health(&self, http: &reqwest::Client) -> anyhow::Result<()> {
        let mut life = self.life.clone();
        let died = async {
            // The sender lives as long as the keeper, which ends after a stop only.
            let _ = life.wait_for(|life| life.deaths > 0).await;
        };
        let title = self.plan.title;
        let log = self.plan.log.display();
        tokio::select! {
            () = healthy(http, &self.plan.health_url) => Ok(()),
            () = died => match last_line(&self.plan.log) {
                Some(line) => bail!("{title} did not start. It said: {line} (More in {log}.)"),
                None => bail!("{title} did not start, and left no word in {log}."),
            },
            () = tokio::time::sleep(START_WAIT) => bail!(
                "{title} does not answer at {} after {} seconds. Its log is {log}.",
                self.plan.health_url, START_WAIT.as_secs()
            ),
        }
    }

    /// The current process id; none in the short time between a death and the next start.
    pub fn pid(&self) -> Option<u32> {
        self.life.borrow().pid
    }

    /// Tells of every change of the process id.
    pub fn pid_changes(&self) -> PidChanges {
        PidChanges(self.life.clone())
    }

    /// Asks it to stop, waits, and kills it if it does not.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // A keeper that panicked has dropped its child, which kills it.
        let _ = self.keeper.await;
    }
}

/// Tells of every change of a process id.
pub struct PidChanges(watch::Receiver<Life>);

impl PidChanges {
    /// Waits for the next change; for ever when there will be none.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

async fn keep(
    plan: ProcessPlan,
    first: Child,
    life: watch::Sender<Life>,
    mut stop: watch::Receiver<bool>,
    watchdog: Watchdog,
    http: reqwest::Client,
) {
    let mut wait = RESTART_WAIT_MIN;
    let mut next = Some(first);
    loop {
        let started = Instant::now();
        let child = match next.take() {
            Some(child) => Ok(child),
            None => spawn(&plan),
        };
        match child {
            Ok(mut child) => {
                let pid = child.id().unwrap_or_default();
                watchdog.add(pid).await;
                life.send_modify(|life| life.pid = Some(pid));
                let again = life.borrow().deaths > 0;
                let status = tokio::select! {
                    status = live(&plan, &mut child, again, &http) => status,
                    () = asked_to_stop(&mut stop) => {
                        end(&mut child).await;
                        watchdog.remove(pid).await;
                        return;
                    }
                };
                watchdog.remove(pid).await;
                let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                let before = life.borrow().deaths;
                life.send_modify(|life| {
                    *life = Life {
                        pid: None,
                        deaths: before.saturating_add(1),
                    }
                });
                // The first death before the first health is told by whoever waits for that health.
                say!("  {} ended ({how}); starting it again.", plan.title);
            }
            Err(error) => {
                say!("  {}", crate::plain_sentence(&error));
            }
        }
        if started.elapsed() > STEADY_AFTER {
            wait = RESTART_WAIT_MIN;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = asked_to_stop(&mut stop) => return,
        }
        wait = (wait * 2).min(RESTART_WAIT_MAX);
    }
}

async fn asked_to_stop(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody holds the process any more.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Until it ends. A process that was started again is reported once it is healthy.
async fn live(
    plan: &ProcessPlan,
    child: &mut Child,
    again: bool,
    http: &reqwest::Client,
) -> std::io::Result<ExitStatus> {
    if again {
        let begun = Instant::now();
        tokio::select! {
            status = child.wait() => return status,
            () = healthy(http, &plan.health_url) => {
                say!("  {} is back ({}).", plan.title, super::seconds(begun.elapsed()));
            }
        }
    }
    child.wait().await
}

fn spawn(plan: &ProcessPlan) -> anyhow::Result<Child> {
    let open = |path: &Path| {
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
    };
    let log = open(&plan.log).with_context(|| format!("cannot write {}", plan.log.display()))?;
    let error_log = log.try_clone().context("cannot share the log file")?;
    Command::new(&plan.program)
        .args(&plan.arguments)
        // Their logs are files.
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(error_log)
        // Ctrl-C at the terminal reaches the demo alone, which stops its children in order.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| {
            format!(
                "{} cannot be started: {} does not run",
                plan.title,
                plan.program.display()
            )
        })
}

async fn end(child: &mut Child) {
    if let Some(pid) = child
        .id()
        .and_then(|pid| i32::try_from(pid).ok())
        .and_then(Pid::from_raw)
    {
        // It may have ended this very moment.
        let _ = kill_process(pid, Signal::TERM);
    }
    if tokio::time::timeout(STOP_WAIT, child.wait()).await.is_err() {
        // Fails only when it has ended.
        let _ = child.kill().await;
    }
}

/// Waits until the address answers 2xx.
pub async fn healthy(http: &reqwest::Client, url: &str) {
    loop {
        let answer = http.get(url).timeout(HEALTH_TIMEOUT).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
        tokio::time::sleep(HEALTH_INTERVAL).await;
    }
}

fn last_line(log: &Path) -> Option<String> {
    let mut file = File::open(log).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_END_BYTES)))
        .ok()?;
    let mut end = Vec::new();
    file.read_to_end(&mut end).ok()?;
    let end = String::from_utf8_lossy(&end).into_owned();
    end.lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .map(str::to_owned)
}
