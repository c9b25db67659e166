import Foundation

extension Settings {
    /// The settings of a merchant's own server, from the variables that the `payout` command reads,
    /// too: `KESS_BASE_URL`, `KESS_CLIENT_ID`, `KESS_CLIENT_SECRET`, `KESS_USERNAME`,
    /// `KESS_PASSWORD`, `KESS_API_SECRET_KEY`, and, if they are set, `KESS_SELLER_CODE` and
    /// `KESS_PUBLIC_KEY` or `KESS_PUBLIC_KEY_FILE`.
    ///
    /// **For servers only.** An app has no such variables, and must not hold the merchant's secrets
    /// in any other way either: give it `Access.delegated`.
    ///
    /// - Throws: ``GatewayError/configuration(_:)`` if a variable that is needed is not set, or the
    ///   file of the key cannot be read.
    public static func fromEnvironment(
        _ environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> Settings {
        func needed(_ name: String) throws -> String {
            guard let value = environment[name], !value.isEmpty else {
                throw GatewayError.configuration(.setup(.configuration, "\(name) is not set"))
            }
            return value
        }
        return Settings(
            baseUrl: try needed("KESS_BASE_URL"),
            access: .merchant(
                clientId: try needed("KESS_CLIENT_ID"),
                clientSecret: Sensitive(try needed("KESS_CLIENT_SECRET")),
                username: try needed("KESS_USERNAME"),
                password: Sensitive(try needed("KESS_PASSWORD")),
                apiSecret: Sensitive(try needed("KESS_API_SECRET_KEY"))
            ),
            sellerCode: environment["KESS_SELLER_CODE"],
            publicKey: try environment["KESS_PUBLIC_KEY"]
                ?? environment["KESS_PUBLIC_KEY_FILE"].map(key(inFile:))
        )
    }

    private static func key(inFile path: String) throws -> String {
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw GatewayError.configuration(
                .setup(.configuration, "the file that KESS_PUBLIC_KEY_FILE names cannot be read")
            )
        }
    }
}
