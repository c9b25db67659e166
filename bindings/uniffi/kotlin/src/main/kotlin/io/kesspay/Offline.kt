package io.kesspay

/**
 * Reads the text of a KHQR, without the gateway.
 *
 * @throws GatewayException if it is none, or if its checksum does not hold.
 */
public fun readKhqr(qr: Sensitive): KhqrFields = setUp { parseKhqr(qr) }

/**
 * Reads the address to which the gateway sent a payer back. **Nothing of it is signed**: it is good
 * for choosing a page while the order is queried, and proves no payment.
 *
 * @throws GatewayException if it is no such address.
 */
public fun readRedirect(url: Sensitive): UnverifiedRedirect = setUp { parseRedirect(url) }
