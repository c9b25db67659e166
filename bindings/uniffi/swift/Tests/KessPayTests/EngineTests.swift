import Foundation
import Testing

@testable import KessPay

/// Batches against the sandbox: whole ones, and ones that are stopped, given up, cancelled.
@Suite(.timeLimit(.minutes(10))) struct EngineTests {
    /// Pauses so short that a test does not wait for them.
    static let policy = """
        {"settle":"100ms","not_found_gap":"10ms","doubt":{"first":"5ms","longest":"20ms"},
         "processing":{"first":"5ms","longest":"20ms"},"otp":{"first":"5ms","longest":"20ms"},
         "retry":{"first":"5ms","longest":"20ms"},"circuit":{"first":"5ms","longest":"20ms"},
         "retry_after":"5ms","outage_after":"2s"}
        """

    /// Names are made up on both sides, so they are not compared.
    static let options = RunOptions(batch: "june", nameMatch: .off)

    let sandbox: Sandbox
    let folder: Folder
    let engine: PayoutEngine

    init() async throws {
        sandbox = try await Sandbox()
        folder = try Folder()
        engine = try PayoutEngine(
            gateway: sandbox.gateway(), storage: .file(path: folder.path("payroll.db")),
            policy: Self.policy
        )
    }

    @Test func aThousandRowsArePaidAndToldOneByOne() async throws {
        let rows = try MadeUp.payroll(1000)
        let requested = rows.reduce(Decimal(0)) { $0 + $1.amount }
        let run = try await engine.run(
            source: .rows(rows: rows, name: "june"), options: Self.options
        )
        var paid: [UInt64: Decimal] = [:]
        var ended: BatchStatus?
        for try await event in run.events {
            switch event {
            case .rowChanged(let row, let reference, _, .paid, let money, _):
                #expect(paid.updateValue(money.amount, forKey: row) == nil, "row \(row), twice")
                #expect(reference == "R-\(row)")
            case .ended(let status):
                ended = status
            default:
                break
            }
        }
        let status = try await run.result()
        #expect(ended?.counts == status.counts)
        #expect(status.counts == [.paid: 1000])
        #expect(status.state == .finished)
        #expect(status.totals["USD"]?.requested == requested)
        #expect(status.totals["USD"]?.byOutcome == [.paid: requested])
        #expect(paid.count == 1000)
        #expect(paid.values.reduce(0, +) == requested)
        let ledger = try await sandbox.ledger().values
        #expect(ledger.count == 1000)
        #expect(ledger.allSatisfy { $0.timesBooked == 1 })
        #expect(ledger.compactMap { Decimal(plain: $0.moved) }.reduce(0, +) == requested)
    }

    @Test func aOneTimePasswordIsFollowedUntilItIsPaid() async throws {
        var rows = try MadeUp.payroll(3)
        rows[1].bankAccountNumber = "000120777"
        var options = Self.options
        options.otp = .wait
        let run = try await engine.run(source: .rows(rows: rows, name: "june"), options: options)
        var outcomes: [Outcome] = []
        for try await event in run.events {
            switch event {
            case .otpRequired(let row, _, let url, let expiresAt):
                #expect(row == 2)
                #expect(try #require(expiresAt) > Date(timeIntervalSince1970: 0))
                #expect(try await engine.otp().map(\.reference) == ["R-2"])
                try await Web.confirmOtp(try #require(url).reveal())
            case .rowChanged(2, _, _, let now, _, _):
                outcomes.append(now)
            default:
                break
            }
        }
        #expect(outcomes.suffix(2) == [.awaitingOtp, .paid])
        #expect(try await run.result().counts == [.paid: 3])
        #expect(try await engine.otp().isEmpty)
    }

    @Test func aBatchThatIsStoppedHalfWayGoesOnLater() async throws {
        let rows = try MadeUp.payroll(100)
        // So slow from some row on that the batch is not through before it is stopped.
        try await sandbox.fault(#""fault":"slow","millis":2000,"service":"withdraw","after":30"#)
        var options = Self.options
        options.concurrency = 4
        let run = try await engine.run(source: .rows(rows: rows, name: "june"), options: options)
        var paid = 0
        for try await event in run.events {
            if case .rowChanged(_, _, _, .paid, _, _) = event {
                paid += 1
                if paid == 20 { run.stop() }
            }
        }
        let stopped = try await run.result()
        #expect(stopped.interrupted)
        #expect(stopped.state == .stopped)
        let before = try #require(stopped.counts[.paid])
        #expect((20..<100).contains(before))

        try await sandbox.clearFaults()
        let rest = try await engine.resume()
        #expect(try await rest.result().counts == [.paid: 100])
        let ledger = try await sandbox.ledger().values
        #expect(ledger.count == 100 && ledger.allSatisfy { $0.timesBooked == 1 })
    }

    /// What becomes of a batch when the app is ended by the system: nobody says goodbye.
    @Test func aBatchThatIsGivenUpHalfWayPaysNobodyTwice() async throws {
        let rows = try MadeUp.payroll(100)
        try await sandbox.fault(
            #""fault":"slow","millis":600000,"service":"withdraw","after":30,"times":4"#
        )
        var options = Self.options
        options.concurrency = 4
        let run = try await engine.run(source: .rows(rows: rows, name: "june"), options: options)
        try await until { try await sandbox.hits("slow") == 4 }
        run.giveUp()
        await #expect(throws: EngineError.self) { _ = try await run.result() }

        let again = try PayoutEngine(
            gateway: sandbox.gateway(), storage: .file(path: folder.path("payroll.db")),
            policy: Self.policy
        )
        #expect(try await again.status().counts[.inDoubt] == 4)
        #expect(try await again.resume(batch: "june").result().counts == [.paid: 100])
        let ledger = try await sandbox.ledger().values
        #expect(ledger.count == 100 && ledger.allSatisfy { $0.timesBooked == 1 })
    }

    @Test func aReaderWhoGoesAwayDoesNotEndTheRun() async throws {
        var rows = try MadeUp.payroll(3)
        rows[1].bankAccountNumber = "000120777"
        var options = Self.options
        options.otp = .wait
        let run = try await engine.run(source: .rows(rows: rows, name: "june"), options: options)
        let reader = Task { for try await _ in run.events {} }
        let waiter = Task { try await run.result() }
        try await until { try await !engine.otp().isEmpty }
        reader.cancel()
        waiter.cancel()
        await #expect(throws: CancellationError.self) { try await reader.value }
        await #expect(throws: CancellationError.self) { _ = try await waiter.value }
        #expect(!run.isOver())
        try await Web.confirmOtp(try #require(try await engine.otp().first?.url).reveal())
        #expect(try await run.result().counts == [.paid: 3])
        #expect(run.isOver())
    }

    @Test func aFileIsCheckedBeforeItIsPaid() async throws {
        let path = Build.root.appendingPathComponent("examples/payroll.csv").path
        let found = try await engine.check(source: .file(path: path))
        #expect(found.rows == 1200)
        #expect(found.problems.isEmpty)

        var rows = try MadeUp.payroll(3)
        rows[2].reference = "R-1"
        let wrong = try await engine.check(source: .rows(rows: rows, name: "june"))
        #expect(wrong.problems.map(\.row) == [1, 3])
        let source = Source.rows(rows: rows, name: "june")
        let error = await caught { _ = try await engine.run(source: source, options: Self.options) }
        guard case EngineError.Refused(let message)? = error else {
            throw Unexpected(what: "\(error as Any)")
        }
        #expect((error as? EngineError)?.localizedDescription == message)
        #expect(try await sandbox.ledger().isEmpty)
    }

    @Test func aHeldRowIsPaidWhenAPersonSaysSo() async throws {
        var rows = try MadeUp.payroll(2)
        rows[0].bankAccountNumber = "000120411"
        var options = Self.options
        options.nameMatch = .strict
        let run = try await engine.run(source: .rows(rows: rows, name: "june"), options: options)
        let held = try #require(try await run.result().counts[.held])
        #expect(held >= 1)
        for row in try await engine.rows() where row.outcome == .held {
            let released = try await engine.release(
                reference: row.reference, by: "payroll", reason: "asked the payee"
            )
            #expect(released.outcome == .pending)
        }
        #expect(try await engine.resume(batch: "june").result().counts == [.paid: 2])

        let compared = try await engine.reconcile()
        #expect(compared.asked == 2)
        #expect(compared.differences.isEmpty)
        #expect(try await engine.saveReport(path: folder.path("june.json")) == 2)
        let purged = try await engine.purge(batch: "june")
        #expect(purged.purgedAt != nil)
        #expect(try await engine.rows().allSatisfy { $0.maskedAccount == nil })
    }

    @Test func aCancelledBatchSendsNothingMore() async throws {
        var rows = try MadeUp.payroll(2)
        rows[0].bankAccountNumber = "000120777"
        let run = try await engine.run(
            source: .rows(rows: rows, name: "june"), options: Self.options
        )
        #expect(try await run.result().counts == [.awaitingOtp: 1, .paid: 1])
        let closing = try await engine.cancel(by: "payroll", batch: "june", reason: "wrong month")
        let status = try await closing.result()
        #expect(status.counts == [.cancelled: 1, .paid: 1])
        #expect(status.cancelled?.contains("wrong month") == true)
        #expect(try await engine.batches().map(\.batch) == ["june"])
    }

    @Test func whatTheEngineTellsHoldsNothingPersonal() async throws {
        var rows = try MadeUp.payroll(2)
        rows[0].bankAccountNumber = "000120777"
        let run = try await engine.run(
            source: .rows(rows: rows, name: "june"), options: Self.options
        )
        var text = "\(rows)"
        for try await event in run.events { dump(event, to: &text) }
        dump(try await engine.rows(), to: &text)
        dump(try await engine.otp(), to: &text)
        dump(try await engine.batches(), to: &text)
        let page = try #require(try await engine.otp().first?.url).reveal()
        for hidden in MadeUp.personal + ["000120777", "0010000029", page] {
            #expect(!text.contains(hidden))
        }
    }

    @Test func anEngineWithoutAGatewayPaysNothing() async throws {
        let blind = try PayoutEngine(gateway: nil, storage: .file(path: folder.path("other.db")))
        let rows = try MadeUp.payroll(1)
        #expect(try await blind.check(source: .rows(rows: rows, name: "june")).valid == 1)
        let error = await caught {
            _ = try await blind.run(source: .rows(rows: rows, name: "june"), options: Self.options)
        }
        guard case EngineError.Configuration? = error else {
            throw Unexpected(what: "\(error as Any)")
        }
        await #expect(throws: EngineError.self) { _ = try await blind.status(batch: "july") }
    }
}

/// A folder that is gone with its test.
final class Folder: Sendable {
    private let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("kesspay-\(UUID().uuidString)", isDirectory: true)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    deinit { try? FileManager.default.removeItem(at: url) }
}
