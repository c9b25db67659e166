import Foundation

/// The KESS PAY gateway: every operation is an `async` method.
///
/// It may be called from many tasks at once and holds one pool of connections, so an app has one of
/// them. Nothing is sent before the first call.
///
/// ```swift
/// let gateway = try Gateway(settings)
/// let account = try await gateway.verifyBankAccount(
///     VerifyBankAccountRequest(bankAccountNumber: Sensitive(number), bic: .abaakhpp)
/// )
/// print(account.currency)
/// ```
///
/// A call that fails throws a ``GatewayError``. Cancelling its task gives a call up: one that only
/// reads throws `CancellationError`, one that changes something ``GatewayError/unknown(_:)``,
/// because it may have been carried out. A task that was cancelled before sends nothing, and throws
/// `CancellationError` in either case.
public final class Gateway: Sendable {
    let core: GatewayCore

    /// Prepares a connection.
    ///
    /// - Throws: ``GatewayError/configuration(_:)`` if the settings are not what they must be, or
    ///   the library is of another version than the package.
    public init(_ settings: Settings) throws {
        try checkVersion()
        try checked(settings.timeout)
        try checked(settings.connectTimeout)
        core = try setUp { try GatewayCore(settings: settings) }
    }

    /// Where the gateway is.
    public var baseUrl: String { core.baseUrl() }

    /// Fetches a token if there is none: a check of the credentials, or of the app's
    /// `TokenProvider`, that does nothing else.
    ///
    /// - Throws: ``GatewayError/authentication(_:)`` if the credentials are not accepted.
    public func authenticate() async throws {
        try await read("authenticate", nil) { [core] _ in try await core.authenticate() }
    }

    /// The page on which an order is paid.
    public func paymentLink(orderToken: Sensitive) -> String {
        core.paymentLink(orderToken: orderToken)
    }

    /// The page that charges a saved card.
    public func cardTokenLink(orderToken: Sensitive, cardToken: Sensitive) -> Sensitive {
        core.cardTokenLink(orderToken: orderToken, cardToken: cardToken)
    }
}

/// The half of a server: signing for apps that hold no secret, and reading notices. It needs the
/// merchant's own secrets.
extension Gateway {
    /// Signs what an app wants to send, with the merchant's API secret.
    ///
    /// Look at who asks, and for what, before you call it. The body is checked for being one
    /// request that can be read in one way only, so what the gateway reads is what the server
    /// judged.
    ///
    /// - Parameter body: The JSON that the app's `RequestSigner` was given.
    /// - Returns: The signature, in hexadecimal digits.
    /// - Throws: ``GatewayError`` if the body is no such request, or this gateway has no secret.
    public func sign(_ body: Sensitive) throws -> String {
        try setUp { try core.sign(body: body) }
    }

    /// A token for an app that holds no credentials: the one that this gateway uses itself.
    public func accessToken() async throws -> AccessToken {
        try await read("access_token", nil) { [core] _ in try await core.accessToken() }
    }

    /// Checks the signature of a notice that the gateway posted, and reads it. Query what it says
    /// before you rely on it.
    ///
    /// - Parameter body: The body of the request, byte for byte as it came.
    /// - Throws: ``GatewayError/signature(_:)`` if it is not the gateway's.
    public func verifyNotice(_ body: Data) throws -> WebhookNotice {
        try setUp { try core.verifyNotice(body: body) }
    }
}
