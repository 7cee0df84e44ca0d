use restctl_contract::key::KeyType;
use restctl_contract::template::output::{DATA_BUCKET, LEDGER_TABLE};

use super::*;
use crate::aws::test_server;

fn resource(template_name: &'static str, name: &str) -> RetainedResource {
    let key = Key { name: "sku".to_owned(), kind: KeyType::Number };
    RetainedResource {
        stack: "orders".to_owned(),
        name: name.to_owned(),
        template_name: Some(template_name),
        is_certain: true,
        kind: RetainedKind::Table { key: Some(key), items: 3 },
        bytes: Some(30),
        created: None,
    }
}

fn select(names: &[&str]) -> Result<Adoption> {
    let found = vec![
        resource(ITEMS_TABLE, "items-1"),
        resource(ITEMS_TABLE, "items-2"),
        resource(LEDGER_TABLE, "ledger"),
    ];
    Adoption::select(found, &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
}

#[test]
fn one_of_several_has_to_be_named() {
    for names in [&[][..], &["ledger"], &["items-1", "items-2"]] {
        let failure = select(names).err().unwrap().to_string();
        assert!(failure.contains("several deleted stacks left data"), "{failure}");
        assert!(failure.contains("the items table items-1 with about 3 items, 30 B"), "{failure}");
    }
    let failure = select(&["items-3"]).err().unwrap().to_string();
    assert!(failure.contains("no deleted stack left items-3"), "{failure}");
    for names in [&["items-2"][..], &["items-2", "ledger"]] {
        let adopted: Vec<_> = select(names).unwrap().0.into_iter().map(|resource| resource.name).collect();
        assert_eq!(adopted, ["items-2", "ledger"]);
    }
}

#[test]
fn one_command_adopts_the_newest_of_each_kind() {
    let created = |resource: RetainedResource, year: u32| RetainedResource {
        created: Some(format!("{year}-01-01T00:00:00Z")),
        ..resource
    };
    let found = vec![
        created(resource(ITEMS_TABLE, "items-new"), 2026),
        created(resource(ITEMS_TABLE, "items-old"), 2025),
        created(resource(LEDGER_TABLE, "ledger-old"), 2025),
        created(resource(LEDGER_TABLE, "ledger-new"), 2026),
        created(resource(DATA_BUCKET, "bucket-old"), 2025),
        created(resource(DATA_BUCKET, "bucket-new"), 2026),
    ];
    let failure = Adoption::select(found, &["bucket-old".to_owned()]).err().unwrap().to_string();
    assert!(failure.contains("restctl deploy --adopt bucket-old items-new ledger-new\n"), "{failure}");
}

/// What anyone who may tag it can have given the stack's tag.
fn uncertain(resource: RetainedResource) -> RetainedResource {
    RetainedResource { is_certain: false, ..resource }
}

fn select_from(found: Vec<RetainedResource>, names: &[&str]) -> Result<Vec<String>> {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    Adoption::select(found, &names).map(|adoption| adoption.0.into_iter().map(|it| it.name).collect())
}

#[test]
fn no_table_or_bucket_is_left_out_in_silence() {
    let restored = || vec![uncertain(resource(ITEMS_TABLE, "restored")), resource(LEDGER_TABLE, "ledger")];
    let failure = select_from(restored(), &[]).unwrap_err().to_string();
    assert!(failure.contains("--adopt without names would leave out data"), "{failure}");
    assert!(failure.contains("restored with about 3 items, 30 B; not made by CloudFormation"), "{failure}");
    assert_eq!(select_from(restored(), &["restored"]).unwrap(), ["restored", "ledger"]);

    let unfit = || {
        let other = RetainedResource { template_name: None, ..resource(ITEMS_TABLE, "other") };
        vec![other, resource(ITEMS_TABLE, "items")]
    };
    for names in [&[][..], &["other"], &["items", "other"]] {
        let failure = select_from(unfit(), names).unwrap_err().to_string();
        assert!(failure.contains("its key fits neither an items table nor a ledger"), "{failure}");
    }
    assert_eq!(select_from(unfit(), &["items"]).unwrap(), ["items"]);
}

#[test]
fn what_may_be_of_others_is_adopted_only_if_it_is_named() {
    let found = || {
        let tagged = RetainedResource {
            kind: RetainedKind::Bucket { versions: None },
            ..uncertain(resource(DATA_BUCKET, "tagged"))
        };
        vec![resource(ITEMS_TABLE, "items"), uncertain(resource(ITEMS_TABLE, "restored")), tagged]
    };
    assert_eq!(select_from(found(), &["items"]).unwrap(), ["items"]);
    assert_eq!(select_from(found(), &["restored"]).unwrap(), ["restored"]);
    assert_eq!(select_from(found(), &["tagged"]).unwrap(), ["items", "tagged"]);
}

#[test]
fn the_stack_gets_the_key_of_the_adopted_table() {
    let mut parameters = vec![(parameter::KEY_NAME, "id".to_owned()), (parameter::LIST, "on".to_owned())];
    select(&["items-1"]).unwrap().set_key(&mut parameters);
    let expected = [(parameter::LIST, "on"), (parameter::KEY_NAME, "sku"), (parameter::KEY_TYPE, "N")];
    assert_eq!(parameters, expected.map(|(name, value)| (name, value.to_owned())));
}

#[tokio::test]
async fn a_failed_import_that_left_data_in_the_stack_is_not_removed() {
    let list = |resources: &str| {
        format!(
            "<ListStackResourcesResponse><ListStackResourcesResult><StackResourceSummaries>{resources}\
             </StackResourceSummaries></ListStackResourcesResult></ListStackResourcesResponse>"
        )
    };
    let table = "<member><LogicalResourceId>ItemsTable</LogicalResourceId><ResourceType>AWS::DynamoDB::Table\
                 </ResourceType><PhysicalResourceId>items-1</PhysicalResourceId></member>";
    for (status, resources, is_refused) in [
        ("IMPORT_ROLLBACK_FAILED", table, true),
        ("IMPORT_ROLLBACK_FAILED", "", false),
        ("ROLLBACK_FAILED", table, false),
    ] {
        let answer = list(resources);
        let aws = test_server::connect(move || std::future::ready(answer.clone())).await;
        let stack =
            aws_sdk_cloudformation::types::Stack::builder().stack_status(status.into()).stack_id("id");
        let checked = check_failed_import_is_empty(&aws, &cloudformation::from_sdk(stack.build())).await;
        match checked {
            Ok(()) => assert!(!is_refused, "{status}"),
            Err(failure) => {
                assert!(is_refused && failure.to_string().contains("ItemsTable: items-1"), "{failure}");
            }
        }
    }
}
