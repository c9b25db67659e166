//! Benchmarks of the client; see `benches/`.
