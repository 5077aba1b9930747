//! `sconn tokens`: who may use the service.

use super::args::{Format, TokensCommand};
use super::{Exit, Failure, print, print_json, tell_result};
use crate::life::no_project;
use crate::project::Project;
use crate::system::clock::{Clock, SystemClock};
use crate::system::say::say;
use serde_json::json;

pub(super) fn tokens(command: TokensCommand) -> Result<Exit, Failure> {
    let project = Project::here()?;
    let Some(mut state) = project.state()? else { return Err(no_project(project.root())) };
    match command {
        TokensCommand::Add { name, role, email, format } => {
            // 244 random bits; only a hash of it is kept.
            let token = format!("sconn_{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
            state.add_token(&name, role.into(), &token, SystemClock.now())?;
            let email = email.unwrap_or_default();
            state.set_token_email(&name, &email)?;
            say(format_args!("the token `{name}`; it is shown only now:"));
            let role = crate::project::state::Role::from(role).name();
            let json = json!({ "name": name, "role": role, "email": email, "token": token });
            return tell_result(format, &token, &json);
        }
        TokensCommand::List { format } => {
            if format == Format::Json {
                return print_json(&state.tokens()?);
            }
            for token in state.tokens()? {
                let line = format!(
                    "{}  {}  made {}  {}",
                    token.name,
                    token.role.name(),
                    token.created_at,
                    token.email
                );
                print(&format!("{}\n", line.trim_end()))?;
            }
        }
        TokensCommand::Remove { name, format } => {
            if !state.remove_token(&name)? {
                let all = state.tokens()?;
                let near = crate::diagnostic::nearest(&name, all.iter().map(|t| t.name.as_str()));
                return Err(Failure::new(
                    format!("there is no token `{name}`"),
                    near.map_or("`sconn tokens list` shows those there are".into(), |n| {
                        format!("did you mean `{n}`?")
                    }),
                ));
            }
            let text = format!("the token `{name}` is no longer taken");
            return tell_result(format, &text, &json!({ "name": name, "removed": true }));
        }
    }
    Ok(Exit::Clean)
}
