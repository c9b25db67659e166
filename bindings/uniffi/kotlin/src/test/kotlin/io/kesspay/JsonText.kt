package io.kesspay

import java.math.BigDecimal

/** Reads JSON: objects become maps, arrays lists, numbers [BigDecimal]. Enough for tests. */
internal class JsonText private constructor(
    private val text: String,
) {
    private var at = 0

    private fun value(): Any? {
        blanks()
        return when (val next = text[at]) {
            '{' -> members()
            '[' -> elements()
            '"' -> string()
            else -> if (next == '-' || next.isDigit()) number() else word()
        }
    }

    private fun members(): Map<String, Any?> {
        val members = linkedMapOf<String, Any?>()
        between('{', '}') {
            blanks()
            val name = string()
            expect(':')
            members[name] = value()
        }
        return members
    }

    private fun elements(): List<Any?> {
        val elements = mutableListOf<Any?>()
        between('[', ']') { elements += value() }
        return elements
    }

    private fun between(
        open: Char,
        close: Char,
        one: () -> Unit,
    ) {
        expect(open)
        blanks()
        if (text[at] != close) {
            one()
            blanks()
            while (text[at] == ',') {
                at++
                one()
                blanks()
            }
        }
        expect(close)
    }

    private fun string(): String {
        expect('"')
        val made = StringBuilder()
        while (text[at] != '"') {
            val char = text[at++]
            made.append(if (char == '\\') escape() else char)
        }
        at++
        return made.toString()
    }

    private fun escape(): Char =
        when (val char = text[at++]) {
            'n' -> {
                '\n'
            }

            'r' -> {
                '\r'
            }

            't' -> {
                '\t'
            }

            'b' -> {
                '\b'
            }

            'f' -> {
                '\u000c'
            }

            'u' -> {
                text
                    .substring(at, at + 4)
                    .toInt(16)
                    .toChar()
                    .also { at += 4 }
            }

            else -> {
                char
            }
        }

    private fun number(): BigDecimal {
        val from = at
        while (at < text.length && (text[at].isLetterOrDigit() || text[at] in "+-.")) at++
        return BigDecimal(text.substring(from, at))
    }

    private fun word(): Boolean? {
        val words = mapOf("true" to true, "false" to false, "null" to null)
        val (word, meaning) = words.entries.first { text.startsWith(it.key, at) }
        at += word.length
        return meaning
    }

    private fun expect(char: Char) {
        blanks()
        check(text[at] == char) { "expected $char at $at" }
        at++
    }

    private fun blanks() {
        while (at < text.length && text[at].isWhitespace()) at++
    }

    companion object {
        fun parse(text: String): Any? = JsonText(text).value()

        @Suppress("UNCHECKED_CAST")
        fun members(text: String): Map<String, Any?> = parse(text) as Map<String, Any?>

        @Suppress("UNCHECKED_CAST")
        fun list(text: String): List<Map<String, Any?>> = parse(text) as List<Map<String, Any?>>

        /** Text as a string of JSON. */
        fun quoted(text: String): String =
            text.map { if (it in "\"\\" || it < ' ') "\\u%04x".format(it.code) else "$it" }.joinToString("", "\"", "\"")
    }
}
