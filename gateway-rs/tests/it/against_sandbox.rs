//! The client against the sandbox, over real sockets: every operation is understood, signatures
//! and sealed blocks hold on the other side, and what an error says about money is true.

use std::time::Duration;

use futures_util::TryStreamExt;
use kess_gateway::enums::OrderStatus;
use kess_gateway::objects::{Card, CardExpiry, Customer};
use kess_gateway::{
    BaseUrl, Client, ClientBuilder, Credentials, Error, ErrorKind, Money, Outcome, PublicKey,
    ReplySignaturePolicy, RetryPolicy, Sealed, SignType, SignatureReading, SignatureVerdict, khqr,
};
use kess_sandbox::{
    ErrorCode, ErrorShape, Fault, FaultRule, MissingOrder, ReplySignature, Sandbox,
};

pub(crate) fn builder(sandbox: &Sandbox) -> ClientBuilder {
    let given = sandbox.credentials();
    Client::builder()
        .base_url(sandbox.base_url().parse::<BaseUrl>().unwrap())
        .credentials(Credentials::new(
            &given.client_id,
            &given.client_secret,
            &given.username,
            &given.password,
        ))
        .api_secret(&given.api_secret)
        .seller_code(&given.seller_code)
        .public_key(PublicKey::from_pem(&given.public_key_pem).unwrap())
        .timeout(Duration::from_secs(10))
        .retry(RetryPolicy { base_pause: Duration::from_millis(1), ..RetryPolicy::default() })
}

fn customer(client: &Client) -> Sealed<Customer> {
    client.seal(&Customer::new("012345678", "dara@example.com", "Sok", "Dara")).unwrap()
}

fn card(client: &Client) -> Sealed<Card> {
    let card = Card::new("5123450000000008", "100", CardExpiry::new("12", "35"));
    client.seal(&card).unwrap()
}

fn usd(amount: &str) -> Money {
    Money::usd(amount).unwrap()
}

#[tokio::test]
async fn a_withdrawal_is_paid_to_the_cent() {
    for sign_type in [SignType::Md5, SignType::HmacSha256] {
        let sandbox = Sandbox::start().unwrap();
        let client = builder(&sandbox).sign_type(sign_type).build().unwrap();
        let holder = client.verify_bank_account("000123456", "ABAAKHPP").send().await.unwrap();
        assert_eq!(holder.currency.as_str(), "USD");
        let token = client
            .tokenize_bank_account("000123456", "ABAAKHPP", customer(&client))
            .send()
            .await
            .unwrap();
        let order = client
            .withdraw("WD-1", usd("10.50"), token.token.clone(), customer(&client))
            .set_body("ប្រាក់ខែ & more")
            .send()
            .await
            .unwrap();
        assert_eq!(order.total_amount, "-10.5".parse().unwrap());
        let asked = client.query_order("WD-1").send().await.unwrap();
        assert_eq!(asked.status, OrderStatus::Success);
        let ledger = sandbox.ledger();
        let row = ledger.row("WD-1").unwrap();
        assert_eq!((row.times_booked, row.moved.to_string().as_str()), (1, "10.5"));
    }
}

/// Runs `call` and returns what it answered; a refusal is an answer, anything else is not.
async fn understood<R: kess_gateway::Operation>(
    name: &str,
    call: kess_gateway::Call<'_, R>,
) -> Option<R::Reply> {
    match call.send().await {
        Ok(reply) => {
            assert!(matches!(reply.signature(), SignatureVerdict::Matched(_)), "{name}");
            Some(reply.into_inner())
        }
        // "There is no such card" is understood; "wrong signature" or "field missing" is not.
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => panic!("{name}: {error}"),
    }
}

#[tokio::test]
async fn merchant_and_bakong_operations_are_understood() {
    let sandbox = Sandbox::start().unwrap();
    let client = builder(&sandbox).build().unwrap();
    let merchant = understood("merchant_info", client.merchant_info()).await.unwrap();
    let wallets = merchant.multi_wallets;
    assert!(!wallets.is_empty());
    let user = client.add_user_under_merchant("Sok", "Dara", "010999888", "new@example.com");
    let user = understood("add_user", user.set_muser_identity("N-new-1")).await.unwrap();
    let profile = client.user_profile().set_muser_identity("N-new-1");
    assert_eq!(understood("user_profile", profile).await.unwrap().user_id, user.user_id);
    let users = client.get_user_under_merchant(1).by_item();
    assert_eq!(users.try_collect::<Vec<_>>().await.unwrap().len(), 1);

    let wallet_of = |wallets: &[kess_gateway::objects::Wallet]| {
        let wallet = wallets.iter().find(|it| it.currency.as_str() == "USD");
        wallet.unwrap().id.clone().unwrap()
    };
    let (from, to) = (wallet_of(&wallets), wallet_of(&user.multi_wallets));
    understood("money_transfer", client.money_transfer(usd("1.25"), &from, &to)).await.unwrap();
    let rows = client.get_txn_lists(1).by_item().try_collect::<Vec<_>>().await.unwrap();
    let reference = rows[0].transaction_ref.clone().unwrap();
    understood("get_txn_detail", client.get_txn_detail(reference)).await.unwrap();

    understood("get_bakong_members", client.get_bakong_members()).await.unwrap();
    let user_id = merchant.user_id.unwrap();
    let qr = client.generate_khqr(&from, user_id, "2".parse().unwrap());
    let qr = understood("generate_khqr", qr).await.unwrap();
    let text = qr.qr_string.into_exposed();
    assert_eq!(khqr::md5_of(&text), qr.md5.unwrap());
    let walked = khqr::Khqr::parse(&text).unwrap();
    let decoded = client.decode_khqr(text.clone()).send_raw().await.unwrap();
    assert_eq!(walked.differences(decoded.data()).unwrap(), Vec::<&str>::new());
    understood("pay_khqr", client.pay_khqr(usd("2"), text)).await;
}

#[tokio::test]
async fn order_operations_are_understood() {
    let sandbox = Sandbox::start().unwrap();
    let client = builder(&sandbox).build().unwrap();
    understood("get_payment_methods", client.get_payment_methods()).await.unwrap();
    let order = client.create_order("TR-1", "iPhone", usd("10"));
    let order = understood("create_order", order).await.unwrap();
    let token = order.token.unwrap();
    assert_eq!(order.payment_link.unwrap(), client.base_url().payment_link(&token));
    understood("query_order", client.query_order("TR-1")).await.unwrap();
    understood("close_order", client.close_order("TR-1")).await.unwrap();
    let native = client.native_pay("TR-2", "Tea", usd("1"), "KESSKH");
    understood("native_pay", native).await.unwrap();
    understood("quick_pay", client.quick_pay("TR-3", "134567890", "Tea", usd("1"), "WECHAT"))
        .await
        .unwrap();
    understood("direct_pay", client.direct_pay("TR-4", "Tea", usd("1"), card(&client)))
        .await
        .unwrap();
    understood("v2_refund", client.v2_refund("TR-3", "cold").set_partial_refund_amount(usd("1")))
        .await
        .unwrap();
    understood("query_refund", client.query_refund().set_out_trade_no("TR-3")).await;
    let day = || "2020-01-01".parse().unwrap();
    let far = || "2100-01-01".parse().unwrap();
    let orders = client.query_order_by_date_range(day(), far(), 2, 1).by_item();
    assert_eq!(orders.try_collect::<Vec<_>>().await.unwrap().len(), 4);
}

#[tokio::test]
async fn card_kiosk_and_subscription_operations_are_understood() {
    let sandbox = Sandbox::start().unwrap();
    let client = builder(&sandbox).build().unwrap();
    understood("save_card", client.save_card("https://shop.example/notify")).await.unwrap();
    let kiosk = client.kiosk_create_order("KI-1", "Tea", usd("1"));
    let kiosk = understood("kiosk_create_order", kiosk).await.unwrap();
    let id = kiosk.pre_order_id.unwrap_or_default();
    understood("confirm_kiosk_order", client.confirm_kiosk_order(id)).await;

    let limit = "100".parse().unwrap();
    let new = client.create_virtual_card(usd("10"), "Shop", limit, 12, 5, "a card");
    let made = understood("create_virtual_card", new).await.unwrap();
    let id = made.purchase_request_id.unwrap().to_string();
    understood("get_virtual_cards", client.get_virtual_cards()).await.unwrap();
    understood("get_virtual_card_balance", client.get_virtual_card_balance(&id)).await.unwrap();
    understood("get_virtual_card_detail", client.get_virtual_card_detail(&id)).await.unwrap();
    let rows = client.get_virtual_card_report(&id, 0, 1).by_row();
    rows.try_collect::<Vec<_>>().await.unwrap();

    let link = client.generate_subscription_link("SU-1", usd("5"), "monthly");
    understood("generate_subscription_link", link).await.unwrap();
    let pay = client.subscription("pre-order", "Sok Dara", card(&client), "monthly");
    understood("subscription", pay).await;
    understood("get_subscriptions", client.get_subscriptions()).await;
    understood("get_subscription_trxs", client.get_subscription_trxs()).await;
    understood("cancel_subscription", client.cancel_subscription("SUB-1")).await;
    understood("re_active_subscription", client.re_active_subscription("SUB-1")).await;
}

#[tokio::test]
async fn every_reading_of_a_reply_signature_is_recognised() {
    for (theirs, ours) in [
        (ReplySignature::Data, SignatureReading::Data),
        (ReplySignature::DataAndSignType, SignatureReading::DataAndSignType),
        (ReplySignature::Envelope, SignatureReading::Envelope),
    ] {
        let sandbox = Sandbox::builder().reply_signature(theirs).start().unwrap();
        let client =
            builder(&sandbox).reply_signature(ReplySignaturePolicy::Enforce).build().unwrap();
        let reply = client.verify_bank_account("000123456", "ABAAKHPP").send().await.unwrap();
        assert_eq!(reply.signature(), SignatureVerdict::Matched(ours));
    }
}

#[tokio::test]
async fn a_missing_order_is_not_found_however_it_is_said() {
    for missing in [
        MissingOrder::NotFound,
        MissingOrder::SuccessFalse,
        MissingOrder::DataNull,
        MissingOrder::DataEmptyList,
    ] {
        for shape in [ErrorShape::Flat, ErrorShape::Nested, ErrorShape::SuccessFalse] {
            let sandbox =
                Sandbox::builder().missing_order(missing).error_shape(shape).start().unwrap();
            let client = builder(&sandbox).build().unwrap();
            let error = client.query_order("NO-SUCH").send().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{missing:?} {shape:?}: {error}");
        }
    }
}

async fn withdraw(client: &Client, order: &str, account: &str) -> Result<OrderStatus, Error> {
    let call =
        client.withdraw_by_bank_number(order, usd("10"), "ABAAKHPP", account, customer(client));
    call.send().await.map(|order| order.status.clone())
}

/// What an error says about the money must be true, whatever goes wrong on the way.
#[tokio::test]
async fn an_outcome_never_lies_about_money() {
    let mut faults = vec![
        Fault::CutBeforeBooking,
        Fault::CutAfterBooking,
        Fault::HalfReply,
        Fault::TokenRevoked,
        Fault::LowBalance,
        Fault::Duplicate,
        Fault::UnknownAccount,
    ];
    for code in [
        ErrorCode::ValidationError,
        ErrorCode::Forbidden,
        ErrorCode::ProcessFailed,
        ErrorCode::SystemError,
        ErrorCode::UnderMaintenance,
        ErrorCode::GatewayTimeout,
        ErrorCode::Expired,
    ] {
        faults.extend([Fault::Refuse(code), Fault::SuccessFalse(code)]);
    }
    for booked in [false, true] {
        for status in [200, 422, 429, 500, 502, 503, 504] {
            faults.push(Fault::Html { status, booked });
            if status != 200 {
                faults.push(Fault::Status { status, booked, retry_after: Some(1) });
            }
        }
    }
    for shape in [ErrorShape::Flat, ErrorShape::Nested, ErrorShape::SuccessFalse] {
        let sandbox = Sandbox::builder().error_shape(shape).start().unwrap();
        let client = builder(&sandbox).build().unwrap();
        for (at, fault) in faults.iter().enumerate() {
            let order = format!("{shape:?}-{at}");
            let rule = FaultRule::new(fault.clone()).out_trade_no(&order).times(1);
            sandbox.add_fault(rule);
            let result = withdraw(&client, &order, "000123456").await;
            let ledger = sandbox.ledger();
            let booked = ledger.row(&order).map_or(0, |row| row.times_booked);
            match &result {
                Ok(status) => {
                    assert_eq!((status, booked), (&OrderStatus::Success, 1), "{fault:?}");
                }
                Err(error) if error.outcome() == Outcome::Unknown => assert!(booked <= 1),
                Err(error) => assert_eq!(booked, 0, "{fault:?} {shape:?}: {error}"),
            }
        }
    }
}

#[tokio::test]
async fn a_stopped_gateway_was_not_reached() {
    let sandbox = Sandbox::start().unwrap();
    let client = builder(&sandbox).build().unwrap();
    client.authenticate().await.unwrap();
    sandbox.shutdown();
    let error = withdraw(&client, "WD-1", "000123456").await.unwrap_err();
    assert!(
        matches!(error.outcome(), Outcome::NotSent | Outcome::Unknown)
            && matches!(error.kind(), ErrorKind::Connect | ErrorKind::Transport),
        "{error}"
    );
}

#[tokio::test]
async fn tokens_run_out_under_load_and_no_call_fails() {
    let sandbox = Sandbox::builder().token_lifetime(Duration::from_secs(3)).start().unwrap();
    let client = builder(&sandbox).build().unwrap();
    for _ in 0..5 {
        let calls = (0..40).map(|_| client.merchant_info().send());
        for result in futures_util::future::join_all(calls).await {
            result.unwrap();
        }
        // The other side's clock goes on, ours does not: the token is refused in flight.
        sandbox.advance(Duration::from_secs(4));
    }
}
