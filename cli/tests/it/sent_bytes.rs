//! What `restctl upload` sends is what it read, even if the file changes or someone else uploads meanwhile.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Once;

use crate::cloud::{Cloud, CommandOutput};
use crate::interposed::interpose;

/// Changes the last byte but one, and neither the size of the file nor its time.
fn change_byte_secretly(path: &Path) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let found = file.metadata().unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, found.len() - 2).unwrap();
    file.write_all_at(&[byte[0] ^ 1], found.len() - 2).unwrap();
    file.set_times(FileTimes::new().set_modified(found.modified().unwrap())).unwrap();
}

#[test]
fn a_file_that_changes_while_it_is_sent_is_not_loaded() {
    let cloud = Cloud::start_deployed(&[]);
    let bucket = cloud.resource_id("DataBucket");
    let rows = (0..2000).map(|id| format!("{id},{}\n", "x".repeat(30_000)));
    let wide = cloud.write_file("wide.csv", &format!("id,text\n{}", rows.collect::<String>()));
    let (path, changed) = (wide.clone(), Once::new());
    // No part is answered before the change, so the last of them is read after it.
    interpose(&cloud, move |call| {
        if call.uri.contains("partNumber=") {
            changed.call_once(|| change_byte_secretly(Path::new(&path)));
        }
        None
    });
    cloud.run(&["upload", &wide]).failed_with(1, &["changed while", "run the command again"]);
    assert!(!cloud.get_s3(&format!("/{bucket}?versions")).contains("wide.csv"));
    assert!(!cloud.get_s3(&format!("/{bucket}?uploads")).contains("<UploadId>"));
    assert_eq!(fs::read_dir(cloud.state_folder().join("restctl/uploads")).unwrap().count(), 0);
    assert_eq!(cloud.succeed(&["upload", &wide]).receipt_count("read"), 2000);
}

fn start_upload(cloud: &Cloud, file: &str) -> Child {
    let mut command = cloud.command(&["upload", "--name", "same.csv", "--output", "json", file]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn uploads_of_one_name_at_once_report_their_own_loads() {
    let cloud = Cloud::start_deployed(&[]);
    let bucket = cloud.resource_id("DataBucket");
    let texts = [3, 5].map(|count| {
        let rows = (0..count).map(|id| format!("{id},of {count}\n"));
        format!("id,text\n{}", rows.collect::<String>())
    });
    let files = ["3.csv", "5.csv"].map(|name| cloud.write_file(name, &texts[usize::from(name == "5.csv")]));
    let running = files.map(|file| start_upload(&cloud, &file));
    let ended = running.map(|upload| CommandOutput::from(upload.wait_with_output().unwrap()));
    for (ran, count) in ended.iter().zip([3, 5]) {
        assert_eq!(ran.exit, 0, "{}", ran.stderr);
        assert_eq!(ran.json()["read"], count, "{}", ran.stderr);
        let load = ran.json()["load"].as_str().unwrap().to_owned();
        assert_eq!(cloud.succeed(&["loads", "show", &load, "--output", "json"]).json()["read"], count);
    }
    let versions = cloud.get_s3(&format!("/{bucket}?versions"));
    let mut stored: Vec<_> = versions
        .split("<VersionId>")
        .skip(1)
        .map(|rest| {
            cloud.get_s3(&format!("/{bucket}/same.csv?versionId={}", rest.split('<').next().unwrap()))
        })
        .collect();
    stored.sort_by_key(String::len);
    assert_eq!(stored, texts);
}
