//! What a session's list calls a device: the browser's family and the system's, from closed lists. No version, no model, no
//! place, no address: enough to recognise one's own, too little to follow anybody.

use axum::http::{HeaderMap, header};

/// A family of browsers on a family of systems; `other` where the list has no name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) browser: &'static str,
    pub(crate) system: &'static str,
}

/// By what a family is recognised. The first that fits counts: whoever is built on another names it too.
const BROWSERS: [(&str, &str); 8] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
];
const SYSTEMS: [(&str, &str); 7] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];
const OTHER: &str = "other";

impl Device {
    /// The device that a request says it comes from.
    pub(crate) fn of(headers: &HeaderMap) -> Device {
        let agent = headers.get(header::USER_AGENT);
        Device::named(agent.and_then(|agent| agent.to_str().ok()).unwrap_or_default())
    }

    fn named(agent: &str) -> Device {
        let first = |families: &[(&str, &'static str)]| {
            let found = families.iter().find(|(mark, _)| agent.contains(mark));
            found.map_or(OTHER, |(_, family)| family)
        };
        Device {
            browser: first(&BROWSERS),
            system: first(&SYSTEMS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_a_family_and_no_more() {
        let cases = [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Firefox",
                "Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0",
                "Edge",
                "Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36",
                "Chrome",
                "Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                "Safari",
                "iOS",
            ),
            ("python-requests/2.32", "other", "other"),
            ("<script>alert(1)</script>", "other", "other"),
            ("", "other", "other"),
        ];
        for (agent, browser, system) in cases {
            assert_eq!(Device::named(agent), Device { browser, system }, "{agent}");
        }
    }
}
