package io.kesspay

import java.math.BigDecimal
import java.net.URI
import java.net.URLEncoder
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertTrue

/** What the build tells the tests. */
internal object Build {
    /** The `payout` command. */
    val payout: String = property("payout")

    /** The server that signs for apps. */
    val signingServer: String = property("signingServer")

    /** The root of the repository. */
    val root: String = property("root")

    private fun property(name: String): String =
        checkNotNull(System.getProperty("kesspay.$name")) { "run the tests with `cargo xtask test --only Kotlin`" }
}

/** A gateway in a process of its own: `payout sandbox`. */
internal class Sandbox(
    vararg options: String,
) : AutoCloseable {
    private val process: Process =
        ProcessBuilder(Build.payout, "--json", "sandbox", *options)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start()
            .also { process -> Runtime.getRuntime().addShutdownHook(Thread { process.destroyForcibly() }) }

    /** The variables that point `payout`, and [Settings.Companion.fromEnvironment], at it. */
    val environment: Map<String, String> =
        JsonText
            .members(assertNotNull(process.inputReader().readLine(), "the sandbox did not start"))
            .mapValues { (_, value) -> value.toString() }

    val url: String = environment.getValue("KESS_BASE_URL")

    val settings: Settings = Settings.fromEnvironment(environment)

    /** All that must never be seen, by the name of its variable. */
    val secrets: Map<String, String> =
        environment.filterKeys { it in setOf("KESS_CLIENT_SECRET", "KESS_PASSWORD", "KESS_API_SECRET_KEY") }

    fun gateway(): Gateway = Gateway(settings)

    /** What the gateway booked, by order number. */
    fun ledger(): Map<String, Booking> {
        @Suppress("UNCHECKED_CAST")
        val rows = JsonText.members(get("$url/sandbox/ledger")).getValue("rows") as List<Map<String, Any?>>
        return rows.map(::Booking).associateBy { it.outTradeNo }
    }

    /** Adds a fault, such as `"fault":"slow","millis":20`. */
    fun fault(rule: String): Unit = faults("""{"rules":[{$rule}]}""")

    fun clearFaults(): Unit = faults("""{"clear":true,"rules":[]}""")

    /** How often a fault struck. */
    fun hits(fault: String): Int {
        @Suppress("UNCHECKED_CAST")
        val hits = JsonText.members(get("$url/sandbox/faults")).getValue("hits") as Map<String, BigDecimal>
        return hits[fault]?.toInt() ?: 0
    }

    /** Lets the accounts belong to these people. */
    fun addAccounts(people: List<PayoutRow>) {
        val accounts =
            people.joinToString(",", "[", "]") {
                val holder = "${it.lastName.reveal()} ${it.firstName.reveal()}"
                """{"number":"${it.bankAccountNumber.reveal()}","bic":"${it.bic}",""" +
                    """"holder":"$holder","currency":"${it.currency}"}"""
            }
        expectOk(post("$url/sandbox/accounts", accounts))
    }

    private fun faults(body: String): Unit = expectOk(post("$url/sandbox/faults", body))

    override fun close() {
        process.destroyForcibly().waitFor()
    }
}

/** A withdrawal in the sandbox's books. */
internal class Booking(
    row: Map<String, Any?>,
) {
    val outTradeNo: String = row.getValue("out_trade_no") as String
    val status: String = row.getValue("status") as String
    val timesBooked: Int = (row.getValue("times_booked") as BigDecimal).toInt()
    val moved: BigDecimal = BigDecimal(row.getValue("moved").toString())
}

private val browser: HttpClient = HttpClient.newHttpClient()

internal fun get(url: String): String {
    val answer = browser.send(HttpRequest.newBuilder(URI(url)).build(), HttpResponse.BodyHandlers.ofString())
    assertEquals(200, answer.statusCode(), url)
    return answer.body()
}

internal fun post(
    url: String,
    body: String,
    type: String = "application/json",
): HttpResponse<String> {
    val request = HttpRequest.newBuilder(URI(url)).header("Content-Type", type)
    return browser.send(
        request.POST(HttpRequest.BodyPublishers.ofString(body)).build(),
        HttpResponse.BodyHandlers.ofString(),
    )
}

private fun expectOk(answer: HttpResponse<String>): Unit = assertEquals(200, answer.statusCode(), answer.body())

/** Enters the one-time password that the sandbox's page shows. */
internal fun confirmOtp(link: String) {
    val code = assertNotNull(Regex("""id="sandbox-code">(\d+)<""").find(get(link)), "the page shows no code")
    val form = "code=" + URLEncoder.encode(code.groupValues[1], Charsets.UTF_8)
    val answer = post(link, form, "application/x-www-form-urlencoded")
    assertTrue("Confirmed" in answer.body(), "the page did not take the code")
}
