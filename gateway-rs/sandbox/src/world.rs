//! Everything the sandbox knows: one value, changed under one lock, written out change by change.
//!
//! Invariant: a wallet's balance is its opening balance plus the sum of its movements, and every
//! booking of an order is one movement. Nothing here knows HTTP.

mod order;
mod rows;
mod table;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub(crate) use self::order::{Account, Direction, Order, Otp, Plan, Refund, Status};
pub(crate) use self::rows::{
    Grant, Meta, Movement, SavedCard, Subscription, User, VirtualCard, Wallet,
};
pub(crate) use self::table::Table;
use crate::clock::{Millis, day};
use crate::names::Names;
use crate::settings::{DISPLAY_NAME, MERCHANT};

/// The key of the only row of [`World::meta`].
pub(crate) const META: &str = "meta";

/// Declares the tables once: the world, the change that is written out, and the way between them.
macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident: $row:ty),* $(,)?) => {
        /// The sandbox's state.
        pub(crate) struct World {
            $($(#[$doc])* pub(crate) $name: Table<$row>,)*
            /// Identifiers.
            pub(crate) names: Names,
            /// Order numbers by the order's token.
            by_token: HashMap<String, String>,
            /// When something happens by itself: the time and the order number.
            due: BTreeSet<(Millis, String)>,
            /// How often a withdrawal was sent, by order number. Not written out.
            sends: HashMap<String, u32>,
            /// Orders of a day. Not written out: rebuilt from the orders.
            queue: HashMap<String, u32>,
            /// Orders whose customer-visible status changed since the last call, for webhooks.
            pub(crate) notices: Vec<String>,
            /// The same for refunds, by transaction id.
            pub(crate) refund_notices: Vec<String>,
        }

        /// Rows that changed together: one line of the state file.
        #[derive(Default, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct Change {
            $(#[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
            $name: BTreeMap<String, $row>,)*
        }

        impl World {
            /// An empty world.
            pub(crate) fn new(names: Names) -> Self {
                Self {
                    $($name: Table::default(),)*
                    names,
                    by_token: HashMap::new(),
                    due: BTreeSet::new(),
                    sends: HashMap::new(),
                    queue: HashMap::new(),
                    notices: Vec::new(),
                    refund_notices: Vec::new(),
                }
            }

            /// What changed since the last call; `None` for nothing.
            pub(crate) fn take_change(&mut self) -> Option<Change> {
                let change = Change { $($name: self.$name.take_changed(),)* };
                let empty = true $(&& change.$name.is_empty())*;
                if empty { None } else { Some(change) }
            }

            /// Forgets what changed, where nobody keeps a state file.
            pub(crate) fn forget_change(&mut self) {
                $(self.$name.forget_changed();)*
            }

            /// Takes a change that was read from the state file.
            pub(crate) fn restore(&mut self, change: Change) {
                $(self.$name.restore(change.$name);)*
            }
        }
    };
}

tables! {
    /// One row: port, key pair, counter.
    meta: Meta,
    /// By wallet id.
    wallets: Wallet,
    /// By number, in the order they were written.
    movements: Movement,
    /// By user id.
    users: User,
    /// Access tokens.
    grants: Grant,
    /// The directory, by `number/bic`.
    directory: Account,
    /// Tokenized bank accounts.
    bank_tokens: Account,
    /// By order number.
    orders: Order,
    /// By transaction id.
    refunds: Refund,
    /// By purchase request id.
    virtual_cards: VirtualCard,
    /// By the token of the page.
    saved_cards: SavedCard,
    /// By code.
    subscriptions: Subscription,
}

impl World {
    /// The next number: never given out twice, not even after a restart.
    pub(crate) fn next_number(&mut self) -> u64 {
        let Some(meta) = self.meta.get_mut(META) else {
            self.meta.put(META, Meta { counter: 1, ..Meta::default() });
            return 1;
        };
        meta.counter += 1;
        meta.counter
    }

    /// Puts a new order on the books and on the calendar.
    pub(crate) fn add_order(&mut self, order: Order) {
        self.by_token.insert(order.token.clone(), order.out_trade_no.clone());
        if order.status == Status::Waiting {
            self.due.insert((order.expires_at, order.out_trade_no.clone()));
        }
        self.orders.put(order.out_trade_no.clone(), order);
    }

    /// The order behind a token of a page.
    pub(crate) fn order_by_token(&self, token: &str) -> Option<&Order> {
        self.orders.get(self.by_token.get(token)?)
    }

    /// Opens the merchant's books: its user, and a wallet in each currency.
    pub(crate) fn open_books(&mut self, balances: &BTreeMap<String, Decimal>) {
        let mut wallets = Vec::new();
        for (currency, balance) in balances {
            let wallet = self.new_wallet(MERCHANT, currency, *balance);
            wallets.push(wallet.id.clone());
            self.wallets.put(wallet.id.clone(), wallet);
        }
        let user = User {
            id: 6900,
            user_id: MERCHANT.to_owned(),
            phone_number: "010222333".to_owned(),
            email: "merchant@sandbox.test".to_owned(),
            full_name: format!("{DISPLAY_NAME} Admin"),
            muser_identity: None,
            created_at: 1_736_735_541_000,
            wallets,
        };
        self.users.put(MERCHANT, user);
    }

    /// A wallet that is not on the books yet.
    pub(crate) fn new_wallet(&self, user_id: &str, currency: &str, balance: Decimal) -> Wallet {
        let key = format!("{user_id}/{currency}");
        Wallet {
            id: self.names.reference("CW", "wallet", &key),
            user_id: user_id.to_owned(),
            currency: currency.to_owned(),
            account_number: self.names.digits("wallet account", &key, 9),
            balance,
        }
    }

    /// Puts an account into the directory.
    pub(crate) fn add_account(&mut self, account: Account) {
        let key = format!("{}/{}", account.number, account.bic);
        // A batch that is taken up again brings its accounts again: they are written down once.
        if self.directory.get(&key) != Some(&account) {
            self.directory.put(key, account);
        }
    }

    /// Counts a send of a withdrawal, from 1.
    pub(crate) fn count_send(&mut self, out_trade_no: &str) -> u32 {
        let sends = self.sends.entry(out_trade_no.to_owned()).or_default();
        *sends += 1;
        *sends
    }

    /// The number of the next order of `day`, from 1.
    pub(crate) fn next_in_queue(&mut self, day: &str) -> u32 {
        let queue = self.queue.entry(day.to_owned()).or_default();
        *queue += 1;
        *queue
    }

    /// Rebuilds what is not written out, after [`World::restore`].
    pub(crate) fn reindex(&mut self) {
        let tokens = self.orders.values().map(|o| (o.token.clone(), o.out_trade_no.clone()));
        self.by_token = tokens.collect();
        self.queue.clear();
        for order in self.orders.values() {
            *self.queue.entry(day(order.created_at)).or_default() += 1;
        }
        let waiting = self.orders.values().filter(|order| order.status == Status::Waiting);
        self.due = waiting.map(|o| (o.expires_at, o.out_trade_no.clone())).collect();
        for refund in self.refunds.values() {
            self.due.insert((refund.final_at, refund.out_trade_no.clone()));
        }
    }

    /// The wallet of `user_id` in `currency`.
    pub(crate) fn wallet_of(&self, user_id: &str, currency: &str) -> Option<&Wallet> {
        let wallets = &self.users.get(user_id)?.wallets;
        wallets.iter().filter_map(|id| self.wallets.get(id)).find(|w| w.currency == currency)
    }

    /// Moves `amount` into the wallet (out of it, where negative) and writes the movement down.
    pub(crate) fn book(&mut self, movement: Movement) {
        if let Some(wallet) = self.wallets.get_mut(&movement.wallet) {
            wallet.balance += movement.amount;
        }
        let number = format!("{:012}", self.next_number());
        self.movements.put(number, movement);
    }

    /// Books an order's money once: out of or into the merchant's wallet.
    pub(crate) fn book_order(&mut self, out_trade_no: &str, merchant: &str, now: Millis) {
        self.move_order(out_trade_no, merchant, now, false);
    }

    /// Gives an order's money back, as often as it is still booked.
    pub(crate) fn return_order(&mut self, out_trade_no: &str, merchant: &str, now: Millis) {
        while self.orders.get(out_trade_no).is_some_and(|o| o.times_returned < o.times_booked) {
            self.move_order(out_trade_no, merchant, now, true);
        }
    }

    fn move_order(&mut self, out_trade_no: &str, merchant: &str, now: Millis, back: bool) {
        let Some(order) = self.orders.get_mut(out_trade_no) else {
            return;
        };
        let (reason, amount) = if back {
            order.times_returned += 1;
            ("returned", -order.signed_amount())
        } else {
            order.times_booked += 1;
            ("booked", order.signed_amount())
        };
        let key = format!("{out_trade_no}/{reason}/{}", order.times_booked + order.times_returned);
        let (currency, service) = (order.currency.clone(), order.service.clone());
        let Some(wallet) = self.wallet_of(merchant, &currency) else {
            return;
        };
        let outside = self.names.reference("AU", "outside", out_trade_no);
        let (debited, credited) = if amount.is_sign_negative() {
            (merchant.to_owned(), outside)
        } else {
            (outside, merchant.to_owned())
        };
        let movement = Movement {
            transaction_ref: self.names.reference("TR", "movement", &key),
            at: now,
            wallet: wallet.id.clone(),
            amount,
            currency,
            reason: format!("{service} {reason} {out_trade_no}"),
            debited_user_id: debited,
            credited_user_id: credited,
        };
        self.book(movement);
    }

    /// Marks an order as paid.
    pub(crate) fn pay(&mut self, out_trade_no: &str, now: Millis) {
        let transaction_id = self.names.reference("TR", "transaction", out_trade_no);
        if let Some(order) = self.orders.get_mut(out_trade_no) {
            order.status = Status::Success;
            order.paid_at = Some(now);
            order.transaction_id = Some(transaction_id);
            self.notices.push(out_trade_no.to_owned());
        }
    }

    /// Closes a waiting order; money that was booked for it goes back.
    pub(crate) fn close(&mut self, out_trade_no: &str, merchant: &str, now: Millis) {
        if let Some(order) = self.orders.get_mut(out_trade_no) {
            order.status = Status::Closed;
            self.notices.push(out_trade_no.to_owned());
        }
        self.return_order(out_trade_no, merchant, now);
    }

    /// Lets everything happen that was due by `now`: orders expire, pending refunds become final.
    pub(crate) fn settle(&mut self, merchant: &str, now: Millis) {
        while let Some((at, _)) = self.due.first() {
            if *at > now {
                return;
            }
            let Some((at, out_trade_no)) = self.due.pop_first() else {
                return;
            };
            let waiting = self.orders.get(&out_trade_no).filter(|o| o.status == Status::Waiting);
            if waiting.is_some_and(|order| order.expires_at <= now) {
                self.close(&out_trade_no, merchant, at);
            }
            self.finish_refunds(&out_trade_no, now);
        }
    }

    /// Puts a date on the calendar, at which [`World::settle`] looks at the order.
    pub(crate) fn look_again(&mut self, at: Millis, out_trade_no: &str) {
        self.due.insert((at, out_trade_no.to_owned()));
    }

    fn finish_refunds(&mut self, out_trade_no: &str, now: Millis) {
        let keys = self.orders.get(out_trade_no).map_or_else(Vec::new, |o| o.refunds.clone());
        for key in keys {
            let Some(refund) = self.refunds.get(&key).filter(|r| r.final_at <= now) else {
                continue;
            };
            let done = match refund.status {
                Status::PendingRefunded => Status::Refunded,
                Status::PendingPartialRefund => Status::PartialRefunded,
                _ => continue,
            };
            if let Some(refund) = self.refunds.get_mut(&key) {
                refund.status = done;
            }
            self.refund_notices.push(key);
            if let Some(order) = self.orders.get_mut(out_trade_no) {
                order.status = done;
            }
        }
    }
}

/// Amounts in the state file: text, so that no digit is lost.
pub(crate) mod exact {
    use rust_decimal::Decimal;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(crate) fn serialize<S: Serializer>(value: &Decimal, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(value)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Decimal, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// How many decimals `currency` has: two for USD, none for KHR.
pub(crate) fn decimals(currency: &str) -> Option<u32> {
    match currency {
        "USD" => Some(2),
        "KHR" => Some(0),
        _ => None,
    }
}

/// Whether `amount` is above zero and has no more decimals than `currency` allows.
pub(crate) fn payable(amount: Decimal, currency: &str) -> bool {
    // More than anybody pays, and little enough that no sum of them overflows.
    let most = Decimal::from(1_000_000_000_000_000_i64);
    let fits = decimals(currency).is_none_or(|decimals| amount.normalize().scale() <= decimals);
    amount > Decimal::ZERO && amount <= most && fits
}
