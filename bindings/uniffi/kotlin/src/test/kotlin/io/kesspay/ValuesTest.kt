package io.kesspay

import java.math.BigDecimal
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotEquals

class ValuesTest {
    @Test
    fun `a sensitive value has no text form`() {
        val secret = Sensitive("000123456")
        assertEquals("***", "$secret")
        assertEquals("[***]", listOf(secret).toString())
        assertEquals("000123456", secret.reveal())
    }

    @Test
    fun `sensitive values are equal by value`() {
        assertEquals(Sensitive("a"), Sensitive("a"))
        assertEquals(Sensitive("a").hashCode(), Sensitive("a").hashCode())
        assertNotEquals(Sensitive("a"), Sensitive("b"))
        assertNotEquals<Any>(Sensitive("a"), "a")
    }

    @Test
    fun `sensitive bytes tell how many they are, and are equal by what they are`() {
        val bytes = SensitiveBytes(byteArrayOf(1, 2, 3))
        assertEquals("*** (3 bytes)", "$bytes")
        assertEquals(SensitiveBytes(byteArrayOf(1, 2, 3)), bytes)
        assertEquals(SensitiveBytes(byteArrayOf(1, 2, 3)).hashCode(), bytes.hashCode())
        assertNotEquals(SensitiveBytes(byteArrayOf(1, 2)), bytes)
    }

    @Test
    fun `money is made of text and keeps every digit`() {
        assertEquals(Money(BigDecimal("10.50"), "USD"), Money("10.50", "USD"))
        assertEquals(Money("10.50", "USD"), Money.usd("10.50"))
        assertEquals(Money("40000", "KHR"), Money.khr("40000"))
        assertFailsWith<NumberFormatException> { Money.usd("ten") }
    }
}
