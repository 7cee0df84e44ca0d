//! What the roles of the functions allow and, above all, what they do not allow.

use crate::cloud::Cloud;

/// Whether the role allows the action on the resource.
fn is_allowed(cloud: &Cloud, role: &str, action: &str, resource: &str) -> bool {
    let answer = cloud.call_query(
        "iam",
        &[
            ("Action", "SimulatePrincipalPolicy"),
            ("Version", "2010-05-08"),
            ("PolicySourceArn", role),
            ("ActionNames.member.1", action),
            ("ResourceArns.member.1", resource),
        ],
    );
    let (_, decision) = answer.split_once("<EvalDecision>").unwrap_or_else(|| panic!("{answer}"));
    decision.starts_with("allowed<")
}

struct Arns {
    items: String,
    ledger: String,
    bucket: String,
    loads: String,
    dead_letters: String,
    client_secret: String,
    cursor_key: String,
}

impl Arns {
    fn of_stack(cloud: &Cloud) -> Self {
        let table =
            |name| format!("arn:aws:dynamodb:us-east-1:000000000000:table/{}", cloud.resource_id(name));
        let queue = |name| {
            let url = cloud.resource_id(name);
            format!("arn:aws:sqs:us-east-1:000000000000:{}", url.rsplit('/').next().unwrap())
        };
        let secret = |name: &str| {
            let asked = serde_json::json!({ "SecretId": name });
            let answer = cloud.call_json("secretsmanager", "secretsmanager.DescribeSecret", &asked);
            answer["ARN"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
        };
        Self {
            items: table("ItemsTable"),
            ledger: table("LedgerTable"),
            bucket: format!("arn:aws:s3:::{}", cloud.resource_id("DataBucket")),
            loads: queue("LoadQueue"),
            dead_letters: queue("DeadLetterQueue"),
            client_secret: secret("restctl/restctl/client-secret"),
            cursor_key: secret(&cloud.resource_id("CursorKey")),
        }
    }
}

#[test]
fn each_role_may_do_its_work_and_nothing_else() {
    let cloud = Cloud::start_deployed(&["--list", "on"]);
    let arns = Arns::of_stack(&cloud);
    let Arns { items, ledger, bucket, loads, dead_letters, client_secret, cursor_key } = &arns;
    let role = |name| format!("arn:aws:iam::000000000000:role/{}", cloud.resource_id(name));
    let (api, ingest) = (role("ApiRole"), role("IngestRole"));
    let object = format!("{bucket}/data.csv");
    let rejects = format!("{bucket}/restctl-rejects/1.ndjson");
    let function = "arn:aws:lambda:us-east-1:000000000000:function:any";
    let any_role = "arn:aws:iam::000000000000:role/any";
    let parameter = "arn:aws:ssm:us-east-1:000000000000:parameter/restctl/restctl/issuers";
    let other_table = "arn:aws:dynamodb:us-east-1:000000000000:table/other";
    let other_bucket = "arn:aws:s3:::other/data.csv";

    #[rustfmt::skip]
    let rows: &[(&str, &str, &str, bool)] = &[
        // The API reads items, and signs cursors.
        (&api, "dynamodb:GetItem", items, true),
        (&api, "dynamodb:BatchGetItem", items, true),
        (&api, "dynamodb:Scan", items, true),
        (&api, "secretsmanager:GetSecretValue", cursor_key, true),
        // It writes nothing, reads no other table, and knows no other secret.
        (&api, "dynamodb:PutItem", items, false),
        (&api, "dynamodb:UpdateItem", items, false),
        (&api, "dynamodb:DeleteItem", items, false),
        (&api, "dynamodb:BatchWriteItem", items, false),
        (&api, "dynamodb:DeleteTable", items, false),
        (&api, "dynamodb:GetItem", ledger, false),
        (&api, "dynamodb:GetItem", other_table, false),
        (&api, "secretsmanager:GetSecretValue", client_secret, false),
        (&api, "secretsmanager:PutSecretValue", cursor_key, false),
        (&api, "ssm:GetParameter", parameter, false),
        (&api, "s3:GetObject", &object, false),
        (&api, "sqs:SendMessage", loads, false),
        (&api, "logs:CreateLogGroup", "*", false),
        (&api, "lambda:InvokeFunction", function, false),
        (&api, "iam:PassRole", any_role, false),
        (&api, "ec2:CreateNetworkInterface", "*", false),
        // Ingestion takes loads, reads objects, writes items, rejects and the ledger.
        (&ingest, "sqs:ReceiveMessage", loads, true),
        (&ingest, "sqs:SendMessage", dead_letters, true),
        (&ingest, "s3:GetObjectVersion", &object, true),
        (&ingest, "s3:PutObject", &rejects, true),
        (&ingest, "dynamodb:BatchWriteItem", items, true),
        (&ingest, "dynamodb:PutItem", ledger, true),
        // It deletes nothing, starts no load of its own, and writes nowhere else.
        (&ingest, "dynamodb:DeleteItem", items, false),
        (&ingest, "dynamodb:DeleteTable", items, false),
        (&ingest, "dynamodb:DeleteItem", ledger, false),
        (&ingest, "dynamodb:PutItem", other_table, false),
        (&ingest, "s3:PutObject", &object, false),
        (&ingest, "s3:DeleteObject", &object, false),
        (&ingest, "s3:DeleteObjectVersion", &rejects, false),
        (&ingest, "s3:PutBucketPolicy", bucket, false),
        (&ingest, "s3:GetObject", other_bucket, false),
        (&ingest, "sqs:SendMessage", loads, false),
        (&ingest, "sqs:PurgeQueue", loads, false),
        (&ingest, "sqs:ReceiveMessage", dead_letters, false),
        (&ingest, "secretsmanager:GetSecretValue", client_secret, false),
        (&ingest, "secretsmanager:GetSecretValue", cursor_key, false),
        (&ingest, "ssm:GetParameter", parameter, false),
        (&ingest, "lambda:InvokeFunction", function, false),
        (&ingest, "iam:PassRole", any_role, false),
        (&ingest, "ec2:CreateNetworkInterface", "*", false),
    ];
    let wrong: Vec<_> = rows
        .iter()
        .filter(|(role, action, resource, allowed)| is_allowed(&cloud, role, action, resource) != *allowed)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");

    cloud.succeed(&["deploy", "--list", "off"]);
    for (action, resource) in [("dynamodb:Scan", items), ("secretsmanager:GetSecretValue", cursor_key)] {
        assert!(!is_allowed(&cloud, &api, action, resource), "without the list, the API needs no {action}");
    }
}
