import Foundation
import Testing

@testable import KessPay

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// An app that holds no secret: its own server signs and hands out tokens. The server is the
/// example of the Rust client, in a process of its own.
@Suite(.timeLimit(.minutes(3))) struct DelegateTests {
    let sandbox: Sandbox
    let server: Child
    let app: App

    init() async throws {
        sandbox = try await Sandbox()
        let program = Build.programs.appendingPathComponent("examples/signing_server")
        server = try Child(
            program, [],
            environment: sandbox.environment.merging(["SIGNING_LIMIT": "100"]) { $1 }
        )
        let url = try #require(try await server.line().split(separator: " ").last)
        app = App(server: String(url), session: "session-of-dara")
    }

    private func settings(of app: App) -> Settings {
        // All that the app knows of the gateway. None of it is secret.
        Settings(
            baseUrl: sandbox.url,
            access: .delegated(signer: app, tokens: app),
            sellerCode: sandbox.settings.sellerCode,
            publicKey: sandbox.settings.publicKey,
            maxAttempts: 1
        )
    }

    @Test func anAppPaysWithoutASecret() async throws {
        let settings = settings(of: app)
        let gateway = try Gateway(settings)
        let account = try await gateway.verifyBankAccount(
            VerifyBankAccountRequest(bankAccountNumber: "000123456", bic: .abaakhpp)
        )
        #expect(account.currency == "USD")
        let order = try await gateway.withdrawByBankNumber(try MadeUp.withdrawal("WD-1"))
        #expect(order.status == .success)
        #expect(try await sandbox.ledger()["WD-1"]?.timesBooked == 1)
        #expect(
            app.asked.map(\.service) == [
                "webpay.acquire.verifybankaccount", "webpay.acquire.withdrawByBankNumber",
            ])
        #expect(app.asked.map(\.outTradeNo) == [nil, "WD-1"])
        var text = ""
        dump(settings, to: &text)
        dump(app.asked, to: &text)
        for hidden in sandbox.secrets + MadeUp.personal {
            #expect(!text.contains(hidden))
        }
        // The customer is sealed here: not even the own server sees who is paid.
        let sent = app.asked.map { $0.body.reveal() }.joined()
        #expect(!sent.contains("Dara") && !sent.contains("dara@example.com"))
    }

    @Test func whatTheServerRefusesIsNotSent() async throws {
        let gateway = try Gateway(settings(of: app))
        let request = try MadeUp.withdrawal("WD-1", of: "100.01")
        let error = try await failure { _ = try await gateway.withdrawByBankNumber(request) }
        guard case .notSigned(let told) = error else { throw Unexpected(what: "\(error)") }
        #expect(told.outcome == .notSent)
        #expect(told.message.contains("more than this user may pay out"))
        #expect(try await sandbox.ledger().isEmpty)
    }

    @Test func aServerThatIsAwayHasNothingSent() async throws {
        let away = App(server: "http://127.0.0.1:1", session: "session-of-dara")
        let gateway = try Gateway(settings(of: away))
        let request = try MadeUp.withdrawal("WD-1")
        let error = try await failure { _ = try await gateway.withdrawByBankNumber(request) }
        #expect(error.failure.outcome == .notSent)
        #expect(error.failure.retryable)
        #expect(try await sandbox.ledger().isEmpty)
    }

    @Test func whatTheAppThrowsIsNotToldOn() async throws {
        struct Personal: Error { let account = "000123456" }
        app.throwing = Personal()
        let gateway = try Gateway(settings(of: app))
        let request = try MadeUp.withdrawal("WD-1")
        let error = try await failure { _ = try await gateway.withdrawByBankNumber(request) }
        #expect(error.failure.outcome == .notSent)
        #expect(!"\(error)".contains("000123456"))
        #expect(try await sandbox.ledger().isEmpty)
    }

    @Test func aTokenThatIsRefusedIsAskedForAnew() async throws {
        let gateway = try Gateway(settings(of: app))
        try await gateway.authenticate()
        try await sandbox.fault(#""fault":"token_revoked","times":1"#)
        _ = try await gateway.merchantInfo(MerchantInfoRequest())
        #expect(app.refusals == [false, true])
    }

    @Test func aBatchIsSignedElsewhereToo() async throws {
        let folder = try Folder()
        let engine = try PayoutEngine(
            gateway: Gateway(settings(of: app)),
            storage: .file(path: folder.path("payroll.db")),
            policy: EngineTests.policy
        )
        // The third is more than the server signs for this user.
        var rows = try MadeUp.payroll(3)
        rows[2].amount = 101
        let run = try await engine.run(
            source: .rows(rows: rows, name: "june"), options: EngineTests.options
        )
        let status = try await run.result()
        #expect(status.counts[.paid] == 2)
        #expect(status.counts[.failed] == 1)
        #expect(try await sandbox.ledger().count == 2)
    }
}

/// What an app does to have requests signed: it asks its own server, as the user who is signed in.
final class App: RequestSigner, TokenProvider, @unchecked Sendable {
    private let server: String
    private let session: String
    private let lock = NSLock()
    private var requests: [UnsignedRequest] = []
    private var tokens: [Bool] = []
    var throwing: (any Error)?

    init(server: String, session: String) {
        self.server = server
        self.session = session
    }

    /// What was to be signed.
    var asked: [UnsignedRequest] { lock.withLock { requests } }
    /// For each token that was asked for, whether the last one had been refused.
    var refusals: [Bool] { lock.withLock { tokens } }

    func sign(request: UnsignedRequest) async throws -> String {
        if let throwing { throw throwing }
        lock.withLock { requests.append(request) }
        return try await ask("/sign", body: Data(request.body.reveal().utf8))
    }

    func token(refused: Bool) async throws -> AccessToken {
        struct Token: Decodable {
            let value: String
            let lifetime: TimeInterval

            enum CodingKeys: String, CodingKey {
                case value = "access_token"
                case lifetime = "expires_in"
            }
        }
        lock.withLock { tokens.append(refused) }
        let text = try await ask("/token?refused=\(refused)", body: nil)
        let token = try JSONDecoder().decode(Token.self, from: Data(text.utf8))
        return AccessToken(value: Sensitive(token.value), lifetime: token.lifetime)
    }

    private func ask(_ path: String, body: Data?) async throws -> String {
        var request = URLRequest(url: URL(string: server + path)!)
        request.httpMethod = body == nil ? "GET" : "POST"
        request.httpBody = body
        request.setValue("Bearer \(session)", forHTTPHeaderField: "Authorization")
        guard let answer = try? await Web.send(request), answer.status != 503 else {
            throw DelegateError.Unavailable(reason: "the server cannot be reached")
        }
        guard answer.status == 200 else { throw DelegateError.Refused(reason: answer.body) }
        return answer.body
    }
}
