use std::fs::File;
use std::os::unix::fs::{MetadataExt, chown, symlink};

use rustix::process::geteuid;

use super::*;

const EVERYONE: u32 = 0o777;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// Returns why a folder, or the reading of a file in it, is refused. Both must agree.
fn refusal(folder: &Path) -> Option<String> {
    let created = create_private_folder(folder).map_err(|failure| failure.to_string()).err();
    let read = read_private_file(&folder.join("file")).map_err(|failure| failure.to_string()).err();
    assert_eq!(created, read);
    created
}

#[test]
fn private_files_are_private() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sub/token.json");
    assert_eq!(read_private_file(&file).unwrap(), None);
    write_private_file(&file, b"one").unwrap();
    write_private_file(&file, b"two").unwrap();
    assert_eq!(read_private_file(&file).unwrap().as_deref(), Some(&b"two"[..]));
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn a_folder_that_cannot_be_written_is_named_with_what_to_do() {
    // Not even root can create a folder there.
    let failure = write_private_file(Path::new("/proc/restctl/token.json"), b"{}").unwrap_err().to_string();
    assert!(failure.contains("/proc/restctl") && failure.contains("export XDG_STATE_HOME="), "{failure}");
}

#[test]
fn a_link_in_place_of_a_file_is_neither_written_nor_read_nor_locked() {
    let dir = tempfile::tempdir().unwrap();
    let (file, target) = (dir.path().join("own/file"), dir.path().join("target"));
    fs::write(&target, "of another program").unwrap();
    create_private_folder(file.parent().unwrap()).unwrap();
    symlink(&target, &file).unwrap();
    assert!(read_private_file(&file).is_err() && open_lock_file(&file).is_err());
    write_private_file(&file, b"own").unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"of another program");
    assert!(!file.is_symlink() && fs::read(&file).unwrap() == b"own");
}

#[test]
fn a_temporary_file_has_a_new_name_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let name = || create_part(dir.path(), 0o600).unwrap().path().to_owned();
    let (one, other) = (name(), name());
    assert_ne!(one, other);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_that_others_can_write_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("own");
    create_private_folder(&folder).unwrap();
    set_mode(&folder, 0o755);
    assert_eq!(refusal(&folder), None, "others may look");
    set_mode(&folder, EVERYONE);
    let refused = refusal(&folder).unwrap();
    let words = ["every user of this machine can write to it", "next: chmod go-w ", "/own"];
    assert!(words.iter().all(|words| refused.contains(words)), "{refused}");
}

#[test]
fn a_group_counts_as_others_unless_it_has_the_number_of_the_owner() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("own");
    create_private_folder(&folder).unwrap();
    set_mode(&folder, 0o770);
    let found = folder.metadata().unwrap();
    assert_eq!(refusal(&folder).is_none(), found.gid() == found.uid());
    if geteuid().is_root() {
        chown(&folder, None, Some(100)).unwrap();
        assert!(refusal(&folder).unwrap().contains("the group with the id 100 can write to it"));
    }
}

#[test]
fn a_folder_whose_parent_lets_others_replace_it_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("own");
    create_private_folder(&folder).unwrap();
    set_mode(dir.path(), EVERYONE);
    assert!(refusal(&folder).unwrap().contains("every user of this machine"));
    set_mode(dir.path(), EVERYONE | 0o1000);
    assert_eq!(refusal(&folder), None, "as in /tmp");
}

#[test]
fn a_link_in_place_of_a_folder_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, elsewhere) = (dir.path().join("own"), dir.path().join("elsewhere"));
    create_private_folder(&elsewhere).unwrap();
    symlink(&elsewhere, &folder).unwrap();
    assert!(refusal(&folder).unwrap().contains("it is a symbolic link"));
}

#[test]
fn what_belongs_to_another_user_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("own");
    create_private_folder(&folder).unwrap();
    let file = folder.join("file");
    File::create(&file).unwrap();
    if !geteuid().is_root() {
        // Only root can give files away; what is root's is accepted.
        let root = Path::new("/");
        return ensure_owner_is_trusted(root, &root.metadata().unwrap()).unwrap();
    }
    chown(&file, Some(12345), None).unwrap();
    assert!(read_private_file(&file).unwrap_err().to_string().contains("with the id 12345"));
    fs::remove_file(&file).unwrap();
    chown(&folder, Some(12345), None).unwrap();
    let refused = refusal(&folder).unwrap();
    assert!(refused.contains("belongs to another user") && refused.contains("sudo chown -h 0 "), "{refused}");
    fs::remove_dir(&folder).unwrap();
    symlink(dir.path(), &folder).unwrap();
    std::os::unix::fs::lchown(&folder, Some(12345), None).unwrap();
    assert!(refusal(&folder).unwrap().contains("belongs to another user"), "a link, too");
}
