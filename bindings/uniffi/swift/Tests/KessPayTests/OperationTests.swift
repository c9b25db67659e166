import Foundation
import Testing

@testable import KessPay

/// Every operation that was generated, with the requests that were generated for it.
@Suite struct OperationTests {
    /// Reads and changes that find nothing to read or to change are answered, too.
    static let understood: Set<FailureKind> = [
        .notFound, .refused, .duplicate, .expired, .unknownOutcome,
    ]

    @Test func everyOperationIsItsService() async throws {
        let sandbox = try await Sandbox()
        let signer = Unwilling()
        var settings = sandbox.settings
        settings.access = .delegated(signer: signer, tokens: signer)
        let gateway = try Gateway(settings)
        for call in GeneratedOperations.required + GeneratedOperations.complete {
            let error = try await failure { try await call.send(gateway) }
            guard case .notSigned(let told) = error else {
                throw Unexpected(what: "\(call.operation): \(error)")
            }
            #expect(told.operation == call.operation)
            #expect(told.outcome == .notSent)
            let service = try #require(signer.asked.last).split(separator: ".").last
            let words = call.operation.split(separator: "_").joined()
            #expect(service?.lowercased().filter { $0 != "_" } == words)
        }
    }

    @Test func theSandboxUnderstandsEveryOperation() async throws {
        let sandbox = try await Sandbox()
        let gateway = try sandbox.gateway()
        var answered = 0
        for call in GeneratedOperations.required {
            do {
                try await call.send(gateway)
                answered += 1
            } catch let error as GatewayError {
                let told = error.failure
                #expect(Self.understood.contains(told.kind), "\(call.operation): \(error)")
            }
        }
        #expect(answered >= 12)
    }

    @Test func anOrderComesBackAsItWasMade() async throws {
        let sandbox = try await Sandbox()
        let gateway = try sandbox.gateway()
        let before = Date()
        let made = try await gateway.createOrder(
            CreateOrderRequest(
                outTradeNo: "TR-1", body: "ប្រាក់ខែ & more", totalAmount: try Money("10.50", .usd)
            )
        )
        let found = try await gateway.queryOrder(QueryOrderRequest(outTradeNo: "TR-1"))
        #expect(found.body == "ប្រាក់ខែ & more")
        #expect(found.totalAmount == Decimal(plain: "10.5"))
        #expect(found.currency == "USD")
        #expect(found.status == .waiting)
        #expect(found.token == made.token)
        let created = try #require(found.createdAt?.instant)
        #expect(abs(created.timeIntervalSince(before)) < 86_400)
    }

    @Test func aListInPiecesIsOneSequence() async throws {
        let sandbox = try await Sandbox()
        let gateway = try sandbox.gateway()
        try await MadeUp.orders(7, on: gateway)
        var numbers: [String?] = []
        for try await order in gateway.queryOrderByDateRangeSequence(MadeUp.allOrders) {
            numbers.append(order.outTradeNo)
        }
        #expect(Set(numbers) == Set((1...7).map { "TR-\($0)" }))
        #expect(try await gateway.queryOrderByDateRange(MadeUp.allOrders).items.count == 2)
        for rows in GeneratedOperations.rows {
            do {
                #expect(try await rows.count(gateway) >= 0)
            } catch GatewayError.notFound {
                #expect(rows.operation == "get_virtual_card_report")
            }
        }
    }

    @Test func noRecordThatIsAnsweredPrintsWhatIsSensitive() async throws {
        let sandbox = try await Sandbox()
        let gateway = try sandbox.gateway()
        let account = try await gateway.verifyBankAccount(
            VerifyBankAccountRequest(bankAccountNumber: "000123456", bic: .abaakhpp)
        )
        let token = try await gateway.tokenizeBankAccount(
            TokenizeBankAccountRequest(
                bankAccountNumber: "000123456", bic: .abaakhpp, customer: MadeUp.customer
            )
        )
        let request = WithdrawRequest(
            outTradeNo: "WD-1", totalAmount: try Money("10.50", .usd),
            bankAccountToken: token.token, customer: MadeUp.customer
        )
        let order = try await gateway.withdraw(request)
        var text = "\(account)\(token)\(request)\(order)\(sandbox.settings)"
        dump(account, to: &text)
        dump(token, to: &text)
        dump(request, to: &text)
        dump(order, to: &text)
        dump(sandbox.settings, to: &text)
        #expect(text.contains("***"))
        for hidden in MadeUp.personal + sandbox.secrets + [token.token.reveal()] {
            #expect(!text.contains(hidden))
        }
        #expect(account.currency == "USD")
        #expect(order.totalAmount == Decimal(plain: "-10.5"))
    }

    @Test func aQrTextNeedsNoGateway() async throws {
        let sandbox = try await Sandbox()
        let gateway = try sandbox.gateway()
        let merchant = try await gateway.merchantInfo(MerchantInfoRequest())
        let wallet = try #require(merchant.multiWallets.first { $0.currency == "USD" }?.id)
        let khqr = try await gateway.generateKhqr(
            GenerateKhqrRequest(
                walletRef: wallet, userId: try #require(merchant.userId), amount: 2
            )
        )
        #expect(khqrMd5(qr: khqr.qrString) == khqr.md5)
        #expect(try parseKhqr(qr: khqr.qrString).currency == "USD")
    }
}

/// Signs nothing, and keeps what it was asked for.
final class Unwilling: RequestSigner, TokenProvider, @unchecked Sendable {
    private let lock = NSLock()
    private var services: [String] = []

    var asked: [String] { lock.withLock { services } }

    func sign(request: UnsignedRequest) async throws -> String {
        lock.withLock { services.append(request.service) }
        throw DelegateError.Refused(reason: "nothing is signed here")
    }

    func token(refused: Bool) async throws -> AccessToken {
        AccessToken(value: "token")
    }
}

extension MadeUp {
    /// Every order there is, two at a time.
    static let allOrders = QueryOrderByDateRangeRequest(
        startDate: LocalDate(year: 2020, month: 1, day: 1),
        endDate: LocalDate(year: 2100, month: 1, day: 1), perPage: 2, page: 1
    )

    /// Makes so many orders, `TR-1` and so on.
    static func orders(_ count: Int, on gateway: Gateway) async throws {
        for number in 1...count {
            _ = try await gateway.createOrder(
                CreateOrderRequest(
                    outTradeNo: "TR-\(number)", body: "Tea", totalAmount: try Money("1.25", .usd)
                )
            )
        }
    }
}
