import Foundation

/// A day of the calendar, without a time and without a time zone: `2026-11-27`.
public struct LocalDate: Hashable, Sendable {
    /// The year, such as 2026.
    public let year: Int
    /// The month: 1 is January.
    public let month: Int
    /// The day of the month, from 1.
    public let day: Int

    /// A day, which is taken as it is: a call with a day that the calendar does not have, such as
    /// 30 February, is refused before it is sent.
    public init(year: Int, month: Int, day: Int) {
        (self.year, self.month, self.day) = (year, month, day)
    }

    /// The day in its usual form, `2026-11-27`; `nil` if the text is no day of the calendar.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let digits = parts.allSatisfy { $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
        guard digits, parts.map(\.count) == [4, 2, 2] else { return nil }
        let numbers = parts.compactMap { Int($0) }
        guard numbers.count == 3 else { return nil }
        self.init(year: numbers[0], month: numbers[1], day: numbers[2])
        let calendar = Self.calendar(in: .gmt)
        let found = DateComponents(calendar: calendar, year: year, month: month, day: day)
        guard year > 0, found.isValidDate(in: calendar) else { return nil }
    }

    /// The day that a moment falls on, in a time zone.
    public init(_ moment: Date, in zone: TimeZone) {
        let calendar = Self.calendar(in: zone)
        let parts = calendar.dateComponents([.year, .month, .day], from: moment)
        (year, month, day) = (parts.year ?? 1, parts.month ?? 1, parts.day ?? 1)
    }

    private static func calendar(in zone: TimeZone) -> Calendar {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        return calendar
    }
}

extension LocalDate: Comparable, CustomStringConvertible {
    /// Earlier days come first.
    public static func < (left: LocalDate, right: LocalDate) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }

    /// The day in its usual form, `2026-11-27`.
    public var description: String {
        let padded = { (number: Int, width: Int) in
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return [padded(year, 4), padded(month, 2), padded(day, 2)].joined(separator: "-")
    }

    /// Reads what the library tells, which are days only.
    static func lift(_ text: String) throws -> LocalDate {
        guard let day = LocalDate(text) else { throw Unreadable(what: "a day") }
        return day
    }
}

/// A value that the library tells in a form that this package does not know.
struct Unreadable: Error {
    let what: String
}
