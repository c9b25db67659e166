//! What one withdrawal costs the processor, part by part and as a whole, network apart.

use criterion::{Criterion, criterion_group, criterion_main};
use kess_benches::{client, customer, withdrawal};

fn benchmarks(criterion: &mut Criterion) {
    let client = client().expect("the client is configured");
    let sealed = client.seal(&customer()).expect("the customer fits the key");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime starts");

    criterion.bench_function("encode and sign a withdrawal", |bench| {
        bench.iter(|| withdrawal(&client, &sealed).and_then(|call| call.body()));
    });
    criterion.bench_function("seal a customer", |bench| {
        let customer = customer();
        bench.iter(|| client.seal(&customer));
    });
    criterion.bench_function("a withdrawal and its reply, without network", |bench| {
        let call = || async { withdrawal(&client, &sealed)?.send().await };
        bench.iter(|| runtime.block_on(call()).expect("the reply is a success"));
    });
}

criterion_group!(
    name = client_benches;
    config = Criterion::default().without_plots();
    targets = benchmarks
);
criterion_main!(client_benches);
