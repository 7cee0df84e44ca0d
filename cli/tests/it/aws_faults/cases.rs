//! The commands whose calls fail one after another, and the state that each of them needs.

use serde_json::json;

use super::deployed::DeployedStack;

pub(super) struct Case {
    /// [`DeployedStack::fill_in`] says what the words in upper case stand for.
    pub(super) args: &'static [&'static str],
    /// How often each operation fails, with another fault each time.
    pub(super) turns: usize,
    /// Makes the state that the command needs. It gets the exit code of the attempt before, if there was one.
    pub(super) prepare: fn(&DeployedStack, Option<i32>),
    /// Whether the operations of the case before succeed, because the same code makes those calls.
    pub(super) continues: bool,
}

impl Case {
    const fn reading(args: &'static [&'static str]) -> Self {
        Self { args, turns: 2, prepare: |_, _| {}, continues: false }
    }

    const fn changing(args: &'static [&'static str], prepare: fn(&DeployedStack, Option<i32>)) -> Self {
        Self { args, turns: 1, prepare, continues: false }
    }
}

/// Commands that change nothing. They read a stack that lists its items, and into which `bad.csv` was loaded.
pub(super) const READING: &[Case] = &[
    // It calls AWS before it reads the file, and sends hundreds of requests afterwards.
    Case::reading(&["auth-test", "--token-file", "none.txt"]),
    Case::reading(&["cert", "show"]),
    Case::reading(&["config", "show"]),
    Case::reading(&["doctor"]),
    Case::reading(&["export"]),
    Case::reading(&["get", "--id", "1"]),
    Case::reading(&["idp", "show"]),
    Case::reading(&["loads", "ls"]),
    Case::reading(&["loads", "rejects", "LOAD"]),
    Case::reading(&["loads", "show", "LOAD"]),
    Case::reading(&["logs"]),
    Case::reading(&["status"]),
    Case::reading(&["token"]),
    Case::reading(&["token", "explain"]),
    Case::reading(&["upload", "--dry-run", "items.csv"]),
    Case::reading(&["verify", "bad.csv"]),
];

/// Commands that change something, in an order in which each of them can succeed.
pub(super) const CHANGING: &[Case] = &[
    Case::changing(&["upload", "items.csv"], |_, _| {}),
    Case::changing(&["setup", "--self-signed", "api.example.com"], |_, _| {}),
    Case::changing(&["idp", "add", "--issuer", "ISSUER", "--audience", "items"], |_, _| {}),
    Case::changing(&["idp", "remove", "ISSUER"], |_, _| {}),
    Case::changing(&["idp", "rotate-secret"], |_, _| {}),
    // The local cloud's load balancer goes on to serve the certificate of the deployment.
    Case::changing(&["cert", "renew", "--timeout", "0s"], |_, _| {}),
    Case { turns: 2, ..Case::changing(&["dlq", "ls"], |stack, _| leave_dead_letter(stack)) },
    Case::changing(&["loads", "retry", "--no-wait", "LOAD"], |stack, _| leave_dead_letter(stack)),
    Case::changing(&["dlq", "redrive"], |stack, _| leave_dead_letter(stack)),
    Case::changing(&["dlq", "drop", "--all", "--yes"], |stack, _| leave_dead_letter(stack)),
    Case {
        turns: 2,
        ..Case::changing(&["deploy", "--dry-run", "--lambdas", "TINY"], |stack, _| stack.resume_loads())
    },
    Case {
        continues: true,
        ..Case::changing(&["deploy", "--lambdas", "TINY", "--openapi", "ACCESS"], choose_another_access)
    },
    Case::changing(&["rollback"], |_, _| {}),
    Case::changing(&["destroy", "--yes", "--delete-data"], deploy_again),
];

/// Leaves one dead letter, that of a load which stopped. No function takes messages from the queues meanwhile.
fn leave_dead_letter(stack: &DeployedStack) {
    let cloud = &stack.cloud;
    stack.pause_loads();
    cloud.mark_stopped(&stack.load);
    let queue = cloud.resource_id("DeadLetterQueue");
    cloud.call_json("sqs", "AmazonSQS.PurgeQueue", &json!({ "QueueUrl": queue }));
    stack.send_dead_letter(&queue);
}

/// Something remains to be deployed, even if the attempt before has succeeded.
fn choose_another_access(stack: &DeployedStack, before: Option<i32>) {
    if before == Some(0) {
        stack.toggle_access();
    }
}

/// Deploys the stack again if the attempt before has removed all of it.
fn deploy_again(stack: &DeployedStack, before: Option<i32>) {
    if before == Some(0) {
        stack.cloud.succeed(&["setup", "--self-signed", "api.example.com"]);
        stack.cloud.succeed(&["deploy"]);
    }
    if before.is_none_or(|exit| exit == 0) {
        stack.cloud.succeed(&["upload", "--no-wait", "items.csv"]);
    }
}
