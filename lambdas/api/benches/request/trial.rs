//! What a function took.

use std::ops::Range;
use std::time::{Duration, Instant};

use restctl_testkit::bench::{BoxError, process};
use restctl_testkit::runtime::Runtime;

use crate::checked_request::Question;
use crate::cloud::Cloud;
use crate::function::Function;
use crate::package::Package;

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
    pub(crate) package: Package,
}

/// A function and its runs so far.
pub(crate) struct Trial {
    pub(crate) name: &'static str,
    function: Function,
    starts: Vec<Start>,
    warm: Vec<Warm>,
    /// What went wrong, after which nothing more is run.
    wrong: Option<BoxError>,
}

impl Trial {
    pub(crate) fn of(name: &'static str, function: Function) -> Self {
        Self { name, function, starts: Vec::new(), warm: Vec::new(), wrong: None }
    }

    pub(crate) async fn start(&mut self, cloud: &Cloud) {
        if self.wrong.is_none() {
            match start(&self.function, cloud).await {
                Ok(start) => self.starts.push(start),
                Err(error) => self.wrong = Some(error),
            }
        }
    }

    pub(crate) async fn warm(&mut self, cloud: &Cloud, counts: &Counts) {
        if self.wrong.is_none() {
            match warm(&self.function, cloud, counts).await {
                Ok(warm) => self.warm.push(warm),
                Err(error) => self.wrong = Some(error),
            }
        }
    }

    /// # Errors
    /// If any run went wrong.
    pub(crate) fn end(self) -> Result<Measured, BoxError> {
        if let Some(error) = self.wrong {
            return Err(error);
        }
        let cold = middle(self.starts, Start::cpu).ok_or("it was never started")?;
        let warm = middle(self.warm, |warm| warm.single.cpu).ok_or("it never ran warm")?;
        Ok(Measured { cold, warm, package: self.function.package })
    }
}

fn middle<T>(mut runs: Vec<T>, cpu: impl Fn(&T) -> Duration) -> Option<T> {
    runs.sort_by_key(cpu);
    let middle = runs.len() / 2;
    runs.into_iter().nth(middle)
}

async fn start(function: &Function, cloud: &Cloud) -> Result<Start, BoxError> {
    let question = Question::single(&cloud.token(), 0);
    let began = Instant::now();
    let runtime = function.start(cloud).await;
    runtime.wait_until_idle().await?;
    let start = Cost { wall: began.elapsed(), cpu: process::cpu(runtime.process_id())? };
    let first = each(&runtime, &[question]).await?;
    Ok(Start { start, first })
}

async fn warm(function: &Function, cloud: &Cloud, counts: &Counts) -> Result<Warm, BoxError> {
    let token = &cloud.token();
    let runtime = function.start(cloud).await;
    let singles = |numbers: Range<u64>| -> Vec<Question> {
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
