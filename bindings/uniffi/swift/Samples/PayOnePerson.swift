// Pays one person: start `payout sandbox`, take over the variables that it prints, and run this.
import KessPay

let gateway = try Gateway(Settings.fromEnvironment())
let account = Sensitive("000120777")
let dara = Customer(
    phoneNumber: "012345678", email: "dara@example.com", firstName: "Dara", lastName: "Sok"
)
let found = try await gateway.verifyBankAccount(
    VerifyBankAccountRequest(bankAccountNumber: account, bic: .abaakhpp)
)
print("The account is kept in \(found.currency).")
let tokenized = try await gateway.tokenizeBankAccount(
    TokenizeBankAccountRequest(bankAccountNumber: account, bic: .abaakhpp, customer: dara)
)
let number = "SALARY-2026-06-1"
do {
    let order = try await gateway.withdraw(
        WithdrawRequest(
            outTradeNo: number, totalAmount: Money("10.50", .usd),
            bankAccountToken: tokenized.token, customer: dara
        )
    )
    let page = order.verifyOtpUrl?.reveal() ?? "none"
    print("Enter the one-time password on this page, then press Enter: \(page)")
    _ = readLine()
} catch GatewayError.unknown(let failure) {
    print(failure.message)  // What follows is the query that tells.
}
let order = try await gateway.queryOrder(QueryOrderRequest(outTradeNo: number))
print("It stands at \(order.status).")
