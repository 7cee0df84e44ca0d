//! A local cloud for the benchmark, with the items of the demo.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use restctl_contract::api::ITEMS_PATH;
use restctl_testkit::bench::{BoxError, peer};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A running local cloud. It is stopped when it is dropped.
pub(crate) struct Cloud {
    binary: OsString,
    state: TempDir,
}

impl Cloud {
    pub(crate) fn start_with_items() -> Result<Self, BoxError> {
        let binary =
            std::env::var_os("RESTCTL_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_restctl").into());
        let cloud = Self { binary, state: tempfile::tempdir()? };
        let commands: [&[&str]; 5] =
            [&["local", "up"], &["setup"], &["deploy"], &["upload", "items.csv"], &["get", "--id", "1"]];
        for command in commands {
            peer::run_command(&mut cloud.restctl_command(command))?;
        }
        Ok(cloud)
    }

    pub(crate) fn restctl_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(args)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures"))
            .env("XDG_STATE_HOME", self.state.path())
            .env("RESTCTL_LOCAL", "1")
            .env_remove("RESTCTL_STACK")
            .env_remove("RESTCTL_CLIENT_SECRET")
            .stdin(Stdio::null());
        command
    }

    /// Returns the request that `restctl get` makes: the cached `location`, `path` and `token`.
    pub(crate) fn cached_request(&self, id: &str) -> Result<Value, BoxError> {
        let mut cached = fs::read_dir(self.state.path().join("restctl/local/tokens"))?;
        let file = cached.next().ok_or("restctl get has cached nothing")??;
        let session: Value = serde_json::from_slice(&fs::read(file.path())?)?;
        let token = &session["token"]["access_token"];
        Ok(json!({ "location": session["location"], "path": format!("{ITEMS_PATH}{id}"), "token": token }))
    }

    /// Returns the same request as a configuration for curl, because any user of the machine can read its arguments.
    pub(crate) fn curl_config(&self, request: &Value) -> Result<String, BoxError> {
        let text = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_default();
        let (location, path, token) = (&request["location"], text(&request["path"]), text(&request["token"]));
        let (name, host, port) = (text(&location["name"]), text(&location["host"]), &location["port"]);
        let anchor = self.state.path().join("anchor.pem");
        fs::write(&anchor, text(&location["anchor"]))?;
        let anchor = anchor.display();
        Ok(format!(
            "url = \"https://{name}:{port}{path}\"\nresolve = \"{name}:{port}:{host}\"\ncacert = \"{anchor}\"\n\
             noproxy = \"*\"\nheader = \"authorization: Bearer {token}\"\n"
        ))
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        // If this fails, the next `restctl local down` stops what is left.
        let _ = self.restctl_command(&["local", "down"]).output();
    }
}
