mod bucket;

use std::cell::Cell;
use std::fs::{self, File, FileTimes};
use std::future::pending;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tokio::sync::Notify;

use self::bucket::Bucket;
use super::*;
use crate::aws::s3::destination::Metadata;
use crate::digest::sha256_hex;
use crate::failure::Exit;

const MIB: u64 = 1024 * 1024;

/// More parts than are in flight: the last ones are read after the first request.
const SEVEN_PARTS: u64 = 7 * PART_BYTES - 5;

/// A file, and where it goes.
struct Job {
    folder: tempfile::TempDir,
    metadata: Metadata,
}

impl Job {
    fn new(size: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("a.csv")).unwrap();
        file.set_len(size).unwrap();
        // No two parts are equal.
        for part in 0..size / PART_BYTES {
            file.write_all_at(&part.to_be_bytes(), part * PART_BYTES).unwrap();
        }
        Self { folder, metadata: Metadata::new() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a.csv")
    }

    fn bytes(&self) -> Bytes {
        fs::read(self.path()).unwrap().into()
    }

    fn part(&self, number: u64) -> Bytes {
        let bytes = self.bytes();
        let start = (number - 1) * PART_BYTES;
        bytes.slice(start as usize..(bytes.len() as u64).min(start + PART_BYTES) as usize)
    }

    fn source(&self) -> Source {
        Source::open(&self.path()).unwrap()
    }

    fn destination(&self) -> Destination<'_> {
        Destination { bucket: "b", key: "a.csv", metadata: &self.metadata }
    }

    fn resume_state(&self, aws: &Aws) -> ResumeState {
        let folder = self.folder.path().join("uploads");
        ResumeState::new(&folder, aws, &self.destination(), self.source().size).unwrap()
    }

    fn records(&self) -> usize {
        fs::read_dir(self.folder.path().join("uploads")).map_or(0, Iterator::count)
    }
}

/// Sends the file that was surveyed with this digest.
async fn send(
    aws: &Aws,
    job: &Job,
    digest: &str,
    resume_state: Option<&ResumeState>,
) -> Result<UploadedObject> {
    let (source, destination) = (job.source(), job.destination());
    let upload =
        Upload { aws, source: &source, digest, destination: &destination, resume_state, observe: &|_| {} };
    upload.send(pending()).await
}

/// Sorts the requests by their part, since parts arrive in any order.
fn sorted(mut asked: Vec<String>) -> Vec<String> {
    let rank = |asked: &str| match asked {
        "list" => 0,
        "begin" => 1,
        part if part.starts_with("part ") => 2,
        _ => 3,
    };
    asked.sort_by(|one, other| (rank(one), one).cmp(&(rank(other), other)));
    asked
}

#[tokio::test]
async fn only_missing_parts_are_sent() {
    let (job, bucket) = (Job::new(20 * MIB), Bucket::new());
    let aws = bucket.open().await;
    let (source, destination) = (job.source(), job.destination());
    let (digest, resume_state) = (sha256_hex(&job.bytes()), job.resume_state(&aws));
    for (before, expected) in [
        (Some("known"), &["list", "part 2", "part 3", "complete"][..]),
        (Some("gone"), &["list", "begin", "part 1", "part 2", "part 3", "complete"]),
        (None, &["begin", "part 1", "part 2", "part 3", "complete"]),
    ] {
        bucket.add_upload("known", [(1, job.part(1)), (2, job.part(2).slice(..5))]);
        if let Some(id) = before {
            resume_state.lock().unwrap().unwrap().save(id).unwrap();
        }
        let bytes = Cell::new(0);
        let observe = |event| match event {
            UploadEvent::Resumed { .. } => {}
            UploadEvent::BytesPresent(more) | UploadEvent::BytesSent(more) => bytes.set(bytes.get() + more),
        };
        let upload = Upload {
            aws: &aws,
            source: &source,
            digest: &digest,
            destination: &destination,
            resume_state: Some(&resume_state),
            observe: &observe,
        };
        let uploaded = upload.send(pending()).await.unwrap();
        assert_eq!(sorted(bucket.take_requests()), expected, "{before:?}");
        assert_eq!(uploaded.uploaded.as_deref(), Some("1994-11-06T08:49:37.000Z"));
        assert_eq!(uploaded.version, Some(format!("v{}", bucket.versions().len())));
        assert_eq!(bytes.get(), source.size);
        assert!(bucket.versions().last() == Some(&job.bytes()));
        assert_eq!(job.records(), 0, "a finished upload leaves no record");
    }
}

/// As if the file had been changed back, with its size and its time, after some of its parts were sent.
#[tokio::test]
async fn a_part_in_s3_that_is_not_the_files_is_sent_again() {
    let (job, bucket) = (Job::new(SEVEN_PARTS), Bucket::new());
    let aws = bucket.open().await;
    let resume_state = job.resume_state(&aws);
    let changed = |number| {
        let mut part = job.part(number).to_vec();
        part[100] ^= 1;
        Bytes::from(part)
    };
    // S3 says no checksum of part 7.
    let parts = [(1, job.part(1)), (2, changed(2)), (3, job.part(3)), (6, changed(6)), (7, job.part(7))];
    bucket.add_upload("known", parts);
    resume_state.lock().unwrap().unwrap().save("known").unwrap();
    send(&aws, &job, &sha256_hex(&job.bytes()), Some(&resume_state)).await.unwrap();
    let expected = ["list", "part 2", "part 4", "part 5", "part 6", "part 7", "complete"];
    assert_eq!(sorted(bucket.take_requests()), expected);
    assert!(bucket.versions() == [job.bytes()]);
}

/// Its parts have checksums of another kind.
#[tokio::test]
async fn an_upload_that_an_earlier_version_began_is_not_continued() {
    let (job, bucket) = (Job::new(9 * MIB), Bucket::new());
    let aws = bucket.open().await;
    let resume_state = job.resume_state(&aws);
    drop(resume_state.lock().unwrap());
    let record = fs::read_dir(job.folder.path().join("uploads")).unwrap().next().unwrap().unwrap();
    fs::write(record.path(), r#"{"upload_id":"known"}"#).unwrap();
    bucket.add_upload("known", [(1, job.part(1))]);
    send(&aws, &job, &sha256_hex(&job.bytes()), Some(&resume_state)).await.unwrap();
    assert_eq!(sorted(bucket.take_requests()), ["begin", "part 1", "part 2", "complete"]);
}

fn flip_byte(path: &Path, at: u64) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
}

fn flip_byte_and_keep_time(path: &Path, at: u64) {
    let modified = path.metadata().unwrap().modified().unwrap();
    flip_byte(path, at);
    let file = File::options().write(true).open(path).unwrap();
    file.set_times(FileTimes::new().set_modified(modified)).unwrap();
}

fn replace_by_equal_file(path: &Path) {
    let other = path.with_extension("new");
    fs::copy(path, &other).unwrap();
    fs::rename(other, path).unwrap();
}

/// What changes about a file, and how.
type Change = (&'static str, fn(&Path));

#[tokio::test]
async fn a_file_that_changes_while_it_is_sent_makes_no_object() {
    let changes: [Change; 5] = [
        ("a part that is not sent yet", |path| flip_byte_and_keep_time(path, SEVEN_PARTS - 1)),
        ("a part that is sent already", |path| flip_byte(path, 0)),
        ("replaced by another file", replace_by_equal_file),
        ("cut", |path| File::options().write(true).open(path).unwrap().set_len(SEVEN_PARTS - 1).unwrap()),
        ("grown", |path| File::options().write(true).open(path).unwrap().set_len(SEVEN_PARTS + 1).unwrap()),
    ];
    for ((what, change), is_resumable) in changes.into_iter().flat_map(|it| [(it, true), (it, false)]) {
        let job = Job::new(SEVEN_PARTS);
        let (path, is_changed) = (job.path(), AtomicBool::new(false));
        let bucket = Bucket::new().before_answer(move |asked| {
            if asked.starts_with("part") && !is_changed.swap(true, Ordering::SeqCst) {
                change(&path);
            }
            Box::pin(async {})
        });
        let aws = bucket.open().await;
        let (digest, resume_state) = (sha256_hex(&job.bytes()), job.resume_state(&aws));
        let sent = send(&aws, &job, &digest, is_resumable.then_some(&resume_state)).await;
        let failure = sent.err().unwrap_or_else(|| panic!("{what}")).to_string();
        assert!(failure.contains("changed while") && failure.contains("run the command again"), "{failure}");
        let asked = bucket.take_requests();
        assert!(!asked.contains(&"complete".to_owned()) && bucket.versions().is_empty(), "{what}: {asked:?}");
        assert_eq!((bucket.unfinished_uploads(), job.records()), (0, 0), "{what}: nothing to resume is left");
    }
}

#[tokio::test]
async fn a_small_file_is_one_request() {
    let (mut job, bucket) = (Job::new(3), Bucket::new());
    let aws = bucket.open().await;
    job.metadata = Metadata::from([("restctl-column-types", "s".repeat(10))]);
    let digest = sha256_hex(&job.bytes());
    let uploaded = send(&aws, &job, &digest, None).await.unwrap();
    assert_eq!(uploaded.uploaded.as_deref(), Some("1994-11-06T08:49:37.000Z"));
    assert_eq!((bucket.take_requests(), bucket.versions()), (vec!["put".to_owned()], vec![job.bytes()]));

    flip_byte_and_keep_time(&job.path(), 1);
    let failure = send(&aws, &job, &digest, None).await.err().unwrap().to_string();
    assert!(failure.contains("changed while"), "{failure}");
    assert!(bucket.take_requests().is_empty());
}

#[tokio::test]
async fn two_uploads_of_one_file_share_no_parts() {
    let (job, first_waits, other_is_done) =
        (Job::new(20 * MIB), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (waits, done, is_first) = (first_waits.clone(), other_is_done.clone(), AtomicBool::new(true));
    let bucket = Bucket::new().before_answer(move |asked| {
        let stops = asked == "part 2" && is_first.swap(false, Ordering::SeqCst);
        let (waits, done) = (waits.clone(), done.clone());
        Box::pin(async move {
            if stops {
                waits.notify_one();
                done.notified().await;
            }
        })
    });
    let aws = bucket.open().await;
    let (digest, resume_state) = (sha256_hex(&job.bytes()), job.resume_state(&aws));
    let first = send(&aws, &job, &digest, Some(&resume_state));
    let other = async {
        first_waits.notified().await;
        let sent = send(&aws, &job, &digest, Some(&resume_state)).await;
        assert!(resume_state.upload_id().is_some(), "the first one can still be resumed");
        other_is_done.notify_one();
        sent
    };
    let (first, other) = tokio::join!(first, other);
    assert_eq!(other.unwrap().version.as_deref(), Some("v1"));
    assert_eq!(first.unwrap().version.as_deref(), Some("v2"));
    assert!(bucket.versions() == [job.bytes(), job.bytes()]);
    assert_eq!((bucket.unfinished_uploads(), job.records()), (0, 0));
}

#[tokio::test]
async fn a_stopped_upload_keeps_its_parts_only_for_a_resume_state() {
    let (job, bucket) = (Job::new(20 * MIB), Bucket::new());
    let aws = bucket.open().await;
    let (source, destination) = (job.source(), job.destination());
    let (digest, resume_state) = (sha256_hex(&job.bytes()), job.resume_state(&aws));
    for (resume_state, expected) in [(Some(&resume_state), &["begin"][..]), (None, &["begin", "abort"])] {
        let upload = Upload {
            aws: &aws,
            source: &source,
            digest: &digest,
            destination: &destination,
            resume_state,
            observe: &|_| {},
        };
        let failure = upload.send(std::future::ready(Ok(()))).await.err().unwrap();
        assert_eq!(failure.exit, Exit::Interrupted);
        assert_eq!(bucket.take_requests(), expected);
    }
    assert_eq!(resume_state.upload_id().as_deref(), Some("new-1"));
}
