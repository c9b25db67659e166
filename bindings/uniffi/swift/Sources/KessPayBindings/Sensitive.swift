/// A value that must not be seen: an account, a name, a token, a password.
///
/// It has no text form. Printed, interpolated, dumped or shown by a debugger it is `***`, and so it
/// cannot get into a log by mistake. Where the value itself is needed, ``reveal()`` says so.
///
/// ```swift
/// let account = Sensitive("000123456")
/// print("paying to \(account)")  // paying to ***
/// ```
public struct Sensitive: Hashable, Sendable {
    private let value: String

    /// Hides a value.
    public init(_ value: String) {
        self.value = value
    }

    /// The value itself. Do not log it.
    public func reveal() -> String {
        value
    }
}

extension Sensitive: ExpressibleByStringLiteral {
    /// Hides a literal, which is for examples and tests: what is secret is in no source code.
    public init(stringLiteral value: String) {
        self.init(value)
    }
}

extension Sensitive: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// A mask.
    public var description: String { "***" }

    /// The same mask.
    public var debugDescription: String { "***" }

    /// Nothing, for `dump` and debuggers.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
