//! What the demo tells: `demo.json` for scripts, and a text for people.

use super::accounts::DemoAccount;
use super::directory::write_private;
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;

/// A card of the simulated network.
#[derive(Clone, Copy, Serialize)]
pub struct TestCard {
    /// Digits only.
    pub number: &'static str,
    /// What it shows.
    pub outcome: &'static str,
}

/// The cards worth trying.
pub const TEST_CARDS: [TestCard; 5] = [
    TestCard {
        number: "4242424242424242",
        outcome: "approved",
    },
    TestCard {
        number: "5555555555554444",
        outcome: "approved (Mastercard)",
    },
    TestCard {
        number: "4000000000003220",
        outcome: "asks for confirmation (3-D Secure), then approved",
    },
    TestCard {
        number: "4000000000000002",
        outcome: "declined",
    },
    TestCard {
        number: "4000000000009995",
        outcome: "declined for lack of funds; refuses withdrawals",
    },
];

/// Where one of the three processes is.
#[derive(Clone, Serialize)]
pub struct Place {
    /// Its address.
    pub url: String,
    /// Its process id; none while it is being started again.
    pub pid: Option<u32>,
}

/// The content of `demo.json`.
#[derive(Serialize)]
pub struct Announcement<'a> {
    /// The Service.
    pub service: Place,
    /// EnsoExPAY.
    pub pay: Place,
    /// The card network simulator.
    pub cardnet: Place,
    /// Cards to pay with.
    pub test_cards: &'a [TestCard],
    /// The verified and funded user.
    pub user: AnnouncedUser<'a>,
}

/// The user in `demo.json`.
#[derive(Serialize)]
pub struct AnnouncedUser<'a> {
    email: &'a str,
    phone: &'a str,
    password: &'a str,
    api_key: &'a str,
    api_secret: &'a str,
}

impl<'a> From<&'a DemoAccount> for AnnouncedUser<'a> {
    fn from(user: &'a DemoAccount) -> Self {
        AnnouncedUser {
            email: &user.email,
            phone: &user.phone,
            password: &user.password,
            api_key: user.api_key.as_deref().unwrap_or_default(),
            api_secret: user.api_secret.as_deref().unwrap_or_default(),
        }
    }
}

impl Announcement<'_> {
    /// Writes `demo.json` whole.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn publish(&self, path: &Path) -> anyhow::Result<()> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        write_private(path, &json)
    }

    /// For people, once all is ready.
    pub fn text(&self, folder: &Path, traders: bool) -> String {
        let mut text = String::new();
        let exchange = &self.service.url;
        let mut line = |line: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{line}");
        };
        line(String::new());
        line(format!("  Exchange        {exchange}"));
        line(format!("  Mail and SMS    {exchange}/dev/messages"));
        line(format!(
            "  Card payments   {}   (EnsoExPAY, a service of its own)",
            self.pay.url
        ));
        line(format!(
            "  Card network    {}   (simulated: no real money anywhere)",
            self.cardnet.url
        ));
        line(String::new());
        line(format!("  Sign in as      {}", self.user.email));
        line(format!("  Password        {}", self.user.password));
        line(String::new());
        line("  Test cards      any future month, any three digits".to_owned());
        for card in self.test_cards {
            line(format!("    {}   {}", grouped(card.number), card.outcome));
        }
        line(String::new());
        line("  What to try".to_owned());
        line(format!("    1  Look at the markets, anonymously: {exchange}"));
        line("    2  Register; the codes arrive under Mail and SMS".to_owned());
        line("    3  Replenish the account with a test card".to_owned());
        let counterpart = if traders {
            ": the demo's traders take the other side"
        } else {
            ""
        };
        line(format!("    4  Buy and sell{counterpart}"));
        line("    5  Create an API key, and point ccxt or python-binance at the exchange".to_owned());
        line("    6  Withdraw to a card".to_owned());
        line("    7  Stop and start again: everything is as it was".to_owned());
        line(String::new());
        line(format!(
            "  Everything lies in {}; addresses and logins for scripts in demo.json there.",
            folder.display()
        ));
        line("  Ctrl-C stops the demo.".to_owned());
        text
    }
}

fn grouped(number: &str) -> String {
    let mut grouped = String::with_capacity(19);
    for (place, digit) in number.chars().enumerate() {
        if place > 0 && place % 4 == 0 {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::{AnnouncedUser, Announcement, Place, TEST_CARDS};
    use serde_json::Value;

    fn example() -> Announcement<'static> {
        let place = |port: u16, pid| Place {
            url: format!("http://localhost:{port}"),
            pid: Some(pid),
        };
        Announcement {
            service: place(8080, 1),
            pay: place(8090, 2),
            cardnet: place(8091, 3),
            test_cards: &TEST_CARDS,
            user: AnnouncedUser {
                email: "demo@ensoex.example",
                phone: "+380500000100",
                password: "secret",
                api_key: "key",
                api_secret: "also secret",
            },
        }
    }

    #[test]
    fn demo_json_has_the_documented_shape() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("demo.json");
        example().publish(&path).expect("written");
        let json: Value = serde_json::from_slice(&std::fs::read(&path).expect("read")).expect("JSON");
        for (name, pid) in [("service", 1), ("pay", 2), ("cardnet", 3)] {
            assert!(
                json[name]["url"]
                    .as_str()
                    .is_some_and(|url| url.starts_with("http://localhost:80"))
            );
            assert_eq!(json[name]["pid"], pid);
        }
        for name in ["email", "phone", "password", "api_key", "api_secret"] {
            assert!(json["user"][name].is_string(), "{name}");
        }
        assert_eq!(json["user"].as_object().map(serde_json::Map::len), Some(5));
        assert_eq!(json["test_cards"][0]["number"], "4242424242424242");
        assert_eq!(json.as_object().map(serde_json::Map::len), Some(5));
    }

    #[test]
    fn the_text_names_what_a_person_needs() {
        let text = example().text(std::path::Path::new(".demo"), true);
        let wanted = [
            "http://localhost:8080",
            "/dev/messages",
            "4242 4242 4242 4242",
            "demo@ensoex.example",
            "Ctrl-C",
        ];
        for word in wanted {
            assert!(text.contains(word), "{word} is missing in:\n{text}");
        }
        assert!(!text.contains("also secret"));
        assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
    }
}
