//! The Atom feed (RFC 4287) of published versions, newest first.

use super::address;
use super::words::words;
use crate::policy_store::rfc3339;
use ensoex_policy::{Language, PublishedVersion};
use std::fmt::Write;

/// Most versions that the feed names; the page of versions names all.
const FEED_VERSIONS_MAX: usize = 50;

/// The feed of these versions, oldest first, for a site at this origin.
pub(super) fn feed(versions: &[PublishedVersion], origin: &str, language: Language) -> String {
    let words = words(language);
    let url = |path: &str| escaped(&format!("{origin}{}", address(language, path)));
    let updated = versions
        .last()
        .map(|version| rfc3339(version.published_at))
        .unwrap_or_default();
    let mut feed = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"{}\">\n  \
         <id>{}</id>\n  <title>EnsoEx: {}</title>\n  <updated>{updated}</updated>\n  <author><name>EnsoEx</name></author>\n  \
         <link rel=\"self\" type=\"application/atom+xml\" href=\"{}\"/>\n  <link rel=\"alternate\" type=\"text/html\" href=\"{}\"/>\n",
        language.code(),
        url("versions"),
        escaped(words.documents),
        url("feed.atom"),
        url("versions"),
    );
    for version in versions.iter().rev().take(FEED_VERSIONS_MAX) {
        let page = match version.version {
            1 => url("versions/1/terms"),
            number => url(&format!("diff?from={}&to={number}", number - 1)),
        };
        // Writing to a String cannot fail.
        let _ = write!(
            feed,
            "  <entry>\n    <id>urn:{}</id>\n    <title>{} {}</title>\n    <updated>{}</updated>\n    \
             <link rel=\"alternate\" type=\"text/html\" href=\"{page}\"/>\n    <summary>{} ({}: {})</summary>\n  </entry>\n",
            version.hash.to_string() + "/" + &version.version.to_string(),
            escaped(words.version),
            version.version,
            rfc3339(version.published_at),
            escaped(&version.summary),
            escaped(words.effective),
            rfc3339(version.effective_at),
        );
    }
    feed.push_str("</feed>\n");
    feed
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
