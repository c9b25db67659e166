package io.kesspay

import java.io.File
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

/** The conformance vectors of `spec/vectors/`, through the server's half of signing. */
class SigningVectorsTest {
    /** Bodies that a server must not sign, because they can be read in two ways or are not bodies of requests. */
    private val ambiguous =
        setOf(
            "byte order of keys, without service",
            "ampersands and equal signs within",
            "repeated key, the last counts",
            "sign is left out",
        )

    @Test
    fun `every vector is signed as it says, or refused for its ambiguity`() {
        val vectors = JsonText.list(File(Build.root, "spec/vectors/signing.json").readText())
        assertTrue(vectors.size >= 30)
        val refused = vectors.filterNot(::isSignedRight).map { it["name"] }
        assertEquals<Set<Any?>>(ambiguous, refused.toSet())
    }

    private fun isSignedRight(vector: Map<String, Any?>): Boolean {
        val access =
            Access.Merchant("client", Sensitive("s"), "user", Sensitive("p"), Sensitive(vector["key"] as String))
        val settings = Settings(baseUrl = "sandbox", access = access, signType = vector["sign_type"] as String)
        return Gateway(settings).use { server ->
            val signature =
                try {
                    server.sign(Sensitive(vector["params"] as String))
                } catch (refused: GatewayException.InvalidRequest) {
                    return false
                }
            assertEquals(vector["sign"], signature, "${vector["name"]}")
            true
        }
    }

    @Test
    fun `a weaker signature than the server's is not made`() {
        val access = Access.Merchant("client", Sensitive("s"), "user", Sensitive("p"), Sensitive("key"))
        Gateway(Settings(baseUrl = "sandbox", access = access)).use { server ->
            val weak = Sensitive("""{"service":"s","sign_type":"MD5"}""")
            assertFailsWith<GatewayException.InvalidRequest> { server.sign(weak) }
        }
    }
}
