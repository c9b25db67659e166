import Foundation
import Testing

@testable import KessPay

/// Every error, and above all: which of them say that a payment may have been made.
@Suite struct ErrorTests {
    /// What the gateway does, what that is for a call that reads, and whether a payment may then
    /// have been made.
    struct Case: Sendable, CustomTestStringConvertible {
        let kind: FailureKind
        let moneyIsUnknown: Bool
        let fault: String

        var testDescription: String { fault }
    }

    static let cases = [
        Case(kind: .refused, moneyIsUnknown: false, fault: refusal("VALIDATION_ERROR")),
        Case(kind: .forbidden, moneyIsUnknown: false, fault: refusal("FORBIDDEN")),
        Case(kind: .notFound, moneyIsUnknown: false, fault: refusal("NOT_FOUND")),
        Case(kind: .duplicate, moneyIsUnknown: false, fault: refusal("DUPLICATED")),
        Case(kind: .expired, moneyIsUnknown: true, fault: refusal("EXPIRED")),
        Case(kind: .failed, moneyIsUnknown: true, fault: refusal("PROCESS_FAILED")),
        Case(kind: .rateLimited, moneyIsUnknown: true, fault: #""fault":"status","status":429"#),
        Case(kind: .unavailable, moneyIsUnknown: true, fault: #""fault":"status","status":503"#),
        Case(kind: .decode, moneyIsUnknown: true, fault: #""fault":"html","status":200"#),
        Case(kind: .transport, moneyIsUnknown: true, fault: #""fault":"cut_after_booking""#),
        Case(kind: .timeout, moneyIsUnknown: true, fault: #""fault":"slow","millis":600000"#),
    ]

    static func refusal(_ code: String) -> String {
        #""fault":"refuse","code":"\#(code)""#
    }

    @Test(arguments: cases)
    func aReadFailsByKindAndAPaymentByOutcome(of it: Case) async throws {
        let sandbox = try await Sandbox()
        var settings = sandbox.settings
        settings.maxAttempts = 1
        let gateway = try Gateway(settings)
        try await gateway.authenticate()
        try await sandbox.fault(it.fault)

        // Everything but silence is answered, however busy this machine is.
        let timeout: TimeInterval? = it.kind == .timeout ? 2 : nil
        let query = QueryOrderRequest(outTradeNo: "WD-1")
        let read = try await failure { _ = try await gateway.queryOrder(query, timeout: timeout) }
        #expect(read == GatewayError(read.failure))
        #expect(read.failure.kind == it.kind)
        #expect(read.failure.operation == "query_order")

        let request = try MadeUp.withdrawal("WD-1")
        let paid = try await failure {
            _ = try await gateway.withdrawByBankNumber(request, timeout: timeout)
        }
        #expect(paid.failure.kind == (it.moneyIsUnknown ? .unknownOutcome : it.kind))
        #expect(paid.failure.outcome == (it.moneyIsUnknown ? .unknown : .answered))
        #expect(paid.failure.operation == "withdraw_by_bank_number")
        #expect(!paid.failure.retryable)
        if case .unknown = paid {
            #expect(it.moneyIsUnknown)
        } else {
            #expect(!it.moneyIsUnknown)
        }
        for text in ["\(read)", "\(paid)", paid.localizedDescription, "\(paid.failure)"] {
            for hidden in MadeUp.personal + sandbox.secrets {
                #expect(!text.contains(hidden))
            }
        }
    }

    @Test func anErrorTellsWhatTheGatewayTold() async throws {
        let sandbox = try await Sandbox()
        var settings = sandbox.settings
        settings.maxAttempts = 1
        let gateway = try Gateway(settings)
        try await sandbox.fault(#""fault":"status","status":429,"retry_after":7"#)
        let error = try await failure {
            _ = try await gateway.queryOrder(QueryOrderRequest(outTradeNo: "WD-1"))
        }
        guard case .rateLimited(let failure) = error else { throw Unexpected(what: "\(error)") }
        #expect(failure.status == 429)
        #expect(failure.retryAfter == 7)
        #expect(failure.requestId?.isEmpty == false)
        #expect(failure.code == nil)
        #expect(failure.retryable)
        #expect(error.localizedDescription == failure.message)
    }

    @Test func credentialsThatAreNotAccepted() async throws {
        let sandbox = try await Sandbox()
        var settings = sandbox.settings
        settings.access = .merchant(
            clientId: "somebody", clientSecret: "else", username: "u", password: "p",
            apiSecret: "k"
        )
        let gateway = try Gateway(settings)
        let error = try await failure { try await gateway.authenticate() }
        guard case .authentication(let failure) = error else { throw Unexpected(what: "\(error)") }
        #expect(failure.outcome == .notSent)
    }

    @Test func nobodyThereMeansThatNothingWasSent() async throws {
        var settings = try await Sandbox().settings
        settings.maxAttempts = 1
        settings.baseUrl = "http://127.0.0.1:1"
        let gateway = try Gateway(settings)
        let request = try MadeUp.withdrawal("WD-1")
        let error = try await failure { _ = try await gateway.withdrawByBankNumber(request) }
        guard case .connect(let failure) = error else { throw Unexpected(what: "\(error)") }
        #expect(failure.outcome == .notSent)
        #expect(failure.retryable)
    }

    @Test func aRequestThatBreaksARuleIsNotSent() async throws {
        let sandbox = try await Sandbox()
        let gateway = try sandbox.gateway()
        let blank = try await failure {
            _ = try await gateway.queryOrder(QueryOrderRequest(outTradeNo: "no blanks allowed"))
        }
        guard case .invalidRequest(let told) = blank else { throw Unexpected(what: "\(blank)") }
        #expect(told.outcome == .notSent)

        var request = try MadeUp.withdrawal("WD-1")
        for amount in [Decimal(1) / 3, Decimal.nan, Decimal.greatestFiniteMagnitude] {
            request.totalAmount.amount = amount
            let refused = request
            let error = try await failure { _ = try await gateway.withdrawByBankNumber(refused) }
            guard case .invalidRequest = error else { throw Unexpected(what: "\(error)") }
        }
        let never = QueryOrderByDateRangeRequest(
            startDate: LocalDate(year: 2026, month: 2, day: 30),
            endDate: LocalDate(year: 2026, month: 3, day: 1), perPage: 10, page: 1
        )
        let error = try await failure { _ = try await gateway.queryOrderByDateRange(never) }
        guard case .invalidRequest = error else { throw Unexpected(what: "\(error)") }
        #expect(try await sandbox.ledger().isEmpty)
    }

    @Test(arguments: [-1, .nan, .infinity, 1e300] as [TimeInterval])
    func whatIsNoLengthOfTimeIsRefused(timeout: TimeInterval) async throws {
        let sandbox = try await Sandbox()
        let gateway = try sandbox.gateway()
        let late = try await failure { _ = try await gateway.getBakongMembers(timeout: timeout) }
        guard case .configuration = late else { throw Unexpected(what: "\(late)") }
        let request = try MadeUp.withdrawal("WD-1")
        let unpaid = try await failure {
            _ = try await gateway.withdrawByBankNumber(request, timeout: timeout)
        }
        guard case .configuration = unpaid else { throw Unexpected(what: "\(unpaid)") }
        var settings = sandbox.settings
        settings.connectTimeout = timeout
        let unmade = settings
        let error = try await failure { _ = try Gateway(unmade) }
        guard case .configuration = error else { throw Unexpected(what: "\(error)") }
    }

    @Test func settingsThatCannotBeUsed() async throws {
        let good = try await Sandbox().settings
        let wrong: [(String, @Sendable (inout Settings) -> Void)] = [
            ("plain http", { $0.baseUrl = "http://pay.example.com" }),
            ("public key", { $0.publicKey = "no key" }),
            ("sign type", { $0.signType = "SHA1" }),
            ("max_attempts", { $0.maxAttempts = 0 }),
        ]
        for (told, spoil) in wrong {
            var settings = good
            spoil(&settings)
            let unusable = settings
            let error = try await failure { _ = try Gateway(unusable) }
            #expect(error.failure.outcome == .notSent)
            #expect(error.description.contains(told))
        }
    }
}
