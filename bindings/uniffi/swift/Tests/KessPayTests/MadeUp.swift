import Foundation
import KessPay
import Testing

/// People and payments that do not exist.
enum MadeUp {
    static let customer = Customer(
        phoneNumber: "012345678", email: "dara@example.com", firstName: "Dara", lastName: "Sok"
    )

    /// Every personal value in `customer` and `withdrawal`.
    static let personal = ["012345678", "dara@example.com", "Dara", "Sok", "000123456"]

    /// A withdrawal of ten dollars and a half, to an account whose last digits say what happens.
    static func withdrawal(
        _ outTradeNo: String, to account: Sensitive = "000123456", of amount: String = "10.50"
    ) throws -> WithdrawByBankNumberRequest {
        WithdrawByBankNumberRequest(
            outTradeNo: outTradeNo,
            totalAmount: try Money(amount, .usd),
            bic: .abaakhpp,
            bankAccount: account,
            customer: customer
        )
    }

    /// So many people, each with an account of an own number, which gets a few dollars.
    static func payroll(_ count: Int) throws -> [PayoutRow] {
        try (1...count).map { number in
            PayoutRow(
                reference: "R-\(number)",
                firstName: "Dara",
                lastName: Sensitive("Sok \(letters(number))"),
                phoneNumber: "012345678",
                email: "dara@example.com",
                bankAccountNumber: Sensitive("00\(1_000_000 + number)9"),
                bic: "ABAAKHPP",
                amount: try Money("\(number % 90 + 10).\(number % 10)5", .usd).amount,
                currency: "USD"
            )
        }
    }

    /// A name that is another for each number: 0 is a, 9 is j.
    private static func letters(_ number: Int) -> String {
        String(decoding: String(number).utf8.map { $0 + 49 }, as: UTF8.self)
    }
}

/// Looks until something holds; fails where that takes too long.
func until(_ holds: () async throws -> Bool) async throws {
    let end = Date() + 60
    while try await !holds() {
        try #require(Date() < end, "it never came")
        await Task.yield()
    }
}

/// What a call throws, if it does.
func caught(_ call: () async throws -> Void) async -> (any Error)? {
    do {
        try await call()
        return nil
    } catch {
        return error
    }
}

/// What a test did not expect.
struct Unexpected: Error {
    let what: String
}

/// The `GatewayError` that a call throws.
func failure(_ call: () async throws -> Void) async throws -> GatewayError {
    let error = await caught(call)
    return try #require(error as? GatewayError, "\(error as Any)")
}
