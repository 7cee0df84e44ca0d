//! Parses the values of the options. CloudFormation would report a wrong value only minutes later.

use std::net::Ipv4Addr;

use restctl_contract::key::{KeyType, WRITTEN_BY};

/// The most that the template takes, which is more than any account has.
const MAX_CONCURRENCY: u32 = 999_999;

/// "PutRetentionPolicy", Amazon CloudWatch Logs API Reference.
const RETENTION_DAYS: [u32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// Four times the 14 days for which a queue of the template keeps a message, rounded up.
const MIN_VERSION_DAYS: u32 = 60;
const MAX_VERSION_DAYS: u32 = 36_500;

/// An item's key, in the form of the template's parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyOption {
    pub(crate) name: String,
    /// `S` or `N`.
    pub(crate) kind: String,
}

pub(super) fn parse_key(text: &str) -> Result<KeyOption, String> {
    let (name, kind) = text.rsplit_once(':').ok_or("a key is NAME:S (a string) or NAME:N (a number)")?;
    kind.parse::<KeyType>()?;
    // "Naming rules" of the DynamoDB Developer Guide: 1 to 255 bytes.
    if !(1..=255).contains(&name.len()) || name.trim() != name || name.contains(char::is_control) {
        return Err("a key's name has 1 to 255 bytes without leading or trailing spaces".to_owned());
    }
    if name == WRITTEN_BY {
        return Err(format!("restctl uses the attribute {WRITTEN_BY} to record which load wrote an item"));
    }
    Ok(KeyOption { name: name.to_owned(), kind: kind.to_owned() })
}

pub(super) fn parse_cidr(text: &str) -> Result<String, String> {
    let wrong =
        || format!("{text:?} is not a range of IPv4 addresses such as 203.0.113.0/24 or 198.51.100.7/32");
    let (address, length) = text.split_once('/').ok_or_else(wrong)?;
    let address: Ipv4Addr = address.parse().map_err(|_| wrong())?;
    let length: u32 = length.parse().ok().filter(|length| *length <= 32).ok_or_else(wrong)?;
    let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
    let network = Ipv4Addr::from(address.to_bits() & mask);
    if network != address {
        return Err(format!(
            "{text} has bits set beyond its prefix length; use {network}/{length} or {address}/32"
        ));
    }
    Ok(format!("{network}/{length}"))
}

pub(super) fn parse_domain(text: &str) -> Result<String, String> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let name = text.trim_end_matches('.').to_ascii_lowercase();
    if text.is_empty() || (name.len() <= 253 && name.contains('.') && name.split('.').all(is_label)) {
        return Ok(name);
    }
    Err(format!("{text:?} is not a DNS name such as api.example.com"))
}

pub(super) fn parse_hosted_zone(text: &str) -> Result<String, String> {
    let id = text.trim_start_matches("/hostedzone/");
    let well_formed =
        id.starts_with('Z') && id.len() <= 32 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if text.is_empty() || well_formed {
        return Ok(id.to_owned());
    }
    Err(format!("{text:?} is not the id of a hosted zone such as Z0123456789ABCDEFGHIJ"))
}

pub(super) fn parse_vpc(text: &str) -> Result<String, String> {
    if text.is_empty() || is_id(text, "vpc-") {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is not the id of a VPC such as vpc-0123456789abcdef0"))
}

pub(super) fn parse_subnets(text: &str) -> Result<String, String> {
    let subnets: Vec<_> = text.split(',').map(str::trim).collect();
    let mut distinct = subnets.clone();
    distinct.sort_unstable();
    distinct.dedup();
    if text.is_empty() || (distinct.len() >= 2 && subnets.iter().all(|subnet| is_id(subnet, "subnet-"))) {
        return Ok(subnets.join(","));
    }
    Err("give two or more different subnet ids, such as subnet-0123456789abcdef0,subnet-0fedcba9876543210"
        .to_owned())
}

pub(super) fn parse_zones(text: &str) -> Result<[String; 2], String> {
    if text.is_empty() {
        return Ok([String::new(), String::new()]);
    }
    let zones: Vec<_> = text.split(',').map(str::trim).collect();
    if let Some(other) = zones.iter().find(|zone| !is_availability_zone(zone)) {
        return Err(format!(
            "{other:?} is not the name of an availability zone such as eu-west-1a; ids of zones are not names, and Local Zones \
             and Wavelength Zones do not offer what a stack needs"
        ));
    }
    match zones[..] {
        [one, other] if one != other => Ok([one, other].map(str::to_owned)),
        _ => Err("give two different availability zones, such as eu-west-1a,eu-west-1c".to_owned()),
    }
}

/// Whether the text is the name of a region and a letter. The name of a Local Zone or a Wavelength Zone has more after the
/// region's number (us-west-2-lax-1a), and the id of a zone has one hyphen (use1-az1).
fn is_availability_zone(text: &str) -> bool {
    let Some((area, number)) = text.rsplit_once('-') else { return false };
    let digits = number.strip_suffix(|letter: char| letter.is_ascii_lowercase()).unwrap_or_default();
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && area.contains('-')
        && area.split('-').all(is_word)
}

/// Whether the text is the prefix with 17 hexadecimal digits, or with 8 as in older ids.
fn is_id(text: &str, prefix: &str) -> bool {
    let digits = text.strip_prefix(prefix).unwrap_or_default();
    matches!(digits.len(), 8 | 17) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

pub(super) fn parse_topic(text: &str) -> Result<String, String> {
    let parts: Vec<_> = text.split(':').collect();
    let is_topic = matches!(parts[..], ["arn", _, "sns", _, _, name] if !name.is_empty());
    if text.is_empty() || is_topic {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is not the ARN of a topic such as arn:aws:sns:eu-west-1:123456789012:alarms"))
}

/// The empty text is no reservation.
pub(super) fn parse_concurrency(text: &str) -> Result<String, String> {
    match text.parse::<u32>() {
        Ok(number) if (1..=MAX_CONCURRENCY).contains(&number) => Ok(number.to_string()),
        _ if text == "none" => Ok(String::new()),
        // Lambda would then refuse every request.
        _ => Err(format!("{text:?} is neither a number from 1 to {MAX_CONCURRENCY} nor none")),
    }
}

pub(super) fn parse_retention(text: &str) -> Result<String, String> {
    match text.parse().ok().filter(|days| RETENTION_DAYS.contains(days)) {
        Some(days) => Ok(days.to_string()),
        None => {
            let allowed: Vec<_> = RETENTION_DAYS.iter().map(u32::to_string).collect();
            Err(format!(
                "CloudWatch Logs keeps logs for one of these numbers of days: {}",
                allowed.join(", ")
            ))
        }
    }
}

pub(super) fn parse_version_days(text: &str) -> Result<String, String> {
    match text.parse::<u32>() {
        Ok(days) if (MIN_VERSION_DAYS..=MAX_VERSION_DAYS).contains(&days) => Ok(days.to_string()),
        Ok(days) if days < MIN_VERSION_DAYS => Err(format!(
            "a load may need its version for {MIN_VERSION_DAYS} days: its message waits for up to 14 days in the queue of \
             loads, as long among the dead letters, and both again after `restctl dlq redrive`"
        )),
        _ => Err(format!("{text:?} is not a number of days from {MIN_VERSION_DAYS} to {MAX_VERSION_DAYS}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = include_str!("../../../../../templates/stack.yaml");

    #[test]
    fn a_key_is_a_name_with_a_type() {
        let good = |text| parse_key(text).map(|key| (key.name, key.kind)).unwrap();
        assert_eq!(good("id:S"), ("id".to_owned(), "S".to_owned()));
        assert_eq!(good("a:b:N"), ("a:b".to_owned(), "N".to_owned()));
        let long = format!("{}:S", "x".repeat(256));
        for bad in
            ["", "id", "id:", ":S", "id:B", "id:s", " id:S", "id :N", "restctl:load:S", "a\nb:S", &long]
        {
            assert!(parse_key(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_range_has_no_bits_beyond_its_prefix() {
        for good in ["0.0.0.0/0", "203.0.113.0/24", "198.51.100.7/32", "10.0.0.0/8"] {
            assert_eq!(parse_cidr(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "10.0.0.0",
            "10.0.0.0/33",
            "10.0.0/8",
            "10.0.0.1/8",
            "::/0",
            "10.0.0.0/-1",
            "10.0.0.0/8,10.1.0.0/16",
        ] {
            assert!(parse_cidr(bad).is_err(), "{bad:?}");
        }
        assert_eq!(
            parse_cidr("203.0.113.9/24").unwrap_err(),
            "203.0.113.9/24 has bits set beyond its prefix length; use 203.0.113.0/24 or 203.0.113.9/32"
        );
    }

    #[test]
    fn each_option_takes_ids_of_its_kind() {
        let subnet = "subnet-0123456789abcdef0";
        let two = format!("{subnet},subnet-01234567");
        assert_eq!(parse_vpc("vpc-0123456789abcdef0").as_deref(), Ok("vpc-0123456789abcdef0"));
        assert_eq!(parse_subnets(&two).as_deref(), Ok(two.as_str()));
        assert_eq!(parse_hosted_zone("/hostedzone/Z0123456789").as_deref(), Ok("Z0123456789"));
        assert_eq!(parse_domain("API.example.com.").as_deref(), Ok("api.example.com"));
        assert!(parse_topic("arn:aws:sns:eu-west-1:123456789012:alarms").is_ok());
        let same = format!("{subnet},{subnet}");
        for bad in [subnet, &same, "subnet-1,subnet-2", "a,b"] {
            assert!(parse_subnets(bad).is_err(), "{bad:?}");
        }
        for bad in ["vpc-1", "subnet-01234567", "vpc-0123456789abcdefg"] {
            assert!(parse_vpc(bad).is_err(), "{bad:?}");
        }
        for bad in ["localhost", "-a.example.com", "a..b", "https://api.example.com", "a b.com"] {
            assert!(parse_domain(bad).is_err(), "{bad:?}");
        }
        for bad in
            ["arn:aws:sqs:eu-west-1:123456789012:alarms", "alarms", "arn:aws:sns:eu-west-1:123456789012:"]
        {
            assert!(parse_topic(bad).is_err(), "{bad:?}");
        }
        assert!(parse_hosted_zone("example.com").is_err());
    }

    #[test]
    fn zones_are_two_availability_zones() {
        for (good, zones) in [
            ("eu-west-1a,eu-west-1c", ["eu-west-1a", "eu-west-1c"]),
            ("us-gov-west-1b, us-gov-west-1a", ["us-gov-west-1b", "us-gov-west-1a"]),
            ("eusc-de-east-1a,eusc-de-east-1b", ["eusc-de-east-1a", "eusc-de-east-1b"]),
        ] {
            assert_eq!(parse_zones(good), Ok(zones.map(str::to_owned)), "{good}");
        }
        for few in ["eu-west-1a", "eu-west-1a,eu-west-1a", "eu-west-1a,eu-west-1b,eu-west-1c"] {
            assert!(parse_zones(few).unwrap_err().contains("two different availability zones"), "{few}");
        }
        for other in [
            "us-west-2-lax-1a",
            "us-east-1-wl1-bos-wlz-1",
            "use1-az1",
            "eu-west-1",
            "eu-west-a",
            "1a",
            "",
            "EU-WEST-1A",
        ] {
            let refused = parse_zones(&format!("eu-west-1a,{other}")).unwrap_err();
            assert!(refused.contains("Local Zones"), "{other}: {refused}");
        }
    }

    #[test]
    fn a_reservation_is_never_zero() {
        assert_eq!(parse_concurrency("450").as_deref(), Ok("450"));
        assert_eq!(parse_concurrency("none").as_deref(), Ok(""));
        for bad in ["", "0", "-1", "1.5", "1000000", "None", "half"] {
            assert!(parse_concurrency(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn logs_are_kept_for_days_that_cloudwatch_knows() {
        for good in ["1", "30", "365", "3653"] {
            assert_eq!(parse_retention(good).as_deref(), Ok(good));
        }
        for bad in ["", "0", "31", "-1", "never"] {
            assert!(parse_retention(bad).unwrap_err().contains("30, 60, 90"), "{bad}");
        }
        assert!(
            TEMPLATE.contains(&format!("AllowedValues: {RETENTION_DAYS:?}")),
            "the template allows other days"
        );
    }

    /// A load whose version is gone fails, although its message is still there.
    #[test]
    fn a_version_outlives_every_message_that_names_it() {
        let kept = TEMPLATE.split("MessageRetentionPeriod: ").skip(1);
        let kept: Vec<u32> = kept.map(|rest| rest.lines().next().unwrap().parse().unwrap()).collect();
        assert_eq!(kept.len(), 2, "the queue of loads and the dead-letter queue");
        assert!(
            MIN_VERSION_DAYS * 24 * 3_600 >= 2 * kept.iter().sum::<u32>(),
            "once, and once more after a redrive"
        );
        assert!(
            TEMPLATE.contains(&format!("MinValue: {MIN_VERSION_DAYS}\n    MaxValue: {MAX_VERSION_DAYS}\n"))
        );
        assert_eq!(parse_version_days("60").as_deref(), Ok("60"));
        for short in ["0", "30", "59"] {
            assert!(parse_version_days(short).unwrap_err().contains("dlq redrive"), "{short}");
        }
        for bad in ["", "-1", "36501", "forever"] {
            assert!(parse_version_days(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_empty_value_removes_the_setting() {
        for empty in
            [parse_domain(""), parse_hosted_zone(""), parse_vpc(""), parse_subnets(""), parse_topic("")]
        {
            assert_eq!(empty.as_deref(), Ok(""));
        }
        assert_eq!(parse_zones(""), Ok([String::new(), String::new()]));
    }
}
