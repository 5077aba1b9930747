//! A file as an answer: whole, a part of it, or that it is as it was.

use super::ApiError;
use crate::life::io_words;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::fmt::Write;
use std::path::Path;
use tower_http::services::ServeFile;

/// Sends a file, to be kept under that name.
///
/// # Errors
/// Where it cannot be read.
pub(super) async fn file(path: &Path, name: &str, request: Request) -> Result<Response, ApiError> {
    let (method, mut headers) = (request.method().clone(), request.headers().clone());
    let range = headers.get(header::RANGE).and_then(Range::of);
    if range.is_none() {
        headers.remove(header::RANGE);
    }
    let mut sent = serve(path, &method, &headers).await?;
    let status = sent.status();
    let not_there = status == StatusCode::RANGE_NOT_SATISFIABLE;
    let part = not_there || status == StatusCode::PARTIAL_CONTENT;
    if part && (!same(&headers, sent.headers()) || not_there && range == Some(Range::Last)) {
        headers.remove(header::RANGE);
        sent = serve(path, &method, &headers).await?;
    }
    if let Ok(value) = HeaderValue::from_str(&disposition(name)) {
        sent.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(sent)
}

async fn serve(path: &Path, method: &Method, headers: &HeaderMap) -> Result<Response, ApiError> {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method.clone();
    *request.headers_mut() = headers.clone();
    let sent = ServeFile::new(path).try_call(request).await.map_err(|e| {
        ApiError::new(StatusCode::NOT_FOUND, format!("the file cannot be read: {}", io_words(&e)), "")
    })?;
    if sent.status() == StatusCode::NOT_FOUND {
        return Err(ApiError::new(StatusCode::NOT_FOUND, "the file is not there any more", ""));
    }
    Ok(sent.into_response())
}

/// Whether the part is of what the caller has the rest of: as `If-Range` says, by the tag or the time that were
/// sent with it.
fn same(asked: &HeaderMap, sent: &HeaderMap) -> bool {
    let Some(rest) = asked.get(header::IF_RANGE) else { return true };
    [header::ETAG, header::LAST_MODIFIED].iter().any(|h| sent.get(h) == Some(rest))
}

/// The one part that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    /// From a place on.
    From,
    /// So many bytes at the end: where there are fewer, all of them.
    Last,
}

impl Range {
    /// None where the header asks for several, in another unit, or cannot be read: it is as if it were not there
    /// (RFC 9110, 14.2).
    fn of(header: &HeaderValue) -> Option<Self> {
        let (unit, range) = header.to_str().ok()?.split_once('=')?;
        let (first, last) = range.trim().split_once('-')?;
        let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let value = |text: &str| text.parse().unwrap_or(u128::MAX);
        match (number(first), last.is_empty(), number(last)) {
            _ if unit != "bytes" => None,
            (true, true, _) => Some(Range::From),
            (true, _, true) if value(first) <= value(last) => Some(Range::From),
            // Of no bytes there is no part.
            (false, _, true) if first.is_empty() && value(last) == 0 => Some(Range::From),
            (false, _, true) if first.is_empty() => Some(Range::Last),
            _ => None,
        }
    }
}

/// What is written `%XX` where it is not a plain letter.
fn encoded(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The header that names a download, whatever letters its name has.
fn disposition(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_. ".contains(c) { c } else { '_' }).collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", encoded(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_one_part_that_can_be_read_or_none() {
        for (text, range) in [
            ("bytes=0-9", Some(Range::From)),
            ("bytes=10-", Some(Range::From)),
            ("bytes=99999999999999999999999999-", Some(Range::From)),
            ("bytes=-0", Some(Range::From)),
            ("bytes=-5", Some(Range::Last)),
            ("bytes=9-0", None),
            ("bytes=0-1,4-5", None),
            ("bytes=-", None),
            ("bytes=a-b", None),
            ("bytes=+1-2", None),
            ("rows=0-9", None),
            ("bytes", None),
        ] {
            assert_eq!(Range::of(&HeaderValue::from_static(text)), range, "{text}");
        }
    }
}
