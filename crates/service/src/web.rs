//! The web UI, built into the binary. Hashed assets are kept by browsers for ever, the page itself never.

use crate::problem::Problem;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

include!(concat!(env!("OUT_DIR"), "/web_assets.rs"));

/// Serves a file of the UI; every other path is a page of it.
pub(crate) async fn serve(method: Method, uri: Uri) -> Response {
    if method != Method::GET && method != Method::HEAD {
        let detail = "There is nothing at this address that takes this method.";
        return Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).into_response();
    }
    let path = uri.path().trim_start_matches('/');
    if let Some((_, bytes)) = WEB_ASSETS.iter().find(|(name, _)| *name == path) {
        return file(path, bytes);
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    if path == "v1"
        || path == "api"
        || path.starts_with("v1/")
        || path.starts_with("api/")
        || path.starts_with("assets/")
        || last.contains('.')
    {
        return Problem::not_found("not_found", "There is nothing at this address.").into_response();
    }
    match WEB_ASSETS.iter().find(|(name, _)| *name == "index.html") {
        Some((name, bytes)) => file(name, bytes),
        None => (
            StatusCode::OK,
            [
                (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                (header::CACHE_CONTROL, "no-store"),
            ],
            "<!doctype html><title>EnsoEx</title><p>This binary was built without the web pages. \
             Run <code>cargo demo</code>, which builds them, or build the folder <code>web</code> first.</p>",
        )
            .into_response(),
    }
}

fn file(name: &str, bytes: &'static [u8]) -> Response {
    let kind = match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "json" | "webmanifest" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    };
    let lasting = name.starts_with("assets/");
    let cache = if lasting {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    (headers, bytes).into_response()
}
