//! The cost of one load.

use std::time::{Duration, Instant};

use restctl_testkit::bench::{BoxError, process};

use crate::cloud::Cloud;

pub(crate) struct Measured {
    pub(crate) rows: u64,
    /// User and system time of the loading process without its start.
    pub(crate) cpu: Duration,
    /// The same with its start.
    pub(crate) cpu_in_all: Duration,
    pub(crate) wall: Duration,
    pub(crate) peak_bytes: u64,
    /// Calls to all services.
    pub(crate) calls: usize,
    pub(crate) write_units: u64,
}

impl Measured {
    /// Measures `load`, in which `process` loads `rows` rows from `cloud`.
    ///
    /// # Errors
    /// If the load fails, or has not put the right items.
    pub(crate) async fn measure(
        process: u32,
        cloud: &Cloud,
        rows: u64,
        load: impl Future<Output = Result<(), BoxError>>,
    ) -> Result<Self, BoxError> {
        let before = process::read_usage(process)?;
        let began = Instant::now();
        load.await?;
        let wall = began.elapsed();
        let after = process::read_usage(process)?;
        let (puts, expected) = (cloud.generated_puts(), cloud.content.expected_puts(rows));
        if puts != expected {
            return Err(format!("{puts:?} instead of {expected:?}").into());
        }
        Ok(Self {
            rows,
            cpu: after.cpu.saturating_sub(before.cpu),
            cpu_in_all: after.cpu,
            wall,
            peak_bytes: after.peak_bytes,
            calls: cloud.count_calls(),
            write_units: puts.items,
        })
    }

    pub(crate) fn rows_per_cpu_second(&self) -> f64 {
        self.rows as f64 / self.cpu.as_secs_f64()
    }
}

/// Runs `runs` loads, each in its own process, and returns the one with the median CPU time.
pub(crate) async fn measure_median<F: Future<Output = Result<Measured, BoxError>>>(
    runs: usize,
    load: impl Fn() -> F,
) -> Result<Measured, BoxError> {
    let mut all = Vec::new();
    for _ in 0..runs {
        all.push(load().await?);
    }
    all.sort_by_key(|measured| measured.cpu);
    Ok(all.swap_remove(runs / 2))
}
