// swift-tools-version: 6.0

import PackageDescription

// The C interface of the library. On Apple's systems the library comes with it in one bundle;
// elsewhere the linker has to find libkesspay.so: -Xlinker -L/where/it/is.
#if os(Linux)
    let library = Target.systemLibrary(name: "CKessPay", path: "Sources/CKessPay")
#else
    let library = Target.binaryTarget(name: "CKessPay", path: "CKessPay.xcframework")
#endif

// Our own builds let no warning pass; in an app's build a newer compiler may have new ones.
let strict: [SwiftSetting] =
    Context.environment["KESSPAY_WARNINGS_ARE_ERRORS"] == nil
    ? [] : [.unsafeFlags(["-warnings-as-errors"])]

let package = Package(
    name: "KessPay",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [
        .library(name: "KessPay", targets: ["KessPay"])
    ],
    targets: [
        library,
        // What UniFFI writes, and the values that it is made of. UniFFI writes Swift 5.
        .target(
            name: "KessPayBindings",
            dependencies: ["CKessPay"],
            swiftSettings: [.swiftLanguageMode(.v5)]
        ),
        .target(
            name: "KessPay",
            dependencies: ["KessPayBindings"],
            swiftSettings: [.swiftLanguageMode(.v6)] + strict
        ),
        .executableTarget(
            name: "PayOnePerson",
            dependencies: ["KessPay"],
            path: "Samples",
            sources: ["PayOnePerson.swift"],
            swiftSettings: [.swiftLanguageMode(.v6)] + strict
        ),
        .testTarget(
            name: "KessPayTests",
            dependencies: ["KessPay", "PayOnePerson"],
            swiftSettings: [.swiftLanguageMode(.v6)] + strict
        ),
    ]
)
