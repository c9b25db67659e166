package io.kesspay

import java.io.File
import java.math.BigDecimal
import java.time.Duration
import java.time.Instant
import java.time.LocalDate
import kotlin.reflect.KClass
import kotlin.reflect.KType
import kotlin.reflect.full.primaryConstructor
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** No record prints what is sensitive, however deep it lies. */
class SecretsTest {
    @Test
    fun `no record prints a sensitive value`() {
        val printed = records().filter { holdsSensitive(it) }
        for (record in printed) {
            val text = make(record).toString()
            assertTrue("***" in text, record.simpleName)
            assertFalse(SECRET in text, record.simpleName)
            assertFalse(SECRET.toByteArray().joinToString() in text, record.simpleName)
        }
        val names = printed.map { it.simpleName.orEmpty() }
        val known =
            listOf(
                "Customer",
                "Card",
                "VerifiedAccount",
                "Withdrawal",
                "Settings",
                "Merchant",
                "AccessToken",
                "StatePage",
            )
        assertTrue(names.containsAll(known), "$names")
    }

    @Test
    fun `no record holds bare bytes, which it would print`() {
        val types =
            records().flatMap { record ->
                record.primaryConstructor
                    ?.parameters
                    .orEmpty()
                    .flatMap { within(it.type) }
            }
        assertFalse(ByteArray::class in types)
    }

    @Test
    fun `records compare what they do not print`() {
        assertEquals(CUSTOMER, CUSTOMER.copy())
        assertFalse(CUSTOMER == CUSTOMER.copy(email = Sensitive("other@example.com")))
        assertFalse(PERSONAL.any { it in CUSTOMER.toString() })
    }

    /** Every record and every case with fields that UniFFI wrote. */
    private fun records(): List<KClass<*>> {
        val classes =
            File(
                Sensitive::class.java.protectionDomain.codeSource.location
                    .toURI(),
            )
        val names = File(classes, "io/kesspay").list().orEmpty().map { it.removeSuffix(".class") }
        val ours = names.filter { "FfiConverter" !in it && "Uniffi" !in it && "Kt" !in it }
        return ours
            .map {
                Class
                    .forName(
                        "io.kesspay.$it",
                    ).kotlin
            }.filter { runCatching { it.isData }.getOrDefault(false) }
    }

    private fun holdsSensitive(
        record: KClass<*>,
        seen: Set<KClass<*>> = emptySet(),
    ): Boolean {
        val types =
            record.primaryConstructor
                ?.parameters
                .orEmpty()
                .flatMap { within(it.type) }
        val cases = types.flatMap { if (it.isSealed) it.sealedSubclasses else listOf(it) }
        return Sensitive::class in types ||
            SensitiveBytes::class in types ||
            cases.any { it.isData && it !in seen && holdsSensitive(it, seen + record) }
    }

    private fun within(type: KType): List<KClass<*>> =
        listOfNotNull(type.classifier as? KClass<*>) + type.arguments.flatMap { within(it.type!!) }

    private fun make(record: KClass<*>): Any {
        val constructor = checkNotNull(record.primaryConstructor) { "$record" }
        return constructor.callBy(constructor.parameters.associateWith { value(it.type) })
    }

    private fun value(type: KType): Any? =
        when (val kind = type.classifier as KClass<*>) {
            Sensitive::class -> Sensitive(SECRET)
            Json::class -> Json("""{"name":"$SECRET"}""")
            SensitiveBytes::class -> SensitiveBytes(SECRET.toByteArray())
            String::class -> "text"
            Boolean::class -> true
            Int::class -> 7
            Long::class -> 7L
            UShort::class -> 7.toUShort()
            UInt::class -> 7u
            ULong::class -> 7uL
            BigDecimal::class -> BigDecimal.TEN
            Instant::class -> Instant.EPOCH
            Duration::class -> Duration.ZERO
            LocalDate::class -> LocalDate.EPOCH
            List::class -> listOf(value(type.arguments.single().type!!))
            Map::class -> mapOf("key" to value(type.arguments.last().type!!))
            else -> other(kind, type)
        }

    private fun other(
        kind: KClass<*>,
        type: KType,
    ): Any? =
        when {
            kind.isData -> make(kind)
            kind.java.isEnum -> kind.java.enumConstants.first()
            kind.isSealed -> case(kind)
            type.isMarkedNullable -> null
            kind == RequestSigner::class -> Nobody
            kind == TokenProvider::class -> Nobody
            kind == StateStorage::class -> Nowhere
            else -> error("no value of $type is made")
        }

    /** The case that holds something sensitive, if there is one. */
    private fun case(kind: KClass<*>): Any {
        val cases = kind.sealedSubclasses
        val one = cases.firstOrNull { it.isData && holdsSensitive(it) } ?: cases.first()
        return one.objectInstance ?: make(one)
    }

    private object Nobody : RequestSigner, TokenProvider {
        override suspend fun sign(request: UnsignedRequest): String = throw DelegateException.Refused("nobody signs")

        override suspend fun token(refused: Boolean): AccessToken = throw DelegateException.Refused("nobody has one")
    }

    private object Nowhere : StateStorage {
        override suspend fun load(): List<StatePage> = emptyList()

        override suspend fun save(change: StateChange): Unit = throw StorageFailure.Failed("nowhere")
    }

    private companion object {
        const val SECRET = "s3cr3t"
    }
}
