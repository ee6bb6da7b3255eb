//! One request over HTTP or HTTPS: the one place that knows the client. Certificates are held against the system's authorities; a proxy
//! is taken from the environment (the first of `ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY`; not for hosts of `NO_PROXY`).

use std::io::{self, Read};
use std::time::Duration;

use ureq::http::{HeaderMap, StatusCode, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, BodyReader, Error, Timeout};

use crate::list::Refused;
use crate::moment::Moment;

/// How long a connection may take to come about: a host that is not there should not take the whole time of the transfer.
const CONNECT: Duration = Duration::from_secs(10);
/// How often an address may lead to another.
const REDIRECTS: u32 = 5;

/// What is asked for.
pub(super) struct Request<'a> {
    /// The address.
    pub(super) url: &'a str,
    /// How long all of it may take.
    pub(super) timeout: Duration,
    /// What is there already.
    pub(super) known: Validators,
    /// What time it is.
    pub(super) now: Moment,
}

/// What a server knows a content by.
#[derive(Clone, Debug, Default)]
pub(super) struct Validators {
    /// RFC 9110 section 8.8.3.
    pub(super) etag: Option<String>,
    /// RFC 9110 section 8.8.2.
    pub(super) last_modified: Option<String>,
}

/// Content that comes, still to be read.
pub(super) struct Coming {
    /// Its octets.
    pub(super) body: Transfer,
    /// How many there will be, where the server says it.
    pub(super) octets: Option<u64>,
    /// What to know it by.
    pub(super) validators: Validators,
}

/// Why there is no content.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// The word for it.
    pub(super) refused: Refused,
    /// A sentence for people; never the address, whose query may be a secret.
    pub(super) text: String,
    /// How long the server asked to be left alone (RFC 9110 section 10.2.3).
    pub(super) asked: Option<Duration>,
}

impl Failure {
    /// With no wish of the server.
    pub(super) fn new(refused: Refused, text: impl Into<String>) -> Failure {
        Failure { refused, text: text.into(), asked: None }
    }
}

/// The octets of a transfer. What breaks it is kept, since decoders show it as an error of their own.
pub(super) struct Transfer {
    reader: BodyReader<'static>,
    /// What broke it.
    pub(super) failure: Option<Failure>,
}

impl Read for Transfer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failure.is_some() {
            // After an error the client takes the transfer to be at its end, which a decoder must not.
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        self.reader.read(buffer).map_err(|error| {
            let failure = broken(Error::from(error));
            let shown = io::Error::other(failure.text.clone());
            self.failure = Some(failure);
            shown
        })
    }
}

/// Asks for a content; none: what is there already is the present one (RFC 9110 section 15.4.5).
pub(super) fn fetch(request: &Request) -> Result<Option<Coming>, Failure> {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .https_only(request.url.starts_with("https://"))
        .http_status_as_error(false)
        .max_redirects(REDIRECTS)
        .timeout_global(Some(request.timeout))
        .timeout_resolve(Some(CONNECT.min(request.timeout)))
        .timeout_connect(Some(CONNECT.min(request.timeout)))
        .user_agent(concat!("cordon/", env!("CARGO_PKG_VERSION")))
        .accept("text/plain, */*;q=0.5")
        .accept_encoding("gzip, zstd")
        .build();
    let mut asked = Agent::new_with_config(config).get(request.url);
    if let Some(etag) = &request.known.etag {
        asked = asked.header(header::IF_NONE_MATCH, etag);
    }
    if let Some(date) = &request.known.last_modified {
        asked = asked.header(header::IF_MODIFIED_SINCE, date);
    }
    let response = asked.call().map_err(before_content)?;
    let (head, body) = response.into_parts();
    let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    match head.status {
        StatusCode::OK => {
            let validators = Validators { etag: text(header::ETAG), last_modified: text(header::LAST_MODIFIED) };
            let octets = body.content_length();
            let body = Transfer { reader: body.into_reader(), failure: None };
            Ok(Some(Coming { body, octets, validators }))
        }
        StatusCode::NOT_MODIFIED if request.known.etag.is_some() || request.known.last_modified.is_some() => Ok(None),
        status => Err(refusal(status, &head.headers, request.now)),
    }
}

fn refusal(status: StatusCode, headers: &HeaderMap, now: Moment) -> Failure {
    let refused = match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => Refused::NotFound,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Refused::ServerError,
        status if status.is_server_error() => Refused::ServerError,
        status if status.is_redirection() && status != StatusCode::NOT_MODIFIED => Refused::Redirect,
        _ => Refused::Status,
    };
    Failure { refused, text: format!("the server answers {status}"), asked: asked(headers, now) }
}

/// How long the server asks to be left alone: so many seconds, or until a date, which is one of its own clock where it tells that.
fn asked(headers: &HeaderMap, now: Moment) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let asked = text(header::RETRY_AFTER)?;
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(asked).ok()?;
    let its_now = text(header::DATE).and_then(|date| httpdate::parse_http_date(date).ok());
    let from = its_now.unwrap_or_else(|| now.timestamp().into());
    Some(until.duration_since(from).unwrap_or_default())
}

/// What an error means before there is content.
fn before_content(error: Error) -> Failure {
    let refused = |refused, text: &str| Failure::new(refused, text);
    match error {
        Error::Timeout(Timeout::Resolve) => {
            refused(Refused::Unreachable, "the name of the host could not be looked up in time")
        }
        Error::Timeout(Timeout::Connect) => refused(Refused::Unreachable, "no connection came about in time"),
        Error::Timeout(_) => refused(Refused::Slow, "the transfer took too long"),
        Error::HostNotFound => refused(Refused::Unreachable, "the name of the host is not known"),
        Error::TooManyRedirects => refused(Refused::Redirect, "it leads to another address too often"),
        Error::RedirectFailed | Error::BadUri(_) => refused(Refused::Redirect, "it leads to what is no address"),
        Error::RequireHttpsOnly(_) => refused(Refused::Redirect, "it leads from an encrypted to an open address"),
        Error::ConnectProxyFailed(_) => refused(Refused::Unreachable, "the proxy does not connect"),
        Error::InvalidProxyUrl => refused(Refused::Unreachable, "the proxy of the environment is no address"),
        Error::Rustls(error) => of_tls(&error.to_string()),
        Error::Tls(text) => of_tls(text),
        // The client gives what the TLS library says in the clothes of an I/O error.
        Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => of_tls(&error.to_string()),
        Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
            refused(Refused::Slow, "the transfer took too long")
        }
        Error::Io(error) => Failure::new(Refused::Unreachable, format!("no connection: {error}")),
        Error::Protocol(_) | Error::Http(_) | Error::LargeResponseHeader(..) => {
            refused(Refused::Status, "the server does not speak HTTP as it should")
        }
        _ => refused(Refused::Unreachable, "the connection failed"),
    }
}

fn of_tls(text: &str) -> Failure {
    let about_certificate = ["certificate", "CertNotValid", "UnknownIssuer"].iter().any(|word| text.contains(word));
    let refused = if about_certificate { Refused::Certificate } else { Refused::Unreachable };
    Failure::new(refused, format!("TLS: {text}"))
}

/// What an error means while content comes.
fn broken(error: Error) -> Failure {
    match error {
        Error::Timeout(_) => Failure::new(Refused::Slow, "the transfer took too long"),
        Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
            Failure::new(Refused::Slow, "the transfer took too long")
        }
        Error::Io(error) => Failure::new(Refused::Cut, format!("the transfer broke off: {error}")),
        _ => Failure::new(Refused::Cut, "the transfer broke off"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_asks_to_be_left_alone_for_seconds_or_until_a_date_however_it_is_written() {
        let now = "1994-11-15T08:00:00Z".parse::<jiff::Timestamp>().unwrap().into();
        let told = |after: &str, date: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, after.parse().unwrap());
            date.map(|date| headers.insert(header::DATE, date.parse().unwrap()));
            asked(&headers, now).map(|span| span.as_secs())
        };
        let nine = ["Tue, 15 Nov 1994 09:00:00 GMT", "Tuesday, 15-Nov-94 09:00:00 GMT", "Tue Nov 15 09:00:00 1994"];
        for date in nine {
            assert_eq!(told(date, None), Some(3_600), "{date}");
            assert_eq!(told(date, Some("Tue, 15 Nov 1994 08:45:00 GMT")), Some(900), "by its own clock: {date}");
            assert_eq!(told(date, Some("soon")), Some(3_600), "{date}");
        }
        assert_eq!(told(" 120 ", Some(nine[0])), Some(120));
        assert_eq!(told("Tue, 15 Nov 1994 07:00:00 GMT", None), Some(0), "what is past asks for nothing");
        for nothing in ["", "-5", "1.5", "soon", "Tue, 15 Nov"] {
            assert_eq!(told(nothing, None), None, "{nothing:?}");
        }
        assert_eq!(asked(&HeaderMap::new(), now), None);
    }
}
