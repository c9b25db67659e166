package io.kesspay

/**
 * A value that must not be seen: an account, a name, a token, a password.
 *
 * It has no text form: printed, logged or put into a string, alone or inside a record, it is `***`.
 * Two of them are equal if their values are. It is not serializable, so that no crash report or
 * saved state holds the value by accident.
 *
 * ```
 * val account = Sensitive("000123456")
 * println("paying $account")   // paying ***
 * show(account.reveal())       // where a person is meant to see it
 * ```
 *
 * @constructor Hides [value].
 */
public class Sensitive(
    private val value: String,
) {
    /** The value. Give it only to whom it is meant for, and never to a log. */
    public fun reveal(): String = value

    /** Always `***`. */
    override fun toString(): String = "***"

    override fun equals(other: Any?): Boolean = other is Sensitive && other.value == value

    override fun hashCode(): Int = value.hashCode()
}

/**
 * Bytes that must not be seen: a file of people, a page of the engine's state.
 *
 * As with [Sensitive], they have no text form, and two of them are equal if their bytes are. They
 * are not copied: whoever gives them leaves them as they are.
 *
 * @constructor Hides [bytes].
 */
public class SensitiveBytes(
    private val bytes: ByteArray,
) {
    /** How many there are. */
    public val size: Int get() = bytes.size

    /** The bytes themselves. Give them only to whom they are meant for, and never to a log. */
    public fun reveal(): ByteArray = bytes

    /** How many there are, and nothing of what they are. */
    override fun toString(): String = "*** ($size bytes)"

    override fun equals(other: Any?): Boolean = other is SensitiveBytes && other.bytes.contentEquals(bytes)

    override fun hashCode(): Int = bytes.contentHashCode()
}
