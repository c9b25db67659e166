package io.kesspay

import java.math.BigDecimal
import kotlin.test.assertEquals

/** Pauses so short that a test does not wait for them. */
internal val HURRIED: String =
    listOf("doubt", "processing", "otp", "retry", "circuit")
        .joinToString(",", "{", "}") { """"$it":{"first":"5ms","longest":"20ms"}""" }
        .dropLast(1) +
        ""","settle":"100ms","not_found_gap":"10ms","retry_after":"5ms","outage_after":"2s"}"""

/** Somebody to be paid, with an account that ends in these digits. */
internal fun person(
    number: Int,
    ending: String = "1234",
) = PayoutRow(
    reference = "P-%04d".format(number),
    firstName = Sensitive("Dara"),
    lastName = Sensitive("Sok"),
    phoneNumber = Sensitive("012345678"),
    email = Sensitive("dara.$number@example.com"),
    bankAccountNumber = Sensitive("00%04d%s".format(number, ending)),
    bic = "ABAAKHPP",
    amount = BigDecimal("$number.%02d".format(number % 100)),
    currency = "USD",
)

internal fun people(count: Int): Source = Source.Rows((1..count).map { person(it) }, "june")

/** A batch file of these people. */
internal fun file(people: List<PayoutRow>): String {
    val header = "reference,first_name,last_name,phone_number,email,bank_account_number,bic,amount,currency"
    val lines =
        people.map {
            val sensitive = listOf(it.firstName, it.lastName, it.phoneNumber, it.email, it.bankAccountNumber)
            val cells =
                listOf(it.reference) + sensitive.map(Sensitive::reveal) + listOf(it.bic, "${it.amount}", it.currency)
            cells.joinToString(",")
        }
    return (listOf(header) + lines).joinToString("\n", postfix = "\n")
}

internal fun BatchStatus.count(outcome: Outcome): Int = counts[outcome]?.toInt() ?: 0

/** Every row of the report against the gateway's own books: each was paid, and once. */
internal fun eachPaidOnce(
    sandbox: Sandbox,
    report: List<ReportRow>,
) {
    val booked = sandbox.ledger()
    assertEquals(report.mapNotNull { it.outTradeNo }.toSet(), booked.keys, "an order for each row, and no other")
    assertEquals(report.size, booked.size, "an order number stands twice")
    for (row in report) {
        val booking = booked.getValue(row.outTradeNo.orEmpty())
        assertEquals(Outcome.PAID, row.outcome, row.reference)
        assertEquals(1, booking.timesBooked, row.reference)
        assertEquals(0, booking.moved.compareTo(row.money.amount), row.reference)
    }
}
