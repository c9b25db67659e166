package io.kesspay

import java.io.File
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class LibraryVersionTest {
    @Test
    fun `package and library are of one version`() {
        assertEquals("kesspay", LibraryVersion.checkedName())
        assertEquals(LibraryVersion.PACKAGE, libraryVersion())
    }

    @Test
    fun `what Gradle publishes is of that version`() {
        val properties = File(Build.root, "bindings/uniffi/kotlin/gradle.properties").readLines()
        assertEquals(listOf("version=${LibraryVersion.PACKAGE}"), properties.filter { it.startsWith("version=") })
    }

    @Test
    fun `another library is refused by both versions`() {
        val error = assertFailsWith<LibraryMismatchError> { LibraryVersion.compare("1.2.0", "1.1.9") }
        assertEquals(
            "io.kesspay 1.2.0 cannot use libkesspay 1.1.9: both have to come from the same package",
            error.message,
        )
    }
}
