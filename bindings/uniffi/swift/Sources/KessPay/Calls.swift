import Foundation

// What surrounds every call: a cancelled task cancels it, and a failure becomes a `GatewayError`.
// What UniFFI writes knows nothing of cancelled tasks, so each call gets a `Cancellation`.

/// A call that changes nothing: cancelled, it is simply gone.
func read<Answer: Sendable>(
    _ operation: String,
    _ timeout: TimeInterval?,
    _ call: @Sendable (CallOptions) async throws -> Answer
) async throws -> Answer {
    do {
        return try await carried(timeout, call)
    } catch CallError.Failed(let failure) where failure.kind == .cancelled {
        throw CancellationError()
    } catch CallError.Failed(let failure) {
        throw GatewayError(failure)
    }
}

/// A call that changes something, without an order number.
func write<Answer: Sendable>(
    _ operation: String,
    _ timeout: TimeInterval?,
    _ call: @Sendable (CallOptions) async throws -> Answer
) async throws -> Answer {
    try await money(operation, nil, timeout, call)
}

/// A call that changes something. Cancelled once it was begun, its outcome is unknown.
func money<Answer: Sendable>(
    _ operation: String,
    _ outTradeNo: String?,
    _ timeout: TimeInterval?,
    _ call: @Sendable (CallOptions) async throws -> Answer
) async throws -> Answer {
    // Cancelled before it began: nothing was sent, and this is a cancellation like any other.
    try Task.checkCancellation()
    do {
        return try await carried(timeout, call)
    } catch CallError.Failed(let failure) {
        throw GatewayError(failure)
    } catch let error as GatewayError {
        throw error
    } catch {
        // What breaks off within the library may have been sent before.
        throw GatewayError.unknown(.brokenOff(operation, outTradeNo))
    }
}

/// Lets a cancelled task cancel the call.
private func carried<Answer: Sendable>(
    _ timeout: TimeInterval?,
    _ call: @Sendable (CallOptions) async throws -> Answer
) async throws -> Answer {
    try checked(timeout)
    return try await cancellable { cancellation in
        try await call(CallOptions(timeout: timeout, cancellation: cancellation))
    }
}

/// Does something that a cancelled task gives up.
func cancellable<Answer: Sendable>(
    _ work: @Sendable (Cancellation) async throws -> Answer
) async throws -> Answer {
    let cancellation = Cancellation()
    return try await withTaskCancellationHandler {
        try await work(cancellation)
    } onCancel: {
        cancellation.cancel()
    }
}

/// What fails before there is a call.
func setUp<Made>(_ make: () throws -> Made) throws -> Made {
    do {
        return try make()
    } catch CallError.Failed(let failure) {
        throw GatewayError(failure)
    }
}

/// Refuses what is no length of time: the library takes no other, and would end the process.
func checked(_ time: TimeInterval?) throws {
    guard let time else { return }
    guard time >= 0, time < Double(Int32.max) else {
        throw GatewayError.configuration(
            .setup(.configuration, "a time limit is a number of seconds, from 0 on")
        )
    }
}

extension Failure {
    /// What went wrong before there was a call.
    static func setup(_ kind: FailureKind, _ message: String) -> Failure {
        Failure(kind: kind, message: message, outcome: .notSent)
    }

    /// What is known of a call that broke off, which is nothing.
    static func brokenOff(_ operation: String, _ outTradeNo: String?) -> Failure {
        let order = outTradeNo.map { " of \($0)" } ?? ""
        let message =
            "\(operation)\(order) broke off within the library, and it is not known whether the "
            + "gateway carried it out: query it before anything else, and do not send it again "
            + "under another number"
        return Failure(
            kind: .unknownOutcome, message: message, operation: operation, outcome: .unknown
        )
    }

    private init(
        kind: FailureKind, message: String, operation: String? = nil, outcome: CallOutcome
    ) {
        self.init(
            kind: kind, message: message, operation: operation, code: nil, status: nil,
            outcome: outcome, retryable: false, retryAfter: nil, requestId: nil
        )
    }
}
