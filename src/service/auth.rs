//! Who asks, and what they may do.

use super::around::Who;
use super::{ApiError, App};
use crate::life::hooks::bearer;
use crate::project::state::Role;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};

/// The holder of a token.
#[derive(Clone, Debug)]
pub struct Caller {
    /// What people call the token.
    pub name: String,
    /// What its holder may do.
    pub role: Role,
    /// Its holder's e-mail address; empty where none is known.
    pub email: String,
}

impl Caller {
    /// Who started what they start: an address, to which the report is sent, or the token's name.
    pub fn who(&self) -> &str {
        if self.email.is_empty() { &self.name } else { &self.email }
    }

    /// Refuses where the role is not enough.
    ///
    /// # Errors
    /// 403.
    pub fn may(&self, role: Role) -> Result<(), ApiError> {
        if self.role >= role {
            return Ok(());
        }
        Err(ApiError::new(
            StatusCode::FORBIDDEN,
            format!("the token `{}` may not do this: its role is {}", self.name, self.role.name()),
            format!("use a token with the role {}", role.name()),
        ))
    }
}

/// The token of a request.
pub(super) fn token(headers: &HeaderMap) -> Option<String> {
    headers.get(header::AUTHORIZATION)?.to_str().ok().and_then(bearer).map(str::to_owned)
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let refused = |what, mend| ApiError::new(StatusCode::UNAUTHORIZED, what, mend);
        let token = token(&parts.headers).ok_or_else(|| {
            let mend = "send `Authorization: Bearer TOKEN`; `sconn tokens add NAME` makes one";
            refused("a token is needed", mend)
        })?;
        let found = app.with(move |state| state.token(&token)).await?.ok_or_else(|| {
            let mend =
                "it was removed, made anew, or is another project's; `sconn tokens add NAME` makes one";
            refused("this token is not known", mend)
        })?;
        if let Some(who) = parts.extensions.get::<Who>() {
            who.is(&found.name);
        }
        Ok(Self { name: found.name, role: found.role, email: found.email })
    }
}

macro_rules! role {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(pub Caller);

        impl FromRequestParts<App> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
                let caller = Caller::from_request_parts(parts, app).await?;
                caller.may(Role::$name)?;
                Ok(Self(caller))
            }
        }
    };
}

role!(
    /// A caller who may look at everything.
    Read
);
role!(
    /// A caller who may start, cancel and resume executions.
    Run
);
role!(
    /// A caller who may activate and deactivate connectors.
    Admin
);
