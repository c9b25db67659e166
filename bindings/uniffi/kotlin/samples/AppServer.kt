package samples

import io.kesspay.AccessToken
import io.kesspay.DelegateException
import io.kesspay.RequestSigner
import io.kesspay.Sensitive
import io.kesspay.TokenProvider
import io.kesspay.UnsignedRequest
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runInterruptible
import java.io.IOException
import java.net.HttpURLConnection
import java.net.URI
import java.time.Duration

/**
 * The app's own server, as the app sees it: it signs what this user may do, and hands out tokens.
 *
 * So the app holds no secret of the merchant. The other end is `gateway-rs/examples/signing_server.rs`;
 * what the two say to each other is up to them, the library does not care.
 *
 * @param url Where the server is.
 * @param session What the user got when they signed in.
 */
class AppServer(
    private val url: String,
    private val session: Sensitive,
) : RequestSigner,
    TokenProvider {
    override suspend fun sign(request: UnsignedRequest): String = ask("/sign", request.body)

    override suspend fun token(refused: Boolean): AccessToken {
        val answer = ask(if (refused) "/token?refused=true" else "/token", null)
        // With the JSON library of your choice.
        val value = Regex(""""access_token":"([^"]*)"""").find(answer)?.groupValues?.get(1)
        val seconds = Regex(""""expires_in":(\d+)""").find(answer)?.groupValues?.get(1)
        val token = value ?: throw DelegateException.Unavailable("the server gave no token")
        return AccessToken(Sensitive(token), seconds?.let { Duration.ofSeconds(it.toLong()) })
    }

    /** Asks; what went wrong is told by what the library can do about it. */
    private suspend fun ask(
        path: String,
        body: Sensitive?,
    ): String =
        runInterruptible(Dispatchers.IO) {
            try {
                exchange(path, body)
            } catch (_: IOException) {
                throw DelegateException.Unavailable("the app's server cannot be reached")
            }
        }

    private fun exchange(
        path: String,
        body: Sensitive?,
    ): String {
        val connection = URI(url + path).toURL().openConnection() as HttpURLConnection
        connection.connectTimeout = 10_000
        connection.readTimeout = 20_000
        connection.setRequestProperty("Authorization", "Bearer ${session.reveal()}")
        if (body != null) {
            connection.doOutput = true
            connection.setRequestProperty("Content-Type", "application/json")
            connection.outputStream.use { it.write(body.reveal().toByteArray()) }
        }
        return when (val status = connection.responseCode) {
            200 -> connection.inputStream.use { it.readBytes().decodeToString() }
            400, 401, 403 -> throw DelegateException.Refused(connection.errorStream.readBytes().decodeToString())
            else -> throw DelegateException.Unavailable("the app's server answers $status")
        }
    }
}
