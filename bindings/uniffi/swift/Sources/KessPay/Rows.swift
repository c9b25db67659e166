import Foundation

/// The rows of a list that comes in pieces.
///
/// Each iteration begins anew, and a piece is asked for when the rows before it are used up.
public struct Rows<Row: Sendable>: AsyncSequence, Sendable {
    public typealias Element = Row

    /// Answers the next piece; `nil` behind the last.
    typealias Pieces = @Sendable () async throws -> [Row]?

    let open: @Sendable () async throws -> Pieces

    public func makeAsyncIterator() -> Iterator {
        Iterator(open: open)
    }

    /// Goes through the rows once. A failure ends it.
    public struct Iterator: AsyncIteratorProtocol {
        let open: @Sendable () async throws -> Pieces
        var pieces: Pieces?
        var rows: ArraySlice<Row> = []
        var ended = false

        init(open: @escaping @Sendable () async throws -> Pieces) {
            self.open = open
        }

        public mutating func next() async throws -> Row? {
            do {
                while rows.isEmpty, !ended {
                    try await fetch()
                }
            } catch {
                ended = true
                throw error
            }
            return rows.popFirst()
        }

        private mutating func fetch() async throws {
            let next: Pieces
            if let pieces {
                next = pieces
            } else {
                next = try await open()
                pieces = next
            }
            if let piece = try await next() {
                rows = piece[...]
            } else {
                ended = true
            }
        }
    }
}

extension Gateway {
    /// The rows of a list, which `open` opens and `next` reads piece by piece.
    func rows<Pages: Sendable, Row: Sendable>(
        _ operation: String,
        _ timeout: TimeInterval?,
        open: @escaping @Sendable (CallOptions) throws -> Pages,
        next: @escaping @Sendable (Pages, CallOptions) async throws -> [Row]?
    ) -> Rows<Row> {
        Rows {
            let pages = try await read(operation, timeout) { try open($0) }
            return { try await read(operation, timeout) { try await next(pages, $0) } }
        }
    }
}
