import Foundation

/// The texts in which amounts cross to the library: plain decimals, whatever the locale.
///
/// `Decimal` holds 38 digits, the library 28, so nothing that it tells is rounded here. What is too
/// long for it is refused there.
extension Decimal {
    /// Reads a plain decimal: digits, perhaps a sign before and a point within.
    ///
    /// `Decimal(string:)` reads as far as it understands and leaves the rest, so the text is looked
    /// at before.
    package init?(plain text: String) {
        var digits = text.utf8[...]
        if let sign = digits.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            digits = digits.dropFirst()
        }
        let parts = digits.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let plain = parts.allSatisfy { part in
            !part.isEmpty && part.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains)
        }
        let significant = parts.joined().drop { $0 == UInt8(ascii: "0") }.count
        guard plain, parts.count <= 2, significant <= 38 else { return nil }
        self.init(string: text, locale: Locale(identifier: "en_US_POSIX"))
    }

    /// The amount as a plain decimal, without a group and without an exponent.
    package var plain: String {
        var value = self
        return NSDecimalString(&value, Locale(identifier: "en_US_POSIX"))
    }

    /// Reads what the library tells.
    static func lift(_ text: String) throws -> Decimal {
        guard let amount = Decimal(plain: text) else { throw Unreadable(what: "an amount") }
        return amount
    }
}
