//! Sealing ahead of need: what calls carry of a payee is encrypted once a row, on rayon's threads.
//!
//! Encrypting takes as long as a call's whole processor time. Done where it is needed, it would be
//! done twice, and the thread that drives hundreds of calls would stand still meanwhile. So a page
//! of rows is handed over as soon as it is read, in one piece: to wake a thread for each row costs
//! half as much again as the encrypting.

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use tokio::sync::oneshot;

use crate::{
    gateway::{Gateway, SealedPayee, Sealing},
    payout::Payee,
};

/// A payee's details on the way to being sealed.
#[derive(Default)]
pub(crate) enum Ahead {
    /// Nobody began.
    #[default]
    Not,
    /// Somebody is at it.
    Begun(oneshot::Receiver<SealedPayee>),
    /// What came of it; nothing where the gateway seals nothing.
    Done(Option<SealedPayee>),
}

/// Sealings that are handed over together.
#[derive(Default)]
pub(crate) struct Page(Vec<(Sealing, oneshot::Sender<SealedPayee>)>);

impl Page {
    /// Adds a payee's.
    pub(crate) fn add(&mut self, gateway: &dyn Gateway, payee: &Payee) -> Ahead {
        let Some(work) = gateway.seal(payee) else { return Ahead::Done(None) };
        let (done, sealed) = oneshot::channel();
        self.0.push((work, done));
        Ahead::Begun(sealed)
    }

    /// Lets them be done.
    pub(crate) fn begin(self) {
        if self.0.is_empty() {
            return;
        }
        rayon::spawn(move || {
            // Nobody waits any more where the run was dropped.
            self.0.into_par_iter().for_each(|(work, done)| drop(done.send(work())));
        });
    }
}

impl Ahead {
    /// Waits until it is done; begins it, if nobody did.
    pub(crate) async fn ready(
        &mut self,
        gateway: &dyn Gateway,
        payee: &Payee,
    ) -> Option<&SealedPayee> {
        if matches!(self, Self::Not) {
            let mut page = Page::default();
            *self = page.add(gateway, payee);
            page.begin();
        }
        if let Self::Begun(sealed) = self {
            *self = Self::Done(sealed.await.ok());
        }
        match self {
            Self::Done(sealed) => sealed.as_ref(),
            Self::Not | Self::Begun(_) => None,
        }
    }
}
