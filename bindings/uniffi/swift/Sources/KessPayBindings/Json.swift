/// A piece of a reply as the gateway wrote it, where nobody documents what stands in it.
///
/// It may hold what must not be seen, so it has no text form of its own: printed, it tells its size.
/// Read ``text`` with `JSONDecoder` or `JSONSerialization`.
public struct Json: Hashable, Sendable {
    /// The JSON.
    public let text: String

    /// A piece of JSON.
    public init(_ text: String) {
        self.text = text
    }
}

extension Json: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The size, and nothing of what stands in it.
    public var description: String { "Json(\(text.count) characters)" }

    /// The same.
    public var debugDescription: String { description }

    /// Nothing, for `dump` and debuggers.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
