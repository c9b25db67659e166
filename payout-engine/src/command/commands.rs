//! One module for each command.

pub(crate) mod archive;
pub(crate) mod audit;
pub(crate) mod cancel;
pub(crate) mod carry;
pub(crate) mod check;
mod confirm;
pub(crate) mod decide;
pub(crate) mod doctor;
pub(crate) mod init;
pub(crate) mod list;
pub(crate) mod otp;
pub(crate) mod pause;
mod pay;
pub(crate) mod purge;
pub(crate) mod reconcile;
pub(crate) mod report;
pub(crate) mod resume;
pub(crate) mod retry;
pub(crate) mod run;
pub(crate) mod sandbox;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod worker;
