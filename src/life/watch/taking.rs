//! How a file becomes an execution, of which connector.

use super::taken::{archive, reject};
use super::{At, facts};
use crate::input::InputFile;
use crate::life::activation::plan_to_run;
use crate::life::triggers::{Desk, ask};
use crate::life::{Ask, Connector, Failure, discover};
use crate::plan::Plan;
use crate::project::state::{Claim, ConnectorState, State, Watched};
use crate::project::{Project, Watch};
use crate::system::crash;
use crate::system::foreign::{self, Origin};
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Makes an execution of a file, and takes the file out of its folder; whether it was still the same.
pub(super) fn take_one(
    desk: &mut Desk<'_>,
    state: &mut State,
    at: At<'_>,
    (connector, plan): (&Path, &Plan),
    path: &Path,
    own: &OsStr,
) -> Result<bool, Failure> {
    let watch = at.watch;
    let Some(name) = own.to_str() else {
        let why = "its name is no UTF-8 text: give it another one";
        return reject(at, own, &own.to_string_lossy(), why).map(|()| true);
    };
    // A file that is renamed, away and back again even, has changed by that.
    let as_is = |m: fs::Metadata| (facts(&m), m.ctime(), m.ctime_nsec());
    // Held open, so that no other one is taken for it.
    let (open, before) = match foreign::open(path).and_then(|f| f.metadata().map(|m| (f, as_is(m)))) {
        Ok(opened) => opened,
        // It was taken away, or somebody put a link in its place: the next look passes it over.
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput) => return Ok(false),
        Err(e) if e.kind() == ErrorKind::PermissionDenied => {
            return reject(at, own, name, "it may not be read: permission denied").map(|()| true);
        }
        Err(e) => return Err(e.into()),
    };
    let input = InputFile { path: path.to_path_buf(), name: name.to_owned(), origin: Origin::Foreign };
    let asked_by = format!("folder {}", watch.name);
    let ask = Ask {
        live: watch.live,
        target: watch.target.clone(),
        ..ask(connector.to_path_buf(), input, asked_by)
    };
    let mut claim = Claim {
        watch: watch.name.clone(),
        name: name.to_owned(),
        mtime: before.0.mtime,
        sha256: String::new(),
    };
    let id = desk.execution(state, plan.clone(), ask, |state, asked, new| {
        crash::point("watched copied");
        // What was copied is the file only where it is still what it was.
        if fs::symlink_metadata(path).map(as_is).ok() != Some(before) {
            return Ok(false);
        }
        claim.sha256 = asked.kept_files()?.into_iter().map(|k| k.sha256).collect();
        Ok(state.queue_watched(&claim, new)?)
    })?;
    drop(open);
    crash::point("watched claimed");
    let Some(execution) = id else { return Ok(false) };
    (at.news)(format!("{execution}  {name} from folder {} is queued", watch.name));
    archive(state, at, &Watched { execution, claim, archived: false }, Some(before.0))?;
    Ok(true)
}

/// The file of a watch's connector, and what the project knows of it.
pub(super) fn place(
    project: &Project,
    state: &mut State,
    watch: &Watch,
) -> Result<(PathBuf, Option<ConnectorState>), Failure> {
    let mut all = state.connectors()?;
    if all.iter().all(|c| c.name != watch.connector && c.file != watch.connector) {
        discover(project, state)?;
        all = state.connectors()?;
    }
    let known = all.iter().find(|c| c.name == watch.connector || c.file == watch.connector);
    let file = project.root().join(known.map_or(&watch.connector, |c| &c.file));
    // Live, one that was activated need not be there any more.
    if file.is_file() || watch.live && known.is_some_and(|c| c.version.is_some()) {
        return Ok((file, known.cloned()));
    }
    let near = crate::diagnostic::nearest(&watch.connector, all.iter().map(|c| c.name.as_str()));
    Err(Failure::new(
        format!("there is no connector `{}`", watch.connector),
        match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "give its name, or its file, counted from the folder of sconn.toml".to_owned(),
        },
    ))
}

/// The plan that an execution of a watch is made with. Live, one that was activated need not be read again;
/// which version runs is known when it begins.
pub(super) fn plan(
    state: &State,
    watch: &Watch,
    file: &Path,
    known: Option<ConnectorState>,
) -> Result<Plan, Failure> {
    if let (true, Some((known, version))) = (watch.live, known.and_then(|c| Some((c.name, c.version?)))) {
        return plan_to_run(state, &known, version);
    }
    Connector::load(file)?.plan().map_err(|_| {
        let shown = file.display();
        Failure::new(format!("{shown} has errors"), format!("`sconn check {shown}` tells them"))
    })
}
