import Foundation
import Testing

@testable import KessPay
@testable import KessPayBindings

@Suite struct ValuesTests {
    @Test func aSensitiveValueHasNoTextForm() {
        let secret = Sensitive("000123456")
        var shown = ["\(secret)", String(reflecting: secret), "\([secret])", "\(MadeUp.customer)"]
        var dumped = ""
        dump(secret, to: &dumped)
        dump([secret], to: &dumped)
        dump(MadeUp.customer, to: &dumped)
        debugPrint(secret, [secret], Optional(secret) as Any, MadeUp.customer, to: &dumped)
        shown.append(dumped)
        for text in shown {
            #expect(text.contains("***"))
            for personal in MadeUp.personal {
                #expect(!text.contains(personal))
            }
        }
        #expect(secret.reveal() == "000123456")
    }

    @Test func whatTheGatewayDoesNotDocumentIsNotPrinted() {
        let json = Json(#"{"name":"Sok"}"#)
        var dumped = ""
        dump([json], to: &dumped)
        for text in ["\(json)", String(reflecting: json), "\([json])", dumped] {
            #expect(!text.contains("Sok"))
        }
        #expect(json.text == #"{"name":"Sok"}"#)
    }

    @Test func sensitiveValuesAreEqualByValue() {
        #expect(Sensitive("a") == "a")
        #expect(Sensitive("a").hashValue == Sensitive("a").hashValue)
        #expect(Sensitive("a") != Sensitive("b"))
    }

    @Test(arguments: [
        ("0.1", "0.1"), ("0.3", "0.3"), ("10.50", "10.5"), ("-10.5", "-10.5"), ("0", "0"),
        ("0.00", "0"), ("4000000000000", "4000000000000"), ("12345678901234567890.12", nil),
        ("79228162514264337593543950335", nil), ("0.0000000000000000000000000001", nil),
        ("0000000000000000000000000000000000000000000010", "10"),
    ])
    func anAmountKeepsEveryDigit(text: String, plain: String?) throws {
        let amount = try #require(Decimal(plain: text))
        #expect(amount.plain == plain ?? text)
    }

    @Test(arguments: [
        "", "-", ".", "10.", ".5", "1e3", "10,50", "1.000.000", " 1", "1 ", "ten", "NaN", "١٠",
        "--1", "0x10", String(repeating: "9", count: 39),
    ])
    func whatIsNoPlainAmountIsNoAmount(text: String) {
        #expect(Decimal(plain: text) == nil)
        #expect(throws: GatewayError.self) { try Money(text, .usd) }
    }

    @Test func amountsAddUpAsOnPaper() throws {
        let tenth = try Money("0.1", .usd).amount
        let fifth = try Money("0.2", .usd).amount
        #expect((tenth + fifth).plain == "0.3")
        let riel = try Money("99999999999999", .khr).amount
        #expect((riel + 1).plain == "100000000000000")
    }

    @Test func moneyIsShownWithTheDecimalsOfItsCurrency() throws {
        #expect(try Money("10.50", .usd).description == "10.50 USD")
        #expect(try Money("10", .usd).description == "10.00 USD")
        #expect(try Money("0.005", .usd).description == "0.005 USD")
        #expect(try Money("-0.5", .usd).description == "-0.50 USD")
        #expect(try Money("40000", .khr).description == "40000 KHR")
        #expect(try Money("10.50", .usd) == Money(amount: Decimal(105) / 10, currency: "USD"))
    }

    @Test func aDayOfTheCalendar() throws {
        let day = try #require(LocalDate("2026-11-27"))
        #expect((day.year, day.month, day.day) == (2026, 11, 27))
        #expect("\(day)" == "2026-11-27")
        #expect(LocalDate("2024-02-29")?.description == "2024-02-29")
        #expect(LocalDate(year: 44, month: 3, day: 15).description == "0044-03-15")
        for text in ["2026-02-30", "2025-02-29", "2026-13-01", "2026-1-1", "26-01-01", "", "a-b-c"]
        {
            #expect(LocalDate(text) == nil, "\(text)")
        }
        #expect(day < LocalDate(year: 2026, month: 12, day: 1))
    }

    @Test func aDayIsThatOfATimeZone() throws {
        let evening = Date(timeIntervalSince1970: 1_795_737_600 + 20 * 3600)
        let phnomPenh = try #require(TimeZone(secondsFromGMT: 7 * 3600))
        #expect(LocalDate(evening, in: .gmt) == LocalDate("2026-11-27"))
        #expect(LocalDate(evening, in: phnomPenh) == LocalDate("2026-11-28"))
    }

    @Test func settingsNeedWhatTheyNeed() async throws {
        let error = try await failure { _ = try Settings.fromEnvironment([:]) }
        #expect(error.description == "KESS_BASE_URL is not set")
    }
}

@Suite struct VersionTests {
    @Test func packageAndLibraryAreOfOneVersion() throws {
        #expect(packageVersion == libraryVersion())
        try checkVersion()
    }

    @Test func anotherLibraryIsRefusedByBothVersions() async throws {
        let error = try await failure { try checkVersion(of: "1.1.9", with: "1.2.0") }
        #expect(
            error.description
                == "KessPay 1.2.0 cannot use libkesspay 1.1.9: both have to come from the same "
                + "package"
        )
        guard case .configuration = error else { throw Unexpected(what: "\(error)") }
    }
}
