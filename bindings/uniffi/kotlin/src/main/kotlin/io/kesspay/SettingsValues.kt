package io.kesspay

import java.io.File

/**
 * The settings of a merchant's own server, from the variables that the `payout` command reads, too:
 * `KESS_BASE_URL`, `KESS_CLIENT_ID`, `KESS_CLIENT_SECRET`, `KESS_USERNAME`, `KESS_PASSWORD`,
 * `KESS_API_SECRET_KEY`, and, if they are set, `KESS_SELLER_CODE` and `KESS_PUBLIC_KEY` or
 * `KESS_PUBLIC_KEY_FILE`.
 *
 * **For servers only.** An app has no such variables, and must not hold the merchant's secrets in any
 * other way either: give it [Access.Delegated].
 *
 * @throws IllegalArgumentException if a variable that is needed is not set.
 */
public fun Settings.Companion.fromEnvironment(environment: Map<String, String> = System.getenv()): Settings {
    fun needed(name: String): String = requireNotNull(environment[name]?.ifBlank { null }) { "$name is not set" }

    val keyFile = environment["KESS_PUBLIC_KEY_FILE"]?.let { File(it).readText() }
    return Settings(
        baseUrl = needed("KESS_BASE_URL"),
        access =
            Access.Merchant(
                clientId = needed("KESS_CLIENT_ID"),
                clientSecret = Sensitive(needed("KESS_CLIENT_SECRET")),
                username = needed("KESS_USERNAME"),
                password = Sensitive(needed("KESS_PASSWORD")),
                apiSecret = Sensitive(needed("KESS_API_SECRET_KEY")),
            ),
        sellerCode = environment["KESS_SELLER_CODE"],
        publicKey = environment["KESS_PUBLIC_KEY"] ?: keyFile,
    )
}
