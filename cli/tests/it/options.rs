//! The options of a stack, as far as the local cloud supports them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::cloud::{Cloud, eventually};
use crate::interposed::interpose;

/// Creates a hosted zone and returns its id.
fn make_hosted_zone(cloud: &Cloud, name: &str) -> String {
    let body = format!(
        r#"<CreateHostedZoneRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Name>{name}</Name><CallerReference>test</CallerReference></CreateHostedZoneRequest>"#
    );
    let answer =
        cloud.send_request("route53", Method::POST, "/2013-04-01/hostedzone", |request| request.body(body));
    let (_, rest) = answer.split_once("<Id>/hostedzone/").unwrap();
    rest.split_once('<').unwrap().0.to_owned()
}

/// Deploys the template with another value of one parameter, as another tool would.
fn update_stack(cloud: &Cloud, name: &str, value: &str) {
    update_template(cloud, ("UsePreviousTemplate", "true"), name, value);
}

/// Updates the stack with this template, and another value of one parameter.
pub(crate) fn update_template(cloud: &Cloud, template: (&str, &str), name: &str, value: &str) {
    let described =
        || cloud.call_query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "restctl")]);
    let stack = described();
    let keys = stack.split("<ParameterKey>").skip(1).map(|rest| rest.split('<').next().unwrap());
    let mut form = vec![
        ("Action".to_owned(), "UpdateStack".to_owned()),
        ("StackName".to_owned(), "restctl".to_owned()),
        (template.0.to_owned(), template.1.to_owned()),
        ("Capabilities.member.1".to_owned(), "CAPABILITY_IAM".to_owned()),
    ];
    for (place, key) in keys.enumerate() {
        let member = format!("Parameters.member.{}", place + 1);
        form.push((format!("{member}.ParameterKey"), key.to_owned()));
        form.push(if key == name {
            (format!("{member}.ParameterValue"), value.to_owned())
        } else {
            (format!("{member}.UsePreviousValue"), "true".to_owned())
        });
    }
    let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    cloud.call_query("cloudformation", &form);
    eventually("the update", || described().contains("UPDATE_COMPLETE").then_some(()));
}

#[test]
fn options_shape_the_stack_and_persist() {
    let cloud = Cloud::start_set_up();
    let zone = make_hosted_zone(&cloud, "localhost");
    let topic = "arn:aws:sns:us-east-1:000000000000:alarms";
    #[rustfmt::skip]
    let chosen = [
        "deploy", "--key", "code:N", "--list", "on", "--openapi", "open",
        "--allow-cidr", "203.0.113.0/24", "--allow-cidr", "198.51.100.7/32", "--allow-cidr", "203.0.113.0/24",
        "--domain", "restctl.localhost", "--hosted-zone", &zone, "--zones", "us-east-1d,us-east-1c",
        "--alarm-topic", topic, "--tag", "team=data",
    ];
    cloud.succeed(&chosen);
    let records = cloud.get_from("route53", &format!("/2013-04-01/hostedzone/{zone}/rrset"));
    assert!(records.contains("<Name>restctl.localhost.</Name>"), "{records}");
    let groups = cloud.call_query("ec2", &[("Action", "DescribeSecurityGroups"), ("Version", "2016-11-15")]);
    assert!(groups.contains("203.0.113.0/24") && groups.contains("198.51.100.7/32"), "{groups}");
    assert!(!groups.contains("<description>HTTPS</description><cidrIp>0.0.0.0/0"), "{groups}");
    let subnets = cloud.call_query("ec2", &[("Action", "DescribeSubnets"), ("Version", "2016-11-15")]);
    for (block, zone) in [("10.42.0.0/26", "us-east-1d"), ("10.42.0.64/26", "us-east-1c")] {
        let subnet = subnets.split("</item>").find(|subnet| subnet.contains(&format!(">{block}<")));
        assert!(subnet.is_some_and(|subnet| subnet.contains(&format!(">{zone}<"))), "{block}: {subnets}");
    }
    let alarms = cloud.call_json("monitoring", "GraniteServiceVersion20100801.DescribeAlarms", &json!({}));
    let actions = alarms["MetricAlarms"].as_array().unwrap().iter().map(|alarm| &alarm["AlarmActions"]);
    assert_eq!(actions.filter(|actions| **actions == json!([topic])).count(), 9, "{alarms}");
    let stacks =
        cloud.call_query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "restctl")]);
    assert!(stacks.contains("<Key>team</Key>"), "{stacks}");

    cloud.succeed(&["upload", &cloud.write_file("items.csv", "code,name\n7,seven\n")]);
    assert_eq!(cloud.succeed(&["get", "--id", "7"]).json()["name"], "seven");

    let again = cloud.succeed(&["deploy"]);
    assert!(again.stderr.contains("no change"), "{}", again.stderr);
    let open =
        cloud.run(&["deploy", "--dry-run", "--allow-cidr", "0.0.0.0/0", "--domain", "", "--hosted-zone", ""]);
    assert_eq!(open.exit, 6, "{}", open.stderr);
    assert!(open.stdout.contains("LoadBalancerSecurityGroup"), "{}", open.stdout);
    assert!(!open.stdout.contains("ItemsTable"), "what is not given stays: {}", open.stdout);
}

const CALLER_IN_CHINA: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>000000000000</Account>\
    <Arn>arn:aws-cn:iam::000000000000:user/me</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>";

#[test]
fn impossible_options_are_refused_before_anything_is_created() {
    let cloud = Cloud::start_set_up();
    let vpc = ["--vpc", "vpc-01234567", "--subnets", "subnet-01234567,subnet-89abcdef"];
    let refused = |options: &[&str], words: &[&str]| {
        cloud.run(&[&["deploy"], options].concat()).failed_with(2, words);
    };
    refused(&["--key", "id"], &["NAME:S (a string) or NAME:N (a number)"]);
    refused(&["--allow-cidr", "10.0.0.1/8"], &["use 10.0.0.0/8 or 10.0.0.1/32"]);
    refused(&["--domain", "api.example.com"], &["--hosted-zone <ID>"]);
    refused(&["--vpc", "vpc-01234567"], &["--subnets <ID,ID>"]);
    refused(&["--tag", "aws:x=y"], &["are reserved"]);
    refused(
        &[&vpc[..], &["--private-network", "on"]].concat(),
        &["--private-network and --vpc cannot be used"],
    );
    refused(
        &[&vpc[..], &["--zones", "us-east-1a,us-east-1b"]].concat(),
        &["--zones and --vpc cannot be used"],
    );
    refused(&["--zones", "us-east-1a,us-west-2-lax-1a"], &["Local Zones"]);
    refused(&["--zones", "us-east-1a,eu-west-1a"], &["eu-west-1a is not an availability zone of us-east-1"]);
    refused(&["--private-network", "on"], &["the local cloud does not support --private-network", "NAT"]);
    refused(&["--edge-jwt", "on"], &["the local cloud does not support --edge-jwt"]);
    refused(&["--idp", "cognito"], &["the local cloud does not support --idp cognito"]);

    interpose(&cloud, |call| call.is_action("GetCallerIdentity").then(|| CALLER_IN_CHINA.to_owned()));
    let has_no_pools = ["no user pools in the partition aws-cn", "restctl setup --issuer URL"];
    refused(&["--idp", "cognito"], &has_no_pools);
    cloud.run(&["setup", "--idp", "cognito"]).failed_with(2, &has_no_pools);
    assert!(!cloud.get_s3("/").contains("<Bucket>"), "nothing was made");
}

/// An option that would fail halfway on a deployed stack is refused before anything is changed.
#[test]
fn the_network_of_a_stack_is_chosen_once() {
    let cloud = Cloud::shared_read_only();
    let vpc = ["deploy", "--vpc", "vpc-01234567", "--subnets", "subnet-01234567,subnet-89abcdef"];
    cloud.run(&vpc).failed_with(2, &["a deployed stack stays in its VPC", "another stack:"]);
    let zones = ["deploy", "--zones", "us-east-1a,us-east-1b"];
    cloud.run(&zones).failed_with(2, &["a deployed stack stays in its availability zones", "another stack:"]);
}

/// The command refuses a user pool on the local cloud, because nothing answers at its addresses. The local CloudFormation
/// creates one nevertheless.
#[test]
fn the_stacks_own_provider_is_read_back() {
    let cloud = Cloud::start_deployed(&[]);
    let external = cloud.stored_issuers()[0]["issuer"].as_str().unwrap().to_owned();
    let secret = cloud.stored_client_secret();
    update_stack(&cloud, "Idp", "cognito");

    // The stack now trusts both, and restctl keeps its client.
    let kept = cloud.succeed(&["setup"]);
    assert!(kept.stderr.contains("change             none"), "{}", kept.stderr);
    let shown = cloud.succeed(&["idp", "show", "--output", "json"]).json();
    let pool = shown["issuers"][1]["issuer"].as_str().unwrap();
    assert!(pool.starts_with("https://cognito-idp.us-east-1.amazonaws.com/us-east-1_"), "{pool}");
    cloud.run(&["idp", "remove", pool]).failed_with(2, &["the stack's own user pool", "--idp external"]);
    let refusal = ["is the stack's own user pool", "restctl deploy --idp cognito keeps it"];
    for command in [&["idp", "add"][..], &["setup"]] {
        cloud.run(&[command, &["--issuer", pool]].concat()).failed_with(2, &refusal);
    }

    let set_up = cloud.succeed(&["setup", "--idp", "cognito"]);
    assert!(set_up.stderr.contains("the stack's own"), "{}", set_up.stderr);
    let client = cloud.stored_client();
    assert_eq!(client["issuer"], pool);
    let endpoint = "https://restctl-000000000000.auth.us-east-1.amazoncognito.com/oauth2/token";
    assert_eq!(client["token_endpoint"], endpoint);
    assert_eq!(shown["issuers"][1]["audiences"], json!([client["client_id"]]));
    assert_eq!(shown["issuers"][1]["scope"], "items/read");
    assert_ne!(cloud.stored_client_secret(), secret);
    let instead = [
        "the stack's own user pool",
        "add-user-pool-client-secret --user-pool-id us-east-1_",
        "restctl setup",
    ];
    cloud.run(&["idp", "rotate-secret"]).failed_with(2, &instead);
    cloud.run(&["setup", "--scope", "x"]).failed_with(2, &["do not apply to the stack's own user pool"]);

    let function = cloud.resource_id("ApiFunction");
    let asked = cloud.get_from("lambda", &format!("/2015-03-31/functions/{function}/configuration"));
    let variables = &serde_json::from_str::<Value>(&asked).unwrap()["Environment"]["Variables"];
    let in_function: Value = serde_json::from_str(variables["USER_POOL"].as_str().unwrap()).unwrap();
    assert_eq!(
        [&in_function["issuer"], &in_function["audiences"]],
        [&json!(pool), &json!([client["client_id"]])]
    );

    // Back to the former provider: first its settings, then the stack.
    let back = ["deploy", "--idp", "external"];
    cloud.run(&back).failed_with(2, &["this deployment would remove", "restctl setup --issuer"]);
    let other = cloud.succeed(&["setup", "--issuer", &external]);
    assert!(other.stderr.contains("next: restctl deploy --idp external"), "{}", other.stderr);
    assert_eq!(cloud.stored_client()["issuer"], json!(external));
    cloud.run(&["deploy"]).failed_with(2, &["another identity provider", "--idp external"]);
    cloud.succeed(&back);
    cloud.succeed(&["upload", "items.csv"]);
    cloud.succeed(&["get", "--id", "42"]);
}
