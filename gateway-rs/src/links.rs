//! URLs of the gateway's pages that a merchant builds: the payment page, and paying with a saved
//! card.
//!
//! Every part is percent-encoded, so that a token with odd characters stays a token.

use crate::client::BaseUrl;
use crate::sensitive::Sensitive;

impl BaseUrl {
    /// The page on which an order is paid: `{base}/pay/{token}`, as in `order_info.payment_link`.
    ///
    /// ```
    /// use kess_gateway::BaseUrl;
    /// let link = BaseUrl::sandbox().payment_link("111612f019b683");
    /// assert_eq!(link, "https://devwebpayment.kesspay.io/pay/111612f019b683");
    /// ```
    #[must_use]
    pub fn payment_link(&self, order_token: &str) -> String {
        self.with_segments(&["pay", order_token]).into()
    }

    /// Pays an order with a saved card: `{base}/ccpay/{order token}?card_token={card token}`.
    /// With it anybody can charge the card, so it is masked wherever it is printed.
    ///
    /// ```
    /// use kess_gateway::BaseUrl;
    /// let link = BaseUrl::sandbox().card_token_link("1116", "a b&c");
    /// assert_eq!(
    ///     link.expose(),
    ///     "https://devwebpayment.kesspay.io/ccpay/1116?card_token=a+b%26c"
    /// );
    /// ```
    #[must_use]
    pub fn card_token_link(&self, order_token: &str, card_token: &str) -> Sensitive<String> {
        let mut url = self.with_segments(&["ccpay", order_token]);
        url.query_pairs_mut().append_pair("card_token", card_token);
        Sensitive::from(String::from(url))
    }
}
