package samples

import io.kesspay.EngineEvent
import io.kesspay.Gateway
import io.kesspay.Outcome
import io.kesspay.PayoutEngine
import io.kesspay.RunOptions
import io.kesspay.Settings
import io.kesspay.Source
import io.kesspay.Storage
import io.kesspay.events
import io.kesspay.fromEnvironment

/** Pays a file of people: `payroll.csv payroll.db`; a second call with the same store goes on. */
suspend fun main(arguments: Array<String>): Unit =
    Gateway(Settings.fromEnvironment()).use { gateway ->
        val (file, store) = arguments
        val engine = PayoutEngine(gateway, Storage.File(store))
        val run =
            if (engine.batches().isEmpty()) {
                engine.run(Source.File(file), RunOptions(skipInvalid = true))
            } else {
                engine.resume()
            }
        run.events.collect { event ->
            when (event) {
                is EngineEvent.RowChanged -> {
                    if (event.now == Outcome.PAID) print(".")
                }

                is EngineEvent.OtpRequired -> {
                    println("\nrow ${event.row} waits for its password: ${event.url?.reveal()}")
                }

                else -> {}
            }
        }
        val counts = run.result().counts.toSortedMap()
        println("\n" + counts.entries.joinToString { (outcome, rows) -> "$rows ${outcome.name.lowercase()}" })
    }
