//! The names that `templates/stack.yaml` declares.

/// Parameters of the template.
pub mod parameter {
    pub const ARTIFACT_BUCKET: &str = "ArtifactBucket";
    pub const API_PACKAGE: &str = "ApiPackage";
    pub const INGEST_PACKAGE: &str = "IngestPackage";
    pub const ARCHITECTURE: &str = "Architecture";
    pub const KEY_NAME: &str = "KeyName";
    pub const KEY_TYPE: &str = "KeyType";
    pub const ISSUER: &str = "Issuer";
    pub const AUDIENCE: &str = "Audience";
    pub const JWKS_URI: &str = "JwksUri";
    pub const SCOPE: &str = "Scope";
}

/// Outputs of the stack.
pub mod output {
    pub const DATA_BUCKET: &str = "DataBucket";
    pub const ITEMS_TABLE: &str = "ItemsTable";
    pub const LEDGER_TABLE: &str = "LedgerTable";
    pub const LOAD_QUEUE: &str = "LoadQueue";
    pub const DEAD_LETTER_QUEUE: &str = "DeadLetterQueue";
    pub const API_FUNCTION: &str = "ApiFunction";
    pub const API_FUNCTION_ARN: &str = "ApiFunctionArn";
    pub const INGEST_FUNCTION: &str = "IngestFunction";
    pub const TARGET_GROUP: &str = "TargetGroup";
    pub const LOAD_BALANCER_DNS_NAME: &str = "LoadBalancerDnsName";
    pub const KEY_NAME: &str = "KeyName";
    pub const KEY_TYPE: &str = "KeyType";
}

/// Environment variables of the Lambdas.
pub mod variable {
    pub const ITEMS_TABLE: &str = "ITEMS_TABLE";
    pub const LEDGER_TABLE: &str = "LEDGER_TABLE";
    pub const KEY_NAME: &str = "KEY_NAME";
    pub const KEY_TYPE: &str = "KEY_TYPE";
    pub const ISSUER: &str = "ISSUER";
    pub const AUDIENCE: &str = "AUDIENCE";
    pub const JWKS_URI: &str = "JWKS_URI";
    pub const SCOPE: &str = "SCOPE";
}

/// The message group of every load of a table: one group, so one writer (Amazon SQS FIFO queues).
pub const MESSAGE_GROUP: &str = "items";
