//! A running sandbox.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::MissedTickBehavior;

use crate::builder::SandboxBuilder;
use crate::core::{Core, lock};
use crate::error::{Problem, SandboxError};
use crate::faults::{FaultPlan, FaultRule};
use crate::ledger::Ledger;
use crate::outbox::Notice;
use crate::server;
use crate::settings::Credentials;
use crate::world::Account;

/// A gateway on this machine, listening on loopback until it is shut down or dropped.
///
/// It runs on threads of its own, so it can be started from anywhere, async or not.
///
/// ```
/// let sandbox = kess_sandbox::Sandbox::start()?;
/// println!("{} for {}", sandbox.base_url(), sandbox.credentials().seller_code);
/// assert!(sandbox.ledger().rows.is_empty());
/// # Ok::<(), kess_sandbox::SandboxError>(())
/// ```
pub struct Sandbox {
    core: Arc<Core>,
    /// Taken when the sandbox stops.
    runtime: Option<Runtime>,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("base_url", &self.core.base_url).finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Starts a sandbox with every default: a free port, a real clock, no faults.
    ///
    /// # Errors
    /// There is no free port.
    pub fn start() -> Result<Self, SandboxError> {
        Self::builder().start()
    }

    /// Sets a sandbox up.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }

    pub(crate) fn serve(
        core: Arc<Core>,
        listener: TcpListener,
        threads: usize,
    ) -> Result<Self, SandboxError> {
        let failed = |source| Problem::Runtime { source };
        listener.set_nonblocking(true).map_err(failed)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("kess-sandbox")
            .enable_all()
            .build()
            .map_err(failed)?;
        let router = server::router(Arc::clone(&core));
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(failed)?
        };
        // What was set up reaches the state file before the first call.
        core.advance(Duration::ZERO);
        runtime.spawn(server::serve(listener, router));
        let courier = Arc::clone(&core);
        runtime.spawn(async move { courier.outbox.run(&courier.clock).await });
        if core.clock.runs() {
            runtime.spawn(tick(Arc::clone(&core)));
        }
        Ok(Self { core, runtime: Some(runtime) })
    }

    /// The base URL for a client, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.core.base_url
    }

    /// What a client needs besides the base URL.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.core.credentials
    }

    /// What money moved so far.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        let up_to_date = self.core.with_world(|world, _| Ledger::of(world));
        up_to_date.unwrap_or_else(|_| Ledger::of(&lock(&self.core.desk).world))
    }

    /// Moves the clock on: orders expire, tokens run out, late bookings and notices come due.
    pub fn advance(&self, by: Duration) {
        self.core.advance(by);
    }

    /// Adds a fault.
    pub fn add_fault(&self, rule: FaultRule) {
        self.add_faults(FaultPlan::new().rule(rule));
    }

    /// Adds the faults of a plan, in its order.
    pub fn add_faults(&self, plan: FaultPlan) {
        lock(&self.core.faults).extend(plan);
    }

    /// Takes every fault away. The counts stay.
    pub fn clear_faults(&self) {
        lock(&self.core.faults).clear();
    }

    /// How often each fault struck, by [`Fault::name`](crate::Fault::name).
    #[must_use]
    pub fn fault_hits(&self) -> BTreeMap<String, u64> {
        lock(&self.core.faults).hits().clone()
    }

    /// Puts an account into the directory of a running sandbox.
    pub fn add_account(&self, number: &str, bic: &str, holder: &str, currency: &str) {
        let account = Account {
            number: number.to_owned(),
            bic: bic.to_owned(),
            holder: holder.to_owned(),
            currency: currency.to_owned(),
        };
        if let Err(refusal) = self.core.with_world(|world, _| world.add_account(account)) {
            tracing::error!(message = refusal.message, "the directory was not written");
        }
    }

    /// Every notice that was or will be sent, oldest first.
    #[must_use]
    pub fn notices(&self) -> Vec<Notice> {
        self.core.outbox.notices()
    }

    /// Waits until no notice is due any more: each was answered, or waits for a later push.
    pub async fn notices_settled(&self) {
        let outbox = &self.core.outbox;
        loop {
            let idle = outbox.idle.notified();
            if !outbox.has_due(self.core.clock.now()) {
                return;
            }
            idle.await;
        }
    }

    /// Stops listening and cuts every connection. Dropping the sandbox does the same.
    pub fn shutdown(self) {
        drop(self);
    }
}

/// Lets time pass while nobody calls, so that notices of what expired go out.
async fn tick(core: Arc<Core>) {
    let mut ticks = tokio::time::interval(Duration::from_millis(250));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        core.advance(Duration::ZERO);
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Nothing of it may be left when this returns: port and state file have to be free.
            // Inside another runtime a thread must not wait for this one, so another thread does.
            let _ = std::thread::spawn(move || drop(runtime)).join();
        }
    }
}
