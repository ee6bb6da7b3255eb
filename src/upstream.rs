//! Where allowed names are asked: pools of servers, routes by name, health, and whom to blame when no answer comes.
//!
//! hickory's own pool turns negative answers into errors and does not say which server answered; so its streams (TCP, TLS, HTTPS) are
//! used here, beneath that, and UDP (`exchange`), the order, the hedging and the books are ours. `hickory_resolver` and
//! `hickory_net` are known here only.
//!
//! A question to a server in working order over UDP is begun, answered and told without a task (`quick`). As soon as anything is out
//! of the ordinary it becomes one: `pool` goes on from where it stands.

mod coalesce;
mod error;
mod exchange;
mod failed;
mod failure;
mod health;
mod link;
mod plan;
mod pool;
mod quick;
mod server;
mod system;
mod wire;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, ResolverOpts};
use hickory_resolver::{PoolContext, TlsConfig};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::config::checked::{self, Protocol};
use crate::dns::{Name, Question, SuffixMap, convert};

pub use coalesce::Asker;
pub use error::UpstreamError;
pub use failure::{Blame, Ede, Failure};
pub use health::ServerHealth;

use coalesce::{Flight, InFlight, Joined};
use exchange::Exchange;
use link::{INNER_TIMEOUT, Link, ON_ONE_STREAM, Way};
use pool::{Begun, Pool};
use quick::Quick;
use server::Server;

/// Questions on their way up at a time, over all routes. More than this is an outage or an attack.
pub const IN_FLIGHT: usize = 4096;

/// On how many threads of ours an [`Asker`] may be told, those of the runtime apart.
pub fn threads() -> usize {
    exchange::carriers()
}

/// A response ready to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The message: id 0, QR, RD and RA set, AD, CD and TC clear, the question lower-case, names compressed, no OPT, no TSIG.
    /// DNSSEC records only when asked for with DO.
    pub wire: Vec<u8>,
    /// NOERROR, NXDOMAIN or YXDOMAIN; other codes are a [`Failure`].
    pub rcode: u16,
    /// Whether the whole answer is secure, as a server on this host or behind TLS said (AD): others could have been overheard and
    /// changed on the way. Never with CD.
    pub authentic: bool,
    /// Who answered, as the configuration writes it.
    pub upstream: Arc<str>,
    /// The extended error that came with the answer, to be passed on.
    pub ede: Option<Ede>,
}

/// Where a name is asked. Cheap to make and to copy; good only with the [`Upstreams`] that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    pool: u32,
    zone: Option<u32>,
    filter: bool,
}

impl Route {
    /// Whether policy judges the name: always, unless a forward zone says no.
    pub fn filter(&self) -> bool {
        self.filter
    }

    /// Whether a forward zone speaks for the name.
    pub fn is_forward_zone(&self) -> bool {
        self.zone.is_some()
    }
}

/// All pools, and the routes to them.
pub struct Upstreams {
    pools: Vec<Arc<Pool>>,
    timeout: Duration,
    by_config: HashMap<checked::Server, Arc<Server>>,
    zones: Vec<checked::ForwardZone>,
    routes: SuffixMap<Route>,
    default: Route,
    in_flight: Arc<InFlight<(u32, Question), Answered>>,
    exchange: Arc<Exchange>,
}

/// What comes of a question.
pub type Answered = Result<Fetched, Failure>;

/// A question on its way up, for all who ask it.
type OnItsWay = Flight<(u32, Question), Answered>;

impl Upstreams {
    /// Pools for the default and each forward zone. `own` are the addresses this resolver listens on: it never asks itself.
    /// Nothing is sent yet; connections are made by the first questions, on the runtime those run on.
    pub fn new(
        upstream: &checked::Upstream,
        forward_zones: &[checked::ForwardZone],
        own: &[SocketAddr],
    ) -> Result<Upstreams, UpstreamError> {
        Builder::new(own, None, Exchange::new()).build(upstream, forward_zones)
    }

    /// The same for a changed configuration: servers that stay keep their connections, their standing and their figures.
    pub fn renewed(
        &self,
        upstream: &checked::Upstream,
        forward_zones: &[checked::ForwardZone],
        own: &[SocketAddr],
    ) -> Result<Upstreams, UpstreamError> {
        Builder::new(own, Some(&self.by_config), self.exchange.clone()).build(upstream, forward_zones)
    }

    /// Where `name` is asked: the longest forward zone it is in, else the default.
    #[inline]
    pub fn route(&self, name: &Name) -> Route {
        self.routes.longest(name).copied().unwrap_or(self.default)
    }

    /// The longest forward zone that `name` is in.
    pub fn forward_zone(&self, name: &Name) -> Option<&checked::ForwardZone> {
        self.zones.get(self.route(name).zone? as usize)
    }

    /// Asks, and answers or fails within the configured timeout, whatever happens: retries, TCP and other servers included. Equal
    /// questions at the same time go up once. Must run inside a tokio runtime.
    pub async fn ask(&self, route: Route, question: &Question) -> Answered {
        let (tell, told) = oneshot::channel();
        self.begin(route, question, Box::new(Task(tell)), &Handle::current());
        self.set_off();
        told.await.unwrap_or_else(|_| Err(nobody(Blame::Stopped)))
    }

    /// The same without waiting: `asker` is told. What is begun leaves at the latest with [`Upstreams::set_off`], so that many can leave
    /// together. What cannot go the simple way becomes a task of `runtime`. A question that failed in the last seconds fails at once.
    pub fn begin(&self, route: Route, question: &Question, asker: Box<dyn Asker<Answered>>, runtime: &Handle) {
        let Some(pool) = self.pools.get(route.pool as usize) else {
            return asker.told(Some(Err(nobody(Blame::NoServers))));
        };
        let now = Instant::now();
        if let Some(failure) = pool.failed.lately(question, now) {
            return asker.told(Some(Err(failure)));
        }
        match self.in_flight.join((route.pool, *question), asker) {
            Joined::Behind => {}
            Joined::Full(asker) => asker.told(Some(Err(nobody(Blame::Overloaded)))),
            Joined::First(flight) => Quick::begin(flight, pool, now + self.timeout, runtime),
        }
    }

    /// The same behind the back of whoever was answered otherwise: nothing is begun where the question failed lately, is on its way already,
    /// or as many are as may be.
    pub fn refresh(&self, route: Route, question: &Question, asker: Box<dyn Asker<Answered>>, runtime: &Handle) {
        let now = Instant::now();
        if let Some(pool) = self.pools.get(route.pool as usize)
            && pool.failed.lately(question, now).is_none()
            && let Some(flight) = self.in_flight.begin((route.pool, *question), asker)
        {
            Quick::begin(flight, pool, now + self.timeout, runtime);
        }
    }

    /// Whether every server of a route is known to be down.
    #[inline]
    pub fn is_down(&self, route: Route) -> bool {
        self.pools.get(route.pool as usize).is_some_and(|pool| pool.is_down())
    }

    /// The failure of a question that waits for nobody, since every server is known to be down.
    pub fn down() -> Failure {
        nobody(Blame::Timeout)
    }

    /// Sends what was begun on this thread.
    pub fn set_off(&self) {
        self.exchange.set_off();
    }

    /// The failure of a question that was let go since the process stops.
    pub fn stopped() -> Failure {
        nobody(Blame::Stopped)
    }

    /// The figures of every server, by name.
    pub fn health(&self) -> Vec<ServerHealth> {
        let mut servers: Vec<&Arc<Server>> = self.by_config.values().collect();
        servers.sort_by(|a, b| a.text.cmp(&b.text));
        servers.into_iter().map(|server| server.figures()).collect()
    }
}

/// A failure that is no single server's.
fn nobody(blame: Blame) -> Failure {
    Failure { blame, upstream: None }
}

/// A task that asks.
struct Task(oneshot::Sender<Answered>);

impl Asker<Answered> for Task {
    fn told(self: Box<Self>, answered: Option<Answered>) {
        // Nobody listens any more when the task went away.
        let _ = answered.map(|answered| self.0.send(answered));
    }

    fn is_wanted(&self) -> bool {
        !self.0.is_closed()
    }
}

/// How often a task looks whether its question is still wanted.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The whole of a question as a task: every server, every way.
fn spawn(flight: OnItsWay, pool: Arc<Pool>, deadline: Instant, begun: Option<Begun>, runtime: &Handle) {
    let (_, question) = *flight.key();
    runtime.spawn(async move {
        let mut fetched = std::pin::pin!(fetch(&pool, &question, deadline, begun));
        loop {
            match timeout(LOOK_AGAIN, &mut fetched).await {
                Ok(answered) => {
                    // Before anybody is told, so that whoever asks again then finds it.
                    if let Err(failure) = &answered {
                        pool.failed.remember(&question, failure, Instant::now());
                    }
                    return flight.land(answered);
                }
                Err(_) if flight.is_wanted() => {}
                Err(_) => return,
            }
        }
    });
}

async fn fetch(pool: &Pool, question: &Question, deadline: Instant, begun: Option<Begun>) -> Answered {
    let (response, server) = pool.ask(question, deadline, begun).await?;
    let authentic = !question.checking_disabled && server.vouches(response.authentic_data);
    let upstream = server.text.clone();
    let ede = convert::ede(response.edns.as_ref());
    let mut message = response.into_message();
    // What nobody asked for is nobody's to give: addresses of other names would go past policy.
    message.additionals.clear();
    match convert::normalise(message, question) {
        Ok(normal) => Ok(Fetched { wire: normal.wire, rcode: normal.rcode, authentic, upstream, ede }),
        Err(error) => Err(Failure { blame: Blame::Malformed(error.to_string()), upstream: Some(upstream) }),
    }
}

/// Makes pools of what is configured.
struct Builder<'a> {
    own: &'a [SocketAddr],
    previous: Option<&'a HashMap<checked::Server, Arc<Server>>>,
    context: Option<Arc<PoolContext>>,
    by_config: HashMap<checked::Server, Arc<Server>>,
    exchange: Arc<Exchange>,
}

impl<'a> Builder<'a> {
    fn new(
        own: &'a [SocketAddr],
        previous: Option<&'a HashMap<checked::Server, Arc<Server>>>,
        exchange: Arc<Exchange>,
    ) -> Builder<'a> {
        Builder { own, previous, context: None, by_config: HashMap::new(), exchange }
    }

    fn build(
        mut self,
        upstream: &checked::Upstream,
        forward_zones: &[checked::ForwardZone],
    ) -> Result<Upstreams, UpstreamError> {
        if upstream.dnssec {
            return Err(UpstreamError::Validation);
        }
        let mut pools = vec![self.pool(&upstream.servers, || "[upstream]".to_owned())?];
        let mut routes = SuffixMap::new();
        for (i, zone) in forward_zones.iter().enumerate() {
            let route = Route { pool: pools.len() as u32, zone: Some(i as u32), filter: zone.filter };
            pools.push(self.pool(&zone.servers, || format!("forward_zone {}", zone.name))?);
            routes.insert(&zone.name, route);
        }
        Ok(Upstreams {
            pools,
            timeout: upstream.timeout,
            by_config: self.by_config,
            zones: forward_zones.to_vec(),
            routes,
            default: Route { pool: 0, zone: None, filter: true },
            in_flight: InFlight::new(IN_FLIGHT),
            exchange: self.exchange,
        })
    }

    fn pool(&mut self, servers: &[checked::Server], of: impl Fn() -> String) -> Result<Arc<Pool>, UpstreamError> {
        let mut pool: Vec<Arc<Server>> = Vec::new();
        for server in self.named(servers)? {
            let server = self.server(&server)?;
            if !pool.iter().any(|known| Arc::ptr_eq(known, &server)) {
                pool.push(server);
            }
        }
        match pool.is_empty() {
            true => Err(UpstreamError::NoServers(of())),
            false => Ok(Arc::new(Pool::new(pool))),
        }
    }

    /// The servers by address: `system` read out, and none of them ourselves.
    fn named(&self, servers: &[checked::Server]) -> Result<Vec<checked::Server>, UpstreamError> {
        let mut named = Vec::new();
        for server in servers {
            match server {
                checked::Server::At { address, text, .. } if system::is_own(*address, self.own) => {
                    return Err(UpstreamError::Ourselves(text.clone()));
                }
                checked::Server::At { .. } => named.push(server.clone()),
                checked::Server::System => named.extend(self.of_system(Path::new(system::RESOLV_CONF))?),
            }
        }
        Ok(named)
    }

    fn of_system(&self, path: &Path) -> Result<Vec<checked::Server>, UpstreamError> {
        let text = |path: &Path| path.display().to_string();
        let found = system::servers(path).map_err(|error| UpstreamError::System { path: text(path), text: error })?;
        let others = found.into_iter().filter(|address| !system::is_own(*address, self.own));
        let named: Vec<_> = others
            .map(|address| checked::Server::At {
                protocol: Protocol::Udp,
                address,
                tls_name: None,
                path: None,
                text: match address {
                    SocketAddr::V4(v4) => format!("udp://{}", v4.ip()),
                    SocketAddr::V6(v6) => format!("udp://[{}]", v6.ip()),
                },
            })
            .collect();
        match named.is_empty() {
            true => Err(UpstreamError::SystemIsOurselves { path: text(path) }),
            false => Ok(named),
        }
    }

    fn server(&mut self, config: &checked::Server) -> Result<Arc<Server>, UpstreamError> {
        if let Some(server) = self.by_config.get(config) {
            return Ok(server.clone());
        }
        let kept = self.previous.and_then(|previous| previous.get(config)).cloned();
        let server = match kept {
            Some(server) => server,
            None => Arc::new(self.fresh(config)?),
        };
        self.by_config.insert(config.clone(), server.clone());
        Ok(server)
    }

    fn fresh(&mut self, config: &checked::Server) -> Result<Server, UpstreamError> {
        let checked::Server::At { protocol, address, tls_name, path, text } = config else {
            return Err(UpstreamError::NoServers("system".to_owned()));
        };
        let certified: Arc<str> = tls_name.clone().unwrap_or_else(|| address.ip().to_string()).into();
        let way = match protocol {
            Protocol::Udp => Way::Udp,
            Protocol::Tcp => Way::Tcp,
            Protocol::Tls => self.secure(ConnectionConfig::tls(certified), *address, text)?,
            Protocol::Https => {
                let path = path.as_deref().map(Arc::from);
                self.secure(ConnectionConfig::https(certified, path), *address, text)?
            }
        };
        Ok(Server::new(text, *protocol, *address, Link::new(*address, way, self.exchange.clone())))
    }

    fn secure(&mut self, mut config: ConnectionConfig, address: SocketAddr, text: &str) -> Result<Way, UpstreamError> {
        config.port = address.port();
        let context = match &self.context {
            Some(context) => context.clone(),
            None => {
                let tls = TlsConfig::new()
                    .map_err(|error| UpstreamError::Tls { server: text.to_owned(), text: error.to_string() })?;
                let mut options = ResolverOpts::default();
                options.timeout = INNER_TIMEOUT;
                options.max_active_requests = ON_ONE_STREAM;
                self.context.insert(Arc::new(PoolContext::new(options, tls))).clone()
            }
        };
        Ok(Way::Secure(config, context))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_is_asked_unless_it_asks_us() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "nameserver 127.0.0.1\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n").unwrap();
        let own: Vec<SocketAddr> = vec!["0.0.0.0:53".parse().unwrap()];
        let named = Builder::new(&own, None, Exchange::new()).of_system(file.path()).unwrap();
        let texts: Vec<&str> = named
            .iter()
            .map(|server| match server {
                checked::Server::At { text, .. } => text.as_str(),
                checked::Server::System => "system",
            })
            .collect();
        assert_eq!(texts, ["udp://192.0.2.1", "udp://[2001:db8::1]"], "our own address is left out");
        std::fs::write(file.path(), "nameserver 127.0.0.1\n").unwrap();
        let path = file.path().display().to_string();
        assert_eq!(
            Builder::new(&own, None, Exchange::new()).of_system(file.path()),
            Err(UpstreamError::SystemIsOurselves { path })
        );
        let missing =
            Builder::new(&own, None, Exchange::new()).of_system(Path::new("/nonexistent/resolv.conf")).unwrap_err();
        assert!(missing.to_string().contains("name the servers instead"), "{missing}");
    }
}
