import Foundation

/// A call that failed, by what went wrong.
///
/// Catch ``unknown(_:)`` first wherever money moves: it says that the call may have been carried
/// out. No other case ever means that, for a call that changes something.
///
/// ```swift
/// do {
///     let order = try await gateway.withdraw(request)
/// } catch GatewayError.unknown(let failure) {
///     // query the order number; never withdraw again under another one
/// } catch let error as GatewayError {
///     // nothing was moved; error.failure.message says why
/// }
/// ```
public enum GatewayError: Error, Hashable, Sendable {
    /// Whatever went wrong: the call may have been carried out, and only a query can tell. Thrown
    /// by calls that change something, and by no others.
    case unknown(Failure)
    /// The settings are not what they must be. Nothing was sent.
    case configuration(Failure)
    /// The request breaks a rule of the documentation. Nothing was sent.
    case invalidRequest(Failure)
    /// Whoever signs for this app does not sign this request. Nothing was sent.
    case notSigned(Failure)
    /// No connection could be made. Nothing was sent.
    case connect(Failure)
    /// No answer in time, to a call that changes nothing or that did not leave.
    case timeout(Failure)
    /// The connection broke, under a call that changes nothing or that did not leave.
    case transport(Failure)
    /// The credentials, or the token, were not accepted.
    case authentication(Failure)
    /// This address is not on the gateway's allow-list, or the account is disabled.
    case forbidden(Failure)
    /// The gateway refuses the request; the message says why.
    case refused(Failure)
    /// There is no such record.
    case notFound(Failure)
    /// The order number was used before: query it.
    case duplicate(Failure)
    /// What the request refers to has expired.
    case expired(Failure)
    /// The gateway reports a failure with a code that is not documented.
    case failed(Failure)
    /// Too many requests; `retryAfter` of the failure may say how long to wait.
    case rateLimited(Failure)
    /// The gateway, or something behind it, does not work.
    case unavailable(Failure)
    /// The reply is not what the documentation says.
    case decode(Failure)
    /// A signature does not hold.
    case signature(Failure)
    /// A call that changes nothing was given up otherwise than by its task, whose cancellation is a
    /// `CancellationError`.
    case cancelled(Failure)

    init(_ failure: Failure) {
        self =
            switch failure.kind {
            case .unknownOutcome: .unknown(failure)
            case .configuration: .configuration(failure)
            case .invalidRequest: .invalidRequest(failure)
            case .notSigned: .notSigned(failure)
            case .connect: .connect(failure)
            case .timeout: .timeout(failure)
            case .transport: .transport(failure)
            case .authentication: .authentication(failure)
            case .forbidden: .forbidden(failure)
            case .refused: .refused(failure)
            case .notFound: .notFound(failure)
            case .duplicate: .duplicate(failure)
            case .expired: .expired(failure)
            case .failed: .failed(failure)
            case .rateLimited: .rateLimited(failure)
            case .unavailable: .unavailable(failure)
            case .decode: .decode(failure)
            case .signature: .signature(failure)
            case .cancelled: .cancelled(failure)
            }
    }

    /// All that is known: the gateway's code, the HTTP status, whether the gateway may have acted,
    /// whether the same call may be sent again, how long to wait.
    public var failure: Failure {
        switch self {
        case .unknown(let failure), .configuration(let failure), .invalidRequest(let failure),
            .notSigned(let failure), .connect(let failure), .timeout(let failure),
            .transport(let failure), .authentication(let failure), .forbidden(let failure),
            .refused(let failure), .notFound(let failure), .duplicate(let failure),
            .expired(let failure), .failed(let failure), .rateLimited(let failure),
            .unavailable(let failure), .decode(let failure), .signature(let failure),
            .cancelled(let failure):
            failure
        }
    }
}

extension GatewayError: LocalizedError, CustomStringConvertible {
    /// One line, without personal data: what happened, to which call, and what to do next.
    public var description: String { failure.message }

    /// The same line.
    public var errorDescription: String? { failure.message }
}
