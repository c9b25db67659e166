package android.os

/** Stands in for Android's class where there is no SDK: enough to compile against. */
class Build {
    /** The version of the system. */
    object VERSION {
        /** The level of its interface. */
        const val SDK_INT: Int = 26
    }

    /** Names of levels. */
    @Suppress("ClassName", "ktlint:standard:class-naming")
    object VERSION_CODES {
        /** Android 14. */
        const val UPSIDE_DOWN_CAKE: Int = 34
    }
}
