import Foundation

extension Money {
    /// The currencies in which the gateway pays.
    public enum Currency: String, CaseIterable, Sendable {
        /// American dollars, with two decimals.
        case usd = "USD"
        /// Cambodian riel, which have no decimals.
        case khr = "KHR"
    }

    /// An exact amount, from its text: `try Money("10.50", .usd)`.
    ///
    /// There is none that takes a `Double`, and a literal such as `10.1` is one, even where a
    /// `Decimal` is wanted: Swift makes the number binary before it makes it decimal. A text keeps
    /// its digits.
    ///
    /// - Throws: ``GatewayError/invalidRequest(_:)`` if the text is no plain decimal, such as
    ///   `10.50`.
    public init(_ amount: String, _ currency: Currency) throws {
        guard let exact = Decimal(plain: amount) else {
            throw GatewayError.invalidRequest(
                .setup(.invalidRequest, "an amount is a plain decimal, such as 10.50")
            )
        }
        self.init(amount: exact, currency: currency.rawValue)
    }
}

extension Money: CustomStringConvertible {
    /// The amount with the decimals of its currency: `10.50 USD`, `40000 KHR`.
    ///
    /// A `Decimal` does not remember that it was written with a zero at the end, so this writes it
    /// again. Nothing is cut off.
    public var description: String {
        let parts = amount.plain.split(separator: ".")
        let decimals = parts.count == 2 ? parts[1] : ""
        let width = currency == Currency.usd.rawValue ? 2 : 0
        let padded = decimals + String(repeating: "0", count: max(0, width - decimals.count))
        return parts[0] + (padded.isEmpty ? "" : "." + padded) + " " + currency
    }
}
