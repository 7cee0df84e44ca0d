//! `restctl` without arguments: help or, at a terminal, the first steps to an API.

use std::process::{Command, Stdio};

use rcgen::{CertificateParams, KeyPair};

use crate::cloud::{Cloud, CommandOutput};
use crate::terminal::Terminal;

#[test]
fn without_a_terminal_restctl_alone_prints_help() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_restctl"));
    let alone = CommandOutput::from(command.stdin(Stdio::null()).output().unwrap());
    alone.failed_with(2, &["Usage: restctl", "restctl local up"]);
    assert_eq!(alone.stdout, "");
}

#[test]
fn the_first_steps_lead_from_nothing_to_an_item() {
    let cloud = Cloud::new();
    let mut command = cloud.command(&[]);
    command.env_remove("RESTCTL_LOCAL");
    let mut terminal = Terminal::run(&cloud, &command);
    terminal.wait_for_text("Where do you want the API?");
    terminal.type_keys("\r");
    for step in ["Run restctl local up now?", "Run restctl setup now?", "Run restctl deploy now?"] {
        terminal.wait_for_text(step);
        terminal.type_keys("\r");
    }
    terminal.wait_for_text("Data file");
    terminal.type_keys("items.csv\r");
    terminal.wait_for_text("Id of an item");
    terminal.type_keys("42\r");
    let (exit, screen) = terminal.wait_for_end();
    assert_eq!(exit, Some(0), "{screen}");
    for text in ["Pocket Towel", "restctl upload items.csv --local", "The API is running"] {
        assert!(screen.contains(text), "{text:?} is not in:\n{screen}");
    }

    // It continues from the current state of the stack, and shows the command to users who decline.
    let mut again = Terminal::open(&cloud, &[]);
    again.wait_for_text("next  restctl get");
    again.type_keys("\x03");
    let (exit, screen) = again.wait_for_end();
    assert!(exit != Some(0) && !screen.contains("panicked"), "{screen}");
    cloud.succeed(&["destroy", "--yes", "--delete-data"]);
    let mut declined = Terminal::open(&cloud, &[]);
    declined.wait_for_text("Run restctl setup now?");
    declined.type_keys("\x1b[B\r");
    let (exit, screen) = declined.wait_for_end();
    assert!(exit == Some(0) && screen.contains("next: restctl setup --local"), "{screen}");
}

#[test]
fn setup_asks_for_missing_settings_and_accepts_no() {
    let cloud = Cloud::start_empty();
    let record = cloud.record();
    let provider = |name: &str| record["identity_provider"][name].as_str().unwrap().to_owned();
    let mut interrupted = Terminal::run(&cloud, &cloud.command_as_on_aws(&["setup"]));
    interrupted.wait_for_text("generate a self-signed one");
    interrupted.type_keys("\x03");
    let (exit, screen) = interrupted.wait_for_end();
    assert_eq!(exit, Some(130), "{screen}");
    assert!(screen.contains("interrupted; nothing was changed") && screen.contains("next:"), "{screen}");
    let missing = cloud.call_json("secretsmanager", "secretsmanager.ListSecrets", &serde_json::json!({}));
    assert_eq!(missing["SecretList"], serde_json::json!([]), "nothing was changed");

    let mut asked = Terminal::run(&cloud, &cloud.command_as_on_aws(&["setup"]));
    for (question, answer) in [
        ("generate a self-signed one", String::new()),
        ("DNS name of the API", "api.example.com".to_owned()),
        ("Who issues the tokens?", String::new()),
        ("Issuer of the identity provider", provider("issuer")),
        ("Client id", provider("client_id")),
        // Down to Auth0, as which the local cloud's provider answers.
        ("Kind of identity provider", "\x1b[B".to_owned()),
        ("Audience of the API", provider("audience")),
        ("Client secret", provider("client_secret")),
    ] {
        asked.wait_for_text(question);
        asked.type_keys(&format!("{answer}\r"));
    }
    let (exit, screen) = asked.wait_for_end();
    assert_eq!(exit, Some(0), "{screen}");
    assert!(screen.contains("next: restctl deploy"), "{screen}");
    assert!(!screen.contains(&provider("client_secret")), "a secret is not shown");
    // The stored settings are those that were typed: the provider grants a token for them.
    let token = CommandOutput::from(cloud.command_as_on_aws(&["token"]).output().unwrap());
    assert!(token.exit == 0 && token.stdout.starts_with("eyJ"), "{}", token.stderr);

    // An existing certificate, and no provider.
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(["b.example.com".to_owned()]).unwrap().self_signed(&key).unwrap();
    let mut other = Terminal::run(&cloud, &cloud.command_as_on_aws(&["setup", "--stack", "other"]));
    const DOWN: &str = "\x1b[B";
    for (question, answer) in [
        ("generate a self-signed one", DOWN.to_owned()),
        ("Certificate file", cloud.write_file("cert.pem", &certificate.pem())),
        ("Private key file", cloud.write_file("key.pem", &key.serialize_pem())),
        ("Chain file", String::new()),
        ("create a Cognito user pool in the stack", DOWN.to_owned()),
    ] {
        other.wait_for_text(question);
        other.type_keys(&format!("{answer}\r"));
    }
    let (exit, screen) = other.wait_for_end();
    assert_eq!(exit, Some(0), "{screen}");
    assert!(
        screen.contains("b.example.com")
            && screen.contains("next: restctl --stack other deploy --idp cognito"),
        "{screen}"
    );
}
