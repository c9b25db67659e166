//! A peer: the loop that one would write first. Each row's intent and outcome is a commit of its
//! own, bodies and replies are `serde_json::Value`, and what is signed is put together from a
//! sorted map.
//!
//! Written to be quick where that costs nothing: the key is read once and customers are sealed by
//! the client's own code, connections are kept, 64 rows are in flight. It does not check the file,
//! compare names, check signatures of replies, try again, resume, or write an audit trail.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use hmac::{Hmac, Mac};
use kess_gateway::PublicKey;
use kess_gateway::objects::Customer;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tokio::sync::Mutex;

use crate::bare;
use crate::watch::{Took, Watch};

type Error = Box<dyn std::error::Error + Send + Sync>;

const IN_FLIGHT: usize = 64;

#[derive(Debug, Deserialize)]
struct Row {
    reference: String,
    first_name: String,
    last_name: String,
    phone_number: String,
    email: String,
    bank_account_number: String,
    bic: String,
    amount: String,
    currency: String,
    body: String,
}

struct Gateway {
    client: reqwest::Client,
    url: String,
    token: String,
    secret: String,
    seller_code: String,
    key: PublicKey,
}

impl Gateway {
    async fn connect() -> Result<Self, Error> {
        let value = |name: &str| std::env::var(name).unwrap_or_default();
        let base = value("KESS_BASE_URL");
        let client = bare::http(IN_FLIGHT)?;
        let ask = json!({
            "grant_type": "password",
            "client_id": value("KESS_CLIENT_ID"),
            "client_secret": value("KESS_CLIENT_SECRET"),
            "username": value("KESS_USERNAME"),
            "password": value("KESS_PASSWORD"),
        });
        let reply = client.post(format!("{base}/oauth/token")).body(ask.to_string()).send().await?;
        let reply: Value = serde_json::from_slice(&reply.bytes().await?)?;
        Ok(Self {
            client,
            url: format!("{base}/api/mch/v2/gateway"),
            token: format!("Bearer {}", reply["access_token"].as_str().ok_or("no token")?),
            secret: value("KESS_API_SECRET_KEY"),
            seller_code: value("KESS_SELLER_CODE"),
            key: PublicKey::from_pem(&value("KESS_PUBLIC_KEY"))?,
        })
    }

    fn seal(&self, row: &Row) -> Result<String, Error> {
        let customer = Customer::new(
            row.phone_number.clone(),
            row.email.clone(),
            row.first_name.clone(),
            row.last_name.clone(),
        );
        Ok(self.key.seal(&customer)?.as_hex().to_owned())
    }

    fn sign(&self, body: &BTreeMap<String, Value>) -> Result<String, Error> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let fields: Vec<_> =
            body.iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
        let text = format!("{}&key={}", fields.join("&"), self.secret);
        let mut hmac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes())?;
        hmac.update(text.as_bytes());
        Ok(hex::encode(hmac.finalize().into_bytes()))
    }

    async fn call(&self, service: &str, fields: Value) -> Result<Value, Error> {
        let mut body: BTreeMap<String, Value> = serde_json::from_value(fields)?;
        body.insert("service".to_owned(), format!("webpay.acquire.{service}").into());
        body.insert("seller_code".to_owned(), self.seller_code.clone().into());
        body.insert("sign_type".to_owned(), "HMAC-SHA256".into());
        body.insert("sign".to_owned(), self.sign(&body)?.into());
        let request = self.client.post(&self.url).header("Authorization", &self.token);
        let request = request.header("Content-Type", "application/json");
        let reply = request.body(serde_json::to_string(&body)?).send().await?.bytes().await?;
        let mut reply: Value = serde_json::from_slice(&reply)?;
        if reply["success"] != true {
            return Err(format!("{service}: {}", reply["message"]).into());
        }
        Ok(reply["data"].take())
    }
}

async fn open(path: &str) -> Result<SqlitePool, Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    // SQLite has one writer: several connections would only wait for each other.
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    let table = "CREATE TABLE payouts (order_no TEXT PRIMARY KEY, reference TEXT NOT NULL, \
                 amount TEXT NOT NULL, currency TEXT NOT NULL, status TEXT NOT NULL, \
                 transaction_id TEXT) WITHOUT ROWID";
    sqlx::query(table).execute(&pool).await?;
    Ok(pool)
}

async fn pay(gateway: &Gateway, store: &SqlitePool, row: &Row) -> Result<(), Error> {
    let account = json!({"bank_account_number": row.bank_account_number, "bic": row.bic});
    let verified = gateway.call("verifybankaccount", account.clone()).await?;
    if verified["currency"] != row.currency.as_str() {
        return Err(format!("{}: another currency", row.reference).into());
    }
    let mut asked = account;
    asked["customer"] = gateway.seal(row)?.into();
    let token = gateway.call("tokenizebankaccount", asked).await?;

    let order_no = format!("PEER-{}", row.reference);
    sqlx::query("INSERT INTO payouts VALUES (?, ?, ?, ?, 'SENDING', NULL)")
        .bind(&order_no)
        .bind(&row.reference)
        .bind(&row.amount)
        .bind(&row.currency)
        .execute(store)
        .await?;
    let withdrawal = json!({
        "out_trade_no": order_no,
        "total_amount": row.amount,
        "currency": row.currency,
        "bank_account_token": token["token"],
        "customer": gateway.seal(row)?,
        "body": row.body,
    });
    let order = gateway.call("withdraw", withdrawal).await?;
    if order["out_trade_no"] != order_no.as_str() {
        return Err(format!("{}: the answer is about another order", row.reference).into());
    }
    sqlx::query("UPDATE payouts SET status = ?, transaction_id = ? WHERE order_no = ?")
        .bind(order["status"].as_str())
        .bind(order["transaction_id"].as_str())
        .bind(&order_no)
        .execute(store)
        .await?;
    Ok(())
}

/// Pays every row of the file, and returns how many were paid and how long that took.
///
/// # Errors
/// The first row that cannot be paid.
pub async fn pay_all(file: &Path, store: &str) -> Result<(u64, Took), Error> {
    let started = Watch::start();
    let rows: Vec<Row> = csv::Reader::from_path(file)?.deserialize().collect::<Result<_, _>>()?;
    let rows = Arc::new(Mutex::new(rows.into_iter()));
    let (gateway, store) = (Arc::new(Gateway::connect().await?), open(store).await?);
    let workers: Vec<_> = (0..IN_FLIGHT)
        .map(|_| {
            let (rows, gateway, store) = (Arc::clone(&rows), Arc::clone(&gateway), store.clone());
            tokio::spawn(async move {
                loop {
                    let Some(row) = rows.lock().await.next() else { return Ok::<(), Error>(()) };
                    pay(&gateway, &store, &row).await?;
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await??;
    }
    let took = started.read();
    let paid = "SELECT count(*) FROM payouts WHERE status = 'SUCCESS'";
    let (paid,): (i64,) = sqlx::query_as(paid).fetch_one(&store).await?;
    Ok((paid.unsigned_abs(), took))
}
