//! Who reads the page: the session's cookie, and the word that their forms are signed with. Only the
//! page takes the cookie; the API takes tokens alone, so that no other site can reach it with somebody's
//! session.

use super::super::around::Who;
use super::super::extract::heard;
use super::super::{ApiError, App, Caller};
use super::PageError;
use super::login::own_path;
use crate::project::state::Role;
use crate::system::clock::{Clock, SystemClock};
use axum::extract::{Form, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const COOKIE: &str = "sconn_session";

/// The random id of a session.
#[derive(Clone)]
pub struct SessionId(String);

impl SessionId {
    /// 244 random bits.
    pub fn new() -> Self {
        Self(format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple()))
    }

    /// The one that the browser sent, if it sent one.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|c| c.to_str().ok());
        let mut pairs = cookies.flat_map(|c| c.split(';')).filter_map(|c| c.trim().split_once('='));
        let (_, id) = pairs.find(|(name, _)| *name == COOKIE)?;
        let good = id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
        good.then(|| Self(id.to_owned()))
    }

    /// The id itself, for the state, which keeps a hash of it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What forms of this session are signed with. It follows from the id and does not tell it.
    pub fn csrf(&self) -> String {
        let digest = Sha256::digest(format!("form of {}", self.0));
        digest.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Whether a form is of this session.
    pub fn signed(&self, word: &str) -> bool {
        self.csrf().as_bytes().ct_eq(word.as_bytes()).into()
    }

    /// The cookie; no script reads it, and no other site sends it.
    pub fn cookie(&self, headers: &HeaderMap) -> HeaderValue {
        set_cookie(&self.0, headers, "")
    }

    /// What makes the browser forget it.
    pub fn forget(headers: &HeaderMap) -> HeaderValue {
        set_cookie("", headers, "; Max-Age=0")
    }
}

fn set_cookie(id: &str, headers: &HeaderMap, more: &str) -> HeaderValue {
    // The service itself speaks plain HTTP; a proxy in front of it says that the browser does not.
    let https = headers.get("x-forwarded-proto").is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"https"));
    let secure = if https { "; Secure" } else { "" };
    let text = format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Strict{secure}{more}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// Somebody who has logged in.
#[derive(Clone)]
pub struct Visitor {
    /// The holder of the token.
    pub caller: Caller,
    /// Who started what they start: an address, to which the report is sent, or the token's name.
    pub who: String,
    /// Their session.
    pub id: SessionId,
    /// Whether it is not they who ask but their page, for what has changed.
    pub polls: bool,
}

impl Visitor {
    /// Whose session it is, if it is still somebody's.
    pub async fn of(app: &App, id: SessionId) -> Result<Option<Self>, ApiError> {
        let asked = id.clone();
        let token = app.with(move |state| state.session(asked.reveal(), SystemClock.now())).await?;
        Ok(token.map(|token| {
            let caller = Caller { name: token.name, role: token.role, email: token.email };
            Self { who: caller.who().to_owned(), caller, id, polls: false }
        }))
    }

    /// What the templates sign forms with.
    pub fn csrf(&self) -> String {
        self.id.csrf()
    }

    /// Whether they may start, cancel and resume executions.
    pub fn runs(&self) -> bool {
        self.caller.role >= Role::Run
    }

    /// Whether they may activate connectors.
    pub fn administers(&self) -> bool {
        self.caller.role >= Role::Admin
    }

    /// Refuses where the form is not of their session or their role is not enough.
    pub fn signs(&self, word: Option<&str>, role: Role) -> Result<(), PageError> {
        if !word.is_some_and(|word| self.id.signed(word)) {
            return Err(PageError::unsigned());
        }
        Ok(self.caller.may(role)?)
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let visitor = match SessionId::of(&parts.headers) {
            Some(id) => Self::of(app, id).await?,
            None => None,
        };
        let Some(visitor) = visitor else {
            // Only what can be looked at can be come back to: of a form, the page that it was on.
            let ended = !matches!(parts.method, Method::GET | Method::HEAD);
            let next = if ended { came_from(&parts.headers) } else { parts.uri.to_string() };
            return Err(PageError::Login { next, ended });
        };
        if let Some(who) = parts.extensions.get::<Who>() {
            who.is(&visitor.caller.name);
        }
        Ok(Self { polls: parts.headers.contains_key("x-poll"), ..visitor })
    }
}

/// The page that a form was on. Behind a proxy the host that the browser names is none that is known here, so only the
/// path counts: whatever it is, it leads nowhere but to a page of this service.
fn came_from(headers: &HeaderMap) -> String {
    let referer = headers.get(header::REFERER).and_then(|v| v.to_str().ok()?.split_once("://"));
    let path = referer.and_then(|(_, rest)| rest.get(rest.find('/')?..));
    own_path(path.unwrap_or("/")).to_owned()
}

/// A visitor who may start executions: that is known before what they send is read.
pub struct Runner(pub Visitor);

impl FromRequestParts<App> for Runner {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let visitor = Visitor::from_request_parts(parts, app).await?;
        visitor.caller.may(Role::Run)?;
        Ok(Self(visitor))
    }
}

/// A form without files.
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// The first value of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// All its values.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(n, _)| n == name).map(|(_, value)| value.clone()).collect()
    }
}

impl FromRequest<App> for Fields {
    type Rejection = PageError;

    async fn from_request(request: Request, app: &App) -> Result<Self, PageError> {
        let form = heard(app, Form::<Vec<(String, String)>>::from_request(request, app)).await?;
        let Form(fields) = form.map_err(|e| ApiError::new(e.status(), e.body_text(), ""))?;
        Ok(Self(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_come_back_to_only_on_these_pages() {
        for (referer, next) in [
            ("https://sconn.example/connectors/shop/start?again=x", "/connectors/shop/start?again=x"),
            // The host is the proxy's: a path of another site is none of its own here.
            ("https://other.example/connectors/shop", "/connectors/shop"),
            ("https://sconn.example//other.example", "/"),
            ("https://sconn.example/\\other.example", "/"),
            ("https://sconn.example", "/"),
            ("https://sconn.example?/x", "/x"),
            ("nonsense", "/"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("127.0.0.1:8080"));
            headers.insert(header::REFERER, HeaderValue::from_static(referer));
            assert_eq!(came_from(&headers), next, "{referer}");
        }
        assert_eq!(came_from(&HeaderMap::new()), "/");
    }
}
