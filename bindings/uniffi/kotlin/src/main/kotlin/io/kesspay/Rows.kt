package io.kesspay

import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

/**
 * The rows of a list that comes in pieces.
 *
 * Cold: each collection begins anew, and a piece is asked for when the rows before it are used up.
 * The list's own object is released with the collection, however that ends.
 */
internal fun <P : AutoCloseable, T> rows(
    operation: String,
    open: () -> P,
    next: suspend (P) -> List<T>?,
): Flow<T> =
    flow {
        read(operation) { open() }.use { pages ->
            while (true) {
                val piece = read(operation) { next(pages) } ?: break
                piece.forEach { emit(it) }
            }
        }
    }
