//! One effect, one call: what the core asked for becomes a call, its answer an event.

use crate::{
    ahead::Ahead,
    gateway::{BankToken, CallError, Gateway, OrderView, Withdrawal},
    machine::{Call, Event, Payout, Verified},
    names::compare_names,
    payout::Reason,
    store::Claim,
};

/// What a withdrawal carries where the file says nothing (`body` is required by the gateway).
const BODY: &str = "Payout";

/// A row's calls, with what they need and the token they share.
pub(crate) struct Caller<'a> {
    pub(crate) gateway: &'a dyn Gateway,
    pub(crate) claim: &'a Claim,
    pub(crate) expires_in: Option<u32>,
    pub(crate) notify_url: Option<&'a str>,
    /// The account's token, once there is one. Never stored: a new one costs a call.
    pub(crate) token: Option<BankToken>,
    /// What calls carry of the payee.
    pub(crate) sealed: Ahead,
}

impl Caller<'_> {
    /// Makes the call. [`Call::Clear`] is no call; the gate answers it, so there is nothing to do
    /// here.
    pub(crate) async fn make(&mut self, call: Call, payout: &Payout) -> Event {
        let payee = &self.claim.payee;
        match call {
            Call::Clear => Event::Cleared,
            Call::Verify => {
                Event::Verified(self.gateway.verify(payee).await.map(|holder| Verified {
                    name: compare_names(&payee.expected_holder(), holder.name.expose()),
                    holder: holder.name,
                    currency: holder.currency,
                }))
            }
            Call::Tokenize => {
                let sealed = self.sealed.ready(self.gateway, payee).await;
                let answer = self.gateway.tokenize(payee, sealed).await;
                Event::Tokenized(answer.map(|token| self.token = Some(token)))
            }
            Call::Withdraw => Event::Withdrawn(self.withdraw(payout).await),
            Call::Query => Event::Queried(match &payout.order {
                Some(order) => self.gateway.query(&order.no).await,
                None => Err(no_order()),
            }),
            Call::Close => Event::Closed(match &payout.order {
                Some(order) => self.gateway.close(&order.no).await,
                None => Err(no_order()),
            }),
        }
    }

    async fn withdraw(&mut self, payout: &Payout) -> Result<OrderView, CallError> {
        let Some(order) = &payout.order else { return Err(no_order()) };
        let withdrawal = Withdrawal {
            order_no: &order.no,
            money: &payout.money,
            body: self.claim.body.as_deref().unwrap_or(BODY),
            payee: &self.claim.payee,
            sealed: self.sealed.ready(self.gateway, &self.claim.payee).await,
            token: self.token.as_ref(),
            expires_in: self.expires_in,
            notify_url: self.notify_url,
        };
        self.gateway.withdraw(withdrawal).await
    }
}

/// The core never asks for a call about an order before it has minted one.
fn no_order() -> CallError {
    CallError::NotSent(Reason::new("no_order", "the row has no order number yet"))
}
