package io.kesspay

import java.io.BufferedInputStream
import java.io.InputStream
import java.net.InetAddress
import java.net.ServerSocket
import java.net.Socket
import java.util.concurrent.CompletableFuture
import java.util.concurrent.ConcurrentLinkedQueue
import kotlin.concurrent.thread

/** What a scripted gateway answers. */
internal class Answer(
    val status: Int,
    val body: String,
    vararg val headers: Pair<String, String>,
)

/**
 * A gateway that answers what a test says. A `null` cuts the connection. [HOLD] keeps the client
 * waiting until it goes away, which [left] tells.
 */
internal class Scripted(
    private val answer: (call: Map<String, Any?>) -> Answer?,
) : AutoCloseable {
    private val listener = ServerSocket(0, 50, InetAddress.getLoopbackAddress())

    val url: String = "http://127.0.0.1:${listener.localPort}"

    /** The bodies of the calls that came. */
    val calls: ConcurrentLinkedQueue<Map<String, Any?>> = ConcurrentLinkedQueue()

    /** The bearer of each call. */
    val bearers: ConcurrentLinkedQueue<String> = ConcurrentLinkedQueue()

    /** A call is being held. */
    val held: CompletableFuture<Unit> = CompletableFuture()

    /** The client of a call that was held went away. */
    val left: CompletableFuture<Unit> = CompletableFuture()

    @Volatile
    var grant: Answer = Answer(200, """{"access_token":"token","token_type":"Bearer","expires_in":3600}""")

    init {
        thread(isDaemon = true) {
            while (!listener.isClosed) {
                val client = runCatching { listener.accept() }.getOrNull() ?: break
                thread(isDaemon = true) { client.use { runCatching { converse(it) } } }
            }
        }
    }

    fun settings(
        publicKey: String? = null,
        access: Access = MERCHANT,
    ): Settings =
        Settings(baseUrl = url, access = access, sellerCode = "SELLER", publicKey = publicKey, maxAttempts = 1u)

    override fun close(): Unit = listener.close()

    private fun converse(client: Socket) {
        val input = BufferedInputStream(client.getInputStream())
        while (true) {
            val head = generateSequence { line(input) }.takeWhile { it.isNotEmpty() }.toList()
            if (head.isEmpty()) return
            val headers =
                head
                    .drop(
                        1,
                    ).associate { it.substringBefore(':').lowercase() to it.substringAfter(':').trim() }
            val body = String(input.readNBytes(headers["content-length"]?.toInt() ?: 0))
            val answer =
                if ("/oauth/token" in head.first()) {
                    grant
                } else {
                    val call = JsonText.members(body)
                    calls += call
                    bearers += headers.getValue("authorization").removePrefix("Bearer ")
                    answer(call) ?: return
                }
            if (answer === HOLD) {
                held.complete(Unit)
                // Nothing more comes until the client closes its end.
                if (runCatching { input.read() }.getOrDefault(-1) == -1) left.complete(Unit)
                return
            }
            write(client, answer)
        }
    }

    private fun line(input: InputStream): String? {
        val bytes = generateSequence { input.read() }.takeWhile { it != -1 && it != '\n'.code }.toList()
        return if (bytes.isEmpty()) null else String(ByteArray(bytes.size) { bytes[it].toByte() }).trimEnd('\r')
    }

    private fun write(
        client: Socket,
        answer: Answer,
    ) {
        val body = answer.body.toByteArray()
        val given = answer.headers.joinToString("") { (name, value) -> "$name: $value\r\n" }
        val head = "HTTP/1.1 ${answer.status} .\r\ncontent-type: application/json\r\n$given"
        client.getOutputStream().write("${head}content-length: ${body.size}\r\n\r\n".toByteArray() + body)
    }

    companion object {
        /** No answer. */
        val HOLD: Answer = Answer(0, "")

        private val MERCHANT: Access =
            Access.Merchant(
                clientId = "client",
                clientSecret = Sensitive("client secret"),
                username = "user",
                password = Sensitive("password"),
                apiSecret = Sensitive("api secret"),
            )

        /** A refusal in the gateway's words. */
        fun refusal(
            status: Int,
            code: String,
        ): Answer = Answer(status, """{"success":false,"code":"$code","message":"No."}""", "x-request-id" to "req-7")

        /** A reply that carries this data. */
        fun success(data: String): Answer = Answer(200, """{"success":true,"message":"Success","data":$data}""")
    }
}
