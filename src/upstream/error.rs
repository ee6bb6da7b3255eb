//! Why upstreams cannot be set up.

use std::fmt;

/// Why upstreams cannot be set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamError {
    /// No server is named for the default or a forward zone.
    NoServers(String),
    /// The system's servers cannot be read.
    System {
        /// The file.
        path: String,
        /// What is wrong with it.
        text: String,
    },
    /// The system's only servers are ourselves.
    SystemIsOurselves {
        /// The file.
        path: String,
    },
    /// A server named is one of our own listening addresses.
    Ourselves(String),
    /// Validation is asked for.
    Validation,
    /// TLS cannot be set up; mostly no certificate authorities on this host.
    Tls {
        /// The server that needs it.
        server: String,
        /// What is missing.
        text: String,
    },
}

impl UpstreamError {
    /// The server at fault, as the configuration writes it; none when it is no single server's.
    pub fn server(&self) -> Option<&str> {
        match self {
            UpstreamError::System { .. } | UpstreamError::SystemIsOurselves { .. } => Some("system"),
            UpstreamError::Ourselves(server) | UpstreamError::Tls { server, .. } => Some(server),
            UpstreamError::NoServers(_) | UpstreamError::Validation => None,
        }
    }

    /// What is wrong.
    pub fn problem(&self) -> String {
        match self {
            UpstreamError::NoServers(of) => format!("{of} has no servers"),
            UpstreamError::System { path, text } => format!("`system` asks the servers of {path}, which {text}"),
            UpstreamError::SystemIsOurselves { path } => {
                format!("`system` asks the servers of {path}, and the only one there is this resolver itself")
            }
            UpstreamError::Ourselves(server) => {
                format!("{server} is an address this resolver listens on: it would ask itself")
            }
            UpstreamError::Validation => "dnssec = \"validate\" is not supported yet".to_owned(),
            UpstreamError::Tls { server, text } => format!("TLS cannot be used for {server}: {text}"),
        }
    }

    /// What to do.
    pub fn advice(&self) -> &'static str {
        match self {
            UpstreamError::NoServers(_) => "name at least one",
            UpstreamError::System { .. } => "name the servers instead, such as `udp://9.9.9.9`",
            UpstreamError::SystemIsOurselves { .. } => "name other servers, such as `udp://9.9.9.9`",
            UpstreamError::Ourselves(_) => "name another server, or listen elsewhere",
            UpstreamError::Validation => {
                "write \"off\", and ask a validating resolver on this host or over TLS; what it found authentic (AD) or bogus is \
                 passed on"
            }
            UpstreamError::Tls { .. } => {
                "see that this host has certificate authorities (Debian: the package ca-certificates), or ask over udp://"
            }
        }
    }

    /// Whether it may pass without a change of the configuration: what is wrong is this host's.
    pub fn may_pass(&self) -> bool {
        matches!(self, UpstreamError::System { .. } | UpstreamError::Tls { .. })
    }
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.problem(), self.advice())
    }
}

impl std::error::Error for UpstreamError {}
