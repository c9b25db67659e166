import Foundation
import Testing

@testable import KessPay

/// A cancelled task gives its call up, and learns what that call may have done.
@Suite(.timeLimit(.minutes(3))) struct CancellationTests {
    /// A gateway that answers after ten minutes.
    static let slow = #""fault":"slow","millis":600000,"times":1"#

    @Test func aCancelledTaskCancelsItsCall() async throws {
        let sandbox = try await Sandbox()
        let gateway = try sandbox.gateway()
        try await sandbox.fault(Self.slow + #","service":"query_order""#)
        let call = Task { try await gateway.queryOrder(QueryOrderRequest(outTradeNo: "WD-1")) }
        try await until { try await sandbox.hits("slow") == 1 }
        call.cancel()
        await #expect(throws: CancellationError.self) { _ = try await call.value }
    }

    @Test func aCancelledWithdrawalIsUnknownAndAfterwardsKnownByAQuery() async throws {
        let sandbox = try await Sandbox()
        let gateway = try sandbox.gateway()
        try await sandbox.fault(Self.slow + #","service":"withdraw_by_bank_number""#)
        let request = try MadeUp.withdrawal("WD-CANCELLED")
        let call = Task { _ = try await gateway.withdrawByBankNumber(request) }
        try await until { try await sandbox.ledger()["WD-CANCELLED"] != nil }
        call.cancel()
        let error = try await failure { try await call.value }
        guard case .unknown(let told) = error else { throw Unexpected(what: "\(error)") }
        #expect(told.operation == "withdraw_by_bank_number")
        #expect(told.outcome == .unknown)
        #expect(!told.retryable)
        #expect(told.message.contains("query it before anything else"))

        let order = try await gateway.queryOrder(QueryOrderRequest(outTradeNo: "WD-CANCELLED"))
        #expect(order.status == .success)
        #expect(try await sandbox.ledger()["WD-CANCELLED"]?.timesBooked == 1)
    }

    @Test func aTimeLimitAroundAWithdrawalCannotHideThatItMayHaveBeenMade() async throws {
        let sandbox = try await Sandbox()
        let gateway = try sandbox.gateway()
        try await sandbox.fault(Self.slow + #","service":"withdraw_by_bank_number""#)
        let request = try MadeUp.withdrawal("WD-LATE")
        // The usual time limit of Swift: of two tasks, the slower one is cancelled.
        let error = await withTaskGroup(of: (any Error)?.self) { group in
            group.addTask { await caught { _ = try await gateway.withdrawByBankNumber(request) } }
            group.addTask {
                await caught { try await until { try await sandbox.ledger()["WD-LATE"] != nil } }
            }
            var errors = [await group.next() ?? nil]
            group.cancelAll()
            errors.append(await group.next() ?? nil)
            return errors.compactMap { $0 }.first
        }
        guard case GatewayError.unknown? = error else { throw Unexpected(what: "\(error as Any)") }
    }

    @Test func whatIsCancelledBeforeItBeginsIsNotSentAndNotUnknown() async throws {
        let sandbox = try await Sandbox()
        let gateway = try sandbox.gateway()
        let request = try MadeUp.withdrawal("WD-NEVER")
        let call = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            _ = try await gateway.withdrawByBankNumber(request)
        }
        await #expect(throws: CancellationError.self) { try await call.value }
        #expect(try await sandbox.ledger().isEmpty)
    }

    @Test func aListThatIsLeftHalfWayAsksForNoMore() async throws {
        let sandbox = try await Sandbox()
        let gateway = try sandbox.gateway()
        try await MadeUp.orders(6, on: gateway)
        let second = #""service":"query_order_by_date_range","after":1"#
        try await sandbox.fault("\(Self.slow),\(second)")
        let reading = Task {
            var seen = 0
            for try await _ in gateway.queryOrderByDateRangeSequence(MadeUp.allOrders) {
                seen += 1
                // The second piece never comes.
                if seen == 2 { withUnsafeCurrentTask { $0?.cancel() } }
            }
            return seen
        }
        await #expect(throws: CancellationError.self) { _ = try await reading.value }
    }
}
