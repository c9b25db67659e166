package io.kesspay

import kotlin.test.assertNotNull

/** The example of an app's server, `gateway-rs/examples/signing_server.rs`, in a process of its own. */
internal class SigningServer(
    sandbox: Sandbox,
) : AutoCloseable {
    private val process: Process = start(sandbox.environment)

    val url: String =
        assertNotNull(process.inputReader().readLine(), "the server did not start").substringAfterLast(' ')

    override fun close() {
        process.destroyForcibly().waitFor()
    }

    private fun start(environment: Map<String, String>): Process {
        val builder = ProcessBuilder(Build.signingServer).redirectError(ProcessBuilder.Redirect.INHERIT)
        builder.environment().putAll(environment)
        val process = builder.start()
        Runtime.getRuntime().addShutdownHook(Thread { process.destroyForcibly() })
        return process
    }
}
