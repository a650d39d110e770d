//! A real network cut: the writer lives in a network namespace of its own, and its cable is pulled. What it was promised is
//! there, and it serves again by itself.
//!
//! Needs root and `ip netns`; passed over with a word where there is none. `ENSOEX_CUTS=20` makes the number that the
//! project promises; by default it is small.

mod support;

use ensoex_log::{AnyLog, Head};
use ensoex_pg_test::Cluster;
use ensoex_types::Sequence;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::{Load, all_is_there, alone, count};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const CHILD: &str = "ENSOEX_LOG_ADDRESS_OF_THE_CHILD";

/// A namespace joined to ours by a cable; both are removed with this value.
struct Namespace {
    name: String,
    cable: String,
    subnet: String,
}

impl Namespace {
    fn new() -> Option<Namespace> {
        let id = std::process::id();
        let namespace = Namespace {
            name: format!("ensoex-{id}"),
            cable: format!("ensoex{}", id % 1_000_000),
            subnet: format!("10.213.{}", id % 256),
        };
        let Namespace { name, cable, subnet } = &namespace;
        let far = format!("{cable}f");
        if !ip(&["netns", "add", name]) {
            return None;
        }
        let made = ip(&[
            "link", "add", cable, "type", "veth", "peer", "name", &far, "netns", name,
        ]) && ip(&["address", "add", &format!("{subnet}.1/30"), "dev", cable])
            && ip(&[
                "-n",
                name,
                "address",
                "add",
                &format!("{subnet}.2/30"),
                "dev",
                &far,
            ])
            && ip(&["-n", name, "link", "set", &far, "up"])
            && ip(&["link", "set", cable, "up"]);
        made.then_some(namespace)
    }

    fn pull(&self) {
        assert!(ip(&["link", "set", &self.cable, "down"]));
    }

    fn plug(&self) {
        assert!(ip(&["link", "set", &self.cable, "up"]));
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _gone_already = ip(&["link", "del", &self.cable]);
        let _gone_already = ip(&["netns", "del", &self.name]);
    }
}

fn ip(arguments: &[&str]) -> bool {
    let mut ip = Command::new("ip");
    ip.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    ip.status().is_ok_and(|status| status.success())
}

/// Not a test by itself: appends until its standard input closes, and prints what was acknowledged. A byte on its
/// standard input is answered with a mark, so that what it prints afterwards is known to be later.
#[tokio::test(flavor = "multi_thread")]
async fn the_child_writes() {
    let Ok(address) = std::env::var(CHILD) else { return };
    let log = AnyLog::open(&address.parse().unwrap(), &alone(Duration::from_millis(500)))
        .await
        .unwrap();
    let load = Load::start(log, 1);
    let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for byte in std::io::BufReader::new(std::io::stdin()).bytes() {
            if byte.is_err() || heard.send(()).is_err() {
                return;
            }
        }
    });
    loop {
        tokio::select! {
            byte = hears.recv() => match byte {
                Some(()) => println!("\nmark"),
                None => break,
            },
            () = load.serves(1) => println!("\nserves"),
        }
    }
    for (head, number) in load.end().await.1 {
        let hash: String = head.hash.iter().map(|byte| format!("{byte:02x}")).collect();
        println!("\nacknowledged {number} {} {hash}", head.next_sequence);
    }
}

fn acknowledged(line: &str) -> Option<(Head, u64)> {
    let mut fields = line.strip_prefix("acknowledged ")?.split(' ');
    let number = fields.next()?.parse().ok()?;
    let next_sequence = Sequence(fields.next()?.parse().ok()?);
    let hash = fields.next()?;
    let bytes: Option<Vec<u8>> = (0..32)
        .map(|place| u8::from_str_radix(hash.get(2 * place..2 * place + 2)?, 16).ok())
        .collect();
    let head = Head {
        epoch: 0,
        next_sequence,
        hash: bytes?.try_into().ok()?,
    };
    Some((head, number))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pulled_cable_loses_nothing_and_the_writer_serves_again() {
    let Some(mut cluster) = Cluster::start() else {
        return;
    };
    let Some(namespace) = Namespace::new() else {
        return eprintln!("passed over: a network namespace needs root and `ip netns`");
    };
    // The server trusts the loopback address only, so what arrives by the cable is handed on.
    let listener = TcpListener::bind(format!("{}.1:0", namespace.subnet))
        .await
        .unwrap();
    let near = listener.local_addr().unwrap().to_string();
    let far = cluster.server().host();
    let through = cluster.url().replace(&far, &near);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let far = far.clone();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(far).await?;
                tokio::io::copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    let mut child = tokio::process::Command::new("ip")
        .args(["netns", "exec", &namespace.name])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "the_child_writes", "--nocapture", "--test-threads=1"])
        .env(CHILD, through)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut asking = child.stdin.take().unwrap();
    let mut serves = async |times: u32| {
        asking.write_all(b"m").await.unwrap();
        let (mut marked, mut served) = (false, 0);
        while served < times {
            let line = lines.next_line().await.unwrap().expect("the child goes on");
            marked |= line == "mark";
            served += u32::from(marked && line == "serves");
        }
    };
    for round in 0..count("ENSOEX_CUTS", 2) {
        serves(5 + round * 3 % 7).await;
        namespace.pull();
        // Longer than an answer is waited for, so that the writer notices.
        tokio::time::sleep(Duration::from_millis(800)).await;
        namespace.plug();
    }
    serves(10).await;
    drop(asking);
    let mut kept = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        kept.extend(acknowledged(&line));
    }
    assert!(child.wait().await.unwrap().success());
    assert!(!kept.is_empty());
    let rows = all_is_there(&cluster.url().parse().unwrap(), &kept).await;
    assert_eq!(rows, kept.len());
    println!("{} batches acknowledged and found", kept.len());
}
