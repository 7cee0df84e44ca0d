//! The metrics of the last hour.

use restctl_contract::template::output as stack_output;

use crate::aws::Aws;
use crate::aws::cloudformation::{Resource, Stack};
use crate::aws::cloudwatch::{self, Periods, Series};
use crate::failure::Result;

/// What was counted in the last hour. A metric without values counts nothing.
pub(super) struct LastHour {
    pub(super) api_throttles: u64,
    pub(super) ingest_throttles: u64,
    pub(super) read_throttles: u64,
    pub(super) write_throttles: u64,
    /// Answers of the load balancer itself.
    pub(super) balancer_errors: u64,
    /// Answers of the API that the load balancer passed on.
    pub(super) api_errors: u64,
    /// Invocations of the API function that ended without an answer.
    pub(super) failed_invocations: u64,
    pub(super) requests: u64,
}

impl LastHour {
    /// Reads all metrics with one call.
    pub(super) async fn read(aws: &Aws, stack: &Stack, resources: &[Resource]) -> Result<Self> {
        let api = ("FunctionName", stack.output(stack_output::API_FUNCTION)?);
        let ingest = ("FunctionName", stack.output(stack_output::INGEST_FUNCTION)?);
        let table = ("TableName", stack.output(stack_output::ITEMS_TABLE)?);
        let load_balancer = ("LoadBalancer", load_balancer_name(resources));
        let series = [
            Series::sum("AWS/Lambda", "Throttles", api),
            Series::sum("AWS/Lambda", "Throttles", ingest),
            Series::sum("AWS/DynamoDB", "ReadThrottleEvents", table),
            Series::sum("AWS/DynamoDB", "WriteThrottleEvents", table),
            Series::sum("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", load_balancer),
            Series::sum("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", load_balancer),
            Series::sum("AWS/Lambda", "Errors", api),
            Series::sum("AWS/ApplicationELB", "RequestCount", load_balancer),
        ];
        let read = cloudwatch::read_metrics(aws, series, Periods::last_hour()).await?;
        let [
            api_throttles,
            ingest_throttles,
            read_throttles,
            write_throttles,
            balancer_errors,
            api_errors,
            failed_invocations,
            requests,
        ] = read.map(|values| values.into_iter().flatten().sum::<f64>() as u64);
        Ok(Self {
            api_throttles,
            ingest_throttles,
            read_throttles,
            write_throttles,
            balancer_errors,
            api_errors,
            failed_invocations,
            requests,
        })
    }
}

/// Returns the name in the metrics, `app/NAME/ID`, which is the end of the ARN ("CloudWatch metrics for your Application Load
/// Balancer", User Guide for Application Load Balancers).
fn load_balancer_name(resources: &[Resource]) -> &str {
    let load_balancer = Resource::find(resources, "AWS::ElasticLoadBalancingV2::LoadBalancer");
    load_balancer.and_then(|resource| resource.id.split_once(":loadbalancer/")).map_or("", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metrics_name_a_load_balancer_by_the_end_of_its_arn() {
        let arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/orders-LoadB-1/5";
        let (name, kind) =
            ["LoadBalancer", "AWS::ElasticLoadBalancingV2::LoadBalancer"].map(str::to_owned).into();
        assert_eq!(
            load_balancer_name(&[Resource { name, kind, id: arn.to_owned() }]),
            "app/orders-LoadB-1/5"
        );
    }
}
