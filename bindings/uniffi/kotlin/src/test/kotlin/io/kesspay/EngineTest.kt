package io.kesspay

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.Rule
import org.junit.rules.TemporaryFolder
import java.io.File
import java.math.BigDecimal
import kotlin.test.Test
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertIs
import kotlin.test.assertNotNull
import kotlin.test.assertTrue

class EngineTest {
    @get:Rule
    val folder: TemporaryFolder = TemporaryFolder()

    private val store: Storage get() = Storage.File(File(folder.root, "payout.db").path)

    /** A sandbox and an engine that pays through it. */
    private fun paying(test: suspend CoroutineScope.(Sandbox, PayoutEngine) -> Unit): Unit =
        Sandbox().use { sandbox ->
            sandbox.gateway().use { gateway ->
                PayoutEngine(gateway, store, HURRIED).use { engine ->
                    runBlocking(Dispatchers.Default) { test(sandbox, engine) }
                }
            }
        }

    @Test
    fun `a batch of a thousand is paid, and its events tell all of it`() =
        paying { sandbox, engine ->
            val run = engine.run(people(1_000), RunOptions(batch = "june"))
            val stands = (1..1_000).associateTo(mutableMapOf()) { it.toULong() to Outcome.PENDING }
            var paid = BigDecimal.ZERO
            val seen = run.events.toList()
            for (event in seen.filterIsInstance<EngineEvent.RowChanged>()) {
                assertEquals(stands[event.row], event.before, "$event")
                stands[event.row] = event.now
                if (event.now == Outcome.PAID) paid += event.money.amount
            }
            assertIs<EngineEvent.Started>(seen.first())
            val ended = assertIs<EngineEvent.Ended>(seen.last()).status
            val status = run.result()
            assertEquals(ended.counts, status.counts)
            assertEquals(mapOf(Outcome.PAID to 1_000uL), status.counts)
            assertTrue(stands.values.all { it == Outcome.PAID })
            assertEquals(0, paid.compareTo(status.totals.getValue("USD").requested))
            eachPaidOnce(sandbox, engine.report("june").toList())
        }

    @Test
    fun `every outcome is told with its reason`() =
        paying { sandbox, engine ->
            val endings = listOf("1234", "0404", "0411", "0400", "0504", "0777", "0202", "0410")
            val rows = endings.mapIndexed { index, ending -> person(index + 1, ending) }
            sandbox.addAccounts(rows)
            val run = engine.run(Source.Rows(rows, "june"), RunOptions(nameMatch = NameCheck.STRICT))
            val reasons =
                run.events
                    .toList()
                    .filterIsInstance<EngineEvent.RowChanged>()
                    .filter { it.now == Outcome.FAILED }
                    .associate { it.reference to it.reason }
            assertEquals(setOf("P-0002", "P-0004"), reasons.filterValues { it != null }.keys)
            val outcomes = engine.report().toList().associate { it.reference to it.outcome }
            assertEquals(Outcome.FAILED, outcomes["P-0002"])
            assertEquals(Outcome.FAILED, outcomes["P-0004"])
            assertEquals(Outcome.PAID, outcomes["P-0005"])
            assertEquals(Outcome.AWAITING_OTP, outcomes["P-0006"])
            assertEquals(Outcome.PAID, outcomes["P-0007"])
            assertEquals(Outcome.EXPIRED, outcomes["P-0008"])
        }

    @Test
    fun `a one-time password is entered on its page, and the row is paid`() =
        paying { sandbox, engine ->
            val events = engine.run(Source.Rows(listOf(person(1, "0777")), "june"), RunOptions()).events.toList()
            val required = events.filterIsInstance<EngineEvent.OtpRequired>().single()
            val waiting = engine.otp().single()
            val link = assertNotNull(waiting.url)
            assertEquals(required.url, link)
            assertFalse(listOf(required, waiting, engine.rows()).any { link.reveal() in it.toString() })
            confirmOtp(link.reveal())
            assertEquals(1, engine.resume().result().count(Outcome.PAID))
            eachPaidOnce(sandbox, engine.report().toList())
        }

    @Test
    fun `a run that is stopped in mid-batch goes on later`() =
        paying { sandbox, engine ->
            sandbox.fault(""""fault":"slow","millis":20""")
            val run = engine.run(people(40), RunOptions(concurrency = 2u))
            run.events.collect { event ->
                if (event is EngineEvent.RowChanged && event.now == Outcome.PAID) run.stop()
            }
            val status = run.result()
            assertTrue(status.interrupted && status.count(Outcome.PENDING) > 20, "$status")
            assertEquals(status.count(Outcome.PAID), sandbox.ledger().size)
            sandbox.clearFaults()
            assertEquals(40, engine.resume().result().count(Outcome.PAID))
            eachPaidOnce(sandbox, engine.report().toList())
        }

    @Test
    fun `a run that was given up in mid-batch pays nobody twice`() =
        paying { sandbox, engine ->
            sandbox.fault(""""fault":"slow","millis":20""")
            val run = engine.run(people(40), RunOptions(concurrency = 4u))
            run.events.first { it is EngineEvent.RowChanged && it.now == Outcome.PAID }
            run.giveUp()
            assertFailsWith<EngineException.Cancelled> { run.result() }
            sandbox.clearFaults()
            assertEquals(40, engine.resume().result().count(Outcome.PAID))
            eachPaidOnce(sandbox, engine.report().toList())
        }

    @Test
    fun `whoever stops looking does not stop the run`() =
        paying { sandbox, engine ->
            val run = engine.run(people(30), RunOptions())
            assertIs<EngineEvent.Started>(run.events.first())
            val looker = launch { run.events.collect {} }
            looker.cancelAndJoin()
            assertEquals(30, run.result().count(Outcome.PAID))
            assertTrue(run.isOver())
            eachPaidOnce(sandbox, engine.report().toList())
        }

    @Test
    fun `the app is gone in mid-batch, and the next one goes on`() =
        paying { sandbox, _ ->
            sandbox.fault(""""fault":"slow","millis":20""")
            val path = File(folder.root, "app.db").path
            App("samples.PayAFileKt", sandbox.environment, folder.root, payroll(60).name, path).use { app ->
                until { sandbox.ledger().isNotEmpty() }
                app.kill()
            }
            sandbox.clearFaults()
            sandbox.gateway().use { gateway ->
                val engine = PayoutEngine(gateway, Storage.File(path), HURRIED)
                assertEquals(60, engine.resume().result().count(Outcome.PAID))
                eachPaidOnce(sandbox, engine.report().toList())
            }
        }

    @Test
    fun `a file is checked without a network`() {
        val twice =
            listOf(person(1), person(2).copy(reference = "P-0001"), person(3).copy(amount = BigDecimal("0.001")))
        val report = runBlocking { PayoutEngine(store).use { it.check(Source.Rows(twice, "june")) } }
        assertEquals(3uL, report.rows)
        assertEquals(setOf(2uL, 3uL, 4uL), report.problems.map { it.line }.toSet(), "${report.problems}")
        assertTrue(report.problems.all { it.hint.isNotEmpty() })
        assertFalse("012345678" in report.toString())
    }

    @Test
    fun `what the engine cannot do is told by kind`() =
        paying { _, engine ->
            assertFailsWith<EngineException.NoSuchBatch> { engine.status("july") }
            val broken = Source.Rows(listOf(person(1).copy(bic = "")), "june")
            assertFailsWith<EngineException.Refused> { engine.run(broken, RunOptions()) }
            assertFailsWith<EngineException.Configuration> { engine.run(people(1), RunOptions(concurrency = 0u)) }
            assertFailsWith<EngineException.Storage> { engine.run(Source.File("/no/such.csv"), RunOptions()) }
            val without =
                assertFailsWith<EngineException.Configuration> { PayoutEngine(store).run(people(1), RunOptions()) }
            assertContains(without.message.orEmpty(), "no gateway")
            val policy = assertFailsWith<EngineException.Configuration> { PayoutEngine(null, store, """{"haste":1}""") }
            assertContains(policy.message.orEmpty(), "policy")
        }

    @Test
    fun `a person decides about a row that is held, and ledgers agree`() =
        paying { sandbox, engine ->
            val rows = listOf(person(1), person(2, "0411"), person(3, "0411"))
            sandbox.addAccounts(rows)
            engine.run(Source.Rows(rows, "june"), RunOptions(nameMatch = NameCheck.STRICT)).result()
            assertEquals(2, engine.status().count(Outcome.HELD))
            engine.release("P-0002", by = "Dara", reason = "she married")
            engine.reject("P-0003", by = "Dara", reason = "nobody knows him")
            val status = engine.resume().result()
            assertEquals(2, status.count(Outcome.PAID))
            assertEquals(0, status.count(Outcome.HELD))
            val compared = engine.reconcile()
            assertEquals(emptyList(), compared.differences)
            val report = File(folder.root, "report.csv")
            assertEquals(3uL, engine.saveReport(report.path))
            assertContains(report.readText(), "P-0003")
            assertEquals(listOf(status.batch), engine.batches().map { it.batch })
            assertNotNull(engine.purge(status.batch).purgedAt)
            assertEquals(null, engine.rows().first().maskedAccount)
        }

    private fun payroll(rows: Int): File {
        val header = "reference,first_name,last_name,phone_number,email,bank_account_number,bic,amount,currency"
        val lines =
            (1..rows).map { number ->
                val row = person(number)
                "${row.reference},Dara,Sok,012345678,${row.email.reveal()},${row.bankAccountNumber.reveal()}," +
                    "${row.bic},${row.amount},${row.currency}"
            }
        return File(
            folder.root,
            "payroll.csv",
        ).apply { writeText((listOf(header) + lines).joinToString("\n", postfix = "\n")) }
    }
}
