// The values, the records and the engine come from the library itself, and belong to the package.
@_exported import KessPayBindings

/// The version of this package. It works with a library of the same version only.
let packageVersion = "0.1.0"

/// Refuses a library of another version, in words.
///
/// UniFFI's own check compares the interfaces and ends the process where they differ; it comes
/// first where something else of the package is used before a ``Gateway``.
func checkVersion(
    of library: String = libraryVersion(), with package: String = packageVersion
) throws {
    guard library == package else {
        throw GatewayError.configuration(
            .setup(
                .configuration,
                "KessPay \(package) cannot use libkesspay \(library): both have to come from the "
                    + "same package"
            )
        )
    }
}
