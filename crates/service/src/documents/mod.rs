//! The Terms, the Policy and the glossary as plain pages, without script, cookie or any other trace: the version in force, every
//! version, what changed between two of them, and an Atom feed.
//!
//! English at `/documents`, Ukrainian at `/uk/documents`; beneath, the same addresses. A version or a document that does not
//! exist is answered with a page that says where to go on. It knows the documents only.

mod feed;
mod page;
mod words;

use crate::policy_store::{PolicyStore, Wanted, rfc3339};
use crate::problem::{Asked, Problem};
use crate::public::PublicState;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::get};
use ensoex_policy::{
    Bundle, Change, DocumentKind, Language, Paragraph, ParagraphKind, PublishedVersion, difference,
};
use maud::{Markup, PreEscaped, html};
use page::{Page, page};
use serde::Deserialize;
use std::sync::Arc;
use time::OffsetDateTime;
use time::macros::format_description;
use words::{Words, words};

/// The look of the web pages, and of these.
const STYLE: &str = concat!(
    include_str!("../../../../web/src/ui/tokens.css"),
    include_str!("../../../../web/src/ui/base.css"),
    include_str!("../../../../web/src/ui/content.css"),
    include_str!("../../../../web/src/app/shell.css"),
    include_str!("documents.css"),
);

/// The routes, in each language.
pub(crate) fn router() -> Router<PublicState> {
    let english = pages("/documents", Language::English);
    english
        .merge(pages("/uk/documents", Language::Ukrainian))
        .route("/documents/style.css", get(style))
}

fn pages(prefix: &str, language: Language) -> Router<PublicState> {
    Router::new()
        .route(prefix, get(move |state| overview(state, language)))
        .route(
            &format!("{prefix}/versions"),
            get(move |state| versions(state, language)),
        )
        .route(
            &format!("{prefix}/versions/{{version}}/{{document}}"),
            get(move |state, path| of_version(state, path, language)),
        )
        .route(
            &format!("{prefix}/diff"),
            get(move |state, query| changes(state, query, language)),
        )
        .route(
            &format!("{prefix}/feed.atom"),
            get(move |state| atom(state, language)),
        )
        .route(
            &format!("{prefix}/{{document}}"),
            get(move |state, path| in_force(state, path, language)),
        )
}

async fn style() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, STYLE)
}

async fn atom(State(state): State<PublicState>, language: Language) -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "application/atom+xml; charset=utf-8")];
    let versions = state.policy.versions();
    (kind, feed::feed(versions.all(), &state.public_url, language))
}

async fn overview(State(state): State<PublicState>, language: Language) -> Response {
    let words = words(language);
    let version = state.policy.version_in_force();
    let versions = state.policy.versions();
    let waiting = versions
        .all()
        .iter()
        .filter(|other| other.version > version.version);
    let body = html! {
        ul class="cards" {
            @for kind in DocumentKind::ALL {
                li { a class="card" href=(address(language, kind.name())) {
                    span class="strong" { (words.title(kind)) }
                    span class="soft small" { (words.about(kind)) }
                } }
            }
        }
        (facts(words, &version))
        @for next in waiting {
            p class="notice" {
                (words.waits) " " (date(next.effective_at)) ": " (next.summary) " "
                a href=(compare(language, version.version, next.version)) { (words.what_changes) }
            }
        }
        p { a href=(address(language, "versions")) { (words.all_versions) } }
    };
    let content = Page {
        title: words.documents,
        lead: Some(words.lead.to_owned()),
        here: "",
        body,
    };
    page(&state.policy, language, content).into_response()
}

async fn in_force(
    State(state): State<PublicState>,
    Path(document): Path<String>,
    language: Language,
) -> Response {
    let version = state.policy.version_in_force();
    document_page(&state.policy, &version, &document, language, "")
}

async fn of_version(
    State(state): State<PublicState>,
    Path((version, document)): Path<(String, String)>,
    language: Language,
) -> Response {
    let wanted = Wanted::read(&version);
    let versions = state.policy.versions();
    let Some(found) = wanted.and_then(|wanted| versions.find(wanted)) else {
        return missing(&state.policy, language, words(language).no_version);
    };
    let here = format!("versions/{}/", found.version);
    document_page(&state.policy, found, &document, language, &here)
}

fn document_page(
    policy: &PolicyStore,
    version: &PublishedVersion,
    document: &str,
    language: Language,
    before: &str,
) -> Response {
    let words = words(language);
    let versions = policy.versions();
    let texts = versions.texts(version);
    let kind = DocumentKind::from_name(document);
    let found = kind
        .zip(texts)
        .and_then(|(kind, texts)| texts.document(language, kind));
    let (Some(found), Some(texts)) = (found, texts) else {
        return missing(policy, language, words.no_document);
    };
    let in_force = policy.version_in_force().version == version.version;
    let body = html! {
        nav class="document-nav" aria-label=(words.documents) {
            @for kind in DocumentKind::ALL {
                a href=(address(language, &format!("{before}{}", kind.name())))
                    aria-current=[(kind == found.kind).then_some("page")] { (title_of(texts, language, kind)) }
            }
        }
        @if !in_force { p class="notice" { (words.not_in_force) " "
            a href=(address(language, found.kind.name())) { (words.read_in_force) } } }
        div class="prose document" { (PreEscaped(framed(&found.html))) }
        (facts(words, version))
    };
    let content = Page {
        title: &found.title,
        lead: Some(format!(
            "{} {} · {}",
            words.version,
            version.version,
            date(version.effective_at)
        )),
        here: &format!("{before}{document}"),
        body,
    };
    page(policy, language, content).into_response()
}

fn title_of(texts: &Arc<Bundle>, language: Language, kind: DocumentKind) -> String {
    let document = texts.document(language, kind);
    document.map_or_else(|| kind.name().to_owned(), |document| document.title.clone())
}

/// The text without its own title, its tables in frames, each cell with the name of its column: on a narrow screen a row becomes a card.
/// Texts hold no HTML of their own, so this is all ours.
fn framed(text: &str) -> String {
    let text = match (text.find("<h1>"), text.find("</h1>")) {
        (Some(start), Some(end)) => format!("{}{}", &text[..start], &text[end + "</h1>".len()..]),
        _ => text.to_owned(),
    };
    let mut framed = String::with_capacity(text.len() * 2);
    let mut rest = text.as_str();
    while let Some((before, (table, after))) = rest
        .split_once("<table>")
        .and_then(|(before, from)| Some((before, from.split_once("</table>")?)))
    {
        framed.push_str(before);
        framed.push_str("<div class=\"table-frame\" tabindex=\"0\"><table class=\"table stacks\">");
        framed.push_str(&labelled(table));
        framed.push_str("</table></div>");
        rest = after;
    }
    framed.push_str(rest);
    framed
}

/// A table whose cells name their columns.
fn labelled(table: &str) -> String {
    let names: Vec<&str> = table
        .split("<th>")
        .skip(1)
        .filter_map(|from| Some(from.split_once("</th>")?.0))
        .collect();
    let mut rows = table.split("<tr>");
    let mut labelled = rows.next().unwrap_or_default().to_owned();
    for row in rows {
        labelled.push_str("<tr>");
        let mut cells = row.split("<td>");
        labelled.push_str(cells.next().unwrap_or_default());
        for (number, cell) in cells.enumerate() {
            let name = names.get(number).copied().unwrap_or_default();
            labelled.push_str(&format!("<td data-label=\"{name}\">{cell}"));
        }
    }
    labelled
}

async fn versions(State(state): State<PublicState>, language: Language) -> Response {
    let words = words(language);
    let versions = state.policy.versions();
    let in_force = state.policy.version_in_force().version;
    let body = html! {
        div class="table-frame" { table class="table stacks" {
            thead { tr {
                th scope="col" { (words.version) }
                th scope="col" { (words.effective) }
                th scope="col" { (words.summary) }
                th scope="col" { (words.read) }
            } }
            tbody { @for version in versions.all().iter().rev() { tr {
                th scope="row" data-label=(words.version) { span {
                    (version.version) " "
                    @if version.version == in_force { span class="badge" { (words.in_force) } }
                    @else if version.version > in_force { span class="badge" { (words.to_come) } }
                } }
                td data-label=(words.effective) class="nowrap" { (date(version.effective_at)) }
                td data-label=(words.summary) { (version.summary) }
                td data-label=(words.read) { span class="links" {
                    @for kind in DocumentKind::ALL {
                        a href=(address(language, &format!("versions/{}/{}", version.version, kind.name()))) { (words.title(kind)) }
                    }
                    @if version.version > 1 {
                        a href=(compare(language, version.version - 1, version.version)) { (words.what_changed) }
                    }
                } }
            } } }
        } }
        p class="hint" { (words.log_told) " " code { "ensoex verify policy-log FILE --head HEAD" } " · "
            a href="/v1/transparency/policy/log" { (words.log) } " · "
            a href="/v1/transparency/policy" { (words.head) } " · "
            a href=(address(language, "feed.atom")) { "Atom" } }
    };
    let content = Page {
        title: words.all_versions,
        lead: Some(words.versions_lead.to_owned()),
        here: "versions",
        body,
    };
    page(&state.policy, language, content).into_response()
}

/// Which versions are compared: by default the one before the newest with the newest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Compared {
    from: Option<String>,
    to: Option<String>,
}

async fn changes(
    State(state): State<PublicState>,
    query: Result<Asked<Compared>, Problem>,
    language: Language,
) -> Response {
    let words = words(language);
    let versions = state.policy.versions();
    let Ok(Asked(query)) = query else {
        return missing(&state.policy, language, words.no_version);
    };
    let newest = versions.all().last();
    let of = |text: Option<&str>, otherwise: Option<&PublishedVersion>| match text {
        None => otherwise.cloned(),
        Some(text) => Wanted::read(text).and_then(|wanted| versions.find(wanted).cloned()),
    };
    let before = newest.and_then(|newest| {
        let number = newest.version.saturating_sub(1).max(1);
        versions.find(Wanted::Number(number))
    });
    let (Some(from), Some(to)) = (of(query.from.as_deref(), before), of(query.to.as_deref(), newest)) else {
        return missing(&state.policy, language, words.no_version);
    };
    let texts = (versions.texts(&from), versions.texts(&to));
    let (Some(older), Some(newer)) = texts else {
        return missing(&state.policy, language, words.no_version);
    };
    let choice = |name: &str, label: &str, chosen: u64| {
        html! { label { (label) " " select name=(name) {
            @for version in versions.all() {
                option value=(version.version) selected[version.version == chosen] {
                    (version.version) " · " (date(version.effective_at))
                }
            }
        } } }
    };
    let body = html! {
        form class="compare" method="get" action=(address(language, "diff")) {
            (choice("from", words.from, from.version))
            (choice("to", words.to, to.version))
            button class="compare-button" type="submit" { (words.compare) }
        }
        p { (to.summary) }
        p class="hint" { ins { (words.added) } " · " del { (words.removed) } }
        @for kind in DocumentKind::ALL {
            section class="section" {
                h2 { (title_of(newer, language, kind)) }
                (changes_of(words, older, newer, language, kind))
            }
        }
    };
    let content = Page {
        title: words.what_changed,
        lead: Some(format!("{} {} → {}", words.version, from.version, to.version)),
        here: "diff",
        body,
    };
    page(&state.policy, language, content).into_response()
}

fn changes_of(
    words: &Words,
    older: &Bundle,
    newer: &Bundle,
    language: Language,
    kind: DocumentKind,
) -> Markup {
    let documents = older.document(language, kind).zip(newer.document(language, kind));
    let paragraphs = documents
        .map(|(older, newer)| difference(older, newer))
        .unwrap_or_default();
    if paragraphs.iter().all(Paragraph::is_same) {
        return html! { p class="soft" { (words.nothing_changed) } };
    }
    let runs = paragraphs.chunk_by(|one, next| one.is_same() == next.is_same());
    html! { div class="prose document changes" {
        @for run in runs {
            @if run.first().is_some_and(Paragraph::is_same) {
                details { summary { (words.unchanged) " " (run.len()) } @for one in run { (paragraph(one)) } }
            } @else {
                @for one in run { (paragraph(one)) }
            }
        }
    } }
}

fn paragraph(paragraph: &Paragraph) -> Markup {
    let pieces = html! { @for piece in &paragraph.pieces {
        @match piece.change {
            Change::Same => { (piece.text) }
            Change::Removed => { del { (piece.text) } }
            Change::Added => { ins { (piece.text) } }
        }
        " "
    } };
    match paragraph.kind {
        ParagraphKind::Heading => html! { h3 { (pieces) } },
        ParagraphKind::Item => html! { p class="item" { (pieces) } },
        ParagraphKind::Row => html! { p class="row" { (pieces) } },
        ParagraphKind::Text => html! { p { (pieces) } },
    }
}

/// Version, dates and hash: the same on each page that shows a document.
fn facts(words: &Words, version: &PublishedVersion) -> Markup {
    html! { div class="panel" { dl class="facts roomy" {
        div { dt { (words.version) } dd { (version.version) } }
        div { dt { (words.effective) } dd { time datetime=(rfc3339(version.effective_at)) { (date(version.effective_at)) } } }
        div { dt { (words.published) } dd { time datetime=(rfc3339(version.published_at)) { (date(version.published_at)) } } }
        div { dt { (words.summary) } dd { (version.summary) } }
        div { dt { (words.hash) } dd { span class="mono" { (version.hash) } } }
    }
    p class="hint" { (words.check_hash) } } }
}

fn missing(policy: &PolicyStore, language: Language, told: &str) -> Response {
    let words = words(language);
    let body = html! { p { a href=(address(language, "versions")) { (words.all_versions) } } };
    let content = Page {
        title: words.not_here,
        lead: Some(told.to_owned()),
        here: "",
        body,
    };
    (StatusCode::NOT_FOUND, page(policy, language, content)).into_response()
}

/// The address of a page beneath the documents.
pub(crate) fn address(language: Language, path: &str) -> String {
    let prefix = match language {
        Language::English => "/documents",
        Language::Ukrainian => "/uk/documents",
    };
    if path.is_empty() {
        prefix.to_owned()
    } else {
        format!("{prefix}/{path}")
    }
}

fn compare(language: Language, from: u64, to: u64) -> String {
    address(language, &format!("diff?from={from}&to={to}"))
}

fn date(at: OffsetDateTime) -> String {
    let form = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    at.to_offset(time::UtcOffset::UTC)
        .format(form)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::framed;

    #[test]
    fn every_cell_of_a_table_names_its_column() {
        let text = "<h1>T</h1><p>a</p><table><thead><tr><th>Data</th><th>Why &quot;so&quot;</th></tr></thead><tbody>\n\
                    <tr><td>E-mail</td><td>to <em>write</em></td></tr>\n<tr><td>Phone</td><td></td></tr></tbody></table><p>b</p>\
                    <table><thead><tr><th>Who</th></tr></thead><tbody><tr><td>x</td></tr></tbody></table>";
        let framed = framed(text);
        for expected in [
            "<p>a</p><div class=\"table-frame\" tabindex=\"0\"><table class=\"table stacks\"><thead><tr><th>Data</th>",
            "<td data-label=\"Data\">E-mail</td><td data-label=\"Why &quot;so&quot;\">to <em>write</em></td>",
            "<td data-label=\"Data\">Phone</td><td data-label=\"Why &quot;so&quot;\"></td>",
            "</table></div><p>b</p>",
            "<td data-label=\"Who\">x</td></tr></tbody></table></div>",
        ] {
            assert!(framed.contains(expected), "{expected} is not in {framed}");
        }
        assert_eq!(framed.matches("<td").count(), 5);
        assert!(!framed.contains("<h1>"));
    }
}
