import Foundation

extension PayoutEngine {
    /// An engine that pays through a gateway.
    ///
    /// - Parameters:
    ///   - gateway: Where the money moves. It may be used for other calls at the same time.
    ///   - storage: Where the batches are kept.
    ///   - policy: A JSON object of the settings of `[policy]` in the manual, for whoever wants
    ///     other pauses than the usual ones.
    /// - Throws: `EngineError` if the storage or the policy cannot be used.
    public convenience init(gateway: Gateway, storage: Storage, policy: String? = nil) throws {
        try self.init(gateway: gateway.core, storage: storage, policy: policy)
    }

    /// Compares a batch with the gateway's ledger, and changes nothing. A cancelled task gives it
    /// up.
    public func reconcile(batch: String? = nil) async throws -> Reconciliation {
        try await waiting { try await self.reconcile(batch: batch, cancellation: $0) }
    }
}

extension PayoutRun {
    /// What happens in the run, in its order, until it is over.
    ///
    /// Each event is handed out once, so one reader goes through them. The run goes on whether
    /// anybody reads or not, and when the reader's task is cancelled, too: `PayoutRun.stop()` ends
    /// it.
    ///
    /// ```swift
    /// for try await event in run.events {
    ///     if case .rowChanged(_, let reference, _, let now, _, _) = event {
    ///         print(reference, now)
    ///     }
    /// }
    /// ```
    public var events: EngineEvents { EngineEvents(run: self) }

    /// Waits for the end, and tells how the batch stands then.
    ///
    /// A cancelled task stops waiting and throws `CancellationError`; the run goes on.
    public func result() async throws -> BatchStatus {
        try await waiting { try await self.result(cancellation: $0) }
    }
}

/// The events of a run, see `PayoutRun.events`.
public struct EngineEvents: AsyncSequence, Sendable {
    public typealias Element = EngineEvent

    let run: PayoutRun

    public func makeAsyncIterator() -> Iterator {
        Iterator(run: run)
    }

    /// Hands out the events. They come from the library many at a time.
    public struct Iterator: AsyncIteratorProtocol {
        let run: PayoutRun
        var ready: ArraySlice<EngineEvent> = []
        var over = false

        init(run: PayoutRun) {
            self.run = run
        }

        /// The next event; `nil` once the run is over.
        ///
        /// - Throws: `CancellationError` if the task is cancelled, which does not end the run.
        public mutating func next() async throws -> EngineEvent? {
            if ready.isEmpty && !over {
                let run = run
                ready = try await waiting { try await run.nextEvents(cancellation: $0)[...] }
                over = ready.isEmpty
            }
            return ready.popFirst()
        }
    }
}

/// Waits for the engine. What a cancelled task gives up is only the waiting.
private func waiting<Answer: Sendable>(
    _ work: @Sendable (Cancellation) async throws -> Answer
) async throws -> Answer {
    do {
        return try await cancellable(work)
    } catch EngineError.Cancelled {
        // Also thrown for a run that was given up, which is no cancellation of this task.
        try Task.checkCancellation()
        throw EngineError.Cancelled(message: "the run was given up")
    }
}

extension EngineError: LocalizedError, CustomStringConvertible {
    /// What could not be done, and what to do next.
    public var description: String {
        switch self {
        case .Configuration(let message), .NoSuchBatch(let message), .BatchState(let message),
            .Locked(let message), .OtherGateway(let message), .Refused(let message),
            .Books(let message), .Storage(let message), .Cancelled(let message):
            message
        }
    }

    /// The same text.
    public var errorDescription: String? { description }
}
