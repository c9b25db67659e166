import Foundation
import Testing

@testable import KessPay

/// The engine's state in storage that the app gives.
@Suite(.timeLimit(.minutes(5))) struct StorageTests {
    let sandbox: Sandbox

    init() async throws {
        sandbox = try await Sandbox()
    }

    private func engine(on storage: Pages) throws -> PayoutEngine {
        try PayoutEngine(
            gateway: sandbox.gateway(), storage: .app(storage: storage), policy: EngineTests.policy
        )
    }

    @Test func aBatchIsKeptByTheApp() async throws {
        let pages = Pages()
        let rows = try MadeUp.payroll(25)
        let run = try await engine(on: pages).run(
            source: .rows(rows: rows, name: "june"), options: EngineTests.options
        )
        #expect(try await run.result().counts == [.paid: 25])
        #expect(pages.saves > 1)
        #expect(pages.areWhole)

        let again = try engine(on: pages)
        #expect(try await again.status().counts == [.paid: 25])
        #expect(try await again.rows().map(\.outcome) == Array(repeating: .paid, count: 25))
    }

    @Test(arguments: [3, 9, 20])
    func whenAChangeCannotBeKeptNobodyIsPaidTwice(failing save: Int) async throws {
        let pages = Pages(failing: save)
        let rows = try MadeUp.payroll(25)
        let source = Source.rows(rows: rows, name: "june")
        // Each row by itself has a save or more: together they may have fewer than there are rows.
        var options = EngineTests.options
        options.concurrency = 1
        let error = await caught { [options] in
            let run = try await engine(on: pages).run(source: source, options: options)
            _ = try await run.result()
        }
        let told = try #require(error as? EngineError)
        #expect(told.description.contains("the battery is out"))
        #expect(pages.saves == save)

        // The app is started again, with what it had kept. Where that is no batch, it begins anew.
        pages.works()
        let again = try engine(on: pages)
        let begun = try await again.batches().contains { $0.state != .loading }
        let run =
            begun
            ? try await again.resume(batch: "june")
            : try await again.run(source: source, options: options)
        #expect(try await run.result().counts == [.paid: 25])
        let ledger = try await sandbox.ledger().values
        #expect(ledger.count == 25 && ledger.allSatisfy { $0.timesBooked == 1 })
    }

    @Test func whatCannotBeLoadedIsToldAndNothingIsPaid() async throws {
        let pages = Pages(failing: 0)
        let rows = try MadeUp.payroll(1)
        let error = await caught {
            _ = try await engine(on: pages).run(
                source: .rows(rows: rows, name: "june"), options: EngineTests.options
            )
        }
        guard case EngineError.Storage? = error else { throw Unexpected(what: "\(error as Any)") }
        #expect(try await sandbox.ledger().isEmpty)
    }
}

/// An app's storage, in memory.
final class Pages: StateStorage, @unchecked Sendable {
    private let lock = NSLock()
    private var pages: [UInt32: Data] = [:]
    private var asked = 0
    private var failing: Int?

    /// Storage whose n-th save fails, and all after it; 0 is the load before them.
    init(failing save: Int? = nil) {
        failing = save
    }

    /// How often it was asked to keep something.
    var saves: Int { lock.withLock { asked } }

    /// Whether the pages are numbered without a gap, and of one size.
    var areWhole: Bool {
        lock.withLock {
            Set(pages.keys) == Set(1...UInt32(pages.count))
                && Set(pages.values.map(\.count)).count == 1
        }
    }

    /// From now on nothing fails.
    func works() {
        lock.withLock { failing = nil }
    }

    func load() async throws -> [StatePage] {
        try lock.withLock {
            if failing == 0 { throw StorageFailure.Failed(reason: "the battery is out") }
            return pages.map { StatePage(number: $0, bytes: $1) }
        }
    }

    func save(change: StateChange) async throws {
        try lock.withLock {
            asked += 1
            if let failing, asked >= failing {
                throw StorageFailure.Failed(reason: "the battery is out")
            }
            for page in change.pages { pages[page.number] = page.bytes }
            pages = pages.filter { $0.key <= change.count }
        }
    }
}
