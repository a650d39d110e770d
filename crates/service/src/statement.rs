//! An account's statement: opening balance, every entry and closing balance of each asset, as JSON, CSV or PDF.
//!
//! Reads, never writes, and shows nothing personal: an account is its number. A CSV is sent as it is read, at most a page in memory;
//! JSON and PDF are made whole, and shorter. What does not add up is never shown as if it did: JSON and PDF are refused, and
//! a CSV that is under way breaks off. Knows no layout: see `statement_csv.rs` and `statement_pdf.rs`.

use crate::app::{App, AppState};
use crate::guard::User;
use crate::limits::{STATEMENT_CSV_ENTRIES_MAX, STATEMENT_JSON_ENTRIES_MAX, STATEMENT_PDF_ENTRIES_MAX};
use crate::moment::{OfDay, problem, read_moment, stamp};
use crate::problem::{Asked, Problem};
use crate::statement_csv;
use crate::statement_pdf;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ensoex_exchange::{
    AssetListing, AssetStatement, EntryPlace, EntryView, MarketListing, Period, ROWS_MAX, Statement,
    StatementError,
};
use ensoex_types::{Amount, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Which statement.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatementQuery {
    from: Option<String>,
    to: Option<String>,
    asset: Option<String>,
    format: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Csv,
    Pdf,
}

impl Format {
    fn entries_max(self) -> u64 {
        match self {
            Format::Json => STATEMENT_JSON_ENTRIES_MAX,
            Format::Csv => STATEMENT_CSV_ENTRIES_MAX,
            Format::Pdf => STATEMENT_PDF_ENTRIES_MAX,
        }
    }
}

/// A statement in JSON.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatementView {
    /// Whose: the account's number.
    account: String,
    /// First command of the log that it covers.
    first_sequence: u64,
    /// Last command of the log that it covers.
    last_sequence: u64,
    /// When the last command was stamped.
    at: String,
    /// Nothing can be added to it any more.
    settled: bool,
    /// By asset.
    #[schema(value_type = Vec<Object>)]
    assets: Vec<AssetView>,
}

/// One asset of a statement.
#[derive(Serialize)]
pub(crate) struct AssetView {
    pub(crate) asset: String,
    /// Total before the period.
    pub(crate) opening: String,
    /// Total after it, `available` and `held` together.
    pub(crate) closing: String,
    pub(crate) available: String,
    pub(crate) held: String,
    pub(crate) entries: Vec<EntryView>,
}

/// A statement and what is needed to read its entries and write them in words.
pub(crate) struct Subject {
    pub(crate) app: App,
    pub(crate) statement: Statement,
    pub(crate) assets: Vec<AssetListing>,
    pub(crate) markets: Vec<MarketListing>,
    /// The period as it was asked for.
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
}

/// An account's statement.
///
/// For each asset: what there was before the period, every change of it, and what there was after. Asked again for a period
/// that is settled, it is the same to the byte. `from` and `to` belong to the period.
#[utoipa::path(get, path = "/v1/account/statement", tag = "wallet",
    params(
        ("from" = Option<String>, Query, description = "RFC 3339, a date (its beginning, UTC), milliseconds since 1970, or sequence:N; without it from the first command on"),
        ("to" = Option<String>, Query, description = "likewise (of a date its end); without it, or in the future, up to now"),
        ("asset" = Option<String>, Query, description = "one asset only"),
        ("format" = Option<String>, Query, description = "`json` (without it), `csv` (RFC 4180) or `pdf`")),
    responses(
        (status = 200, body = StatementView, description = "the statement; each asset with `opening`, `entries` and `closing`; CSV and PDF as a download"),
        (status = 400, description = "problem: invalid_time, unknown_asset, unknown_format, period_backwards, statement_too_long"),
        (status = 404, description = "problem: before_first_command, beyond_last_command, account_not_open_then")))]
pub(crate) async fn statement(
    State(app): State<App>,
    user: User,
    Asked(query): Asked<StatementQuery>,
) -> Result<Response, Problem> {
    let format = match query.format.as_deref() {
        None | Some("json") => Format::Json,
        Some("csv") => Format::Csv,
        Some("pdf") => Format::Pdf,
        Some(_) => {
            let detail = "A statement comes as json, csv or pdf.";
            return Err(Problem::bad_request("unknown_format", detail).field("format"));
        }
    };
    let asset = query.asset.as_deref().map(|code| {
        let found = app.exchange.asset_by_code(code).map(|asset| asset.asset);
        found.ok_or_else(|| Problem::bad_request("unknown_asset", "There is no such asset.").field("asset"))
    });
    let moment = |text: &Option<String>, of_day, field| {
        text.as_deref()
            .filter(|text| !text.is_empty())
            .map(|text| read_moment(text, of_day, field))
            .transpose()
    };
    let period = Period {
        from: moment(&query.from, OfDay::First, "from")?,
        to: moment(&query.to, OfDay::Last, "to")?,
    };
    let asked = app
        .exchange
        .statement(user.account, asset.transpose()?, period, format.entries_max());
    let statement = asked.await.map_err(|error| match error {
        StatementError::Backwards => {
            let detail = "The period ends before it begins. Give a later end.";
            Problem::bad_request("period_backwards", detail).field("to")
        }
        StatementError::Moment(error) => problem(error),
    })?;
    if statement.entries > format.entries_max() {
        return Err(too_long(format));
    }
    let subject = Subject {
        statement,
        assets: app.exchange.assets(),
        markets: app.exchange.markets(),
        app,
        from: query.from,
        to: query.to,
    };
    match format {
        Format::Json => Ok(Json(subject.view().await?).into_response()),
        Format::Csv => Ok(download(
            "csv",
            "text/csv; charset=utf-8; header=present",
            statement_csv::body(Arc::new(subject)),
        )),
        Format::Pdf => {
            let assets = subject.whole().await?;
            let pdf = statement_pdf::pdf(&subject, &assets);
            Ok(download("pdf", "application/pdf", Body::from(pdf)))
        }
    }
}

fn too_long(format: Format) -> Problem {
    let most = format.entries_max();
    let advice = match format {
        Format::Csv => "Choose a shorter period or one asset.",
        Format::Json | Format::Pdf => "Choose a shorter period or one asset, or take it as csv.",
    };
    let detail = format!("A statement in this format has at most {most} entries. {advice}");
    Problem::new(StatusCode::BAD_REQUEST, "statement_too_long", detail)
        .field("from")
        .with("limit", most)
}

fn download(extension: &str, kind: &'static str, body: Body) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(value) =
        HeaderValue::from_str(&format!("attachment; filename=\"ensoex-statement.{extension}\""))
    {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

impl Subject {
    async fn view(&self) -> Result<StatementView, Problem> {
        Ok(StatementView {
            account: self.statement.account.to_string(),
            first_sequence: self.statement.first.0,
            last_sequence: self.statement.last.0,
            at: stamp(self.statement.at),
            settled: self.statement.settled,
            assets: self.whole().await?,
        })
    }

    /// All assets with all entries, which add up.
    async fn whole(&self) -> Result<Vec<AssetView>, Problem> {
        let mut whole = Vec::with_capacity(self.statement.assets.len());
        for of in &self.statement.assets {
            let Some(asset) = self.listing(of) else { continue };
            let (mut reader, mut entries) = (EntryReader::new(of), Vec::new());
            while let Some(page) = reader.next(self).await? {
                entries.extend(page);
            }
            whole.push(AssetView {
                asset: asset.code.clone(),
                opening: asset.text(of.opening),
                closing: asset.text(of.closing_total()),
                available: asset.text(of.closing.available),
                held: asset.text(of.closing.held),
                entries,
            });
        }
        Ok(whole)
    }

    pub(crate) fn listing(&self, of: &AssetStatement) -> Option<&AssetListing> {
        self.assets.get(usize::from(of.asset.0))
    }

    fn app(&self) -> &AppState {
        &self.app
    }
}

/// Reads the entries of one asset page by page and adds them up on the way.
pub(crate) struct EntryReader {
    of: AssetStatement,
    place: EntryPlace,
    total: Amount,
    ended: bool,
}

impl EntryReader {
    pub(crate) fn new(of: &AssetStatement) -> EntryReader {
        EntryReader {
            of: *of,
            place: EntryPlace::default(),
            total: of.opening,
            ended: false,
        }
    }

    /// The next page; none at the end, where the sum must be the closing balance.
    pub(crate) async fn next(&mut self, subject: &Subject) -> Result<Option<Vec<EntryView>>, Problem> {
        let Some(asset) = subject.listing(&self.of).filter(|_| !self.ended) else {
            return Ok(None);
        };
        let history = subject.app().exchange.history();
        let rows = history
            .statement_entries(&subject.statement, self.of.asset, self.place, ROWS_MAX)
            .await?;
        self.ended = rows.len() < ROWS_MAX as usize;
        for row in &rows {
            self.total.0 = self.total.0.saturating_add(row.amount.0);
            if self.total != row.total {
                return Err(does_not_add_up(subject));
            }
        }
        if self.ended && self.total != self.of.closing_total() {
            return Err(does_not_add_up(subject));
        }
        if let Some(last) = rows.last() {
            self.place = EntryPlace::after(last);
        }
        let stamp = |at: Timestamp| stamp(at);
        Ok(Some(
            rows.iter()
                .map(|row| row.view(asset, &subject.markets, stamp))
                .collect(),
        ))
    }
}

fn does_not_add_up(subject: &Subject) -> Problem {
    tracing::error!(account = %subject.statement.account, "the entries of a statement do not add up: run ensoex verify");
    let detail = "The entries of this statement do not add up to its balances, so it is not shown. We have been told; your \
                  money is where the log says.";
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "statement_does_not_add_up",
        detail,
    )
}
