package io.kesspay

import com.sun.jna.CallbackThreadInitializer
import com.sun.jna.Native
import com.sun.jna.NativeLibrary

/**
 * Package and library come from the same build, or nothing works.
 *
 * UniFFI asks for the library's name before it binds anything, so the check comes first, whichever
 * class of the package an app uses first.
 */
internal object LibraryVersion {
    /** The version of this package. */
    const val PACKAGE: String = "0.1.0"

    private const val NAME = "kesspay"
    private const val QUESTION = "uniffi_kesspay_fn_func_library_version"
    private const val FREE = "ffi_kesspay_rustbuffer_free"

    private var checked = false

    /** The library's name, once it is known to be the right one. */
    @JvmStatic
    @Synchronized
    fun checkedName(): String {
        if (!checked) {
            compare(PACKAGE, asked())
            keepThreads()
            checked = true
        }
        return NAME
    }

    /**
     * The library's two threads stay known to the JVM once they called back. Otherwise they would be
     * made known and forgotten again for every step of every call, and complain when the JVM ends.
     */
    private fun keepThreads() {
        val daemons = CallbackThreadInitializer(true, false, "kesspay")
        Native.setCallbackThreadInitializer(uniffiRustFutureContinuationCallbackImpl, daemons)
    }

    /** Refuses a library of another version. */
    fun compare(
        wanted: String,
        found: String,
    ) {
        if (wanted != found) {
            throw LibraryMismatchError(
                "io.kesspay $wanted cannot use libkesspay $found: both have to come from the same package",
            )
        }
    }

    /**
     * The version that the library tells.
     *
     * By hand: what UniFFI has for it binds every function of the library first, and then a library
     * of another version is reported as a missing symbol.
     */
    private fun asked(): String {
        try {
            val library = NativeLibrary.getInstance(NAME)
            val status = arrayOf<Any>(UniffiRustCallStatus())
            val text =
                library
                    .getFunction(
                        QUESTION,
                    ).invoke(RustBuffer.ByValue::class.java, status) as RustBuffer.ByValue
            val version = checkNotNull(text.data).getByteArray(0, text.len.toInt())
            library.getFunction(FREE).invokeVoid(arrayOf<Any>(text, UniffiRustCallStatus()))
            return version.decodeToString()
        } catch (missing: UnsatisfiedLinkError) {
            throw LibraryMismatchError("io.kesspay $PACKAGE finds no library of its own: ${missing.message}")
        }
    }
}

/** The native library is missing, or is not of the version that this package needs. */
public class LibraryMismatchError internal constructor(
    message: String,
) : LinkageError(message)
