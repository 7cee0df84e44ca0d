//! What the benchmarks of the Lambdas share: the made-up rows, what a process uses, the programs that restctl is held
//! against, and where it all ran.

pub mod machine;
pub mod peer;
pub mod process;
pub mod row;

/// Why something could not be measured.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Whether `--quick` is among the arguments of this benchmark.
///
/// # Errors
/// If another is, with what to say about it.
pub fn is_quick() -> Result<bool, String> {
    let mut quick = false;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            // Cargo passes it to every benchmark.
            "--bench" => {}
            "--quick" => quick = true,
            other => {
                return Err(format!("{other} is no argument of this benchmark; it takes --quick alone"));
            }
        }
    }
    Ok(quick)
}
