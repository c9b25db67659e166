package io.kesspay

import java.io.BufferedReader
import java.io.File

/** A program, in a process and a folder of its own. */
internal class App(
    program: String,
    environment: Map<String, String>,
    folder: File,
    vararg arguments: String,
) : AutoCloseable {
    private val process: Process = start(program, environment, folder, arguments)

    val printed: BufferedReader = process.inputReader()

    /** Types a line. */
    fun enter(text: String = "") {
        process.outputWriter().run {
            write("$text\n")
            flush()
        }
    }

    /** Waits for the program's end, and returns its code. */
    fun end(): Int = process.waitFor()

    /** Ends it as a phone does that needs the memory: at once, and without a word. */
    fun kill() {
        process.destroyForcibly().waitFor()
    }

    override fun close(): Unit = kill()

    private fun start(
        program: String,
        environment: Map<String, String>,
        folder: File,
        arguments: Array<out String>,
    ): Process {
        val java = File(System.getProperty("java.home"), "bin/java").path
        val builder = ProcessBuilder(java, "-cp", System.getProperty("java.class.path"), program, *arguments)
        builder.environment().keys.removeIf { it.startsWith("KESS_") }
        builder.environment().putAll(environment)
        return builder.directory(folder).redirectError(ProcessBuilder.Redirect.INHERIT).start()
    }
}
