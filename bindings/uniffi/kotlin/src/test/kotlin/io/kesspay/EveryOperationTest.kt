package io.kesspay

import kotlinx.coroutines.flow.count
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import java.math.BigDecimal
import java.time.Instant
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertIs
import kotlin.test.assertNotNull
import kotlin.test.assertTrue

/** Every operation that was generated, with the requests that were generated for it. */
class EveryOperationTest {
    @Test
    fun `every operation is sent as its service`() {
        Scripted { Scripted.refusal(404, "NOT_FOUND") }.use { scripted ->
            Gateway(scripted.settings(PUBLIC_KEY)).use { gateway ->
                for (call in GeneratedOperations.required + GeneratedOperations.complete) {
                    val error =
                        assertFailsWith<GatewayException>(call.operation) { runBlocking { call.send(gateway) } }
                    assertIs<GatewayException.NotFound>(error, error.message)
                    assertEquals(call.operation, error.operation)
                    val service =
                        scripted.calls
                            .last()["service"]
                            .toString()
                            .substringAfterLast('.')
                    assertEquals(call.operation.replace("_", ""), service.replace("_", "").lowercase())
                }
            }
        }
    }

    @Test
    fun `the sandbox understands every operation`() {
        val understood = setOf("NotFound", "Refused", "Duplicate", "Expired", "Unknown")
        Sandbox().use { sandbox ->
            sandbox.gateway().use { gateway ->
                for (call in GeneratedOperations.required) {
                    val error = runCatching { runBlocking { call.send(gateway) } }.exceptionOrNull() ?: continue
                    assertIs<GatewayException>(error, call.operation)
                    assertTrue(error::class.simpleName in understood, "${call.operation}: $error")
                }
            }
        }
    }

    @Test
    fun `an order comes back as it was made`() {
        Sandbox().use { sandbox ->
            sandbox.gateway().use { gateway ->
                runBlocking {
                    val before = Instant.now()
                    val order =
                        CreateOrderRequest(
                            outTradeNo = "TR-1",
                            body = "ប្រាក់ខែ & more",
                            totalAmount = Money.usd("10.50"),
                        )
                    val made = gateway.createOrder(order)
                    val found = gateway.queryOrder(QueryOrderRequest(outTradeNo = "TR-1"))
                    assertEquals("ប្រាក់ខែ & more", found.body)
                    assertEquals(0, BigDecimal("10.50").compareTo(found.totalAmount))
                    assertEquals("USD", found.currency)
                    assertEquals(OrderStatus.Waiting, found.status)
                    assertEquals(made.token, found.token)
                    val created = assertNotNull(found.createdAt?.instant, "${found.createdAt}")
                    assertTrue(created > before.minusSeconds(86_400) && created < before.plusSeconds(86_400))
                }
            }
        }
    }

    @Test
    fun `a list in pieces is one flow`() {
        Sandbox().use { sandbox ->
            sandbox.gateway().use { gateway ->
                runBlocking {
                    for (number in 1..7) {
                        gateway.createOrder(
                            CreateOrderRequest(
                                outTradeNo = "TR-$number",
                                body = "Tea",
                                totalAmount = Money.usd("1.25"),
                            ),
                        )
                    }
                    val all =
                        QueryOrderByDateRangeRequest(
                            startDate = java.time.LocalDate.of(2020, 1, 1),
                            endDate = java.time.LocalDate.of(2100, 1, 1),
                            perPage = 2,
                            page = 1,
                        )
                    val rows = gateway.queryOrderByDateRangeFlow(all).toList()
                    assertEquals((1..7).map { "TR-$it" }.toSet(), rows.map { it.outTradeNo }.toSet())
                    assertEquals(2, gateway.queryOrderByDateRange(all).items.size)
                    for (rows in GeneratedOperations.rows) {
                        val counted = runCatching { rows.flow(gateway).count() }.exceptionOrNull()
                        assertTrue(
                            counted == null || counted is GatewayException.NotFound,
                            "${rows.operation}: $counted",
                        )
                    }
                }
            }
        }
    }
}
