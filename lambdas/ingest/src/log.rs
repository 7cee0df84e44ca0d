//! The log: one line of JSON per event, with the invocation and the load that it belongs to.

use lambda_runtime::tracing::Level;
use lambda_runtime::tracing::subscriber::fmt as subscriber;
use lambda_runtime::tracing::subscriber::fmt::MakeWriter;

/// Starts the log. Each line has the spans around it, since a load's lines are found by the load's id. A field that is not
/// the function's own text is a [`LogText`](restctl_contract::log_text::LogText).
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
