use std::sync::{Arc, Mutex};

use axum::extract::Request;
use axum::http::StatusCode;
use serde_json::json;

use super::*;
use crate::aws::test_server;

const ARN: &str = "arn:aws:acm:us-east-1:123456789012:certificate/1";
const LOAD_BALANCER: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/restctl/1";

/// Answers as AWS does for a certificate of which ACM lists `user` as a user at the first `refusals` deletions. That user exists
/// if it is a load balancer called "other".
async fn connect(user: &'static str, refusals: usize) -> (Aws, Arc<Mutex<Vec<String>>>) {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let aws = test_server::connect(move |request: Request| {
        let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
        let call = target.unwrap_or("DescribeLoadBalancers").rsplit('.').next().unwrap().to_owned();
        seen.lock().unwrap().push(call.clone());
        let deletions = seen.lock().unwrap().iter().filter(|call| *call == "DeleteCertificate").count();
        let in_use = json!({ "__type": "ResourceInUseException", "message": "is in use" }).to_string();
        let not_found =
            "<ErrorResponse><Error><Code>LoadBalancerNotFound</Code></Error></ErrorResponse>".to_owned();
        let answer = match call.as_str() {
            "DeleteCertificate" if deletions <= refusals => (StatusCode::BAD_REQUEST, in_use),
            "DeleteCertificate" => (StatusCode::OK, "{}".to_owned()),
            "DescribeCertificate" => {
                (StatusCode::OK, json!({ "Certificate": { "InUseBy": [user] } }).to_string())
            }
            _ if user.contains("other") => (
                StatusCode::OK,
                "<DescribeLoadBalancersResponse><DescribeLoadBalancersResult/>\
                    </DescribeLoadBalancersResponse>"
                    .to_owned(),
            ),
            _ => (StatusCode::BAD_REQUEST, not_found),
        };
        std::future::ready(answer)
    })
    .await;
    (aws, calls)
}

#[tokio::test]
async fn a_certificate_is_deleted_after_its_load_balancer_was_forgotten() {
    let fifteen_minutes = Duration::from_secs(15 * 60);
    for load_balancer in [Some(LOAD_BALANCER), None] {
        let (aws, _) = connect(LOAD_BALANCER, 90).await;
        UsedCertificate { arn: ARN, load_balancer }.delete_when_released(&aws).await.unwrap();
        assert_eq!(aws.clock.slept(), fifteen_minutes);
    }
}

#[tokio::test]
async fn a_certificate_that_is_never_released_ends_the_waiting() {
    let (aws, _) = connect(LOAD_BALANCER, usize::MAX).await;
    let certificate = UsedCertificate { arn: ARN, load_balancer: Some(LOAD_BALANCER) };
    let failure = certificate.delete_when_released(&aws).await.unwrap_err().to_string();
    assert_eq!(aws.clock.slept(), PATIENCE);
    let why = format!("after 20 minutes, ACM still lists {LOAD_BALANCER} as a user of it");
    assert!(failure.contains(&why) && failure.contains("restctl destroy in an hour"), "{failure}");
}

/// Nobody waits for what does not go away by itself.
#[tokio::test]
async fn another_user_of_the_certificate_is_named_at_once() {
    for user in [
        "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/other/1",
        "arn:aws:elasticloadbalancing:us-east-1:210987654321:loadbalancer/app/restctl/1",
        "arn:aws:cloudfront::123456789012:distribution/E1",
    ] {
        let (aws, calls) = connect(user, usize::MAX).await;
        let certificate = UsedCertificate { arn: ARN, load_balancer: Some(LOAD_BALANCER) };
        let failure = certificate.delete_when_released(&aws).await.unwrap_err().to_string();
        assert!(failure.contains(&format!("{user} also uses it")), "{failure}");
        assert!(failure.contains("restctl destroy --no-wait"), "{failure}");
        assert_eq!(aws.clock.slept(), Duration::ZERO, "{:?}", calls.lock().unwrap());
    }
}
