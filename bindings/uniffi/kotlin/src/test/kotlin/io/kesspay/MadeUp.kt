package io.kesspay

import java.time.Duration
import java.time.Instant
import kotlin.test.fail

/** Somebody who does not exist. */
internal val CUSTOMER =
    Customer(
        phoneNumber = Sensitive("012345678"),
        email = Sensitive("dara@example.com"),
        firstName = Sensitive("Dara"),
        lastName = Sensitive("Sok"),
    )

/** Every personal value in [CUSTOMER] and [withdrawal]. */
internal val PERSONAL = listOf("012345678", "dara@example.com", "Dara", "Sok", "000123456")

/** A withdrawal of ten dollars and a half, to an account with these last digits. */
internal fun withdrawal(
    outTradeNo: String,
    account: String = "000123456",
) = WithdrawByBankNumberRequest(
    outTradeNo = outTradeNo,
    totalAmount = Money.usd("10.50"),
    bic = Bic.Abaakhpp,
    bankAccount = Sensitive(account),
    customer = CUSTOMER,
)

/** A key that seals, and whose other half nobody has. */
internal val PUBLIC_KEY: String by lazy { Sandbox().use { it.environment.getValue("KESS_PUBLIC_KEY") } }

/** Looks until something holds; fails where that takes too long. */
internal fun until(
    patience: Duration = Duration.ofSeconds(30),
    holds: () -> Boolean,
) {
    val end = Instant.now() + patience
    while (!holds()) {
        if (Instant.now() > end) fail("it never came")
        Thread.onSpinWait()
    }
}
