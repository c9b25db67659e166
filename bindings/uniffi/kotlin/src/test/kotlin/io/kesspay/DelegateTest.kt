package io.kesspay

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import samples.AppServer
import kotlin.test.Test
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertIs
import kotlin.test.assertTrue

/** An app that holds no secret of the merchant. */
class DelegateTest {
    /** The settings of a phone: where the gateway is, a public key, and who signs. */
    private fun onAPhone(
        sandbox: Sandbox,
        signer: RequestSigner,
        tokens: TokenProvider,
    ) = Settings(
        baseUrl = sandbox.url,
        access = Access.Delegated(signer, tokens),
        sellerCode = sandbox.settings.sellerCode,
        publicKey = sandbox.settings.publicKey,
    )

    private fun onAPhone(
        sandbox: Sandbox,
        server: AppServer,
    ) = onAPhone(sandbox, server, server)

    private val signedIn = Sensitive("session-of-dara")

    @Test
    fun `the app's own server signs and hands out tokens`() {
        Sandbox().use { sandbox ->
            SigningServer(sandbox).use { server ->
                Gateway(onAPhone(sandbox, AppServer(server.url, signedIn))).use { phone ->
                    runBlocking {
                        val account = VerifyBankAccountRequest(Sensitive("000123456"), Bic.Abaakhpp)
                        assertEquals("USD", phone.verifyBankAccount(account).currency)
                        phone.withdrawByBankNumber(withdrawal("WD-1"))
                        assertEquals(OrderStatus.Success, phone.queryOrder(QueryOrderRequest("WD-1")).status)
                    }
                    assertEquals(1, sandbox.ledger().getValue("WD-1").timesBooked)
                }
            }
        }
    }

    @Test
    fun `what the server does not sign is not sent`() {
        Sandbox().use { sandbox ->
            SigningServer(sandbox).use { server ->
                Gateway(onAPhone(sandbox, AppServer(server.url, signedIn))).use { phone ->
                    val tooMuch = withdrawal("WD-1").copy(totalAmount = Money.usd("1000.01"))
                    val error =
                        assertFailsWith<GatewayException.NotSigned> {
                            runBlocking { phone.withdrawByBankNumber(tooMuch) }
                        }
                    assertEquals(CallOutcome.NOT_SENT, error.outcome)
                    assertContains(error.message.orEmpty(), "more than this user may pay out")
                    assertFalse(PERSONAL.any { it in error.message.orEmpty() })
                    assertFailsWith<GatewayException.NotSigned> {
                        runBlocking { phone.getPaymentMethods() }
                    }
                    assertTrue(sandbox.ledger().isEmpty())
                }
                Gateway(onAPhone(sandbox, AppServer(server.url, Sensitive("made up")))).use { stranger ->
                    val error =
                        assertFailsWith<GatewayException> {
                            runBlocking {
                                stranger.queryOrder(
                                    QueryOrderRequest("WD-1"),
                                )
                            }
                        }
                    assertEquals(CallOutcome.NOT_SENT, error.outcome)
                    assertFalse(error.retryable)
                }
            }
        }
    }

    @Test
    fun `a server that is away leaves nothing in doubt`() {
        Sandbox().use { sandbox ->
            val gone = SigningServer(sandbox).use { it.url }
            Gateway(onAPhone(sandbox, AppServer(gone, signedIn)).copy(maxAttempts = 1u)).use { phone ->
                val error =
                    assertFailsWith<GatewayException.Unavailable> {
                        runBlocking { phone.withdrawByBankNumber(withdrawal("WD-1")) }
                    }
                assertEquals(CallOutcome.NOT_SENT, error.outcome)
                assertTrue(error.retryable)
                assertTrue(sandbox.ledger().isEmpty())
            }
        }
    }

    @Test
    fun `a token that the gateway refuses is replaced`() {
        Sandbox().use { sandbox ->
            sandbox.fault(""""fault":"token_revoked","times":1""")
            sandbox.gateway().use { server ->
                val here = Here(server)
                Gateway(onAPhone(sandbox, here, here)).use { phone ->
                    runBlocking { phone.merchantInfo(MerchantInfoRequest()) }
                    assertEquals(listOf(false, true), here.refusals)
                    assertEquals("webpay.acquire.merchantInfo".lowercase(), here.services.single().lowercase())
                }
            }
        }
    }

    @Test
    fun `what the app's code throws is told without its text`() {
        val broken =
            object : RequestSigner, TokenProvider {
                override suspend fun sign(request: UnsignedRequest): String =
                    error("the account is ${request.body.reveal()}")

                override suspend fun token(refused: Boolean): AccessToken = AccessToken(Sensitive("token"))
            }
        Sandbox().use { sandbox ->
            Gateway(onAPhone(sandbox, broken, broken).copy(maxAttempts = 1u)).use { phone ->
                val error =
                    assertFailsWith<GatewayException> { runBlocking { phone.withdrawByBankNumber(withdrawal("WD-1")) } }
                assertEquals(CallOutcome.NOT_SENT, error.outcome)
                assertFalse("account is" in error.message.orEmpty(), error.message)
                assertTrue(sandbox.ledger().isEmpty())
            }
        }
    }

    @Test
    fun `a cancelled call stops asking the app`() {
        val asked = CompletableDeferred<UnsignedRequest>()
        val stopped = CompletableDeferred<Unit>()
        val slow =
            object : RequestSigner, TokenProvider {
                override suspend fun sign(request: UnsignedRequest): String =
                    try {
                        asked.complete(request)
                        awaitCancellation()
                    } finally {
                        stopped.complete(Unit)
                    }

                override suspend fun token(refused: Boolean): AccessToken = AccessToken(Sensitive("token"))
            }
        Sandbox().use { sandbox ->
            Gateway(onAPhone(sandbox, slow, slow)).use { phone ->
                runBlocking(Dispatchers.Default) {
                    val call = launch { phone.withdrawByBankNumber(withdrawal("WD-1")) }
                    val request = asked.await()
                    assertEquals("WD-1", request.outTradeNo)
                    assertFalse(PERSONAL.any { it in request.toString() }, "$request")
                    call.cancelAndJoin()
                    stopped.await()
                }
                assertTrue(sandbox.ledger().isEmpty())
            }
        }
    }

    @Test
    fun `a phone cannot do what takes the secret`() {
        Sandbox().use { sandbox ->
            val server = AppServer(sandbox.url, signedIn)
            Gateway(onAPhone(sandbox, server)).use { phone ->
                assertFailsWith<GatewayException.Configuration> {
                    phone.sign(Sensitive("""{"service":"s","sign_type":"HMAC-SHA256"}"""))
                }
                assertFailsWith<GatewayException.Configuration> { phone.verifyNotice("{}".toByteArray()) }
            }
        }
    }

    /** A server in the same process: a gateway that has the secrets. */
    private class Here(
        private val server: Gateway,
    ) : RequestSigner,
        TokenProvider {
        val services = mutableListOf<String>()
        val refusals = mutableListOf<Boolean>()

        override suspend fun sign(request: UnsignedRequest): String {
            services += request.service
            return server.sign(request.body)
        }

        override suspend fun token(refused: Boolean): AccessToken {
            refusals += refused
            // Finds out by itself that the gateway does not take its token any more.
            if (refused) server.merchantInfo(MerchantInfoRequest())
            return server.accessToken()
        }
    }
}
