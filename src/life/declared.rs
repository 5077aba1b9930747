//! The connectors that lie in the project's folder, as their files declare them.

use super::{Connector, Failure, connector_files};
use crate::plan::ConnectorPlan;
use crate::project::Project;
use crate::project::state::State;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Makes the connectors known that lie in the project's folder: those that were never activated are in
/// *Setup in Progress*, however unfinished their files are. Those are forgotten of which there is nothing any more.
///
/// # Errors
/// Where the state cannot be read or written.
pub fn discover(project: &Project, state: &mut State) -> Result<(), Failure> {
    Files::default().declared(project, state).map(drop)
}

/// The project's files, each read again only where it changed.
#[derive(Default)]
pub(super) struct Files(BTreeMap<PathBuf, Seen>);

/// A file, when it was written last, its size, and the connector that it declares.
type Seen = (SystemTime, u64, Option<ConnectorPlan>);

impl Files {
    /// The connectors that the files declare, by name; the state gets to know those that it does not.
    pub(super) fn declared(
        &mut self,
        project: &Project,
        state: &mut State,
    ) -> Result<BTreeMap<String, ConnectorPlan>, Failure> {
        let mut files = Vec::new();
        // A folder that may not be read keeps its connectors from us, and not the others'.
        let _ = connector_files(project.root(), &mut files);
        files.sort();
        self.0.retain(|file, _| files.contains(file));
        let mut all = BTreeMap::new();
        for file in files {
            let Some(declared) = self.read(&file) else { continue };
            // A second file of that name is not taken for the first.
            if all.contains_key(&declared.name) {
                continue;
            }
            let relative = file.strip_prefix(project.root()).unwrap_or(&file).display().to_string();
            let known = state.connector(&declared.name)?;
            // One that was activated keeps its file until another one is.
            if known
                .is_none_or(|k| k.version.is_none() && (&k.label, &k.file) != (&declared.label, &relative))
            {
                state.know(&declared.name, &declared.label, &relative)?;
            }
            all.insert(declared.name.clone(), declared);
        }
        for unused in state.never_used()? {
            if !all.contains_key(&unused.name) && self.is_given_up(&project.root().join(&unused.file)) {
                state.forget(&unused.name)?;
            }
        }
        Ok(all)
    }

    /// Whether a file is gone, or declares something else by now. One that declares nothing may be about to again.
    fn is_given_up(&mut self, file: &Path) -> bool {
        !file.is_file() || self.read(file).is_some()
    }

    fn read(&mut self, file: &Path) -> Option<ConnectorPlan> {
        let now = file.metadata().and_then(|m| Ok((m.modified()?, m.len()))).ok()?;
        if let Some((modified, length, declared)) = self.0.get(file)
            && (*modified, *length) == now
        {
            return declared.clone();
        }
        let declared = Connector::declared(file).ok().flatten();
        self.0.insert(file.to_path_buf(), (now.0, now.1, declared.clone()));
        declared
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::life::{Known, activate};

    const WHOLE: &str = "connector shop { name \"Shop\" trigger spreadsheet sample \"list.csv\" }\n\
        object items { name: text required }\nscope items from input.list { sku: string }\n\
        load items into items { match name with sku  map { name <- sku } }\n";

    #[test]
    fn connectors_are_known_by_their_files_until_they_are_activated() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        let moved = |a: &str, b: &str| std::fs::rename(dir.path().join(a), dir.path().join(b)).unwrap();
        file("sconn.toml", "");
        let project = Project::of(&dir.path().join("x")).unwrap();
        let known = || {
            let mut state = project.state().unwrap().unwrap();
            discover(&project, &mut state).unwrap();
            let all = state.connectors().unwrap().into_iter();
            all.map(|c| [c.name, c.label, c.file].join(" ")).collect::<Vec<_>>()
        };
        file("objects.sconn", "object items { name: text required }\n");
        assert!(known().is_empty(), "a file without a connector is none");
        file("draft.sconn", "connector shop { name \"Draft\" }\nscope broken {");
        assert_eq!(known(), ["shop Draft draft.sconn"], "one with errors is known too");
        file("late.sconn", "connector shop { name \"Late\" }\n");
        assert_eq!(known(), ["shop Draft draft.sconn"], "the first file of a name has it");
        moved("draft.sconn", "new.sconn");
        assert_eq!(known(), ["shop Late late.sconn"]);
        file("slip.sconn", "connector slip { name \"Slip\" }\n");
        assert_eq!(known().len(), 2);
        file("slip.sconn", "connector {\n");
        assert_eq!(known().len(), 2, "it is being written");
        file("slip.sconn", "connector slipped { name \"Slip\" }\n");
        assert_eq!(known(), ["shop Late late.sconn", "slipped Slip slip.sconn"]);
        std::fs::remove_file(dir.path().join("slip.sconn")).unwrap();
        assert_eq!(known(), ["shop Late late.sconn"]);
        file("late.sconn", WHOLE);
        file("list.csv", "sku\na\n");
        let mut found = Known::find(&dir.path().join("late.sconn")).unwrap();
        let connector = Connector::load(&found.file).unwrap();
        let plan = connector.plan_or_failure().unwrap();
        activate(&mut found, &connector, &plan, |_| Ok(Vec::new())).unwrap();
        moved("late.sconn", "moved.sconn");
        assert_eq!(known(), ["shop Shop late.sconn"], "one that is active keeps its file");
    }
}
