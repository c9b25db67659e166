import Foundation
import Testing

@testable import KessPay

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// What the build tells the tests.
enum Build {
    /// Where cargo put its programs.
    static let programs = folder("KESSPAY_PROGRAMS")
    /// The root of the repository.
    static let root = folder("KESSPAY_ROOT")

    private static func folder(_ name: String) -> URL {
        guard let path = ProcessInfo.processInfo.environment[name] else {
            fatalError("run the tests with `cargo xtask test --only Swift`")
        }
        return URL(fileURLWithPath: path, isDirectory: true)
    }

    /// The text of a file of the repository.
    static func file(_ path: String) throws -> Data {
        try Data(contentsOf: root.appendingPathComponent(path))
    }
}

/// A program that ends with whoever started it.
final class Child: @unchecked Sendable {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    init(
        _ program: URL, _ arguments: [String], environment: [String: String]? = nil
    ) throws {
        process.executableURL = program
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        process.standardInput = input
        if let environment { process.environment = environment }
        try process.run()
    }

    /// The next line that it prints.
    func line() async throws -> String {
        try await waiting { [output] in
            var line = Data()
            let end = Data("\n".utf8)
            while let byte = try output.fileHandleForReading.read(upToCount: 1), byte != end {
                line += byte
            }
            return String(decoding: line, as: UTF8.self)
        }
    }

    /// Types something.
    func enter(_ text: String) throws {
        try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
    }

    /// What else it prints, once it has ended, and how it ended.
    func end() async throws -> (output: String, status: Int32) {
        try await waiting { [self] in
            let printed = try output.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            return (String(decoding: printed, as: UTF8.self), process.terminationStatus)
        }
    }

    /// Waits on a thread of its own: those of tasks are few, and a test that holds one holds all.
    private func waiting<Answer: Sendable>(
        _ work: @escaping @Sendable () throws -> Answer
    ) async throws -> Answer {
        try await withCheckedThrowingContinuation { done in
            Thread.detachNewThread { done.resume(with: Result { try work() }) }
        }
    }

    deinit {
        if process.isRunning {
            kill(process.processIdentifier, SIGKILL)
        }
    }
}

/// A gateway in a process of its own: `payout sandbox`.
final class Sandbox: Sendable {
    private let child: Child
    /// The variables that point `payout`, and `Settings.fromEnvironment`, at it.
    let environment: [String: String]
    let url: String
    let settings: Settings

    init(_ options: String...) async throws {
        let payout = Build.programs.appendingPathComponent("payout")
        child = try Child(payout, ["--json", "sandbox"] + options)
        let told = Data(try await child.line().utf8)
        environment = try #require(JSONSerialization.jsonObject(with: told) as? [String: String])
        url = try #require(environment["KESS_BASE_URL"])
        settings = try Settings.fromEnvironment(environment)
    }

    /// All that must never be seen.
    var secrets: [String] {
        let names = ["KESS_CLIENT_SECRET", "KESS_PASSWORD", "KESS_API_SECRET_KEY"]
        return names.compactMap { environment[$0] }
    }

    func gateway() throws -> Gateway { try Gateway(settings) }

    /// What the gateway booked, by order number.
    func ledger() async throws -> [String: Booking] {
        struct Ledger: Decodable { let rows: [Booking] }
        let text = try await Web.get("\(url)/sandbox/ledger")
        let rows = try JSONDecoder().decode(Ledger.self, from: Data(text.utf8)).rows
        return Dictionary(uniqueKeysWithValues: rows.map { ($0.outTradeNo, $0) })
    }

    /// Adds a fault, such as `"fault":"slow","millis":20`.
    func fault(_ rule: String) async throws {
        try await faults("{\"rules\":[{\(rule)}]}")
    }

    func clearFaults() async throws {
        try await faults("{\"clear\":true,\"rules\":[]}")
    }

    private func faults(_ body: String) async throws {
        let answer = try await Web.post("\(url)/sandbox/faults", body)
        try #require(answer.status == 200, "\(answer.body)")
    }

    /// How often a fault struck.
    func hits(_ fault: String) async throws -> Int {
        struct Faults: Decodable { let hits: [String: Int] }
        let text = try await Web.get("\(url)/sandbox/faults")
        return try JSONDecoder().decode(Faults.self, from: Data(text.utf8)).hits[fault] ?? 0
    }

    /// Moves the sandbox's clock on.
    func advance(seconds: Int) async throws {
        let answer = try await Web.post("\(url)/sandbox/clock", "{\"seconds\":\(seconds)}")
        try #require(answer.status == 200, "\(answer.body)")
    }
}

/// A withdrawal in the sandbox's books.
struct Booking: Decodable {
    let outTradeNo: String
    let status: String
    let timesBooked: Int
    let moved: String

    enum CodingKeys: String, CodingKey {
        case outTradeNo = "out_trade_no"
        case status
        case timesBooked = "times_booked"
        case moved
    }
}

/// A browser.
enum Web {
    static func get(_ url: String) async throws -> String {
        let answer = try await send(URLRequest(url: try #require(URL(string: url))))
        try #require(answer.status == 200, "\(url): \(answer.body)")
        return answer.body
    }

    static func post(
        _ url: String, _ body: String, type: String = "application/json"
    ) async throws -> (status: Int, body: String) {
        var request = URLRequest(url: try #require(URL(string: url)))
        request.httpMethod = "POST"
        request.httpBody = Data(body.utf8)
        request.setValue(type, forHTTPHeaderField: "Content-Type")
        return try await send(request)
    }

    static func send(_ request: URLRequest) async throws -> (status: Int, body: String) {
        let (data, response) = try await URLSession.shared.data(for: request)
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        return (status, String(decoding: data, as: UTF8.self))
    }

    /// Enters the one-time password that the sandbox's page shows.
    static func confirmOtp(_ link: String) async throws {
        let page = try await get(link)
        let code = try #require(page.firstMatch(of: /id="sandbox-code">(\d+)</)).1
        let answer = try await post(
            link, "code=\(code)", type: "application/x-www-form-urlencoded"
        )
        try #require(answer.body.contains("Confirmed"), "the page did not take the code")
    }
}
