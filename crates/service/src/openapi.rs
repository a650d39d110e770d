//! The OpenAPI document of `/v1`, generated from the handlers.

use axum::Json;
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "EnsoEx",
        description = "The Service's own API: registration, wallet, trading for people, personal data, documents. \
            The trading API for programs follows the Binance Spot convention under /api/v3 and is documented in clients/README.md. \
            Amounts are decimal strings. Errors are RFC 9457 problem details with a stable `code`.",
    ),
    paths(
        crate::public::health,
        crate::public::markets,
        crate::policy_history::policy,
        crate::policy_history::policy_at,
        crate::policy_history::policy_versions,
        crate::policy_history::policy_version,
        crate::my_policy::mine_at,
        crate::policy_history::head,
        crate::policy_history::log,
        crate::policy_history::consistency,
        crate::policy_history::inclusion,
        crate::public::catalogue,
        crate::clauses::clauses,
        crate::public::registration_limits,
        crate::public::access_head,
        crate::disclosures::counts,
        crate::public::receipt_key,
        document,
        crate::registration::start,
        crate::registration::confirm,
        crate::registration::resend,
        crate::session::sign_in,
        crate::session::sign_out,
        crate::session::state,
        crate::me::profile,
        crate::my_policy::acknowledgement,
        crate::my_policy::acknowledge,
        crate::my_policy::receipts,
        crate::my_policy::receipt,
        crate::me::access_log,
        crate::me::access_report,
        crate::disclosures::mine,
        crate::me::export,
        crate::me::export_schema,
        crate::correction::start,
        crate::correction::confirm,
        crate::correction::history,
        crate::consents::state,
        crate::consents::change,
        crate::consents::receipt,
        crate::public::statistics,
        crate::restriction::state,
        crate::restriction::restrict,
        crate::restriction::lift,
        crate::risk::mine::list,
        crate::risk::mine::ask,
        crate::rights::ask,
        crate::rights::list,
        crate::rights::receipt,
        crate::erasure::state,
        crate::erasure::erase,
        crate::erasure::certificate,
        crate::wallet::balances,
        crate::wallet::ledger,
        crate::account_at::balances,
        crate::account_at::open_orders,
        crate::statement::statement,
        crate::wallet::create_deposit,
        crate::wallet::deposits,
        crate::wallet::deposit,
        crate::wallet::create_withdrawal,
        crate::wallet::withdrawals,
        crate::wallet::withdrawal,
        crate::wallet::continue_withdrawal,
        crate::wallet::cancel_withdrawal,
        crate::trading::place,
        crate::trading::oco::place,
        crate::trading::orders,
        crate::trading::one,
        crate::trading::cancel,
        crate::trading::trades,
        crate::api_keys::create,
        crate::api_keys::list,
        crate::api_keys::delete,
        crate::pay_events::webhook,
    )
)]
pub(crate) struct ApiDoc;

/// This document.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "public", responses((status = 200, description = "OpenAPI 3.1")))]
pub(crate) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(ApiDoc::openapi())
}
