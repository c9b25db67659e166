//! A gateway that admits so many calls a second, and says 429 with `Retry-After` to the others.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Results;
use super::bench::{Bench, Failure, Stub, count};
use super::number::Number;
use super::parts::CALLS_A_PAYOUT;

/// How long the engine has to find the rate before anything counts.
const RAMP: Duration = Duration::from_secs(3);

/// What is answered in a stretch of the run, of what the gateway would have admitted then: of what
/// flowed into its bucket, without what was in it before and after.
pub(super) fn limited(bench: &Bench, results: &mut Results) -> Result<(), Failure> {
    let (rate, stretch) = bench.sizes.limited;
    // Twice what can be paid in the ramp and the stretch: the run is killed before it ends.
    let rows = u64::from(rate) * (RAMP.as_secs() + u64::from(stretch)) * 2 / CALLS_A_PAYOUT;
    let file = bench.people(rows)?;
    for _ in 0..bench.sizes.long_rounds {
        let admit = rate.to_string();
        let stub = Stub::start(bench, &["--admit", &admit, "--delay", "20"])?;
        let store = bench.new_store()?;
        bench.ours(Some(&stub), &["load", &file, &store])?;
        let mut command = Command::new(&bench.kess_bench);
        command.args(["run", &store, "--concurrency", "256"]).envs(stub.environment());
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        std::thread::sleep(RAMP);
        let (before, began) = (stub.figures()?, Instant::now());
        std::thread::sleep(Duration::from_secs(stretch.into()));
        let (after, took) = (stub.figures()?, began.elapsed());
        let is_running = child.try_wait()?.is_none();
        let _ = child.kill();
        child.wait()?;
        bench.note("limited", &after);
        if !is_running {
            return Err("the run ended by itself".into());
        }
        let in_stretch = |name| Ok::<u64, Failure>(count(&after, name)? - count(&before, name)?);
        let (calls, refused) = (in_stretch("calls")?, in_stretch("refused")?);
        let answered = calls - refused;
        // What came to be there in the stretch, and what was there before and is gone.
        let came = u128::from(rate) * took.as_nanos() / 1_000_000_000;
        let admitted = came + u128::from(count(&before, "room")?);
        let admitted = admitted.saturating_sub(count(&after, "room")?.into());
        let ratio = Number::ratio(answered.into(), admitted);
        let note = format!(
            "{answered} calls of {} a second; {refused} refused",
            Number::whole(rate.into())
        );
        results.add("limited", ratio, note);
        results.add("retry-after", Number::whole(count(&after, "inside_retry_after")?), "");
    }
    Ok(())
}
