//! Floor 5: the house. Builds every part in order, owns the tasks, stops them in reverse.

mod access;
pub mod exit;
mod gauges;
mod limits;
mod reloading;
mod watch;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::cache::Cache;
use crate::collect::lists::{Board, Updater};
use crate::config::{Config, ConfigErrors};
use crate::engine::reload::{ReloadError, assemble, probe};
use crate::engine::{Desk, Desks, Engine, Worker};
use crate::metrics::Metrics;
use crate::moment::{Clock, Moment};
use crate::serve::engine::Streams;
use crate::serve::{self, Doors, Settings};
use crate::shelf::{self, Shelf, Shelved};
use crate::store::{Store, StoreError};
use crate::upstream;
use crate::web;

pub use exit::{Exit, Failure};
use reloading::{Cause, Ended};
use watch::{Watch, Watched};

/// How long queries under way may take to finish when the house stops.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// Threads for what has to be fetched, streams and the admin doors.
const RUNTIME_THREADS: usize = 2;

/// What the running house is made of.
struct Parts {
    engine: Arc<Engine>,
    store: Arc<Store>,
    metrics: Arc<Metrics>,
    /// The configuration file, read again at each reload.
    path: PathBuf,
    /// `--listen`, which goes before `listen.dns` at each reload, too.
    listen: Vec<SocketAddr>,
    own: Vec<SocketAddr>,
    ended: Mutex<Ended>,
    /// Tells when the file of a list has changed.
    watch: Watch,
    access: access::AccessInForce,
    /// Held while a snapshot is made from the one in force and swapped, so that none is made from one that no longer is.
    swap: Mutex<()>,
    /// What is known of lists that are fetched.
    downloads: Arc<Board>,
}

/// Runs the house until it is told to stop. Returns when everything is closed.
pub fn run(path: &Path, listen: &[SocketAddr]) -> Result<(), Failure> {
    limits::raise_open_files();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(RUNTIME_THREADS)
        .thread_name("runtime")
        .enable_all()
        .build()
        .map_err(|error| Failure::start(format!("threads cannot be made: {error}")))?;
    // Before anything that takes time: a SIGHUP that comes while lists are compiled must not end the process.
    let signals = {
        let _inside = runtime.enter();
        Signals::received().map_err(|error| Failure::start(format!("signals cannot be received: {error}")))?
    };
    let clock = Clock::Real;
    let started = clock.now();
    let config = load(path, listen).map_err(|errors| Failure::errors(&errors, &errors))?;
    let data_dir = config.node.data_dir.clone();
    std::fs::create_dir_all(&data_dir)
        .map_err(|error| Failure::start(format!("node.data_dir: {} cannot be made: {error}", data_dir.display())))?;
    // So that it can be watched before the first line is there. Where it cannot be made, `cordon lists add` says so.
    let _ = shelf::added::make_folder(&data_dir);
    let metrics = Metrics::new(env!("CARGO_PKG_VERSION"));
    metrics.started(started);
    let own = config.listen.dns.clone();
    let stamps = reloading::list_stamps(&config);
    let lists = compile(&config, Shelf::new(&config.node.data_dir)).map_err(Failure::at_start)?;
    let (access, taken) = access::AccessInForce::at_start(&config)?;
    let mut snapshot = assemble(config, lists, &own, None, &metrics, started).map_err(Failure::at_start)?;
    snapshot.access = Arc::new(taken.access(&snapshot.model().categories, started));
    probe(&snapshot, started).map_err(Failure::at_start)?;

    let config = Arc::clone(&snapshot.config);
    let store =
        Store::open(&config.log, &config.node.name, clock.clone()).map_err(|error| log_unusable(&config, &error))?;
    let store = Arc::new(store);
    let udp_threads = match config.listen.workers {
        0 => std::thread::available_parallelism().map_or(1, |cores| cores.get()),
        count => count,
    };
    // One desk for every UDP thread, then one for every thread of the runtime and of the upstreams, and one for threads that are none of
    // them.
    let others = RUNTIME_THREADS + upstream::threads() + 1;
    let noted = || {
        access.note_at_start(&store, &taken)?;
        store.note_config(snapshot.generation, &config.sha256).map_err(Failure::start)
    };
    let mut udp_desks = desks(&store, &metrics, udp_threads + others, noted)?;
    let slow_desks = udp_desks.split_off(udp_threads);
    let keyed = snapshot.matcher().keyed().clone();
    let cache = Cache::new(config.cache.size, config.cache.serve_stale, keyed);
    let engine = Arc::new(Engine::new(snapshot, cache, Desks::new(slow_desks), clock.clone()));

    let mut udp_desks = udp_desks.into_iter();
    let settings = Settings { clock: clock.clone(), ..Settings::default() };
    let streams = Arc::new(Streams(Arc::clone(&engine)));
    let doors = {
        let engine = Arc::clone(&engine);
        let metrics = Arc::clone(&metrics);
        let store = Arc::clone(&store);
        let make_worker = move |_| {
            let desk = udp_desks.next().or_else(|| Some(Desk::new(store.lane().ok()?, metrics.worker())));
            Worker::new(Arc::clone(&engine), desk.unwrap_or_else(|| unreachable!("there is a desk for every worker")))
        };
        Doors::open(&config.listen, settings, make_worker, streams, runtime.handle()).map_err(Failure::start)?
    };
    let watch = Watch::start(watch::Settings::default())
        .map_err(|error| Failure::start(format!("a thread cannot be made: {error}")))?;
    watch.renew(Watched::Lists, stamps);
    let updater = {
        let engine = Arc::clone(&engine);
        Updater::start(move || Arc::clone(&engine.snapshot().config), Arc::clone(&metrics), clock)
            .map_err(|error| Failure::start(format!("threads cannot be made: {error}")))?
    };
    let parts = Arc::new(Parts {
        engine,
        store,
        metrics,
        path: path.to_owned(),
        listen: listen.to_vec(),
        own,
        ended: Mutex::default(),
        watch,
        access,
        swap: Mutex::new(()),
        downloads: updater.board(),
    });
    let outcome = runtime.block_on(open_and_wait(&parts, &doors, started, signals));
    updater.stop();
    stop(&runtime, doors, &parts);
    // A reload that hangs on a disk that does not answer must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

/// Desks with a lane each. Each lane waits for the disk to have its space, so all of them do at once, and while the manifest is `noted`
/// what no answer may go before.
fn desks(
    store: &Arc<Store>,
    metrics: &Arc<Metrics>,
    count: usize,
    noted: impl FnOnce() -> Result<(), Failure>,
) -> Result<Vec<Desk>, Failure> {
    let (lanes, noted): (Vec<_>, _) = std::thread::scope(|scope| {
        let opening: Vec<_> = (0..count).map(|_| scope.spawn(|| store.lane())).collect();
        let noted = noted();
        (opening.into_iter().map(|lane| lane.join()).collect(), noted)
    });
    noted?;
    let mut desks = Vec::with_capacity(count);
    for lane in lanes {
        let lane = lane.map_err(|_| Failure::start("opening the log ended in a fault of ours, which stands above"))?;
        desks.push(Desk::new(lane.map_err(Failure::start)?, metrics.worker()));
    }
    Ok(desks)
}

/// Reads the configuration, with `--listen` in the place of `listen.dns`.
fn load(path: &Path, listen: &[SocketAddr]) -> Result<Config, crate::config::ConfigErrors> {
    let mut config = Config::load(path)?;
    if !listen.is_empty() {
        config.listen.dns = listen.to_vec();
    }
    Ok(config)
}

/// Compiles the lists aside, or takes what was compiled from the same content before.
fn compile(config: &Config, shelf: Shelf) -> Result<Shelved, ReloadError> {
    shelf.compile(&config.lists, &config.model).map_err(|error| ReloadError::of_lists(config, error))
}

/// What keeps the log from being opened: where it is a folder or a file, by the key that names it.
fn log_unusable(config: &Config, error: &StoreError) -> Failure {
    let (key, advice) = match error {
        StoreError::File { path, .. } if *path == config.log.signing_key => {
            ("log.signing_key", "let the user that runs cordon read it, and write its folder")
        }
        StoreError::File { .. } => ("log.dir", "let the user that runs cordon write there, or name another folder"),
        other => return Failure::start(other),
    };
    Failure::start(ConfigErrors::from(config.original.error(key, error.to_string(), advice)))
}

/// The signals the house hears.
struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on they are received. Inside a runtime.
    fn received() -> std::io::Result<Signals> {
        Ok(Signals {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

/// Opens the admin door, tells that the house is open, and waits for signals: SIGHUP reloads, SIGTERM and SIGINT end.
async fn open_and_wait(parts: &Arc<Parts>, doors: &Doors, started: Moment, signals: Signals) -> Result<(), Failure> {
    let config = Arc::clone(&parts.engine.snapshot().config);
    let admin = config.listen.admin;
    let listener = TcpListener::bind(admin)
        .await
        .map_err(|error| Failure::start(format!("listen.admin: {}", serve::admin_refused(admin, error))))?;
    let admin = listener.local_addr().unwrap_or(admin);
    let house = gauges::house(parts, doors, started, admin);
    let (stop_admin, stopped) = oneshot::channel::<()>();
    let web = tokio::spawn(web::serve(listener, house, async move {
        let _ = stopped.await;
    }));
    for address in doors.addresses() {
        tracing::info!(%address, "answering over UDP and TCP");
    }
    tracing::info!(%admin, "metrics, health and status over HTTP");
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        generation = parts.engine.generation(),
        names = parts.engine.snapshot().matcher().names(),
        network_zones = config.model.network_zones.len(),
        "open"
    );
    let following = tokio::spawn(access::follow(Arc::clone(parts)));
    wait(parts, signals).await;
    following.abort();
    let _ = stop_admin.send(());
    let _ = tokio::time::timeout(Duration::from_secs(1), web).await;
    Ok(())
}

/// Until it is told to stop. One reload at a time; a cause that comes during one is heard after it, a SIGTERM at once.
async fn wait(parts: &Arc<Parts>, mut signals: Signals) {
    let mut under_way: Option<JoinHandle<()>> = None;
    loop {
        let reloading = under_way.is_some();
        let done = async {
            match under_way.as_mut() {
                Some(task) => task.await,
                None => std::future::pending().await,
            }
        };
        let cause = tokio::select! {
            _ = done => None,
            _ = signals.hangup.recv(), if !reloading => Some(Cause::Asked),
            () = parts.watch.changed(Watched::Lists), if !reloading => Some(Cause::Lists),
            _ = signals.terminate.recv() => return tracing::info!("SIGTERM: stopping"),
            _ = signals.interrupt.recv() => return tracing::info!("SIGINT: stopping"),
        };
        under_way = cause.map(|cause| {
            let parts = Arc::clone(parts);
            tokio::spawn(async move { reloading::reload(&parts, cause).await })
        });
    }
}

/// Closes the doors, lets tickets finish, seals the lanes: in that order, within limits.
fn stop(runtime: &tokio::runtime::Runtime, doors: Doors, parts: &Arc<Parts>) {
    let closed = runtime.block_on(doors.close(STOP_LIMIT));
    if !closed.is_clean() {
        tracing::warn!(
            waiting = closed.laters_abandoned,
            connections = closed.connections_abandoned,
            workers = closed.workers_stuck,
            "some queries were still under way after the limit; their records say so"
        );
    }
    match parts.store.close() {
        Ok(()) => tracing::info!("the log is sealed; closed"),
        Err(error) => {
            tracing::error!(%error, "the log could not be sealed; its lanes are kept and are sealed at the next start")
        }
    }
}
