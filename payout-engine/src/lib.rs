//! A batch payout engine.
