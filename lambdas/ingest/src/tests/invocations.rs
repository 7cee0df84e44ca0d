//! Loads that take more than one invocation.

use restctl_contract::load::LoadState;

use super::world::{TimeLimit, World, csv, message};
use super::{ITEMS_CSV, NONE_FAILED, gzip, receipt};

#[tokio::test]
async fn a_load_that_runs_out_of_time_is_delivered_again() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=60));
    world.dynamo.leave_unprocessed(25, usize::MAX);
    assert_eq!(
        world.deliver_within(&[message("items.csv", "v1")], TimeLimit::RunsOut).await,
        ["items.csv v1"]
    );
    let entry = world.ledger_entry("items.csv", "v1");
    assert_eq!((entry.state, entry.attempts), (LoadState::Loading, 1));
    assert!(entry.reason.unwrap().contains("ran out of time"));
    world.dynamo.leave_unprocessed(0, 0);
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, NONE_FAILED);
    assert_eq!(world.row_counts("items.csv", "v1"), receipt(60, 60, 0, 0));
    assert_eq!(world.ledger_entry("items.csv", "v1").reason, None);
    assert_eq!(world.dynamo.items("items").len(), 60);
}

#[tokio::test]
async fn a_load_continues_in_the_next_invocation() {
    for name in ["items.csv", "items.csv.gz", "items.ndjson"] {
        let mut world = World::new().await;
        world.handler.context.window_size.rows = 3;
        world.bucket.send_pieces_of(40);
        let file = match name {
            "items.csv" => [csv(1..=30), b",no key\n".to_vec(), csv(31..=60)[8..].to_vec()].concat(),
            "items.csv.gz" => {
                gzip(&[csv(1..=30), b",no key\n".to_vec(), csv(31..=60)[8..].to_vec()].concat())
            }
            _ => (1..=60)
                .map(|id| format!("{{\"id\":{id}}}\n"))
                .chain(["{}".to_owned()])
                .collect::<String>()
                .into_bytes(),
        };
        world.bucket.put(name, "v1", &file);
        let mut invocations = 1;
        while world.deliver_within(&[message(name, "v1")], TimeLimit::Short).await != NONE_FAILED {
            let entry = world.ledger_entry(name, "v1");
            assert_eq!((entry.state, entry.attempts, entry.reason), (LoadState::Loading, 0, None));
            assert_eq!(entry.progress, entry.receipt.read);
            assert_eq!(
                world.sqs.take_calls("ChangeMessageVisibility").last().unwrap()["VisibilityTimeout"],
                0
            );
            invocations += 1;
            assert!(invocations < 40, "{name}: {:?}", entry.receipt);
        }
        assert!(invocations > if name.ends_with("gz") { 1 } else { 5 }, "{name}: {invocations}");
        assert_eq!(world.row_counts(name, "v1"), receipt(61, 60, 1, 0), "{name}");
        assert_eq!(world.dynamo.items("items").len(), 60, "{name}");
        assert_eq!(world.dynamo.count_calls("BatchGetItem"), 0, "only the load itself has written the table");
    }
}

#[tokio::test]
async fn the_demo_data_loads_in_many_invocations() {
    for ignores_ranges in [false, true] {
        let mut world = World::new().await;
        world.handler.context.window_size.rows = 100;
        world.bucket.put("items.csv", "v1", ITEMS_CSV);
        world.bucket.send_pieces_of(9_000);
        if ignores_ranges {
            world.bucket.ignore_ranges();
        }
        let mut invocations = 1;
        while world.deliver_within(&[message("items.csv", "v1")], TimeLimit::Short).await != NONE_FAILED {
            invocations += 1;
            assert!(invocations < 40, "{:?}", world.ledger_entry("items.csv", "v1"));
        }
        assert!(invocations > 5, "{invocations}");
        let counts = world.row_counts("items.csv", "v1");
        assert_eq!((counts.read, counts.rejected), (3000, 0), "{counts:?}");
        assert_eq!(world.dynamo.items("items").len(), 2985);
    }
}
