package androidx.annotation

/**
 * Stands in for Android's annotation where there is no SDK: enough to compile against.
 *
 * @property api The level from which on what is annotated exists.
 */
annotation class RequiresApi(
    val api: Int,
)
