//! Faults on request: what goes wrong, for which calls, and how often it did.
//!
//! A rule strikes by script (the nth matching call, a certain order number) or by chance. Chance
//! follows from the seed and from the call itself, not from the order in which calls arrive, so a
//! concurrent client meets the same faults in every run. At most one fault strikes a call: the
//! first rule, in the order they were given, that fires.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::names::Names;
use crate::refusal::ErrorCode;

pub(crate) mod text;

/// One thing that goes wrong.
///
/// "Booked" means that the call took effect: for a withdrawal, that the money is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The gateway refuses with a code of its table, without doing anything.
    Refuse(ErrorCode),
    /// The same code at HTTP 200 with `success:false`, without doing anything.
    SuccessFalse(ErrorCode),
    /// The connection is cut before the call takes effect, which it never does.
    CutBeforeBooking,
    /// The call takes effect, then the connection is cut.
    CutAfterBooking,
    /// The connection is cut, and the call takes effect this much later.
    CutThenBook(Duration),
    /// The call takes effect, and half of the reply arrives.
    HalfReply,
    /// The call takes effect, and the reply keeps the client waiting this long (in real time).
    Slow(Duration),
    /// A bare HTTP status with a JSON body that is not the gateway's envelope.
    Status {
        /// 429, 500, 502, 503, 504, 422 or any other.
        status: u16,
        /// Whether the call takes effect first.
        booked: bool,
        /// `Retry-After`, in seconds.
        retry_after: Option<u64>,
    },
    /// A proxy's HTML page with this status.
    Html {
        /// The status of the page.
        status: u16,
        /// Whether the call takes effect first.
        booked: bool,
    },
    /// The access token in use is revoked, and the call answered with 401.
    TokenRevoked,
    /// The call takes effect, but queries do not find the order for this long.
    HiddenAfterBooking(Duration),
    /// The withdrawal needs an OTP, and the page never accepts one.
    OtpNeverConfirmed,
    /// The bank account is not known: 404.
    UnknownAccount,
    /// The bank account belongs to somebody else.
    OtherHolder,
    /// The bank account is kept in the other currency.
    OtherCurrency,
    /// The wallet does not hold enough: 400, naming the amount.
    LowBalance,
    /// The order number counts as used: 409.
    Duplicate,
}

impl Fault {
    /// The name under which hits are counted, such as `refuse_NOT_FOUND` or
    /// `status_503_after_booking`.
    #[must_use]
    pub fn name(&self) -> String {
        let when = |booked: bool| if booked { "after_booking" } else { "before_booking" };
        match self {
            Self::Refuse(code) => format!("refuse_{}", code.as_str()),
            Self::SuccessFalse(code) => format!("success_false_{}", code.as_str()),
            Self::CutBeforeBooking => "cut_before_booking".to_owned(),
            Self::CutAfterBooking => "cut_after_booking".to_owned(),
            Self::CutThenBook(_) => "cut_then_book".to_owned(),
            Self::HalfReply => "half_reply".to_owned(),
            Self::Slow(_) => "slow".to_owned(),
            Self::Status { status, booked, .. } => format!("status_{status}_{}", when(*booked)),
            Self::Html { booked, .. } => format!("html_{}", when(*booked)),
            Self::TokenRevoked => "token_revoked".to_owned(),
            Self::HiddenAfterBooking(_) => "hidden_after_booking".to_owned(),
            Self::OtpNeverConfirmed => "otp_never_confirmed".to_owned(),
            Self::UnknownAccount => "unknown_account".to_owned(),
            Self::OtherHolder => "other_holder".to_owned(),
            Self::OtherCurrency => "other_currency".to_owned(),
            Self::LowBalance => "low_balance".to_owned(),
            Self::Duplicate => "duplicate".to_owned(),
        }
    }
}

/// A fault, and the calls that it strikes.
///
/// ```
/// use kess_sandbox::{Fault, FaultRule};
/// // The second withdrawal is booked, but its answer is lost.
/// let rule = FaultRule::new(Fault::CutAfterBooking).service("withdraw").after(1).times(1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRule {
    pub(crate) fault: Fault,
    pub(crate) service: Option<String>,
    pub(crate) out_trade_no: Option<String>,
    pub(crate) after: u64,
    pub(crate) times: Option<u64>,
    pub(crate) per_mille: u32,
}

impl FaultRule {
    /// A rule that strikes every call of the gateway's endpoint.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self { fault, service: None, out_trade_no: None, after: 0, times: None, per_mille: 1000 }
    }

    /// Only calls of this service, by its name (`withdraw`) or its value on the wire
    /// (`webpay.acquire.withdraw`). `oauth_token` stands for `POST /oauth/token`, which rules
    /// without a service leave alone.
    #[must_use]
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.service = Some(service.into());
        self
    }

    /// Only calls with this order number.
    #[must_use]
    pub fn out_trade_no(mut self, out_trade_no: impl Into<String>) -> Self {
        self.out_trade_no = Some(out_trade_no.into());
        self
    }

    /// Lets the first `calls` matching calls through.
    #[must_use]
    pub fn after(mut self, calls: u64) -> Self {
        self.after = calls;
        self
    }

    /// Strikes at most this often.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Strikes this many of a thousand matching calls, by seed.
    #[must_use]
    pub fn per_mille(mut self, per_mille: u32) -> Self {
        self.per_mille = per_mille;
        self
    }
}

/// The rules of a sandbox, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultPlan {
    pub(crate) rules: Vec<FaultRule>,
}

impl FaultPlan {
    /// A plan without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule at the end.
    #[must_use]
    pub fn rule(mut self, rule: FaultRule) -> Self {
        self.rules.push(rule);
        self
    }

    /// A bad day: of a thousand calls so many go wrong, a third of these lost on the way, a third
    /// carried out and their answer lost, a third answered by a busy gateway; and every answer is
    /// kept waiting for `latency`.
    #[must_use]
    pub fn bad_day(per_mille: u32, latency: Duration) -> Self {
        let share = per_mille / 3;
        let mut plan = Self::new();
        if share > 0 {
            let busy = Fault::Status { status: 503, booked: false, retry_after: Some(1) };
            for fault in [Fault::CutBeforeBooking, Fault::CutAfterBooking, busy] {
                plan = plan.rule(FaultRule::new(fault).per_mille(share));
            }
        }
        if latency.is_zero() { plan } else { plan.rule(FaultRule::new(Fault::Slow(latency))) }
    }
}

/// The call that faults are drawn for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// The name of the service in the specification.
    pub(crate) name: &'a str,
    /// Its value on the wire.
    pub(crate) service: &'a str,
    pub(crate) out_trade_no: Option<&'a str>,
    /// What tells this call from others of the service: an order number, an account, a token.
    pub(crate) key: &'a str,
}

/// The rules at work, with what they did so far.
#[derive(Debug)]
pub(crate) struct FaultBook {
    names: Names,
    rules: Vec<Active>,
    hits: BTreeMap<String, u64>,
}

#[derive(Debug)]
struct Active {
    rule: FaultRule,
    matched: u64,
    fired: u64,
    /// How often each subject came by, so that a repeated call draws anew.
    seen: HashMap<String, u64>,
}

impl FaultBook {
    pub(crate) fn new(names: Names, plan: FaultPlan) -> Self {
        let mut book = Self { names, rules: Vec::new(), hits: BTreeMap::new() };
        book.extend(plan);
        book
    }

    pub(crate) fn extend(&mut self, plan: FaultPlan) {
        let active = |rule| Active { rule, matched: 0, fired: 0, seen: HashMap::new() };
        self.rules.extend(plan.rules.into_iter().map(active));
    }

    /// Takes every rule away; the counts stay.
    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(crate) fn rules(&self) -> impl Iterator<Item = (&FaultRule, u64)> {
        self.rules.iter().map(|active| (&active.rule, active.fired))
    }

    pub(crate) fn hits(&self) -> &BTreeMap<String, u64> {
        &self.hits
    }

    /// The fault that strikes this call, counted as a hit.
    pub(crate) fn draw(&mut self, subject: Subject<'_>) -> Option<Fault> {
        let names = self.names;
        let position = self.rules.iter_mut().enumerate().find_map(|(position, active)| {
            active.fires(names, position, subject).then_some(position)
        })?;
        let active = self.rules.get_mut(position)?;
        active.fired += 1;
        let fault = active.rule.fault.clone();
        *self.hits.entry(fault.name()).or_default() += 1;
        Some(fault)
    }
}

impl Active {
    fn fires(&mut self, names: Names, position: usize, subject: Subject<'_>) -> bool {
        if !self.rule.matches(subject) {
            return false;
        }
        self.matched += 1;
        if self.matched <= self.rule.after || self.rule.times.is_some_and(|n| self.fired >= n) {
            return false;
        }
        if self.rule.per_mille >= 1000 {
            return true;
        }
        let seen = self.seen.entry(format!("{}/{}", subject.name, subject.key)).or_default();
        *seen += 1;
        let key = format!("{position}/{}/{}/{seen}", subject.name, subject.key);
        names.number("fault", &key) % 1000 < u64::from(self.rule.per_mille)
    }
}

impl FaultRule {
    fn matches(&self, subject: Subject<'_>) -> bool {
        let service = match &self.service {
            None => subject.name != OAUTH,
            Some(name) => name == subject.name || name == subject.service,
        };
        let order = self.out_trade_no.as_deref();
        service && (order.is_none() || order == subject.out_trade_no)
    }
}

/// The name under which rules reach `POST /oauth/token`.
pub(crate) const OAUTH: &str = "oauth_token";

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(key: &str) -> Subject<'_> {
        Subject {
            name: "withdraw",
            service: "webpay.acquire.withdraw",
            out_trade_no: Some(key),
            key,
        }
    }

    fn book(rule: FaultRule) -> FaultBook {
        FaultBook::new(Names { seed: 7 }, FaultPlan::new().rule(rule))
    }

    #[test]
    fn a_script_strikes_the_nth_call_and_no_other() {
        let rule = FaultRule::new(Fault::HalfReply).service("withdraw").after(1).times(1);
        let mut book = book(rule);
        let drawn: Vec<bool> = ["A", "B", "C"].map(|key| book.draw(subject(key)).is_some()).into();
        assert_eq!(drawn, [false, true, false]);
        assert_eq!(book.hits().get("half_reply"), Some(&1));
    }

    #[test]
    fn a_rule_for_one_order_leaves_others_alone() {
        let mut book = book(FaultRule::new(Fault::Duplicate).out_trade_no("B"));
        assert_eq!(book.draw(subject("A")), None);
        assert_eq!(book.draw(subject("B")), Some(Fault::Duplicate));
    }

    #[test]
    fn chance_follows_the_call_and_not_the_order_of_arrival() {
        let rule = FaultRule::new(Fault::CutAfterBooking).per_mille(200);
        let keys: Vec<String> = (0..1000).map(|n| format!("WD-{n}")).collect();
        let mut forwards = book(rule.clone());
        let mut backwards = book(rule);
        let mut struck: Vec<&String> =
            keys.iter().filter(|key| forwards.draw(subject(key)).is_some()).collect();
        let again: Vec<&String> =
            keys.iter().rev().filter(|key| backwards.draw(subject(key)).is_some()).collect();
        struck.reverse();
        assert_eq!(struck, again);
        assert!((150..250).contains(&struck.len()), "{} of 1000", struck.len());
    }
}
