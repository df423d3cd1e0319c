//! The server as a whole: what everything shares, how it starts and how it stops.

use std::collections::HashMap;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use async_executor::Executor;
use async_io::{Async, Timer};
use certs::Identity;
use color_eyre::eyre::{Report, eyre};
use commands::{Hall, Landed, PeerId, World};
use event_listener::Event;
use proto::{Code, Refusal};

use crate::accounts::Accounts;
use crate::config::Config;
use crate::connection::Connection;
use crate::database::{Database, DatabaseError, WriteError, Writer};
use crate::exit::{Exit, Failure};
use crate::flusher::Flusher;
use crate::folder::{self, Folder};
use crate::gate::Gate;
use crate::history::History;
use crate::ledger::Ledger;
use crate::outbox::RECORD_BYTES_MAX;
use crate::turns::Turns;
use crate::watch::Watch;
use crate::{control, integrity, ledger, listener, retention};

/// How long a list may wait for another to be due.
const LISTS_PAUSE: Duration = Duration::from_millis(200);

/// How long what was read may take when the server stops; it has to be written after that.
const PAUSE_TIME: Duration = Duration::from_secs(2);

/// How long all of that and everyone's last words may take.
const STOP_TIME: Duration = Duration::from_secs(4);

/// What every connection shares.
pub(crate) struct Server {
    pub(crate) config: Config,
    pub(crate) world: World,
    pub(crate) tls: Arc<rustls::ServerConfig>,
    pub(crate) turns: Turns,
    pub(crate) gate: Arc<Gate>,
    pub(crate) live: Live,
    flushers: Vec<Arc<Flusher>>,
    flusher_turn: AtomicUsize,
    peer_turn: AtomicU64,
}

impl Server {
    /// The home of the next connection: they share the flushers evenly.
    pub(crate) fn next_flusher(&self) -> Arc<Flusher> {
        let turn = self.flusher_turn.fetch_add(1, Ordering::Relaxed);
        self.flushers[turn % self.flushers.len()].clone()
    }

    /// A number that no connection had before.
    pub(crate) fn next_peer(&self) -> PeerId {
        PeerId(self.peer_turn.fetch_add(1, Ordering::Relaxed))
    }
}

/// The connections that are up, for a word to all.
#[derive(Default)]
pub(crate) struct Live {
    connections: Mutex<HashMap<PeerId, Arc<Connection>>>,
    /// One is gone, or at rest.
    one_less: Event,
    /// Does nobody read any further?
    is_paused: AtomicBool,
    /// Why everyone ends, once the server stops.
    end: OnceLock<Refusal>,
}

/// A connection's place among those that are up.
pub(crate) struct Listed<'a> {
    live: &'a Live,
    id: PeerId,
}

impl Live {
    pub(crate) fn add(&self, id: PeerId, connection: &Arc<Connection>) -> Listed<'_> {
        self.connections().insert(id, connection.clone());
        // One that shook hands meanwhile is told as well.
        if self.is_paused.load(Ordering::SeqCst) {
            connection.pause();
        }
        if let Some(why) = self.end.get() {
            connection.order_end(why.clone());
        }
        Listed { live: self, id }
    }

    /// Notes that `connection` does nothing any more.
    pub(crate) fn rest(&self, connection: &Connection) {
        connection.rest();
        self.one_less.notify(usize::MAX);
    }

    /// Lets all read no further, and waits until what they have read is done.
    async fn pause_all(&self) {
        self.is_paused.store(true, Ordering::SeqCst);
        let all = self.all();
        all.iter().for_each(|connection| connection.pause());
        // One after the other, so that each is asked only a few times.
        for connection in all {
            while !connection.is_at_rest() {
                let one_less = self.one_less.listen();
                if !connection.is_at_rest() {
                    one_less.await;
                }
            }
        }
    }

    fn end_all(&self, why: Refusal) {
        let why = self.end.get_or_init(|| why);
        self.all().iter().for_each(|connection| connection.order_end(why.clone()));
    }

    fn all(&self) -> Vec<Arc<Connection>> {
        self.connections().values().cloned().collect()
    }

    async fn emptied(&self) {
        while !self.connections().is_empty() {
            let one_less = self.one_less.listen();
            if !self.connections().is_empty() {
                one_less.await;
            }
        }
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<PeerId, Arc<Connection>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.live.connections().remove(&self.id);
        self.live.one_less.notify(usize::MAX);
    }
}

/// Serves until a signal stops it.
///
/// # Errors
/// What keeps it from starting, with its exit code.
pub fn serve(config: Config) -> Result<(), Failure> {
    let data = config.data().map_err(|e| Failure::new(Exit::Usage, eyre!(e)))?;
    if config.password.is_weak() {
        tracing::warn!(
            "password.log_n, r and p cost an attacker less than OWASP advises for scrypt"
        );
    }
    listener::survive_file_limits()?;
    // A new data folder is not made for a server that cannot listen. Of one that is there the
    // lock is asked first: it names the chatd that has it.
    let is_new = folder::check_used(&data).is_err();
    let bound = is_new.then(|| listener::bind(&config.listen)).transpose()?;
    let folder = Folder::lock(&data)?;
    let identity = identity(&config, folder.path())?;
    let file = folder.database();
    let opened = Database::open(&file, &config);
    let (database, writer, landed) = opened.map_err(database_failure)?;
    // Kept for the life of the process: every task borrows them.
    let executor: &'static Executor<'static> = Box::leak(Box::new(Executor::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let flushers: Vec<_> = (0..threads).map(|_| Arc::new(Flusher::default())).collect();
    let hall = smol::block_on(load_hall(&database, &config, &file))?;
    let accounts = Arc::new(
        Accounts::new(database.clone(), &config)
            .map_err(|e| Failure::new(Exit::Usage, e.into()))?,
    );
    let world = World {
        server: concat!("chatd ", env!("CARGO_PKG_VERSION")).into(),
        hall,
        ledger: Arc::new(Ledger(database.clone())),
        archive: Arc::new(History(database.clone())),
        accounts: accounts.clone(),
        policy: config.policy(),
    };
    // Two commands of one name are a defect, and met here rather than by a user.
    let (version, commands) = (env!("CARGO_PKG_VERSION"), commands::commands().count());
    tracing::info!(version, commands, data = %data.display(), "starting");
    let listeners = match bound {
        Some(listeners) => listeners,
        None => listener::bind(&config.listen)?,
    };
    let server: &'static Server = Box::leak(Box::new(Server {
        tls: identity.server_config(),
        turns: Turns::new(threads),
        gate: Gate::new(&config.limits),
        live: Live::default(),
        flusher_turn: AtomicUsize::new(0),
        peer_turn: AtomicU64::new(1),
        world,
        flushers,
        config,
    }));
    for _ in 1..threads {
        std::thread::Builder::new()
            .name("chatd".into())
            .spawn(|| smol::block_on(executor.run(std::future::pending::<()>())))
            .map_err(|e| Failure::new(Exit::Defect, e.into()))?;
    }
    let watch = Watch::new();
    for flusher in &server.flushers {
        watch.spawn(executor, "flusher", flusher.run()).detach();
    }
    watch.spawn(executor, "push_lists", push_lists(&server.world.hall)).detach();
    // It ends by itself when the writer is gone, too.
    let tail = watch.spawn(executor, "hand_out", hand_out(server, landed));
    let keeping = {
        let (database, inbox_days) = (database.clone(), server.config.limits.inbox_days);
        let keeping =
            async move { retention::run(&database, &server.world.hall, inbox_days).await };
        watch.spawn(executor, "retention", keeping)
    };
    let control = control::listen(&folder, executor, accounts, server.world.hall.clone())?;
    let addresses = local_addresses(&listeners)?;
    let accepting: Vec<_> = listeners
        .into_iter()
        .map(|bound| executor.spawn(listener::accept(server, executor, bound)))
        .collect();
    // Caught before anyone is told that it is ready, and may want it to stop.
    let signals = listener::stop_signals()?;
    say_ready(&addresses, &identity);
    // A task as others are: what is given to `run` itself is asked again whenever this thread
    // has been woken, and to ask for signals is a call of the kernel.
    let ended = executor.spawn(smol::future::or(
        async { listener::stop_signal(signals).await.map(Ok) },
        smol::future::or(async { Ok(Err(damage(file).await)) }, async move {
            Err(defect(watch.ended().await))
        }),
    ));
    let end = smol::block_on(executor.run(ended))?;
    match &end {
        Ok(signal) => tracing::info!(signal, "stopping"),
        Err(error) => tracing::error!(%error, "stopping"),
    }
    smol::block_on(executor.run(async {
        for task in accepting {
            task.cancel().await;
        }
        control.cancel().await;
        keeping.cancel().await;
        stop(server, &database, writer, tail).await;
    }));
    tracing::info!("stopped");
    end.map(drop).map_err(database_failure)
}

/// What the process ends with when a task is gone without which it would do nothing. At
/// once: whoever stops in order needs that task, and what was acknowledged is on the disk.
fn defect(task: &str) -> Failure {
    tracing::error!(task, "a task of the server has ended: stopping at once");
    Failure::new(Exit::Defect, eyre!("a task of the server has ended: {task}"))
}

/// Checks the whole database beside the work; comes back only if it is damaged.
async fn damage(file: PathBuf) -> DatabaseError {
    let began = Instant::now();
    match smol::unblock(move || integrity::whole(&file)).await {
        Err(error @ DatabaseError::Damaged { .. }) => return error,
        Err(error) => tracing::warn!(%error, "the database could not be checked"),
        Ok(()) => {
            let ms = began.elapsed().as_millis();
            tracing::info!(ms, "the database is sound");
        }
    }
    std::future::pending().await
}

/// Everything that was asked for is done, everyone is told, and then it ends.
async fn stop(server: &Server, database: &Database, writer: Writer, tail: smol::Task<()>) {
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    let deadline = Instant::now() + STOP_TIME;
    smol::future::or(server.live.pause_all(), async {
        Timer::after(PAUSE_TIME).await;
    })
    .await;
    database.close();
    smol::unblock(move || writer.join()).await;
    // What came out of the ledger is on its way to all before they are told to go.
    tail.await;
    let why = Refusal::new(Code::ShuttingDown, "the server stops");
    server.live.end_all(why);
    smol::future::or(server.live.emptied(), async {
        Timer::at(deadline).await;
    })
    .await;
}

/// The server's key and certificate, made if they are missing.
pub(crate) fn identity(config: &Config, data: &Path) -> Result<Identity, Failure> {
    given_identity(config).unwrap_or_else(|| Identity::load_or_make(data).map_err(identity_failure))
}

/// The key and certificate that the configuration names, if it names any.
pub(crate) fn given_identity(config: &Config) -> Option<Result<Identity, Failure>> {
    let (cert, key) = config.tls.cert.as_ref().zip(config.tls.key.as_ref())?;
    Some(Identity::load(cert, key).map_err(identity_failure))
}

fn identity_failure(error: certs::IdentityError) -> Failure {
    let exit = match error {
        certs::IdentityError::Make { .. } | certs::IdentityError::Write { .. } => Exit::CannotMake,
        _ => Exit::Usage,
    };
    Failure::new(exit, error.into())
}

pub(crate) async fn load_hall(
    database: &Database,
    config: &Config,
    file: &Path,
) -> Result<Arc<Hall>, Failure> {
    let made = ledger::make_rooms(database, config.rooms.clone()).await;
    made.map_err(|error| match error {
        WriteError::Failed(error) => database_failure(DatabaseError::of(file, &error)),
        // Whoever cannot write cannot say why: damage that was met is found again.
        error => match integrity::whole(file) {
            Err(damaged @ DatabaseError::Damaged { .. }) => database_failure(damaged),
            _ => {
                let doing = format!("making the rooms of the configuration in {}", file.display());
                Failure::new(Exit::CannotMake, Report::from(error).wrap_err(doing))
            }
        },
    })?;
    let (epoch, rooms) = ledger::load(database, file).await.map_err(database_failure)?;
    Ok(Arc::new(Hall::new(epoch, rooms)))
}

pub(crate) fn database_failure(error: DatabaseError) -> Failure {
    let exit = match error {
        DatabaseError::Damaged { .. } | DatabaseError::Newer { .. } => Exit::Damaged,
        DatabaseError::Unusable { .. } => Exit::CannotMake,
    };
    Failure::new(exit, error.into())
}

/// Hands out what comes out of the ledger, in its order, until it ends.
///
/// No faster than it can be sent: after a record's worth of messages everyone has had
/// the turn in which that record goes. So what a healthy reader has waiting stays far
/// below its bound, and only those who do not read reach it.
async fn hand_out(server: &Server, landed: async_channel::Receiver<Vec<Landed>>) {
    let mut queued = 0;
    while let Ok(batch) = landed.recv().await {
        for landed in batch {
            queued += server.world.hall.land(landed);
            while queued >= RECORD_BYTES_MAX {
                queued -= RECORD_BYTES_MAX;
                for flusher in &server.flushers {
                    flusher.pass().await;
                }
            }
        }
    }
}

/// Pushes lists to those who take them, whenever one is due, for ever.
async fn push_lists(hall: &Hall) {
    loop {
        let change = hall.list_change();
        match hall.push_lists(Instant::now()) {
            // Another place may be due before that: looked at again soon.
            Some(next) => drop(Timer::at(next.min(Instant::now() + LISTS_PAUSE)).await),
            None => change.await,
        }
    }
}

fn local_addresses(listeners: &[Async<TcpListener>]) -> Result<Vec<SocketAddr>, Failure> {
    let addresses = listeners.iter().map(|bound| bound.get_ref().local_addr());
    addresses
        .collect::<Result<_, _>>()
        .map_err(|e| Failure::new(Exit::Unavailable, Report::from(e)))
}

/// The one line on stdout, and the word to the service manager.
fn say_ready(addresses: &[SocketAddr], identity: &Identity) {
    let fingerprint = identity.fingerprint();
    let list: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
    let first = addresses.first().expect("a configuration without an address is refused");
    let ready = format!("chatd: listening on {} (chat://{first}#{fingerprint})\n", list.join(", "));
    // It serves all the same.
    let mut out = std::io::stdout();
    if let Err(error) = out.write_all(ready.as_bytes()).and_then(|()| out.flush()) {
        tracing::warn!(%error, "stdout cannot be written: nobody is told where it listens");
    }
    // Not run by a service manager: nobody to tell.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
}
