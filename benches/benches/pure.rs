//! What the pure parts cost the processor: the client's, the state machine, intake by size, and
//! durable transitions by group size.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kess_benches::work::{PIECES, Work};
use kess_benches::{client, journal, people};
use payout_engine::intake::{SEALED_BYTES, check_bytes};

fn pieces(criterion: &mut Criterion) {
    let work = Work::new().expect("all of it is good");
    for (name, piece) in PIECES {
        criterion.bench_function(name, |bench| bench.iter(|| piece(&work)));
    }
}

fn intake(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("intake");
    for rows in [1_000, 10_000, 100_000] {
        let mut file = Vec::new();
        people::write(rows, &mut file).expect("memory takes it");
        group.throughput(Throughput::Elements(rows)).sample_size(10);
        group.bench_function(BenchmarkId::from_parameter(rows), |bench| {
            bench.iter(|| check_bytes(file.clone(), SEALED_BYTES));
        });
    }
    group.finish();
}

/// The time of the commits alone, for so many transitions.
fn transitions(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let (client, folder) = (client().expect("it is configured"), tempfile::tempdir());
    let folder = folder.expect("there is room for a folder");
    let mut group = criterion.benchmark_group("durable transitions");
    for size in [1, 8, 64, 256, 512] {
        group.throughput(Throughput::Elements(1)).sample_size(10);
        group.bench_function(BenchmarkId::from_parameter(size), |bench| {
            bench.iter_custom(|times| {
                let rows = times.div_ceil(2).max(size as u64);
                let file = folder.path().join("people.csv");
                let mut bytes = Vec::new();
                people::write(rows, &mut bytes).expect("memory takes it");
                std::fs::write(&file, bytes).expect("the disk takes it");
                let store = tempfile::tempdir_in(folder.path()).expect("there is room");
                let url = format!("sqlite://{}", store.path().join("store.db").display());
                let written = runtime.block_on(journal::store(&client, &file, &url, size));
                let (done, took) = written.expect("the store takes them");
                let each = took.as_nanos() * u128::from(times) / u128::from(done.max(1));
                Duration::from_nanos(u64::try_from(each).unwrap_or(u64::MAX))
            });
        });
    }
    group.finish();
}

criterion_group!(
    name = pure;
    config = Criterion::default().without_plots();
    targets = pieces, intake, transitions
);
criterion_main!(pure);
