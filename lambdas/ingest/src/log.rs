//! The log: a line of JSON for each thing worth telling, which bears the load that it tells of and the invocation.

use lambda_runtime::tracing::Level;
use lambda_runtime::tracing::subscriber::fmt as subscriber;
use lambda_runtime::tracing::subscriber::fmt::MakeWriter;

/// Whoever looks for a load in the log goes by its id, so every line has the spans that it was written in.
pub(crate) fn init(writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) {
    subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(true)
        .with_target(false)
        .with_max_level(Level::INFO)
        .with_writer(writer)
        .init();
}
