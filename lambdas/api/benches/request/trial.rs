//! The costs of a function.

use std::ops::Range;
use std::time::{Duration, Instant};

use restctl_testkit::bench::{BoxError, process};
use restctl_testkit::runtime::Runtime;

use crate::checked_request::CheckedRequest;
use crate::cloud::Cloud;
use crate::function::Function;
use crate::package::Package;

/// How often each step is repeated.
pub(crate) struct Repetitions {
    /// Processes that answer one request.
    pub(crate) starts: usize,
    /// Processes that answer all those below.
    pub(crate) runs: usize,
    pub(crate) warm_up: u64,
    pub(crate) singles: u64,
    pub(crate) bulk_warm_up: u64,
    pub(crate) bulks: u64,
}

impl Repetitions {
    pub(crate) const FULL: Self =
        Self { starts: 11, runs: 3, warm_up: 1000, singles: 3000, bulk_warm_up: 100, bulks: 300 };
    pub(crate) const QUICK: Self =
        Self { starts: 3, runs: 1, warm_up: 500, singles: 1000, bulk_warm_up: 50, bulks: 100 };
}

/// The cost of one request or one start.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    /// User and system time of the function's process.
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
}

/// The costs of a process from its spawn to its first answer.
pub(crate) struct ColdCosts {
    /// Until the process asks for its first event.
    pub(crate) start: Cost,
    pub(crate) first: Cost,
}

impl ColdCosts {
    pub(crate) fn total_cpu(&self) -> Duration {
        self.start.cpu + self.first.cpu
    }
}

/// The costs of a process that answers many requests, one after the other.
pub(crate) struct WarmCosts {
    pub(crate) single: Cost,
    pub(crate) bulk: Cost,
    /// After all requests.
    pub(crate) resident_bytes: u64,
    pub(crate) peak_bytes: u64,
}

/// The costs of the runs with the median CPU time.
pub(crate) struct FunctionCosts {
    pub(crate) cold: ColdCosts,
    pub(crate) warm: WarmCosts,
    pub(crate) package: Package,
}

/// A function and its runs so far.
pub(crate) struct Trial {
    pub(crate) name: &'static str,
    function: Function,
    starts: Vec<ColdCosts>,
    warm: Vec<WarmCosts>,
    /// The first error, after which the function is not run again.
    error: Option<BoxError>,
}

impl Trial {
    pub(crate) fn new(name: &'static str, function: Function) -> Self {
        Self { name, function, starts: Vec::new(), warm: Vec::new(), error: None }
    }

    pub(crate) async fn run_cold(&mut self, cloud: &Cloud) {
        if self.error.is_none() {
            match measure_cold(&self.function, cloud).await {
                Ok(start) => self.starts.push(start),
                Err(error) => self.error = Some(error),
            }
        }
    }

    pub(crate) async fn run_warm(&mut self, cloud: &Cloud, repetitions: &Repetitions) {
        if self.error.is_none() {
            match measure_warm(&self.function, cloud, repetitions).await {
                Ok(warm) => self.warm.push(warm),
                Err(error) => self.error = Some(error),
            }
        }
    }

    /// Returns the costs of the median runs.
    ///
    /// # Errors
    /// Fails if any run failed.
    pub(crate) fn into_median(self) -> Result<FunctionCosts, BoxError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let cold = median_run(self.starts, ColdCosts::total_cpu).ok_or("it was never started")?;
        let warm = median_run(self.warm, |warm| warm.single.cpu).ok_or("it never ran warm")?;
        Ok(FunctionCosts { cold, warm, package: self.function.package })
    }
}

fn median_run<T>(mut runs: Vec<T>, cpu: impl Fn(&T) -> Duration) -> Option<T> {
    runs.sort_by_key(cpu);
    let middle = runs.len() / 2;
    runs.into_iter().nth(middle)
}

async fn measure_cold(function: &Function, cloud: &Cloud) -> Result<ColdCosts, BoxError> {
    let request = CheckedRequest::single_get(&cloud.token(), 0);
    let started = Instant::now();
    let runtime = function.start(cloud).await;
    runtime.wait_until_idle().await?;
    let start = Cost { wall: started.elapsed(), cpu: process::cpu_time(runtime.process_id())? };
    let first = measure_requests(&runtime, &[request]).await?;
    Ok(ColdCosts { start, first })
}

async fn measure_warm(
    function: &Function,
    cloud: &Cloud,
    repetitions: &Repetitions,
) -> Result<WarmCosts, BoxError> {
    let token = &cloud.token();
    let runtime = function.start(cloud).await;
    let singles = |numbers: Range<u64>| -> Vec<CheckedRequest> {
        numbers.map(|number| CheckedRequest::single_get(token, number)).collect()
    };
    let bulks = |count: u64| -> Vec<CheckedRequest> {
        (0..count).map(|number| CheckedRequest::bulk_get(token, 1000 * number)).collect()
    };
    measure_requests(&runtime, &CheckedRequest::refused_requests(token)).await?;
    measure_requests(&runtime, &singles(0..repetitions.warm_up)).await?;
    let single =
        measure_requests(&runtime, &singles(repetitions.warm_up..repetitions.warm_up + repetitions.singles))
            .await?;
    measure_requests(&runtime, &bulks(repetitions.bulk_warm_up)).await?;
    let bulk = measure_requests(&runtime, &bulks(repetitions.bulks)).await?;
    let usage = process::read_usage(runtime.process_id())?;
    Ok(WarmCosts { single, bulk, resident_bytes: usage.resident_bytes, peak_bytes: usage.peak_bytes })
}

/// Returns the mean cost of the requests: CPU time until the function waits again, wall time until the answer arrives.
async fn measure_requests(runtime: &Runtime, requests: &[CheckedRequest]) -> Result<Cost, BoxError> {
    runtime.wait_until_idle().await?;
    let before = process::cpu_time(runtime.process_id())?;
    let mut wall = Duration::ZERO;
    for request in requests {
        let sent = Instant::now();
        let answer = runtime.invoke(&request.event).await?;
        wall += sent.elapsed();
        request.check_answer(&answer)?;
        runtime.wait_until_idle().await?;
    }
    let cpu = process::cpu_time(runtime.process_id())?.saturating_sub(before);
    let count = requests.len() as u32;
    Ok(Cost { cpu: cpu / count, wall: wall / count })
}
