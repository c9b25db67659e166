package io.kesspay

import org.junit.Rule
import org.junit.rules.TemporaryFolder
import java.io.File
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** The samples, as the programs that they are. */
class SamplesTest {
    @get:Rule
    val folder: TemporaryFolder = TemporaryFolder()

    @Test
    fun `one person is paid, with a one-time password, in thirty lines`() {
        val sample = File(Build.root, "bindings/uniffi/kotlin/samples/PayOnePerson.kt").readLines()
        assertTrue(sample.size <= 30, "${sample.size} lines")
        Sandbox().use { sandbox ->
            App("samples.PayOnePersonKt", sandbox.environment, folder.root).use { app ->
                assertEquals("The account is kept in USD.", app.printed.readLine())
                confirmOtp(app.printed.readLine().substringAfterLast(' '))
                app.enter()
                assertEquals("It stands at SUCCESS.", app.printed.readLine())
                assertEquals(0, app.end())
            }
            assertEquals(1, sandbox.ledger().getValue("SALARY-2026-06-1").timesBooked)
        }
    }

    @Test
    fun `what the README shows can be copied`() {
        Sandbox().use { sandbox ->
            val people = (1..5).map { person(it) }
            sandbox.addAccounts(people)
            File(folder.root, "june.csv").writeText(file(people))
            App("readme.ReadmeKt", sandbox.environment, folder.root).use { app ->
                val printed = app.printed.readLines()
                assertEquals(0, app.end(), "$printed")
                assertEquals("{PAID=5}", printed.last())
            }
        }
    }
}
