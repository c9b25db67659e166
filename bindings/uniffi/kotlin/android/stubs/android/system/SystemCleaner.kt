package android.system

import java.lang.ref.Cleaner

/** Stands in for Android's class where there is no SDK: enough to compile against. */
object SystemCleaner {
    /** The cleaner that the whole process shares. */
    @JvmStatic
    fun cleaner(): Cleaner = Cleaner.create()
}
