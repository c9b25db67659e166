package io.kesspay

import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

/**
 * An engine that pays through a gateway: `PayoutEngine(gateway, Storage.File(path))`.
 *
 * Batches are kept in [storage], so whatever happens to the app, [PayoutEngine.resume] goes on
 * without paying anybody twice.
 *
 * @param policy A JSON object of the settings of `[policy]` in the manual, for whoever wants other
 *     pauses than the usual ones.
 * @throws EngineException.Configuration if the policy makes no sense.
 * @throws LibraryMismatchError if the native library is missing or of another version.
 */
public fun PayoutEngine(
    gateway: Gateway,
    storage: Storage,
    policy: String? = null,
): PayoutEngine = PayoutEngine(gateway.core, storage, policy)

/**
 * An engine without a gateway: it checks files, looks at batches and reports, and pays nothing.
 */
public fun PayoutEngine(storage: Storage): PayoutEngine = PayoutEngine(null, storage)

/**
 * What happens in the run, as it happens; complete once the run has ended.
 *
 * An event is handed out once, so a run has one collector. Whoever stops collecting does not stop
 * the run: it goes on by itself, and [PayoutRun.stop] asks it to end. What counts is in the store.
 *
 * ```
 * val run = engine.run(Source.File("june.csv"), RunOptions())
 * run.events.collect { event ->
 *     if (event is EngineEvent.RowChanged) println("row ${event.row}: ${event.now}")
 * }
 * println(run.result().counts)
 * ```
 */
public val PayoutRun.events: Flow<EngineEvent>
    get() =
        flow {
            while (true) {
                val events = nextEvents()
                if (events.isEmpty()) break
                events.forEach { emit(it) }
            }
        }

/**
 * Every row of a batch's report, in the file's order, read page by page.
 *
 * @param batch The batch's name; without one, the newest.
 */
public fun PayoutEngine.report(batch: String? = null): Flow<ReportRow> =
    flow {
        var after = 0uL
        while (true) {
            val page = rows(batch, after)
            if (page.isEmpty()) break
            page.forEach { emit(it) }
            after = page.last().row
        }
    }
