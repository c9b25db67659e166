import Foundation
import Testing

@testable import KessPay

/// The conformance vectors of `spec/vectors/`, through the server's half of signing.
@Suite struct SigningTests {
    struct Vector: Decodable {
        let name: String
        let key: String
        let signType: String
        let params: String
        let sign: String

        enum CodingKeys: String, CodingKey {
            case name, key, params, sign
            case signType = "sign_type"
        }
    }

    /// What a server must not sign, because it can be read in two ways or is no request.
    static let ambiguous: Set<String> = [
        "byte order of keys, without service", "ampersands and equal signs within",
        "repeated key, the last counts", "sign is left out",
    ]

    @Test func everyVectorIsSignedAsItSaysOrRefusedForItsAmbiguity() throws {
        let text = try Build.file("spec/vectors/signing.json")
        let vectors = try JSONDecoder().decode([Vector].self, from: text)
        #expect(vectors.count >= 30)
        var refused: Set<String> = []
        for vector in vectors {
            let server = try server(signingWith: Sensitive(vector.key), as: vector.signType)
            do {
                let sign = try server.sign(Sensitive(vector.params))
                #expect(sign == vector.sign, "\(vector.name)")
            } catch GatewayError.invalidRequest(let failure) {
                #expect(failure.outcome == .notSent)
                refused.insert(vector.name)
            }
        }
        #expect(refused == Self.ambiguous)
    }

    @Test func aWeakerSignatureThanTheServersIsNotMade() async throws {
        let server = try server(signingWith: "key", as: nil)
        let error = try await failure {
            _ = try server.sign(#"{"service":"s","sign_type":"MD5"}"#)
        }
        guard case .invalidRequest = error else { throw Unexpected(what: "\(error)") }
    }

    private func server(signingWith key: Sensitive, as signType: String?) throws -> Gateway {
        try Gateway(
            Settings(
                // Nothing is sent.
                baseUrl: "http://127.0.0.1:1",
                access: .merchant(
                    clientId: "client", clientSecret: "s", username: "user", password: "p",
                    apiSecret: key
                ),
                signType: signType
            )
        )
    }
}
