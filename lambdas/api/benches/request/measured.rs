//! What a function took.

use std::time::{Duration, Instant};

use restctl_testkit::bench::{BoxError, process};
use restctl_testkit::runtime::Runtime;

use crate::cloud::Cloud;
use crate::function::Function;
use crate::question::Question;

/// How often everything is done.
pub(crate) struct Counts {
    /// Processes that answer one request.
    pub(crate) starts: usize,
    /// Processes that answer all those below.
    pub(crate) runs: usize,
    pub(crate) warm_up: u64,
    pub(crate) singles: u64,
    pub(crate) bulk_warm_up: u64,
    pub(crate) bulks: u64,
}

impl Counts {
    pub(crate) const FULL: Self =
        Self { starts: 11, runs: 3, warm_up: 1000, singles: 3000, bulk_warm_up: 100, bulks: 300 };
    pub(crate) const QUICK: Self =
        Self { starts: 3, runs: 1, warm_up: 500, singles: 1000, bulk_warm_up: 50, bulks: 100 };
}

/// Of one request, or of one start.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    /// User and system time of the function's process.
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
}

/// One process from its spawn to the end of its first request.
pub(crate) struct Start {
    /// To the first time that it asks for an event.
    pub(crate) start: Cost,
    pub(crate) first: Cost,
}

impl Start {
    pub(crate) fn cpu(&self) -> Duration {
        self.start.cpu + self.first.cpu
    }
}

/// One process that answers many requests, one after the other.
pub(crate) struct Warm {
    pub(crate) single: Cost,
    pub(crate) bulk: Cost,
    /// After all of them.
    pub(crate) resident_bytes: u64,
    pub(crate) peak_bytes: u64,
}

/// The runs with the middle CPU time.
pub(crate) struct Measured {
    pub(crate) cold: Start,
    pub(crate) warm: Warm,
    pub(crate) package_bytes: u64,
    pub(crate) zipped_bytes: u64,
}

impl Measured {
    pub(crate) async fn of(function: &Function, cloud: &Cloud, counts: &Counts) -> Result<Self, BoxError> {
        let token = cloud.token();
        let mut starts = Vec::new();
        for number in 0..counts.starts {
            let question = Question::single(&token, number as u64);
            starts.push(start(function, cloud, &question).await?);
        }
        starts.sort_by_key(Start::cpu);
        let mut runs = Vec::new();
        for _ in 0..counts.runs {
            runs.push(warm(function, cloud, counts, &token).await?);
        }
        runs.sort_by_key(|run: &Warm| run.single.cpu);
        Ok(Self {
            cold: starts.swap_remove(counts.starts / 2),
            warm: runs.swap_remove(counts.runs / 2),
            package_bytes: function.package.bytes,
            zipped_bytes: function.package.zipped_bytes,
        })
    }
}

async fn start(function: &Function, cloud: &Cloud, question: &Question) -> Result<Start, BoxError> {
    let began = Instant::now();
    let runtime = function.start(cloud).await;
    runtime.wait_until_idle().await?;
    let start = Cost { wall: began.elapsed(), cpu: process::cpu(runtime.process_id())? };
    let first = each(&runtime, std::slice::from_ref(question)).await?;
    Ok(Start { start, first })
}

async fn warm(function: &Function, cloud: &Cloud, counts: &Counts, token: &str) -> Result<Warm, BoxError> {
    let runtime = function.start(cloud).await;
    let singles = |numbers: std::ops::Range<u64>| -> Vec<Question> {
        numbers.map(|number| Question::single(token, number)).collect()
    };
    let bulks = |count: u64| -> Vec<Question> {
        (0..count).map(|number| Question::bulk(token, 1000 * number)).collect()
    };
    each(&runtime, &Question::refused(token)).await?;
    each(&runtime, &singles(0..counts.warm_up)).await?;
    let single = each(&runtime, &singles(counts.warm_up..counts.warm_up + counts.singles)).await?;
    each(&runtime, &bulks(counts.bulk_warm_up)).await?;
    let bulk = each(&runtime, &bulks(counts.bulks)).await?;
    let usage = process::usage(runtime.process_id())?;
    Ok(Warm { single, bulk, resident_bytes: usage.resident_bytes, peak_bytes: usage.peak_bytes })
}

/// What each of the questions takes: CPU until the function waits again, wall until the answer is there.
async fn each(runtime: &Runtime, questions: &[Question]) -> Result<Cost, BoxError> {
    runtime.wait_until_idle().await?;
    let before = process::cpu(runtime.process_id())?;
    let mut wall = Duration::ZERO;
    for question in questions {
        let asked = Instant::now();
        let answer = runtime.invoke(&question.event).await?;
        wall += asked.elapsed();
        question.check(&answer)?;
        runtime.wait_until_idle().await?;
    }
    let cpu = process::cpu(runtime.process_id())?.saturating_sub(before);
    let count = questions.len() as u32;
    Ok(Cost { cpu: cpu / count, wall: wall / count })
}
