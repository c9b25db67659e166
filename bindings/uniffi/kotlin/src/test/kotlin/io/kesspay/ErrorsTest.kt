package io.kesspay

import kotlinx.coroutines.runBlocking
import java.math.BigDecimal
import java.time.Duration
import kotlin.reflect.KClass
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertIs
import kotlin.test.assertTrue

/** Every exception, and above all: which of them say that a payment may have been made. */
class ErrorsTest {
    private class Case(
        val kind: KClass<out GatewayException>,
        val moneyIsUnknown: Boolean,
        val answer: Answer?,
    )

    private val cases =
        listOf(
            Case(GatewayException.Refused::class, false, Scripted.refusal(400, "VALIDATION_ERROR")),
            Case(GatewayException.Forbidden::class, false, Scripted.refusal(403, "FORBIDDEN")),
            Case(GatewayException.NotFound::class, false, Scripted.refusal(404, "NOT_FOUND")),
            Case(GatewayException.Duplicate::class, false, Scripted.refusal(409, "DUPLICATED")),
            Case(GatewayException.Expired::class, true, Scripted.refusal(419, "EXPIRED")),
            Case(GatewayException.Failed::class, true, Scripted.refusal(422, "PROCESS_FAILED")),
            Case(GatewayException.RateLimited::class, true, Scripted.refusal(429, "X")),
            Case(GatewayException.Unavailable::class, true, Scripted.refusal(503, "SYSTEM_ERROR")),
            Case(GatewayException.Decode::class, true, Answer(200, "<html></html>")),
            Case(GatewayException.Transport::class, true, null),
            Case(GatewayException.Timeout::class, true, Scripted.HOLD),
        )

    private val query = QueryOrderRequest(outTradeNo = "WD-1")

    @Test
    fun `a read fails by kind and a payment by outcome`() {
        for (case in cases) {
            Scripted { case.answer }.use { scripted -> failures(case, Gateway(scripted.settings(PUBLIC_KEY))) }
        }
    }

    private fun failures(
        case: Case,
        gateway: Gateway,
    ): Unit =
        gateway.use {
            // Only the one that never answers is waited for to the end.
            val patience = Duration.ofSeconds(if (case.answer === Scripted.HOLD) 1 else 60)
            val read = failureOf { gateway.queryOrder(query, patience) }
            assertEquals(case.kind, read::class)
            assertEquals("query_order", read.operation)

            val paid = failureOf { gateway.withdrawByBankNumber(withdrawal("WD-1"), patience) }
            val kind = if (case.moneyIsUnknown) GatewayException.Unknown::class else case.kind
            assertEquals(kind, paid::class, case.kind.simpleName)
            val outcome = if (case.moneyIsUnknown) CallOutcome.UNKNOWN else CallOutcome.ANSWERED
            assertEquals(outcome, paid.outcome)
            assertEquals("withdraw_by_bank_number", paid.operation)
            assertFalse(paid.retryable)
        }

    private fun failureOf(call: suspend () -> Any): GatewayException =
        assertFailsWith<GatewayException> { runBlocking { call() } }

    @Test
    fun `an exception tells what the gateway told`() {
        val busy = Answer(429, """{"message":"Too Many Attempts."}""", "retry-after" to "7", "x-request-id" to "req-7")
        Scripted { busy }.use { scripted ->
            val error = Gateway(scripted.settings()).use { failureOf { it.queryOrder(query) } }
            assertIs<GatewayException.RateLimited>(error)
            assertEquals(429, error.status)
            assertEquals(Duration.ofSeconds(7), error.retryAfter)
            assertEquals("req-7", error.requestId)
            assertEquals(null, error.code)
            assertTrue(error.retryable)
            assertEquals(error.failure.message, error.message)
        }
    }

    @Test
    fun `credentials that are not accepted`() {
        Scripted { Scripted.refusal(401, "UNAUTHENTICATED") }.use { scripted ->
            Gateway(scripted.settings()).use { gateway ->
                assertIs<GatewayException.Authentication>(failureOf { gateway.queryOrder(query) })
            }
            scripted.grant = Answer(401, """{"error":"invalid_client"}""")
            Gateway(scripted.settings()).use { gateway ->
                assertIs<GatewayException.Authentication>(failureOf { gateway.authenticate() })
            }
        }
    }

    @Test
    fun `nobody there means that nothing was sent`() {
        val settings = Scripted { null }.use { it.settings(PUBLIC_KEY) }
        val error = Gateway(settings).use { failureOf { it.withdrawByBankNumber(withdrawal("WD-1")) } }
        assertIs<GatewayException.Connect>(error)
        assertEquals(CallOutcome.NOT_SENT, error.outcome)
        assertTrue(error.retryable)
    }

    @Test
    fun `a request that breaks a rule is not sent`() {
        Scripted { null }.use { scripted ->
            Gateway(scripted.settings(PUBLIC_KEY)).use { gateway ->
                val blank = failureOf { gateway.queryOrder(QueryOrderRequest(outTradeNo = "no blanks allowed")) }
                assertIs<GatewayException.InvalidRequest>(blank)
                assertEquals(CallOutcome.NOT_SENT, blank.outcome)
                val thirds = withdrawal("WD-1").copy(totalAmount = Money.usd("0.333"))
                assertIs<GatewayException.InvalidRequest>(failureOf { gateway.withdrawByBankNumber(thirds) })
            }
            assertTrue(scripted.calls.isEmpty())
        }
    }

    @Test
    fun `an amount that no gateway can take is an invalid request, too`() {
        Scripted { null }.use { scripted ->
            Gateway(scripted.settings(PUBLIC_KEY)).use { gateway ->
                for (amount in listOf("1e40", "0." + "1".repeat(40))) {
                    val request = withdrawal("WD-1").copy(totalAmount = Money(BigDecimal(amount), "USD"))
                    val error = failureOf { gateway.withdrawByBankNumber(request) }
                    assertIs<GatewayException.InvalidRequest>(error, amount)
                }
            }
            assertTrue(scripted.calls.isEmpty())
        }
    }

    @Test
    fun `settings that cannot be used`() {
        val good = Scripted { null }.use { it.settings() }
        val wrong =
            mapOf(
                good.copy(baseUrl = "http://pay.example.com") to "plain http",
                good.copy(publicKey = "no key") to "public key",
                good.copy(signType = "SHA1") to "sign type",
                good.copy(maxAttempts = 0u) to "max_attempts",
            )
        for ((settings, told) in wrong) {
            val error = assertFailsWith<GatewayException>(told) { Gateway(settings) }
            assertEquals(CallOutcome.NOT_SENT, error.outcome)
            assertTrue(told in error.message.orEmpty(), error.message)
        }
        val unset = assertFailsWith<IllegalArgumentException> { Settings.fromEnvironment(emptyMap()) }
        assertEquals("KESS_BASE_URL is not set", unset.message)
    }

    @Test
    fun `every kind of failure has an exception of its own`() {
        val made = FailureKind.entries.map { kind -> GatewayException.of(failure(kind))::class }
        assertEquals(FailureKind.entries.size, made.toSet().size)
    }

    private fun failure(kind: FailureKind) =
        Failure(kind, "so it is", null, null, null, CallOutcome.NOT_SENT, false, null, null)
}
