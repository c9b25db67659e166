package io.kesspay

/**
 * A piece of a reply as the gateway wrote it, where nobody documents what stands in it.
 *
 * It may hold what must not be seen, so it has no text form of its own: printed, it tells its size.
 * Read [text] with the JSON library of your choice.
 *
 * @property text The JSON.
 */
public class Json(
    public val text: String,
) {
    /** The size, and nothing of what stands in it. */
    override fun toString(): String = "Json(${text.length} characters)"

    override fun equals(other: Any?): Boolean = other is Json && other.text == text

    override fun hashCode(): Int = text.hashCode()
}
