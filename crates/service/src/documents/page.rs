//! The frame of a plain page: head, header, footer with the version in force.

use super::address;
use super::words::words;
use crate::policy_store::PolicyStore;
use axum::http::{HeaderName, header};
use axum::response::IntoResponse;
use ensoex_policy::Language;
use maud::{DOCTYPE, Markup, html};

/// What a page shows.
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    pub(super) lead: Option<String>,
    /// Its address beneath the documents, the same in every language.
    pub(super) here: &'a str,
    pub(super) body: Markup,
}

/// The whole page, equal for everybody who asks.
pub(super) fn page(policy: &PolicyStore, language: Language, page: Page<'_>) -> impl IntoResponse + use<> {
    let words = words(language);
    let in_force = policy.version_in_force();
    let markup = html! {
        (DOCTYPE)
        html lang=(language.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (page.title) " · EnsoEx" }
                link rel="icon" href="/favicon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/documents/style.css";
                link rel="alternate" type="application/atom+xml" href=(address(language, "feed.atom")) title=(words.all_versions);
                @for other in Language::ALL {
                    link rel="alternate" hreflang=(other.code()) href=(address(other, page.here));
                }
            }
            body class="plain" {
                a class="skip" href="#content" { (words.skip) }
                header class="header" { div class="header-row" {
                    a class="brand" href="/" { img class="mark" src="/favicon.svg" width="28" height="28" alt=""; "EnsoEx" }
                    nav class="plain-nav" aria-label=(words.languages) {
                        @for other in Language::ALL {
                            a href=(address(other, page.here)) lang=(other.code())
                                aria-current=[(other == language).then_some("true")] {
                                @match other { Language::English => "English", Language::Ukrainian => "Українська" }
                            }
                        }
                    }
                } }
                main id="content" { div class="page text" {
                    div class="page-head" {
                        h1 { (page.title) }
                        @if let Some(lead) = &page.lead { p class="lead" { (lead) } }
                    }
                    (page.body)
                } }
                footer class="footer" { div class="footer-row" {
                    nav aria-label=(words.documents) {
                        a href=(address(language, "")) { (words.documents) }
                        a href=(address(language, "versions")) { (words.all_versions) }
                        a href=(address(language, "feed.atom")) { "Atom" }
                    }
                    div class="footer-policy" {
                        a href=(address(language, "")) title=(in_force.hash) {
                            (words.in_force_version) " " (in_force.version) " " span class="mono" { (in_force.hash.short()) }
                        }
                        span { (words.no_trace) }
                    }
                } }
            }
        }
    };
    let headers: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-cache")];
    (headers, markup)
}
