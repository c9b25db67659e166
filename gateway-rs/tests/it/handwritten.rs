//! One request, one sealed object and one reply written by hand, in the shape that the generator
//! writes them: the proof that the runtime's interface is enough, and a few cases on top.

use kess_gateway::decode;
use kess_gateway::{
    Amount, Charset, Currency, Effect, Encoder, ErrorKind, FieldSpec, Idempotency, Money,
    Operation, OperationMeta, Outcome, RawJson, ReplyObject, Sealable, Sensitive, Timestamp,
    Variable, WireObject,
};
use serde::{Deserialize, Serialize};

use crate::scripted::{Play, Scripted, success};

/// Field tables, as generated: one static for each field.
mod fields {
    use super::{Charset, FieldSpec};

    pub(super) static BODY: FieldSpec = FieldSpec::new("body").required().max_chars(255);
    pub(super) static CURRENCY: FieldSpec = FieldSpec::new("currency").required();
    pub(super) static EXPIRES_IN: FieldSpec = FieldSpec::new("expires_in").min(1).max(86_400);
    pub(super) static OUT_TRADE_NO: FieldSpec =
        FieldSpec::new("out_trade_no").required().charset(Charset::AlnumDash).max_chars(32);
    pub(super) static SETTING: FieldSpec = FieldSpec::new("setting");
    pub(super) static TOTAL_AMOUNT: FieldSpec = FieldSpec::new("total_amount").required();
    pub(super) static TEMPLATE: FieldSpec = FieldSpec::new("template").max_chars(10);
    pub(super) static FIRST_NAME: FieldSpec = FieldSpec::new("first_name").required();
}

/// An order.
#[derive(Clone, Debug)]
pub(crate) struct OrderRequest {
    body: String,
    out_trade_no: String,
    money: Money,
    expires_in: Option<i64>,
    setting: Option<Setting>,
}

impl OrderRequest {
    pub(crate) fn new(out_trade_no: &str, money: Money) -> Self {
        OrderRequest {
            body: "iPhone ".to_owned(),
            out_trade_no: out_trade_no.to_owned(),
            money,
            expires_in: None,
            setting: None,
        }
    }
}

impl Operation for OrderRequest {
    type Reply = Order;

    const META: OperationMeta = OperationMeta {
        service: "webpay.acquire.createOrder",
        name: "create_order",
        effect: Effect::Money,
        idempotency: Idempotency::OutTradeNo,
        one_of: &[],
    };

    fn encode(&self, out: &mut Encoder<'_>) {
        out.field(&fields::BODY, &self.body);
        out.field(&fields::CURRENCY, self.money.currency());
        out.field(&fields::EXPIRES_IN, &self.expires_in);
        out.field(&fields::OUT_TRADE_NO, &self.out_trade_no);
        out.seller_code(None);
        out.service();
        out.unsigned(&fields::SETTING, &self.setting);
        out.sign_type();
        out.field(&fields::TOTAL_AMOUNT, &self.money.amount());
    }
}

/// An object that is sent and not signed.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    template: Option<String>,
}

impl WireObject for Setting {
    const NAME: &'static str = "setting";

    fn encode(&self, out: &mut Encoder<'_>) {
        out.field(&fields::TEMPLATE, &self.template);
    }
}

/// A person, sealed.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    pub(crate) first_name: Sensitive<String>,
}

impl WireObject for Customer {
    const NAME: &'static str = "customer";

    fn encode(&self, out: &mut Encoder<'_>) {
        out.field(&fields::FIRST_NAME, &self.first_name);
    }
}

impl Sealable for Customer {}

/// What comes back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub(crate) struct Order {
    #[serde(deserialize_with = "decode::field")]
    pub(crate) out_trade_no: String,
    #[serde(deserialize_with = "decode::field")]
    pub(crate) total_amount: Amount,
    #[serde(deserialize_with = "decode::field")]
    pub(crate) currency: Currency,
    #[serde(default, deserialize_with = "decode::field")]
    pub(crate) created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "decode::field")]
    pub(crate) is_required_otp: Option<bool>,
    #[serde(default, deserialize_with = "decode::field")]
    pub(crate) seller: Option<Seller>,
    #[serde(default, deserialize_with = "decode::field")]
    pub(crate) meta: Option<Variable<Seller>>,
    #[serde(default, deserialize_with = "decode::field")]
    pub(crate) detail: Vec<RawJson>,
    #[serde(default, deserialize_with = "decode::field")]
    pub(crate) receiver_name: Option<Sensitive<String>>,
}

impl ReplyObject for Order {
    const NAME: &'static str = "order_info";
}

/// An object within.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Seller {
    #[serde(deserialize_with = "decode::field")]
    pub(crate) code: String,
}

impl ReplyObject for Seller {
    const NAME: &'static str = "seller";
}

#[tokio::test]
async fn a_call_goes_out_signed_and_comes_back_typed() {
    let gateway = Scripted::calls(|_| {
        success(
            r#"{"out_trade_no":12,"total_amount":-10.50,"currency":"USD","is_required_otp":"true",
                "seller":[],"meta":[1],"detail":null,"receiver_name":"Sok Dara","new_field":{},
                "created_at":"2022-07-18T07:44:54.000000Z"}"#,
        )
    });
    let client = gateway.client();
    let mut request = OrderRequest::new("TR-1", Money::usd("10.50").unwrap());
    request.setting = Some(Setting { template: Some("company".to_owned()) });
    let order = client.call(request).send().await.unwrap();

    assert_eq!(order.out_trade_no, "12");
    assert_eq!(order.total_amount.to_string(), "-10.5");
    assert_eq!(order.is_required_otp, Some(true));
    assert!(order.seller.is_none() && order.detail.is_empty());
    assert!(matches!(&order.meta, Some(Variable::Other(raw)) if raw.get() == "[1]"));
    assert!(!format!("{order:?}").contains("Dara"));
    assert_eq!(
        gateway.bodies()[1],
        concat!(
            r#"{"body":"iPhone","currency":"USD","out_trade_no":"TR-1","seller_code":"SELLER","#,
            r#""service":"webpay.acquire.createOrder","setting":{"template":"company"},"#,
            r#""sign_type":"HMAC-SHA256","total_amount":10.5,"#,
            r#""sign":"d77b4c26357a105d39dcdfeac24f09eab2afc35920e343b1dc7d8b7d53d3d404"}"#
        )
    );
}

#[tokio::test]
async fn all_that_is_wrong_with_a_request_is_said_at_once_and_nothing_is_sent() {
    let gateway = Scripted::calls(|_| success("{}"));
    let mut request =
        OrderRequest::new("TR 1", Money::new("1e14".parse().unwrap(), "THB".into()).unwrap());
    request.body = " \u{200b} ".to_owned();
    request.expires_in = Some(0);
    request.setting = Some(Setting { template: Some("elevenchars".to_owned()) });
    let error = gateway.client().call(request).send().await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::InvalidRequest, Outcome::NotSent));
    assert_eq!(
        error.to_string(),
        "create_order: invalid request: body is required and is missing or blank; expires_in must \
         be between 1 and 86400; out_trade_no may hold letters, digits and dashes only; \
         setting.template is 1 characters longer than the 10 allowed; correct the request; \
         nothing was sent"
    );
    assert_eq!(gateway.token_requests() + gateway.call_requests(), 0);
}

#[tokio::test]
async fn an_unreadable_field_is_named_without_its_value() {
    let gateway = Scripted::calls(|_| {
        success(r#"{"out_trade_no":"1","total_amount":"4111111111111111x","currency":"USD"}"#)
    });
    let request = OrderRequest::new("TR-1", Money::usd("1").unwrap());
    let error = gateway.client().call(request).send().await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Decode, Outcome::Unknown));
    assert!(
        error.message().starts_with(
            "data.total_amount: expected an exact amount, found another text at line 1"
        ),
        "{error}"
    );
    assert!(!format!("{error} {error:?}").contains("4111"));
    assert!(error.body().is_some());
}

#[tokio::test]
async fn html_for_a_payment_is_an_unknown_outcome() {
    let gateway = Scripted::calls(|_| Play::Answer(403, "<html>".to_owned()));
    let request = OrderRequest::new("TR-1", Money::usd("1").unwrap());
    let error = gateway.client().call(request).send().await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Forbidden, Outcome::Unknown));
}
