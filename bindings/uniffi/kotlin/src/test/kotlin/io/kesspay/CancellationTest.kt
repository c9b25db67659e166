package io.kesspay

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.future.await
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeoutOrNull
import java.math.BigDecimal
import java.util.concurrent.TimeUnit
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertIs
import kotlin.test.assertTrue

class CancellationTest {
    private val query = QueryOrderRequest(outTradeNo = "WD-1")

    /** Starts a call, cancels it when it is [on its way][arrived], and returns what it threw. */
    private fun cancelled(
        arrived: suspend () -> Unit,
        call: suspend () -> Any,
    ): Throwable =
        runBlocking(Dispatchers.Default) {
            val thrown = CompletableDeferred<Throwable>()
            val job =
                launch {
                    try {
                        thrown.complete(AssertionError("it was answered: ${call()}"))
                    } catch (error: Throwable) {
                        thrown.complete(error)
                        throw error
                    }
                }
            arrived()
            job.cancelAndJoin()
            thrown.await()
        }

    @Test
    fun `a cancelled coroutine cancels its call`() {
        Scripted { Scripted.HOLD }.use { scripted ->
            Gateway(scripted.settings()).use { gateway ->
                val error = cancelled({ scripted.held.await() }) { gateway.queryOrder(query) }
                assertIs<CancellationException>(error)
                assertTrue(error !is OutcomeUnknownCancellation, "a query changes nothing")
                // The connection is gone, and the call with it.
                scripted.left.get(30, TimeUnit.SECONDS)
                assertEquals(1, scripted.calls.size)
            }
        }
    }

    @Test
    fun `a cancelled withdrawal is unknown, and afterwards known by a query`() {
        Sandbox().use { sandbox ->
            sandbox.fault(""""fault":"slow","millis":600000,"service":"withdraw_by_bank_number","times":1""")
            sandbox.gateway().use { gateway ->
                val booked: suspend () -> Unit = { until { "WD-CANCELLED" in sandbox.ledger() } }
                val error =
                    cancelled(booked) { gateway.withdrawByBankNumber(withdrawal("WD-CANCELLED")) }
                assertIs<OutcomeUnknownCancellation>(error)
                assertEquals("withdraw_by_bank_number", error.operation)
                assertEquals("WD-CANCELLED", error.outTradeNo)
                assertTrue("query it before anything else" in error.message.orEmpty())

                val order = runBlocking { gateway.queryOrder(QueryOrderRequest(outTradeNo = "WD-CANCELLED")) }
                assertEquals(OrderStatus.Success, order.status)
                assertEquals(1, sandbox.ledger().getValue("WD-CANCELLED").timesBooked)
                assertEquals(
                    0,
                    sandbox
                        .ledger()
                        .getValue("WD-CANCELLED")
                        .moved
                        .compareTo(BigDecimal("10.50")),
                )
            }
        }
    }

    @Test
    fun `a scope that ends tells its coroutines what is unknown`() {
        Scripted { Scripted.HOLD }.use { scripted ->
            Gateway(scripted.settings(PUBLIC_KEY)).use { gateway ->
                val noted = CompletableDeferred<String?>()
                val screen = CoroutineScope(Dispatchers.Default)
                screen.launch {
                    try {
                        gateway.withdrawByBankNumber(withdrawal("WD-1"))
                    } catch (unknown: OutcomeUnknownCancellation) {
                        noted.complete(unknown.outTradeNo)
                        throw unknown
                    }
                }
                scripted.held.get(30, TimeUnit.SECONDS)
                screen.cancel()
                assertEquals("WD-1", runBlocking { noted.await() })
            }
        }
    }

    @Test
    fun `a time limit around a withdrawal cannot hide that it may have been made`() {
        Scripted { Scripted.HOLD }.use { scripted ->
            Gateway(scripted.settings(PUBLIC_KEY)).use { gateway ->
                val error =
                    assertFailsWith<GatewayException.Unknown> {
                        runBlocking { withTimeoutOrNull(500) { gateway.withdrawByBankNumber(withdrawal("WD-1")) } }
                    }
                assertEquals(CallOutcome.UNKNOWN, error.outcome)
                assertTrue("WD-1" in error.message.orEmpty())
                assertEquals(null, runBlocking { withTimeoutOrNull(500) { gateway.queryOrder(query) } })
            }
        }
    }

    @Test
    fun `what is cancelled before it begins is not sent, and not unknown`() {
        Scripted { Scripted.HOLD }.use { scripted ->
            Gateway(scripted.settings(PUBLIC_KEY)).use { gateway ->
                val thrown = CompletableDeferred<Throwable?>()
                runBlocking {
                    launch(start = CoroutineStart.UNDISPATCHED) {
                        coroutineContext.cancel()
                        thrown.complete(
                            runCatching { gateway.withdrawByBankNumber(withdrawal("WD-1")) }.exceptionOrNull(),
                        )
                    }
                }
                val error = runBlocking { thrown.await() }
                assertIs<CancellationException>(error)
                assertTrue(error !is OutcomeUnknownCancellation)
                assertTrue(scripted.calls.isEmpty())
            }
        }
    }

    @Test
    fun `a gateway that is closed lets calls under way end`() {
        Sandbox().use { sandbox ->
            sandbox.fault(""""fault":"slow","millis":300,"service":"query_order","times":1""")
            val gateway = sandbox.gateway()
            runBlocking(Dispatchers.Default) {
                gateway.withdrawByBankNumber(withdrawal("WD-1"))
                val order = async(start = CoroutineStart.UNDISPATCHED) { gateway.queryOrder(query) }
                gateway.close()
                assertEquals(OrderStatus.Success, order.await().status)
                assertFailsWith<IllegalStateException> { gateway.queryOrder(query) }
            }
        }
    }
}
