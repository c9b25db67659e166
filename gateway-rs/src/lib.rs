//! A typed client for the KESS PAY payment gateway.
