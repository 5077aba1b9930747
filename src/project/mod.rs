//! The project around a connector: its root folder, its `sconn.toml`, its targets, and its state.

mod after;
mod amounts;
mod hooks;
mod limits;
mod serve;
pub mod state;
mod watch;

pub use after::{MailSettings, MailTls, NamedFile, NetworkSettings};
pub use amounts::{parse_length, parse_wait};
pub use hooks::HookSettings;
pub use limits::{Limits, Retention};
pub use serve::ServeSettings;
pub use watch::Watch;

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is read from `sconn.toml`; everything has a default.
///
/// ```toml
/// [targets.crm]
/// sqlite = "data/crm.sqlite"
///
/// [connectors.vendor_prices]
/// target = "crm"
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    targets: BTreeMap<String, TargetSetting>,
    connectors: BTreeMap<String, ConnectorSetting>,
    hooks: HookSettings,
    watch: BTreeMap<String, watch::WatchSetting>,
    serve: ServeSettings,
    mail: Option<MailSettings>,
    network: NetworkSettings,
    limits: Limits,
    retention: Retention,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetSetting {
    sqlite: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConnectorSetting {
    target: String,
}

/// A project.
#[derive(Clone, Debug)]
pub struct Project {
    root: PathBuf,
    targets: BTreeMap<String, PathBuf>,
    watches: Vec<Watch>,
    /// Whether there is a `sconn.toml`: only then connectors have a life between runs.
    declared: bool,
    ca: Option<NamedFile>,
    settings: Settings,
}

/// Why a project cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct ProjectError {
    /// Why.
    pub cause: String,
    /// What to do.
    pub hint: String,
}

/// The target that is used where none is named.
pub const DEFAULT_TARGET: &str = "store";

impl Project {
    /// The project of a connector: the nearest folder above it with a `sconn.toml`, otherwise the
    /// current folder, which is none.
    ///
    /// # Errors
    /// Where `sconn.toml` cannot be read.
    pub fn of(connector: &Path) -> Result<Self, ProjectError> {
        match Self::root_of(connector) {
            Some(root) => Self::read(&root),
            None => Ok(Self::none()),
        }
    }

    /// The current folder, where nothing is counted.
    pub fn none() -> Self {
        Self {
            root: PathBuf::from("."),
            targets: BTreeMap::new(),
            watches: Vec::new(),
            declared: false,
            ca: None,
            settings: Settings::default(),
        }
    }

    /// The root of a connector's project, whether or not its `sconn.toml` can be read; none where there is no project.
    pub fn root_of(connector: &Path) -> Option<PathBuf> {
        let start = std::path::absolute(connector).unwrap_or_else(|_| connector.to_path_buf());
        // Whatever it is: a project must not be none because its settings cannot be read.
        let known = |d: &&Path| d.join("sconn.toml").symlink_metadata().is_ok();
        start.ancestors().skip(1).find(known).map(Path::to_path_buf)
    }

    /// The project of the current folder.
    ///
    /// # Errors
    /// Where `sconn.toml` cannot be read.
    pub fn here() -> Result<Self, ProjectError> {
        Self::of(Path::new("./x"))
    }

    /// Whether its `sconn.toml` can be read as it is by now, as each command that begins reads it.
    ///
    /// # Errors
    /// Where it cannot.
    pub fn still_read(&self) -> Result<(), ProjectError> {
        if self.declared { Self::read(&self.root).map(drop) } else { Ok(()) }
    }

    fn read(root: &Path) -> Result<Self, ProjectError> {
        let file = root.join("sconn.toml");
        let unreadable = |cause: String| ProjectError {
            cause: format!("{}: {cause}", file.display()),
            hint: "make sure that the file is text and can be read".into(),
        };
        match file.metadata() {
            // Of a pipe nobody may ever write the end.
            Ok(found) if !found.is_file() => return Err(unreadable("this is no file".into())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let link = file.symlink_metadata().is_ok();
                let gone = if link { "this is a link to a file that is not there" } else { "it is gone" };
                return Err(unreadable(gone.into()));
            }
            _ => {}
        }
        let text = std::fs::read_to_string(&file).map_err(|e| unreadable(e.to_string()))?;
        let settings: Settings = toml::from_str(&text).map_err(|e| broken(&file, &text, &e))?;
        let targets = settings.targets.iter().map(|(n, t)| (n.clone(), root.join(&t.sqlite))).collect();
        let watches = watch::watches(root, settings.watch.clone()).map_err(|(at, cause)| ProjectError {
            cause: match at {
                Some(at) => format!("{}:{}: {cause}", file.display(), line(&text, at)),
                None => format!("{}: {cause}", file.display()),
            },
            hint: "a watched folder is written like this:\n[watch.prices]\nconnector = \"vendor_prices\"\n\
                   folder = \"inbox/prices\"\nsettle = \"5s\""
                .into(),
        })?;
        let ca = settings.network.ca.as_ref().map(|ca| NamedFile {
            file: root.join(ca.get_ref()),
            place: format!("{}:{}", file.display(), line(&text, ca.span().start)),
        });
        let project = Self { root: root.to_path_buf(), targets, watches, declared: true, ca, settings };
        let of_watches = project.watches.iter().filter_map(|w| Some(("watch", &w.name, w.target.as_ref()?)));
        let of_connectors =
            project.settings.connectors.iter().map(|(name, c)| ("connectors", name, &c.target));
        for (section, name, target) in of_watches.chain(of_connectors) {
            if target != DEFAULT_TARGET && !project.targets.contains_key(target) {
                let ProjectError { cause, hint } = project.no_target(target);
                let cause = format!("{}: [{section}.{name}]: {cause}", file.display());
                return Err(ProjectError { cause, hint });
            }
        }
        Ok(project)
    }

    /// Whether there is a `sconn.toml`.
    pub fn is_declared(&self) -> bool {
        self.declared
    }

    /// Its root folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What an execution may take.
    pub fn limits(&self) -> Limits {
        self.settings.limits
    }

    /// How long the files of executions stay.
    pub fn retention(&self) -> Retention {
        self.settings.retention
    }

    /// The limits of webhook requests.
    pub fn hooks(&self) -> HookSettings {
        self.settings.hooks
    }

    /// What its service keeps to.
    pub fn serve(&self) -> &ServeSettings {
        &self.settings.serve
    }

    /// The names of the targets that `sconn.toml` names.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.targets.keys().map(String::as_str)
    }

    /// The target of a connector's runs that name none, where `sconn.toml` says one.
    pub fn target_of(&self, connector: &str) -> Option<&str> {
        self.settings.connectors.get(connector).map(|c| c.target.as_str())
    }

    /// The connectors of which `sconn.toml` says something.
    pub fn settled(&self) -> impl Iterator<Item = &str> {
        self.settings.connectors.keys().map(String::as_str)
    }

    /// Where uploads lie until their execution has its own copies.
    pub fn uploads(&self) -> PathBuf {
        self.root.join(".sconn").join("uploads")
    }

    /// The server that e-mails are handed to; without one none are sent.
    pub fn mail(&self) -> Option<&MailSettings> {
        self.settings.mail.as_ref()
    }

    /// What the project may connect to.
    pub fn network(&self) -> &NetworkSettings {
        &self.settings.network
    }

    /// The file with the authorities that are trusted beside the public ones.
    pub fn ca(&self) -> Option<&NamedFile> {
        self.ca.as_ref()
    }

    /// Where people reach the project's service, where that is said; without a `/` at its end.
    pub fn url(&self) -> Option<&str> {
        self.settings.serve.url.as_deref().map(|u| u.trim_end_matches('/'))
    }

    /// The project's state; none without a `sconn.toml`: there runs are on their own.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn state(&self) -> Result<Option<state::State>, ProjectError> {
        if !self.declared {
            return Ok(None);
        }
        state::State::open(&self.root.join(".sconn").join("state.sqlite")).map(Some)
    }

    /// The folders that are watched for files, by name.
    pub fn watches(&self) -> &[Watch] {
        &self.watches
    }

    /// Where executions are kept.
    pub fn executions(&self) -> PathBuf {
        self.root.join(".sconn").join("executions")
    }

    /// The file of a target of the embedded store: one of `sconn.toml`, the default one, or a path.
    ///
    /// # Errors
    /// Where there is no target of that name.
    pub fn target(&self, name: Option<&str>) -> Result<PathBuf, ProjectError> {
        let name = name.unwrap_or(DEFAULT_TARGET);
        if let Some(path) = self.targets.get(name) {
            return Ok(path.clone());
        }
        if name == DEFAULT_TARGET {
            return Ok(self.root.join(".sconn").join("store.sqlite"));
        }
        // A path is written with its ending or its folder, a name has neither.
        if name.contains(['/', '\\', '.']) {
            return Ok(PathBuf::from(name));
        }
        Err(self.no_target(name))
    }

    fn no_target(&self, name: &str) -> ProjectError {
        let near = crate::diagnostic::nearest(name, self.targets.keys().map(String::as_str));
        ProjectError {
            cause: format!("there is no target `{name}`"),
            hint: match near {
                Some(n) => format!("did you mean `{n}`?"),
                None => format!("add it to sconn.toml:\n[targets.{name}]\nsqlite = \"{name}.sqlite\""),
            },
        }
    }
}

/// What is wrong with a `sconn.toml`, and where.
fn broken(file: &Path, text: &str, error: &toml::de::Error) -> ProjectError {
    let line = line(text, error.span().map_or(0, |span| span.start));
    let wrong = text.lines().nth(line - 1).unwrap_or_default().trim();
    ProjectError {
        cause: format!("{}:{line}: {}", file.display(), error.message()),
        hint: format!("mend `{wrong}`; a setting that is left out has its default"),
    }
}

/// The line of a byte.
fn line(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count() + 1
}
