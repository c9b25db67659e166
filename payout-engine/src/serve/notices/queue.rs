//! Orders that somebody should look at: each once, and no order more often than once a second.
//!
//! Invariant: an order that entered is handed out after that, and what is waiting is bounded.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::order_no::OrderNo;

/// Orders that wait, or were handed out just now.
const MOST: usize = 20_000;

/// An order is handed out no more often than that.
const SPACING: Duration = Duration::from_secs(1);

/// What became of an order that was to enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entered {
    /// It waits now.
    Now,
    /// It waited already, or was handed out just now and waits once more.
    Again,
    /// Nothing more can wait.
    Full,
}

/// Orders in a line.
#[derive(Default)]
pub(super) struct Queue {
    line: Mutex<Line>,
    bell: Notify,
}

#[derive(Default)]
struct Line {
    /// All that wait or were handed out just now, and whether they are to be handed out (again).
    known: HashMap<OrderNo, bool>,
    waiting: VecDeque<OrderNo>,
    /// Those that were handed out, and until when they rest.
    resting: VecDeque<(Instant, OrderNo)>,
}

impl Line {
    fn enter(&mut self, order_no: OrderNo) -> Entered {
        if let Some(wanted) = self.known.get_mut(&order_no) {
            *wanted = true;
            return Entered::Again;
        }
        if self.known.len() >= MOST {
            return Entered::Full;
        }
        self.known.insert(order_no.clone(), true);
        self.waiting.push_back(order_no);
        Entered::Now
    }

    /// The next order, or until when to wait for one.
    fn next(&mut self, now: Instant) -> Result<OrderNo, Option<Instant>> {
        while let Some((_, order_no)) = self.resting.pop_front_if(|(until, _)| *until <= now) {
            match self.known.get(&order_no) {
                Some(true) => self.waiting.push_back(order_no),
                _ => {
                    self.known.remove(&order_no);
                }
            }
        }
        let Some(order_no) = self.waiting.pop_front() else {
            return Err(self.resting.front().map(|(until, _)| *until));
        };
        self.known.insert(order_no.clone(), false);
        self.resting.push_back((now + SPACING, order_no.clone()));
        Ok(order_no)
    }
}

impl Queue {
    pub(super) fn enter(&self, order_no: OrderNo) -> Entered {
        let entered = self.line().enter(order_no);
        self.bell.notify_one();
        entered
    }

    /// Waits for the next order.
    pub(super) async fn next(&self) -> OrderNo {
        loop {
            let next = self.line().next(Instant::now());
            match next {
                Ok(order_no) => return order_no,
                Err(Some(until)) => tokio::select! {
                    () = sleep_until(until) => {}
                    () = self.bell.notified() => {}
                },
                Err(None) => self.bell.notified().await,
            }
        }
    }

    fn line(&self) -> std::sync::MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn order(number: usize) -> OrderNo {
        format!("ORDER-{number}").parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn an_order_that_is_named_often_is_handed_out_once_and_later_once_more() {
        let queue = Queue::default();
        assert_eq!(queue.enter(order(1)), Entered::Now);
        for _ in 0..10_000 {
            assert_eq!(queue.enter(order(1)), Entered::Again);
        }
        assert_eq!(queue.next().await, order(1));
        assert_eq!(queue.next().now_or_never(), None);
        assert_eq!(queue.enter(order(1)), Entered::Again, "after it was handed out");
        assert_eq!(queue.enter(order(2)), Entered::Now);
        assert_eq!(queue.next().await, order(2), "others do not wait");
        let began = Instant::now();
        assert_eq!(queue.next().await, order(1));
        assert!(began.elapsed() >= Duration::from_millis(900));
        tokio::time::advance(SPACING).await;
        assert_eq!(queue.next().now_or_never(), None);
        assert!(queue.line().known.is_empty(), "nothing is remembered for ever");
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_bounded() {
        let queue = Queue::default();
        let entered = (0..MOST + 10).filter(|&n| queue.enter(order(n)) == Entered::Now).count();
        assert_eq!(entered, MOST);
        assert_eq!(queue.enter(order(MOST)), Entered::Full);
        for number in 0..MOST {
            assert_eq!(queue.next().await, order(number));
        }
        tokio::time::advance(SPACING).await;
        assert_eq!(queue.next().now_or_never(), None);
        assert_eq!(queue.enter(order(MOST)), Entered::Now);
    }
}
