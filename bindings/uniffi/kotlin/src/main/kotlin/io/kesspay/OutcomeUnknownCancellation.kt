package io.kesspay

import kotlin.coroutines.cancellation.CancellationException

/**
 * A call that changes something was cancelled while it was on its way: **it may have been carried
 * out.**
 *
 * It ends the coroutine like any cancellation. Whoever has to know catches it where the call is
 * made, notes the order number, and throws it on:
 *
 * ```
 * try {
 *     gateway.withdraw(request)
 * } catch (unknown: OutcomeUnknownCancellation) {
 *     withContext(NonCancellable) { orders.toBeQueried(unknown.outTradeNo) }
 *     throw unknown
 * }
 * ```
 *
 * Afterwards query the order number; never withdraw again under another one.
 *
 * @property operation The operation, such as `withdraw`.
 * @property outTradeNo The merchant's order number, if the call has one.
 */
public class OutcomeUnknownCancellation internal constructor(
    public val operation: String,
    public val outTradeNo: String?,
    cause: CancellationException,
) : CancellationException(unknownMessage(operation, outTradeNo)) {
    init {
        initCause(cause)
    }
}

/** What is to be done about a call that nobody waited for. */
internal fun unknownMessage(
    operation: String,
    outTradeNo: String?,
): String {
    val order = if (outTradeNo == null) "" else " of $outTradeNo"
    return "$operation$order was cancelled, and it is not known whether the gateway carried it out: " +
        "query it before anything else, and do not send it again under another number"
}
