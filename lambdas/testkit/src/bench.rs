//! What the benchmarks share: the generated rows, what a process uses, the programs that restctl is compared with,
//! and the machine.

pub mod machine;
pub mod peer;
pub mod process;
pub mod row;

/// Why something could not be measured.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Returns whether `--quick` is among the arguments of this benchmark.
///
/// # Errors
/// If there is another argument. The text says so.
pub fn is_quick() -> Result<bool, String> {
    let mut quick = false;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            // Cargo passes it to every benchmark.
            "--bench" => {}
            "--quick" => quick = true,
            other => {
                return Err(format!("{other} is not an argument of this benchmark: it accepts only --quick"));
            }
        }
    }
    Ok(quick)
}
