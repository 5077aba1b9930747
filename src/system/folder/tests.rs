#![allow(clippy::unwrap_used)]

use super::*;

#[test]
#[cfg(target_os = "linux")]
fn a_process_is_at_work_in_the_folder_that_it_holds_and_in_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let folder = |name: &str| ExecutionFolder::create(&dir.path().join(name), &|| true).unwrap();
    let (held, other) = (folder("held"), dir.path().join("other"));
    drop(folder("other"));
    let own = std::process::id();
    assert!(at_work_in(own, held.root()));
    assert!(!at_work_in(own, &other), "nobody holds it any more");
    // The number of a worker that is gone may be that of a program of ours that does something else.
    let mut stranger = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    assert!(!at_work_in(stranger.id(), held.root()));
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    assert!(!at_work_in(stranger.id(), held.root()));
}

#[test]
fn what_the_queue_does_not_know_is_unborn_until_it_does() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("one");
    let folder = ExecutionFolder::create(&root, &|| true).unwrap();
    folder.leave();
    folder.unknown().unwrap();
    folder.save(FROZEN, "{}").unwrap();
    assert!(ExecutionFolder::unborn(&root).is_none(), "whoever makes it is at it");
    drop(folder);
    assert!(ExecutionFolder::unborn(&root).is_some());
    let folder = ExecutionFolder::reopen(&root).unwrap();
    folder.known();
    drop(folder);
    assert!(ExecutionFolder::unborn(&root).is_none(), "it waits");
}

#[test]
fn a_file_has_the_rights_of_its_folder_and_is_made_once() {
    let dir = tempfile::tempdir().unwrap();
    let own = |mode| fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    own(0o700);
    let private = dir.path().join("private");
    make_file(&private).unwrap();
    assert_eq!(mode(&private), 0o600);
    fs::write(&private, "x").unwrap();
    own(0o770);
    make_file(&private).unwrap();
    assert_eq!((fs::read_to_string(&private).unwrap().as_str(), mode(&private)), ("x", 0o600));
    // Whoever runs the tests may have a umask that gives the group nothing.
    let shared = dir.path().join("shared");
    make_file(&shared).unwrap();
    assert!([0o660, 0o640, 0o600].contains(&mode(&shared)), "{:o}", mode(&shared));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn a_new_sconn_folder_is_its_owners_alone_and_an_old_one_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let new = dir.path().join("deep/.sconn");
    make(&new.join("executions/1")).unwrap();
    assert_eq!(mode(&new), 0o700);
    assert!(new.join("executions/1").is_dir());
    fs::set_permissions(&new, fs::Permissions::from_mode(0o750)).unwrap();
    make(&new.join("executions/2")).unwrap();
    assert_eq!(mode(&new), 0o750);
    make(&dir.path().join("out/input")).unwrap();
    assert!(dir.path().join("out/input").is_dir());
}
