//! Which ports the three processes listen on, and whether they are free.

use anyhow::bail;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

/// How long a program that is just stopping may still hold a port.
const PORT_WAIT: Duration = Duration::from_secs(5);
/// How many ports after the card network's are tried for ISO 8583.
const ISO_PORTS_TRIED_MAX: u16 = 200;

/// The ports of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The Service.
    pub service: u16,
    /// EnsoExPAY.
    pub pay: u16,
    /// The card network simulator's HTTP side.
    pub cardnet: u16,
    /// The card network simulator's ISO 8583 side.
    pub iso: u16,
}

/// Makes sure that the ports are free, and finds one for ISO 8583.
///
/// # Errors
/// A sentence that names the port and the option to choose another.
pub async fn choose(service: u16, pay: u16, cardnet: u16) -> anyhow::Result<Ports> {
    choose_within(PORT_WAIT, service, pay, cardnet).await
}

async fn choose_within(patience: Duration, service: u16, pay: u16, cardnet: u16) -> anyhow::Result<Ports> {
    let wanted = [
        (service, "the Service", "--port"),
        (pay, "EnsoExPAY", "--pay-port"),
        (cardnet, "the card network", "--cardnet-port"),
    ];
    for (place, (port, whose, option)) in wanted.iter().enumerate() {
        if *port == 0 {
            bail!("Port 0 cannot serve {whose}: give {option} a number from 1 to 65535");
        }
        if let Some((_, other, _)) = wanted.iter().take(place).find(|(other, ..)| other == port) {
            bail!("Port {port} is given to {other} and to {whose}: choose another with {option}");
        }
    }
    let patience = Instant::now() + patience;
    for (port, whose, option) in wanted {
        while let Err(error) = probe(port) {
            if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < patience {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            match error.kind() {
                io::ErrorKind::AddrInUse => bail!(
                    "Port {port} is in use by another program. End that program (is it an earlier demo?) or choose \
                     another port for {whose} with {option}"
                ),
                _ => bail!("Port {port} cannot be used for {whose} ({error}). Choose another with {option}"),
            }
        }
    }
    let taken = [service, pay, cardnet];
    let iso = (1..=ISO_PORTS_TRIED_MAX)
        .filter_map(|step| cardnet.checked_add(step))
        .chain((1..=ISO_PORTS_TRIED_MAX).filter_map(|step| cardnet.checked_sub(step)))
        .find(|port| *port > 1_023 && !taken.contains(port) && probe(*port).is_ok());
    match iso {
        Some(iso) => Ok(Ports {
            service,
            pay,
            cardnet,
            iso,
        }),
        None => {
            bail!("There is no free port near {cardnet} for ISO 8583: choose another with --cardnet-port")
        }
    }
}

fn probe(port: u16) -> io::Result<()> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::{choose, choose_within};
    use std::net::TcpListener;
    use std::time::Duration;

    fn free() -> (TcpListener, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        (listener, port)
    }

    #[tokio::test]
    async fn a_port_is_given_once() {
        let refused = choose(5_000, 5_001, 5_000)
            .await
            .expect_err("refused")
            .to_string();
        assert!(refused.contains("--cardnet-port"), "{refused}");
        let refused = choose(5_000, 0, 5_001).await.expect_err("refused").to_string();
        assert!(refused.contains("--pay-port"), "{refused}");
    }

    #[tokio::test]
    async fn a_port_in_use_is_named() {
        let ((held, service), (one, pay), (two, cardnet)) = (free(), free(), free());
        drop((one, two));
        let patience = Duration::from_millis(80);
        let refused = choose_within(patience, service, pay, cardnet)
            .await
            .expect_err("refused")
            .to_string();
        assert!(
            refused.contains(&format!("Port {service} is in use")),
            "{refused}"
        );
        assert!(refused.contains("--port"), "{refused}");
        drop(held);
        let ports = choose(service, pay, cardnet).await.expect("free now");
        assert!(![service, pay, cardnet].contains(&ports.iso));
    }
}
