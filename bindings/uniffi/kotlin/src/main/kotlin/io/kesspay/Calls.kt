package io.kesspay

import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlin.coroutines.cancellation.CancellationException

/*
 * What surrounds every call: failures become exceptions with a class of their own, and a
 * cancellation is told apart by what the call may have done.
 */

/** A call that changes nothing: cancelled, it is simply gone. */
internal suspend fun <T> read(
    @Suppress("UNUSED_PARAMETER") operation: String,
    call: suspend () -> T,
): T =
    try {
        call()
    } catch (failed: CallException) {
        throw failed.asGatewayException()
    }

/** A call that changes something, without an order number. */
internal suspend fun <T> write(
    operation: String,
    call: suspend () -> T,
): T = money(operation, null, call)

/**
 * A call that changes something. Cancelled once it was begun, its outcome is unknown.
 *
 * A time limit around it (`withTimeout`) is not a cancellation of its caller, so what comes of it
 * is an exception that `withTimeoutOrNull` cannot turn into "nothing happened".
 */
internal suspend fun <T> money(
    operation: String,
    outTradeNo: String?,
    call: suspend () -> T,
): T {
    // Cancelled before it began: nothing was sent, and this is a cancellation like any other.
    currentCoroutineContext().ensureActive()
    return try {
        call()
    } catch (failed: CallException) {
        throw failed.asGatewayException()
    } catch (late: TimeoutCancellationException) {
        throw GatewayException.Unknown(unknown(operation, unknownMessage(operation, outTradeNo)))
    } catch (cancelled: CancellationException) {
        throw OutcomeUnknownCancellation(operation, outTradeNo, cancelled)
    } catch (broken: InternalException) {
        val what = "$operation broke off within the library; query it before anything else"
        throw GatewayException.Unknown(unknown(operation, what)).apply { initCause(broken) }
    }
}

/** What fails before there is a call. */
internal fun <T> setUp(make: () -> T): T =
    try {
        make()
    } catch (failed: CallException) {
        throw failed.asGatewayException()
    }

private fun CallException.asGatewayException(): GatewayException =
    when (this) {
        is CallException.Failed -> GatewayException.of(failure)
    }

private fun unknown(
    operation: String,
    message: String,
) = Failure(
    kind = FailureKind.UNKNOWN_OUTCOME,
    message = message,
    operation = operation,
    code = null,
    status = null,
    outcome = CallOutcome.UNKNOWN,
    retryable = false,
    retryAfter = null,
    requestId = null,
)
