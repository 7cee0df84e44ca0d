//! A call to AWS on its way: its service, protocol and operation.

/// The protocols of AWS's services ("AWS Protocols", Smithy documentation).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Json,
    Query,
    Cbor,
    RestJson,
    RestXml,
}

pub(super) struct AwsCall {
    method: String,
    pub(super) path: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl AwsCall {
    pub(super) fn parse_head(head: &str) -> Self {
        let mut lines = head.trim_end().split("\r\n");
        let mut words = lines.next().unwrap().split(' ').map(str::to_owned);
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        Self { method, path, headers: headers.collect(), body: Vec::new() }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(each, _)| each == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    pub(super) fn host(&self) -> &str {
        self.header("host").unwrap()
    }

    /// Returns the bucket that the name of the host contains.
    fn bucket(&self) -> Option<&str> {
        self.host().split_once(".s3.").map(|(bucket, _)| bucket)
    }

    pub(super) fn service(&self) -> &str {
        let mut names = self.host().split('.');
        let first = names.next().unwrap();
        match (self.bucket(), names.next()) {
            (Some(_), _) => "s3",
            // The first name is an account.
            (_, Some("ddb")) => "dynamodb",
            _ => first,
        }
    }

    pub(super) fn protocol(&self) -> Protocol {
        match self.service() {
            "s3" => Protocol::RestXml,
            "lambda" => Protocol::RestJson,
            _ if self.header("x-amz-target").is_some() => Protocol::Json,
            _ if self.header("smithy-protocol").is_some() => Protocol::Cbor,
            _ => Protocol::Query,
        }
    }

    /// Returns a name of the operation, such as `s3 HEAD object` or `sts GetCallerIdentity`.
    pub(super) fn operation(&self) -> String {
        let operation = match self.protocol() {
            Protocol::Json => self.header("x-amz-target").unwrap().rsplit('.').next().unwrap().to_owned(),
            Protocol::Cbor => self.path.rsplit('/').next().unwrap().to_owned(),
            Protocol::Query => {
                let body = String::from_utf8_lossy(&self.body);
                let action = body.split('&').find_map(|part| part.strip_prefix("Action="));
                action.unwrap().to_owned()
            }
            Protocol::RestJson => format!("{} {}", self.method, self.kind_of_function_path()),
            Protocol::RestXml => format!("{} {}", self.method, self.kind_of_s3_path()),
        };
        format!("{} {operation}", self.service())
    }

    /// Returns the path without the version of the API and the name of the function.
    fn kind_of_function_path(&self) -> String {
        let path = self.path.split('?').next().unwrap();
        let segments = path.split('/').enumerate().filter(|(place, _)| ![0, 1, 3].contains(place));
        segments.map(|(_, segment)| segment).collect::<Vec<_>>().join("/")
    }

    fn kind_of_s3_path(&self) -> String {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let kind = match (self.bucket(), path) {
            (None, _) => "buckets",
            (Some(_), "/") => "bucket",
            _ => "object",
        };
        let names = query.split('&').map(|part| part.split('=').next().unwrap());
        let names = names.filter(|name| !["", "x-id", "versionId", "prefix"].contains(name));
        names.fold(kind.to_owned(), |kind, name| format!("{kind} {name}"))
    }

    /// Returns the request as a server that has all buckets at one address takes it. Its connection ends with it.
    pub(super) fn to_single_request(&self) -> Vec<u8> {
        let bucket = self.bucket().map(|bucket| format!("/{bucket}")).unwrap_or_default();
        let mut request = format!("{} {bucket}{} HTTP/1.1\r\nconnection: close\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            if !["connection", "expect"].contains(&name.as_str()) {
                request.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        [request.as_bytes(), b"\r\n", &self.body].concat()
    }
}
