//! A check of the stack's alarms.

use aws_sdk_cloudwatch::types::StateValue;

use super::check_report::{CheckError, CheckFinding};
use super::facts::DoctorFacts;
use super::loads::{READ_DEAD_LETTERS, deleted_resource};
use super::metrics::{READ_API_LOG, SPREAD_REQUESTS};
use super::tls::{RENEW, renew_command};
use crate::aws::cloudwatch::{self, Alarm};
use crate::aws::lambda::concurrency::add_concurrency;
use crate::failure::{Failure, shell_argument};

/// Checks that no alarm of the stack is in ALARM, and that each one may act.
pub(super) async fn check_alarms(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let resources = facts.resources().await?.iter();
    let names: Vec<String> = resources
        .filter(|resource| resource.kind == "AWS::CloudWatch::Alarm")
        .map(|resource| resource.id.clone())
        .collect();
    if names.is_empty() {
        return Ok(CheckFinding::skipped("the stack has no alarms"));
    }
    let alarms = cloudwatch::read_alarms(facts.authenticated_clients().await?, names.clone()).await?;
    if let Some(deleted) = names.iter().find(|name| alarms.iter().all(|alarm| alarm.name != **name)) {
        return Err(deleted_resource(deleted));
    }
    let renew = facts.imported_certificate().await.map_or(RENEW, renew_command);
    judge_alarms(&alarms, renew)
}

/// `renew` renews the certificate.
fn judge_alarms(alarms: &[Alarm], renew: &str) -> Result<CheckFinding, CheckError> {
    let with_state = |state| alarms.iter().filter(move |alarm| alarm.state == state);
    let raised: Vec<&Alarm> = with_state(StateValue::Alarm).collect();
    if !raised.is_empty() {
        let mut next: Vec<String> = Vec::new();
        for advice in raised.iter().map(|alarm| next_step(alarm, renew)) {
            if !next.contains(&advice) {
                next.push(advice);
            }
        }
        let what = format!("{} of {} alarms are in ALARM", raised.len(), alarms.len());
        let why = raised.iter().map(|alarm| describe_alarm(alarm));
        return Err(Failure::new(what).why_lines(why).next(next.join("\n")).into());
    }
    let muted: Vec<&Alarm> = alarms.iter().filter(|alarm| !alarm.has_actions_enabled).collect();
    if !muted.is_empty() {
        let names = |name: fn(&Alarm) -> String| muted.iter().map(|alarm| name(alarm)).collect::<Vec<_>>();
        return Ok(CheckFinding::warning(
            format!(
                "the actions of these alarms are disabled: {}",
                names(|alarm| alarm.name.clone()).join(", ")
            ),
            format!(
                "aws cloudwatch enable-alarm-actions --alarm-names {}",
                names(|alarm| shell_argument(&alarm.name, "NAME")).join(" ")
            ),
        ));
    }
    let without_data = match with_state(StateValue::InsufficientData).count() {
        0 => String::new(),
        number => format!("; no data yet for {number}"),
    };
    Ok(CheckFinding::ok(format!("none of {} is in ALARM{without_data}", alarms.len())))
}

fn describe_alarm(alarm: &Alarm) -> String {
    let since = alarm.since.as_ref().map(|since| format!(" since {since}")).unwrap_or_default();
    format!("{}{since}: {}", alarm.name, alarm.reason)
}

/// The metrics are those of the template's alarms.
fn next_step(alarm: &Alarm, renew: &str) -> String {
    match alarm.metric.as_str() {
        "ApproximateNumberOfMessagesVisible" => READ_DEAD_LETTERS.to_owned(),
        "Errors" => "restctl logs ingest --since 1h".to_owned(),
        "HTTPCode_Target_5XX_Count" | "HTTPCode_ELB_5XX_Count" => READ_API_LOG.to_owned(),
        "Throttles" => add_concurrency(),
        "ReadThrottleEvents" | "WriteThrottleEvents" => SPREAD_REQUESTS.to_owned(),
        "DaysToExpiry" => renew.to_owned(),
        _ => format!(
            "aws cloudwatch describe-alarm-history --alarm-name {}",
            shell_argument(&alarm.name, "NAME")
        ),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::primitives::DateTime;
    use aws_sdk_cloudwatch::types::MetricAlarm;

    use super::super::check_report::{CheckVerdict, DoctorCheckReport};
    use super::*;

    fn sample_alarm(name: &str, metric: &str, state: StateValue) -> Alarm {
        Alarm {
            name: name.to_owned(),
            metric: metric.to_owned(),
            state,
            since: Some("2026-01-15T09:30:05.000Z".to_owned()),
            reason: "Threshold Crossed".to_owned(),
            has_actions_enabled: true,
        }
    }

    fn judged(alarms: &[Alarm]) -> DoctorCheckReport {
        DoctorCheckReport::new("alarms", judge_alarms(alarms, "restctl cert renew"))
    }

    #[test]
    fn an_alarm_says_since_when_and_why() {
        let dead = || sample_alarm("a-Dead", "ApproximateNumberOfMessagesVisible", StateValue::Alarm);
        let quiet = || sample_alarm("a-Api", "Errors", StateValue::Ok);
        let report = judged(&[dead(), quiet()]);
        assert_eq!(report.verdict, CheckVerdict::Failed);
        assert_eq!(
            report.evidence,
            "1 of 2 alarms are in ALARM: a-Dead since 2026-01-15T09:30:05.000Z: Threshold Crossed"
        );
        assert_eq!(report.next.as_deref(), Some(READ_DEAD_LETTERS));
        let expiring = judged(&[sample_alarm("a-C", "DaysToExpiry", StateValue::Alarm)]);
        assert_eq!(expiring.next.as_deref(), Some("restctl cert renew"));
        // Each step is named once.
        let target = sample_alarm("a-T", "HTTPCode_Target_5XX_Count", StateValue::Alarm);
        let balancer = sample_alarm("a-E", "HTTPCode_ELB_5XX_Count", StateValue::Alarm);
        let report = judged(&[target, dead(), balancer]);
        assert_eq!(report.next, Some(format!("{READ_API_LOG}\n{READ_DEAD_LETTERS}")));
        let report = judged(&[quiet(), sample_alarm("a-C", "DaysToExpiry", StateValue::InsufficientData)]);
        assert_eq!(
            (report.verdict, report.evidence.as_str()),
            (CheckVerdict::Ok, "none of 2 is in ALARM; no data yet for 1")
        );
    }

    #[test]
    fn disabled_actions_are_a_warning() {
        let muted = Alarm { has_actions_enabled: false, ..sample_alarm("a-Api", "Errors", StateValue::Ok) };
        let report = judged(&[muted]);
        assert_eq!(report.verdict, CheckVerdict::Warning);
        assert_eq!(report.next.as_deref(), Some("aws cloudwatch enable-alarm-actions --alarm-names a-Api"));
    }

    #[test]
    fn an_alarm_is_in_its_state_since_the_transition() {
        let at = |seconds| Some(DateTime::from_secs(seconds));
        let alarm = MetricAlarm::builder().alarm_name("a-Api").state_value(StateValue::Alarm);
        let alarm = alarm.set_state_updated_timestamp(at(1_768_473_000));
        let updated = Alarm::from(alarm.clone().build());
        assert_eq!(updated.since.as_deref(), Some("2026-01-15T10:30:00.000Z"));
        assert!(updated.has_actions_enabled);
        let alarm = alarm.set_state_transitioned_timestamp(at(1_768_469_400)).actions_enabled(false);
        let transitioned = Alarm::from(alarm.build());
        assert_eq!(transitioned.since.as_deref(), Some("2026-01-15T09:30:00.000Z"));
        assert!(!transitioned.has_actions_enabled);
    }
}
