import Foundation
import Testing

/// The samples, as the programs that they are.
@Suite(.timeLimit(.minutes(2))) struct SampleTests {
    @Test func onePersonIsPaidWithAOneTimePasswordInThirtyLines() async throws {
        let sample = try Build.file("bindings/uniffi/swift/Samples/PayOnePerson.swift")
        #expect(sample.split(separator: UInt8(ascii: "\n")).count <= 30)

        let sandbox = try await Sandbox()
        let programs = try #require(Bundle.main.executableURL).deletingLastPathComponent()
        let program = programs.appendingPathComponent("PayOnePerson")
        // As on a terminal, where each line is seen at once.
        let terminal = URL(fileURLWithPath: "/usr/bin/stdbuf")
        let person = try Child(
            terminal, ["--output=L", program.path], environment: sandbox.environment
        )
        #expect(try await person.line() == "The account is kept in USD.")
        let asked = try await person.line()
        let page = try #require(asked.split(separator: " ").last)
        #expect(try await sandbox.ledger().values.map(\.status) == ["WAITING"])
        try await Web.confirmOtp(String(page))
        try person.enter("\n")
        let end = try await person.end()
        #expect(end.output == "It stands at SUCCESS.\n")
        #expect(end.status == 0)
        #expect(try await sandbox.ledger()["SALARY-2026-06-1"]?.status == "SUCCESS")
    }
}
