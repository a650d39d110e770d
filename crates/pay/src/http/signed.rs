//! Every request to the API is signed by the Service: over the raw bytes, before anything is parsed.

use super::Edge;
use super::failure::{Failure, request_id};
use crate::clock;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ensoex_pay_api::{
    BODY_BYTES_MAX, ErrorCode, REQUEST_ID_HEADER, REQUEST_SIGNATURE_HEADER, SignatureError, verify_request,
};

/// Lets a request through whose signature is right.
pub(crate) async fn verify(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return Failure::of(ErrorCode::BodyTooLarge).into_response();
    };
    let header = parts.headers.get(REQUEST_SIGNATURE_HEADER);
    let path_and_query = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let verified = verify_request(
        &edge.request_secrets,
        header.and_then(|value| value.to_str().ok()),
        clock::now(),
        parts.method.as_str(),
        path_and_query,
        &body,
    );
    match verified {
        Ok(()) => {}
        Err(SignatureError::Missing | SignatureError::Malformed) => {
            return Failure::of(ErrorCode::SignatureMissing).into_response();
        }
        Err(error) => {
            let message = format!("Refused: {error}.");
            return Failure::with_message(ErrorCode::SignatureInvalid, message).into_response();
        }
    }
    let mut response = next.run(Request::from_parts(parts, Body::from(body))).await;
    if !response.headers().contains_key(REQUEST_ID_HEADER)
        && let Ok(value) = HeaderValue::from_str(&request_id())
    {
        response.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    response
}
