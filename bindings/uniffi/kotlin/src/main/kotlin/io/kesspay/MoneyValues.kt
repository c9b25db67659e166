package io.kesspay

import java.math.BigDecimal

/**
 * An exact amount, from its text: `Money("10.50", "USD")`.
 *
 * There is none that takes a `Double`: 0.1 is not a tenth in binary.
 *
 * @throws NumberFormatException if [amount] is no number.
 */
public fun Money(
    amount: String,
    currency: String,
): Money = Money(BigDecimal(amount), currency)

/** American dollars, with two decimals: `Money.usd("10.50")`. */
public fun Money.Companion.usd(amount: String): Money = Money(amount, "USD")

/** Cambodian riel, which have no decimals: `Money.khr("40000")`. */
public fun Money.Companion.khr(amount: String): Money = Money(amount, "KHR")
