//! Object storage that speaks the protocol of S3: Amazon's, and what others offer or run themselves.
//!
//! Credentials come from where its other programs find them: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` (with
//! `AWS_SESSION_TOKEN`), the profile in `~/.aws`, or the role of the machine. They are in no option, so that no list of processes shows
//! them. Knows no object's meaning.

use crate::error::BackupError;
use crate::transport::{ClientTransport, Roots};
use ensoex_egress::{Destinations, Recipient};
use opendal::layers::{RetryLayer, TimeoutLayer};
use opendal::{HttpTransporter, OperationContext, Operator, services};
use std::time::Duration;

/// Longest prefix below a bucket, in bytes; the rest of a key's 1,024 is for ours.
const PREFIX_BYTES_MAX: usize = 512;
/// Lengths of a bucket's name.
const BUCKET_BYTES: std::ops::RangeInclusive<usize> = 3..=63;
/// How often something is tried again that failed for a moment.
const RETRIES_MAX: usize = 4;
/// How long a question that moves no content may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// How long one part of an object may take, either way.
const PART_TIME_MAX: Duration = Duration::from_secs(300);

/// Where object storage is, as far as the environment does not say so.
#[derive(Clone, Debug, Default)]
pub struct ObjectStorage {
    /// Its address, `https://…` or `http://…`; otherwise `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`, or else Amazon's own.
    pub endpoint: Option<String>,
    /// Otherwise `AWS_REGION` or `AWS_DEFAULT_REGION`.
    pub region: Option<String>,
    /// The bucket is a part of the host's name (`https://BUCKET.HOST/KEY`), not of the path.
    pub virtual_host: bool,
}

/// Opens `BUCKET/PREFIX`.
pub(crate) fn open(place: &str, storage: &ObjectStorage) -> Result<Operator, BackupError> {
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let part_of_name =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    // The address is not repeated: somebody may have put credentials into it.
    if !BUCKET_BYTES.contains(&bucket.len()) || !bucket.bytes().all(part_of_name) {
        return Err(BackupError::Address("s3://…".to_owned()));
    }
    let plain = |part: &str| part != "." && part != ".." && !part.contains(['?', '#', '\\']);
    if prefix.len() > PREFIX_BYTES_MAX || !prefix.split('/').all(plain) {
        return Err(BackupError::Address(format!("s3://{bucket}/…")));
    }
    let region = storage
        .region
        .clone()
        .or_else(|| variable("AWS_REGION"))
        .or_else(|| variable("AWS_DEFAULT_REGION"))
        .ok_or(BackupError::Region)?;
    let endpoint = storage
        .endpoint
        .clone()
        .or_else(|| variable("AWS_ENDPOINT_URL_S3"))
        .or_else(|| variable("AWS_ENDPOINT_URL"));
    let roots = match &endpoint {
        Some(endpoint) if endpoint.starts_with("http://") => Roots::None,
        Some(endpoint) if !endpoint.starts_with("https://") => return Err(BackupError::Endpoint),
        _ => Roots::System,
    };
    let mut builder = services::S3::default()
        .bucket(bucket)
        .root(&format!("/{prefix}"))
        .region(&region);
    if let Some(endpoint) = &endpoint {
        builder = builder.endpoint(endpoint.trim_end_matches('/'));
    }
    if storage.virtual_host {
        builder = builder.enable_virtual_host_style();
    }
    let places = places(bucket, &region, endpoint.as_deref());
    let operator = Operator::new(builder).map_err(|source| BackupError::Store {
        what: "opening the object storage".to_owned(),
        source,
    })?;
    let transport = HttpTransporter::new(ClientTransport::new(roots, places)?);
    let timeouts = TimeoutLayer::new()
        .with_timeout(ANSWER_TIME_MAX)
        .with_io_timeout(PART_TIME_MAX);
    let retries = RetryLayer::new().with_max_times(RETRIES_MAX).with_jitter();
    let context = OperationContext::new().with_http_transport(transport);
    Ok(operator.with_context(context).layer(timeouts).layer(retries))
}

/// Whom this storage consists of: its own hosts, and those that lend this machine its role, which may be asked for credentials.
fn places(bucket: &str, region: &str, endpoint: Option<&str>) -> Destinations {
    let host = |address: &str| address.parse::<http::Uri>().ok()?.host().map(str::to_owned);
    let domain = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    let own = match endpoint {
        Some(endpoint) => host(endpoint).into_iter().collect(),
        None => vec![format!("s3.{domain}"), format!("s3.{region}.{domain}")],
    };
    let buckets: Vec<String> = own.iter().map(|host| format!("{bucket}.{host}")).collect();
    let named = [
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_ENDPOINT_URL_STS",
    ];
    let lenders = named.into_iter().filter_map(|name| host(&variable(name)?));
    let usual = [
        format!("sts.{domain}"),
        format!("sts.{region}.{domain}"),
        "169.254.169.254".to_owned(),
        "169.254.170.2".to_owned(),
    ];
    let hosts = own.into_iter().chain(buckets).chain(lenders).chain(usual);
    Destinations::new(Recipient::Storage, hosts)
}

/// What the environment says, if it says anything.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_beside_the_storage() {
        let own = places("backups", "eu-west-1", Some("https://storage.example:9000/below"));
        assert!(own.check(Some("storage.example")).is_ok());
        assert!(own.check(Some("backups.storage.example")).is_ok());
        assert!(own.check(Some("s3.eu-west-1.amazonaws.com")).is_err());
        assert!(own.check(Some("elsewhere.example")).is_err());
        let amazon = places("backups", "eu-west-1", None);
        assert!(amazon.check(Some("backups.s3.eu-west-1.amazonaws.com")).is_ok());
        assert!(amazon.check(Some("others.s3.eu-west-1.amazonaws.com")).is_err());
    }
}
