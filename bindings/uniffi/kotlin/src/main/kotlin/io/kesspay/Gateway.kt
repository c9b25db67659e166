package io.kesspay

/**
 * The KESS PAY gateway: every operation is a suspend function.
 *
 * It is cheap to call from many coroutines at once and holds one pool of connections, so an app has
 * one of them. Nothing is sent before the first call.
 *
 * ```
 * Gateway(settings).use { gateway ->
 *     val account = gateway.verifyBankAccount(VerifyBankAccountRequest(Sensitive("000123456"), "ABAAKHPP"))
 *     println(account.currency)
 * }
 * ```
 *
 * Failures are [GatewayException]s. A cancelled coroutine gives its call up; if that call changes
 * something, what is thrown is an [OutcomeUnknownCancellation].
 *
 * @constructor Prepares a connection.
 * @throws GatewayException.Configuration if the settings are not what they must be.
 * @throws LibraryMismatchError if the native library is missing or of another version.
 */
public class Gateway(
    settings: Settings,
) : GatewayOperations(setUp { connect(settings) }),
    AutoCloseable {
    /** Where the gateway is. */
    public val baseUrl: String get() = core.baseUrl()

    /**
     * Fetches a token if there is none: a check of the credentials, or of the app's
     * [TokenProvider], that does nothing else.
     */
    public suspend fun authenticate(): Unit = read("authenticate") { core.authenticate() }

    /** The page on which an order is paid. */
    public fun paymentLink(orderToken: Sensitive): String = core.paymentLink(orderToken)

    /** The page that charges a saved card. */
    public fun cardTokenLink(
        orderToken: Sensitive,
        cardToken: Sensitive,
    ): Sensitive = core.cardTokenLink(orderToken, cardToken)

    /**
     * Signs what an app wants sent, with the merchant's own secret: the server's half of a
     * [RequestSigner]. [body] is the JSON that the app's signer was given.
     *
     * **For servers only**, and only after a look at who asks, for which service and for how much.
     * What can be read in two ways is refused, so what was looked at is what is signed.
     *
     * @throws GatewayException.InvalidRequest if it is no request, can be read in two ways, or asks
     *     for another kind of signature than this gateway uses.
     */
    public fun sign(body: Sensitive): String = setUp { core.sign(body) }

    /**
     * The access token that this gateway uses, for an app that holds no credentials: the server's
     * half of a [TokenProvider]. **For servers only.**
     */
    public suspend fun accessToken(): AccessToken = read("access_token") { core.accessToken() }

    /**
     * Checks the signature of a notice that the gateway posted to `notify_url`, and reads it.
     * **For servers only.** Query the order before you rely on what it says.
     *
     * @throws GatewayException.Signature if the signature does not hold.
     */
    public fun verifyNotice(body: ByteArray): WebhookNotice = setUp { core.verifyNotice(body) }

    /** Lets go of the connections. Calls under way are carried to their end. */
    override fun close(): Unit = core.close()
}

private fun connect(settings: Settings): GatewayCore {
    // The version is checked by the first use; this compares every function's signature, too.
    uniffiEnsureInitialized()
    return GatewayCore(settings)
}
