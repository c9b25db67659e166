//! What all who call the gateway for one merchant share, in one row of a table.
//!
//! Slots are reserved many at once, so that the database is asked a few times a second and not for
//! each call. All times are by the database's clock.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

use super::{
    PostgresStore,
    news::{self, Ear},
    statement::statement,
};
use crate::{
    batch::GatewayIdentity,
    dispatch::pace::{Pace, Standing, Word},
    error::Error,
    store::{
        changes::{Bell, Changes},
        codec::Fields,
        failed,
    },
};

/// The pace of one merchant.
pub(super) struct MerchantPace {
    pool: sqlx::PgPool,
    bell: Bell,
    merchant: GatewayIdentity,
    _ear: Arc<Ear>,
}

impl PostgresStore {
    pub(super) fn pace_of(&self, merchant: &GatewayIdentity) -> Arc<dyn Pace> {
        let (pool, bell) = (self.pool.clone(), self.bell.clone());
        let (merchant, ear) = (merchant.clone(), Arc::clone(self.hear()));
        Arc::new(MerchantPace { pool, bell, merchant, _ear: ear })
    }
}

impl Pace for MerchantPace {
    fn reserve(&self, calls: u32, interval: Duration) -> BoxFuture<'_, Result<Duration, Error>> {
        Box::pin(async move {
            let row = statement!(
                "INSERT INTO pace (base_url, seller_code, next_slot) \
                 VALUES ($1, $2, now_micros() + $3) \
                 ON CONFLICT (base_url, seller_code) DO UPDATE \
                 SET next_slot = greatest(pace.next_slot, now_micros()) + $3 \
                 RETURNING next_slot - $3 - now_micros() AS wait",
                &self.merchant.base_url[..],
                &self.merchant.seller_code[..],
                micros(interval.saturating_mul(calls))
            )
            .fetch_one(&self.pool)
            .await
            .map_err(failed("reserve calls"))?;
            Ok(positive(Fields(&row).int("wait")?))
        })
    }

    fn probe(&self, hold: Duration) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(async move {
            let taken = statement!(
                "UPDATE pace SET probing_until = now_micros() + $3 \
                 WHERE base_url = $1 AND seller_code = $2 AND open_since IS NOT NULL \
                 AND probing_until <= now_micros() AND paused_until <= now_micros()",
                &self.merchant.base_url[..],
                &self.merchant.seller_code[..],
                micros(hold)
            )
            .execute(&self.pool)
            .await
            .map_err(failed("take the probe"))?;
            Ok(taken.rows_affected() == 1)
        })
    }

    fn tell(&self, word: Word) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let doing = "tell the pace";
            let mut connection = self.pool.acquire().await.map_err(failed(doing))?;
            let (pause, opens, failures, closes) = match word {
                Word::Pause(pause) => (pause, false, 0, false),
                Word::Open(pause) => (pause, true, 0, false),
                Word::Failed(pause) => (pause, true, 1, false),
                Word::GivenUp => (Duration::ZERO, false, 0, false),
                Word::Answered => (Duration::ZERO, false, 0, true),
            };
            let ends_probe = matches!(word, Word::Failed(_) | Word::GivenUp | Word::Answered);
            statement!(
                "INSERT INTO pace (base_url, seller_code) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                &self.merchant.base_url[..],
                &self.merchant.seller_code[..]
            )
            .execute(&mut *connection)
            .await
            .map_err(failed(doing))?;
            statement!(
                "UPDATE pace SET paused_until = greatest(paused_until, now_micros() + $3), \
                 open_since = CASE WHEN $6 THEN NULL \
                 WHEN $4 THEN coalesce(open_since, now_micros()) ELSE open_since END, \
                 probes = CASE WHEN $6 THEN 0 ELSE probes + $5 END, \
                 probing_until = CASE WHEN $7 THEN 0 ELSE probing_until END \
                 WHERE base_url = $1 AND seller_code = $2",
                &self.merchant.base_url[..],
                &self.merchant.seller_code[..],
                micros(pause),
                opens,
                i64::from(failures),
                closes,
                ends_probe
            )
            .execute(&mut *connection)
            .await
            .map_err(failed(doing))?;
            news::tell(&mut connection).await
        })
    }

    fn look(&self) -> BoxFuture<'_, Result<Standing, Error>> {
        Box::pin(async move {
            let row = statement!(
                "SELECT paused_until - now_micros() AS pause, now_micros() - open_since AS open, \
                 probes FROM pace WHERE base_url = $1 AND seller_code = $2",
                &self.merchant.base_url[..],
                &self.merchant.seller_code[..]
            )
            .fetch_optional(&self.pool)
            .await
            .map_err(failed("look at the pace"))?;
            let Some(row) = row else { return Ok(Standing::default()) };
            let row = Fields(&row);
            let open = row.maybe_int("open")?.map(positive);
            let probes = row.count("probes")?;
            let pause = positive(row.int("pause")?);
            Ok(Standing { pause, open: open.map(|open| (open, probes)) })
        })
    }

    fn changes(&self) -> Changes {
        self.bell.listen()
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}

fn positive(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}
