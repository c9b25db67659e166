//! A client without any of the client crate: it posts JSON, signs it, and reads JSON.

use std::sync::Once;

use kess_sandbox::{Sandbox, sign_body};
use rsa::pkcs8::DecodePublicKey;
use serde_json::{Map, Value, json};

pub(crate) struct Raw {
    pub(crate) http: reqwest::Client,
    pub(crate) base_url: String,
    pub(crate) secret: String,
    pub(crate) seller_code: String,
    pub(crate) customer: String,
    pub(crate) bearer: String,
}

/// A reply: its status and its body, as JSON where it is JSON.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) json: Value,
    pub(crate) text: String,
    pub(crate) retry_after: Option<String>,
}

impl Reply {
    pub(crate) fn data(&self) -> &Value {
        assert_eq!(self.status, 200, "{}", self.text);
        assert_eq!(self.json["success"], true, "{}", self.text);
        &self.json["data"]
    }

    /// The status and the code of a refusal.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        assert_eq!(self.json["success"], false, "{}", self.text);
        (self.status, self.json["code"].as_str().unwrap_or_default())
    }
}

pub(crate) fn http_client() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Another test binary's thread cannot have installed one; a second call would only fail.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    builder.retry(reqwest::retry::never()).no_proxy().build().unwrap()
}

impl Raw {
    /// A client with a fresh access token.
    pub(crate) async fn login(sandbox: &Sandbox) -> Self {
        let known = sandbox.credentials();
        let mut raw = Self {
            http: http_client(),
            base_url: sandbox.base_url().to_owned(),
            secret: known.api_secret.clone(),
            seller_code: known.seller_code.clone(),
            customer: seal(&known.public_key_pem, &customer()),
            bearer: String::new(),
        };
        let reply = raw.post("/oauth/token", &password_grant(sandbox)).await.unwrap();
        reply.json["access_token"].as_str().unwrap().clone_into(&mut raw.bearer);
        raw
    }

    /// Posts JSON to a path of the sandbox. `Err` if no whole reply came.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Reply, reqwest::Error> {
        self.post_text(path, "application/json", body.to_string()).await
    }

    pub(crate) async fn post_text(
        &self,
        path: &str,
        content_type: &str,
        body: String,
    ) -> Result<Reply, reqwest::Error> {
        let request = self.http.post(format!("{}{path}", self.base_url));
        let request = request.header("content-type", content_type).bearer_auth(&self.bearer);
        read(request.body(body).send().await?).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        let request = self.http.get(format!("{}{path}", self.base_url));
        read(request.send().await.unwrap()).await.unwrap()
    }

    /// Calls a service with these fields, signed.
    pub(crate) async fn call(&self, service: &str, fields: Value) -> Reply {
        self.try_call(service, fields).await.unwrap()
    }

    pub(crate) async fn try_call(
        &self,
        service: &str,
        fields: Value,
    ) -> Result<Reply, reqwest::Error> {
        self.post("/api/mch/v2/gateway", &self.signed(service, fields)).await
    }

    /// A whole body for a service.
    pub(crate) fn signed(&self, service: &str, fields: Value) -> Value {
        let mut body = Map::new();
        body.insert("service".to_owned(), format!("webpay.acquire.{service}").into());
        body.insert("sign_type".to_owned(), "HMAC-SHA256".into());
        body.insert("seller_code".to_owned(), self.seller_code.clone().into());
        let Value::Object(fields) = fields else { panic!("fields are an object") };
        body.extend(fields);
        let sign = sign_body(&Value::Object(body.clone()).to_string(), &self.secret).unwrap();
        body.insert("sign".to_owned(), sign.into());
        Value::Object(body)
    }

    /// Tokenizes an account.
    pub(crate) async fn bank_token(&self, number: &str) -> String {
        let fields =
            json!({"bank_account_number": number, "bic": "ABAAKHPP", "customer": self.customer});
        let reply = self.call("tokenizebankaccount", fields).await;
        reply.data()["token"].as_str().unwrap().to_owned()
    }

    /// The fields of a withdrawal of 10.50 USD.
    pub(crate) fn withdrawal(&self, bank_token: &str, out_trade_no: &str) -> Value {
        json!({
            "bank_account_token": bank_token, "out_trade_no": out_trade_no, "body": "Salary",
            "total_amount": "10.5", "currency": "USD", "customer": self.customer,
        })
    }

    /// Tokenizes and withdraws 10.50 USD.
    pub(crate) async fn withdraw(&self, number: &str, out_trade_no: &str) -> Reply {
        let token = self.bank_token(number).await;
        self.call("withdraw", self.withdrawal(&token, out_trade_no)).await
    }

    pub(crate) async fn query(&self, out_trade_no: &str) -> Reply {
        self.call("queryOrder", json!({"out_trade_no": out_trade_no})).await
    }
}

async fn read(response: reqwest::Response) -> Result<Reply, reqwest::Error> {
    let status = response.status().as_u16();
    let retry_after = response.headers().get("retry-after");
    let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
    let text = response.text().await?;
    let json = serde_json::from_str(&text).unwrap_or(Value::Null);
    Ok(Reply { status, json, text, retry_after })
}

pub(crate) fn password_grant(sandbox: &Sandbox) -> Value {
    let known = sandbox.credentials();
    json!({
        "grant_type": "password", "client_id": known.client_id,
        "client_secret": known.client_secret, "username": known.username,
        "password": known.password,
    })
}

pub(crate) fn customer() -> Value {
    json!({"phone_number": "012345678", "email": "sok@sample.com", "first_name": "Sok",
        "last_name": "Dara"})
}

pub(crate) fn seal(public_pem: &str, object: &Value) -> String {
    let key = rsa::RsaPublicKey::from_public_key_pem(public_pem).unwrap();
    let padding = rsa::Pkcs1v15Encrypt;
    hex::encode(
        key.encrypt(&mut rand::thread_rng(), padding, object.to_string().as_bytes()).unwrap(),
    )
}
