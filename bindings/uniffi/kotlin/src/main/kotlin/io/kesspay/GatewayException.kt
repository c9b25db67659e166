package io.kesspay

import java.time.Duration

/**
 * A call that failed, by what went wrong.
 *
 * Catch [Unknown] first wherever money moves: it says that the call may have been carried out. No
 * other of these classes ever means that, for a call that changes something.
 *
 * ```
 * try {
 *     gateway.withdraw(request)
 * } catch (unknown: GatewayException.Unknown) {
 *     // query the order number; never withdraw again under another one
 * } catch (refused: GatewayException) {
 *     // nothing was moved; refused.message says why
 * }
 * ```
 *
 * The message is one line, without personal data: what happened, to which call, and what to do next.
 *
 * @property failure All that is known about the failure.
 */
public sealed class GatewayException(
    public val failure: Failure,
) : Exception(failure.message) {
    /** The operation, such as `withdraw`; `null` where there was no call yet. */
    public val operation: String? get() = failure.operation

    /** The gateway's code, such as `VALIDATION_ERROR`. */
    public val code: String? get() = failure.code

    /** The HTTP status of the answer, if there was one. */
    public val status: Int? get() = failure.status?.toInt()

    /** Whether the gateway may have acted on the call. */
    public val outcome: CallOutcome get() = failure.outcome

    /** Whether the very same call may be sent again without a query in between. */
    public val retryable: Boolean get() = failure.retryable

    /** How long the gateway asks to wait before another call. */
    public val retryAfter: Duration? get() = failure.retryAfter

    /** The gateway's number of the exchange, for its support. */
    public val requestId: String? get() = failure.requestId

    /**
     * Whatever went wrong: the call may have been carried out, and only a query can tell. Thrown for
     * calls that change something, and for no others.
     */
    public class Unknown internal constructor(
        failure: Failure,
    ) : GatewayException(failure)

    /** The settings are not what they must be. Nothing was sent. */
    public class Configuration internal constructor(
        failure: Failure,
    ) : GatewayException(failure)

    /** The request breaks a rule of the documentation. Nothing was sent. */
    public class InvalidRequest internal constructor(
        failure: Failure,
    ) : GatewayException(failure)

    /** Whoever signs for this app does not sign this request. Nothing was sent. */
    public class NotSigned internal constructor(
        failure: Failure,
    ) : GatewayException(failure)

    /** No connection could be made. Nothing was sent. */
    public class Connect internal constructor(
        failure: Failure,
    ) : GatewayException(failure)

    /** No answer in time, to a call that changes nothing or that did not leave. */
    public class Timeout internal constructor(
        failure: Failure,
    ) : GatewayException(failure)

    /** The connection broke, under a call that changes nothing or that did not leave. */
    public class Transport internal constructor(
        failure: Failure,
    ) : GatewayException(failure)

    /** The credentials, or the token, were not accepted. */
    public class Authentication internal constructor(
        failure: Failure,
    ) : GatewayException(failure)

    /** This address is not on the gateway's allow-list, or the account is disabled. */
    public class Forbidden internal constructor(
        failure: Failure,
    ) : GatewayException(failure)

    /** The gateway refuses the request; its message says why. */
    public class Refused internal constructor(
        failure: Failure,
    ) : GatewayException(failure)

    /** There is no such record. */
    public class NotFound internal constructor(
        failure: Failure,
    ) : GatewayException(failure)

    /** The order number was used before: query it. */
    public class Duplicate internal constructor(
        failure: Failure,
    ) : GatewayException(failure)

    /** What the request refers to has expired. */
    public class Expired internal constructor(
        failure: Failure,
    ) : GatewayException(failure)

    /** The gateway reports a failure with a code that is not documented. */
    public class Failed internal constructor(
        failure: Failure,
    ) : GatewayException(failure)

    /** Too many requests; [retryAfter] may say how long to wait. */
    public class RateLimited internal constructor(
        failure: Failure,
    ) : GatewayException(failure)

    /** The gateway, or something behind it, does not work. */
    public class Unavailable internal constructor(
        failure: Failure,
    ) : GatewayException(failure)

    /** The reply is not what the documentation says. */
    public class Decode internal constructor(
        failure: Failure,
    ) : GatewayException(failure)

    /** A signature does not hold. */
    public class Signature internal constructor(
        failure: Failure,
    ) : GatewayException(failure)

    /** A call that changes nothing was given up. */
    public class Cancelled internal constructor(
        failure: Failure,
    ) : GatewayException(failure)

    internal companion object {
        /** The exception for a failure of this kind. */
        internal fun of(failure: Failure): GatewayException =
            when (failure.kind) {
                FailureKind.UNKNOWN_OUTCOME -> Unknown(failure)
                FailureKind.CONFIGURATION -> Configuration(failure)
                FailureKind.INVALID_REQUEST -> InvalidRequest(failure)
                FailureKind.NOT_SIGNED -> NotSigned(failure)
                FailureKind.CONNECT -> Connect(failure)
                FailureKind.TIMEOUT -> Timeout(failure)
                FailureKind.TRANSPORT -> Transport(failure)
                FailureKind.AUTHENTICATION -> Authentication(failure)
                FailureKind.FORBIDDEN -> Forbidden(failure)
                FailureKind.REFUSED -> Refused(failure)
                FailureKind.NOT_FOUND -> NotFound(failure)
                FailureKind.DUPLICATE -> Duplicate(failure)
                FailureKind.EXPIRED -> Expired(failure)
                FailureKind.FAILED -> Failed(failure)
                FailureKind.RATE_LIMITED -> RateLimited(failure)
                FailureKind.UNAVAILABLE -> Unavailable(failure)
                FailureKind.DECODE -> Decode(failure)
                FailureKind.SIGNATURE -> Signature(failure)
                FailureKind.CANCELLED -> Cancelled(failure)
            }
    }
}
