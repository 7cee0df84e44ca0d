//! One load as its uploader knows it: a version of an object, which is queued.

use restctl_contract::event::UploadedObject;
use restctl_contract::load::LoadId;
use restctl_contract::template::output as stack_output;

use crate::aws::cloudformation::Stack;
use crate::aws::{Aws, s3, sqs};
use crate::failure::{Failure, Result};

/// One version of one object of the data bucket.
pub(crate) struct Load {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) version: String,
    /// In bytes.
    pub(crate) size: u64,
    /// When it was uploaded, RFC 3339. If this is `None`, S3 is asked.
    pub(crate) uploaded: Option<String>,
}

impl Load {
    pub(crate) fn id(&self) -> LoadId {
        LoadId::for_version(&self.key, &self.version)
    }

    /// Queues the load because S3 has sent no event.
    ///
    /// An older version of the object is not queued: it would come after the newer one and overwrite its rows.
    pub(super) async fn queue_if_current(&self, aws: &Aws, stack: &Stack) -> Result<()> {
        let current = s3::find_current_version(aws, &self.bucket, &self.key).await?;
        let current = current.filter(|current| current.version.as_ref() == Some(&self.version));
        let Some(current) = current else {
            return Err(Failure::new(format!("{} was uploaded again before it was loaded", self.key))
                .why("the bucket sent no event of this upload, and the newer upload goes first")
                .next("to load this file nevertheless, upload it again"));
        };
        match self.uploaded.as_ref().or(current.uploaded.as_ref()) {
            Some(uploaded) => self.queue(aws, stack, uploaded).await,
            None => Err(Failure::new(format!("S3 does not say when {} was uploaded", self.key))),
        }
    }

    /// Queues the load as S3's event would, behind those that are queued already. If that event still comes, the ledger
    /// makes the later one do nothing.
    pub(crate) async fn queue(&self, aws: &Aws, stack: &Stack, uploaded: &str) -> Result<()> {
        let object = UploadedObject {
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            size: self.size,
            version: Some(self.version.clone()),
            etag: String::new(),
            uploaded: uploaded.to_owned(),
        };
        sqs::queue_load(aws, stack.output(stack_output::LOAD_QUEUE)?, &self.id(), &object).await
    }
}
