package io.kesspay

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import kotlin.test.Test
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** The engine's state in storage that the app gives. */
class StorageTest {
    /** Storage in memory. From the n-th save on all fail; 0 is the load before them. */
    private class Pages(
        private var failing: Int? = null,
    ) : StateStorage {
        private val pages = sortedMapOf<UInt, SensitiveBytes>()
        var saves = 0
            private set

        /** Whether the pages are numbered without a gap, and of one size. */
        val areWhole: Boolean
            get() =
                pages.keys.toList() == (1u..pages.size.toUInt()).toList() &&
                    pages.values
                        .map { it.size }
                        .distinct()
                        .size == 1

        fun works() {
            failing = null
        }

        override suspend fun load(): List<StatePage> {
            if (failing == 0) throw StorageFailure.Failed("the battery is out")
            return pages.map { (number, bytes) -> StatePage(number, bytes) }
        }

        override suspend fun save(change: StateChange) {
            saves++
            if (failing?.let { saves >= it } == true) throw StorageFailure.Failed("the battery is out")
            change.pages.forEach { pages[it.number] = it.bytes }
            pages.keys.removeIf { it > change.count }
        }
    }

    private fun paying(test: suspend (Sandbox, (StateStorage) -> PayoutEngine) -> Unit): Unit =
        Sandbox().use { sandbox ->
            sandbox.gateway().use { gateway ->
                runBlocking(Dispatchers.Default) {
                    test(sandbox) { storage -> PayoutEngine(gateway, Storage.App(storage), HURRIED) }
                }
            }
        }

    @Test
    fun `a batch is kept by the app`() =
        paying { sandbox, engine ->
            val pages = Pages()
            engine(pages).use { first ->
                assertEquals(25, first.run(people(25), RunOptions()).result().count(Outcome.PAID))
            }
            assertTrue(pages.saves > 1)
            assertTrue(pages.areWhole)
            engine(pages).use { again ->
                assertEquals(25, again.status().count(Outcome.PAID))
                eachPaidOnce(sandbox, again.report().toList())
            }
        }

    @Test
    fun `when a change cannot be kept nobody is paid twice`() {
        // Each row by itself has a save or more: together they may have fewer than there are rows.
        val june = RunOptions(batch = "june", concurrency = 1u)
        for (save in listOf(3, 9, 20)) {
            paying { sandbox, engine ->
                val pages = Pages(failing = save)
                val error =
                    assertFailsWith<EngineException> {
                        engine(pages).use { it.run(people(25), june).result() }
                    }
                assertContains(error.message.orEmpty(), "the battery is out")
                assertEquals(save, pages.saves)

                // The app is started again, with what it had kept. Where that is no batch, it begins anew.
                pages.works()
                engine(pages).use { again ->
                    val begun = again.batches().any { it.state != BatchState.LOADING }
                    val run = if (begun) again.resume("june") else again.run(people(25), june)
                    assertEquals(25, run.result().count(Outcome.PAID))
                    eachPaidOnce(sandbox, again.report("june").toList())
                }
            }
        }
    }

    @Test
    fun `what cannot be loaded is told, and nothing is paid`() =
        paying { sandbox, engine ->
            assertFailsWith<EngineException.Storage> { engine(Pages(failing = 0)).run(people(1), RunOptions()) }
            assertTrue(sandbox.ledger().isEmpty())
        }

    @Test
    fun `what the app's code throws is told without its text`() =
        paying { sandbox, engine ->
            val broken =
                object : StateStorage {
                    override suspend fun load(): List<StatePage> = error("the key is 1234")

                    override suspend fun save(change: StateChange): Unit = error("the key is 1234")
                }
            val error = assertFailsWith<EngineException> { engine(broken).run(people(1), RunOptions()) }
            assertFalse("1234" in error.message.orEmpty(), error.message)
            assertTrue(sandbox.ledger().isEmpty())
        }

    @Test
    fun `a file that the app has in memory is paid like any other`() =
        paying { sandbox, engine ->
            val bytes = SensitiveBytes(file((1..3).map { person(it) }).toByteArray())
            engine(Pages()).use {
                assertEquals(3, it.run(Source.Bytes(bytes, "june.csv"), RunOptions()).result().count(Outcome.PAID))
                eachPaidOnce(sandbox, it.report().toList())
            }
        }
}
