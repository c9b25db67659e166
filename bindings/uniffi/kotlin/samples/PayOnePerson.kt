package samples

import io.kesspay.*

/** Pays one person: start `payout sandbox`, take over the variables that it prints, and run this. */
suspend fun main(): Unit =
    Gateway(Settings.fromEnvironment()).use { gateway ->
        val account = Sensitive("000120777")
        val dara = Customer(Sensitive("012345678"), Sensitive("dara@example.com"), Sensitive("Dara"), Sensitive("Sok"))
        val found = gateway.verifyBankAccount(VerifyBankAccountRequest(account, Bic.Abaakhpp))
        println("The account is kept in ${found.currency}.")
        val token = gateway.tokenizeBankAccount(TokenizeBankAccountRequest(account, Bic.Abaakhpp, dara)).token
        val order = WithdrawRequest("SALARY-2026-06-1", Money.usd("10.50"), token, dara)
        try {
            val link = gateway.withdraw(order).verifyOtpUrl
            println("Enter the one-time password on this page, then press Enter: ${link?.reveal()}")
            readln()
        } catch (unknown: GatewayException.Unknown) {
            println("${unknown.message}") // What follows is the query that tells.
        }
        println("It stands at ${gateway.queryOrder(QueryOrderRequest(order.outTradeNo)).status}.")
    }
