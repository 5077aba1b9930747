//! What handlers are given, refused in our own words where it does not fit.

use super::{ApiError, App};
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use serde::de::DeserializeOwned;

/// Bytes of a JSON body.
const MOST_JSON: usize = 256 << 10;

fn bad(error: String, help: &str) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, error, help)
}

/// What comes in, unless its sender takes too long over it.
pub(super) async fn heard<T>(app: &App, coming: impl Future<Output = T>) -> Result<T, ApiError> {
    let silence = app.project().serve().silence;
    tokio::time::timeout(silence, coming)
        .await
        .map_err(|_| too_slow(format!("after {} seconds more was still to come", silence.as_secs())))
}

/// A sender that was not waited for any longer.
pub(super) fn too_slow(what: String) -> ApiError {
    ApiError::new(StatusCode::REQUEST_TIMEOUT, format!("the sender was too slow: {what}"), "send it again")
}

/// The media type of a body: in small letters, since their case does not count, and without its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The variable parts of the path.
#[derive(Clone, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = axum::extract::Path::from_request_parts(parts, state).await;
        path.map(|p| Self(p.0)).map_err(|e| {
            let what = match &e {
                PathRejection::FailedToDeserializePathParams(e) => match e.kind() {
                    ErrorKind::ParseError { value, .. }
                    | ErrorKind::ParseErrorAtKey { value, .. }
                    | ErrorKind::ParseErrorAtIndex { value, .. }
                    | ErrorKind::DeserializeError { value, .. } => {
                        format!("`{value}` is no id of what is asked for")
                    }
                    ErrorKind::InvalidUtf8InPathParam { .. } => "the address is not UTF-8 text".to_owned(),
                    _ => "the address holds no id of what is asked for".to_owned(),
                },
                _ => "the address cannot be read".to_owned(),
            };
            bad(what, "the API's description says what addresses there are")
        })
    }
}

/// The query, as named values.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        read_query(&parts.uri).map(Self)
    }
}

/// The query, as the pairs that it is made of.
#[derive(Clone, Debug)]
pub struct Pairs(pub Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Pairs {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        read_query(&parts.uri).map(Self)
    }
}

fn read_query<T: DeserializeOwned>(uri: &Uri) -> Result<T, ApiError> {
    let query = axum::extract::Query::try_from_uri(uri);
    query.map(|q| q.0).map_err(|e| {
        let what = e.body_text().replace("Failed to deserialize query string: ", "");
        let what = what.replace("invalid digit found in string", "this is no whole number");
        bad(format!("the query cannot be read: {what}"), "the API's description says what may be asked")
    })
}

/// A JSON body; nothing at all, or null, is the default.
#[derive(Clone, Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + Default> FromRequest<App> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let json = media_type(request.headers()) == "application/json";
        let bytes =
            heard(app, axum::body::to_bytes(request.into_body(), MOST_JSON)).await?.map_err(|_| {
                ApiError::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    format!("the body has more than {MOST_JSON} bytes"),
                    "",
                )
            })?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        if !json {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the body is not JSON",
                "send it with the header `Content-Type: application/json`",
            ));
        }
        serde_json::from_slice::<Option<T>>(&bytes)
            .map(|body| Self(body.unwrap_or_default()))
            .map_err(|e| bad(format!("the body cannot be read: {e}"), ""))
    }
}
