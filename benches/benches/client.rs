//! What one withdrawal costs the processor, part by part and as a whole, network apart.

use criterion::{Criterion, criterion_group, criterion_main};
use kess_benches::{client, customer};
use kess_gateway::objects::Customer;
use kess_gateway::operations::WithdrawRequest;
use kess_gateway::{Call, Client, Currency, Error, Money, Sealed};

/// A withdrawal as the engine sends it.
fn withdrawal<'c>(
    client: &'c Client,
    sealed: &Sealed<Customer>,
) -> Result<Call<'c, WithdrawRequest>, Error> {
    let money = Money::new("10.50".parse()?, Currency::Usd)?;
    let token = "02246c07832b03d22a81551c7e962129c5628301324a0c90a".to_owned();
    let call = client.withdraw("K7QX2M9PB4TZ-1000-1", money, token, sealed.clone());
    Ok(call.set_body("Salary of July"))
}

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
