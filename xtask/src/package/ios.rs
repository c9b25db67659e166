//! `cargo xtask package ios`: an XCFramework, in a Swift package that needs nothing else.
//!
//! Cargo builds a static library for devices, simulators and Macs, `lipo` joins those of one
//! platform, `xcodebuild` makes the framework, and the package's own sources come with it.
//!
//! Nobody has carried this out yet: it needs a Mac with Xcode, and there was none where it was
//! written. What it would do is tested, and what it lacks it says.

use std::path::PathBuf;

use super::mobile::{Places, bindings, compile};
use super::plan::{Command, Plan};

/// A platform of the framework: its name here, and the targets of Rust that are joined for it.
const PLATFORMS: [(&str, &[&str]); 3] = [
    ("ios", &["aarch64-apple-ios"]),
    ("ios-simulator", &["aarch64-apple-ios-sim", "x86_64-apple-ios"]),
    ("macos", &["aarch64-apple-darwin", "x86_64-apple-darwin"]),
];

/// The oldest systems that the library runs on.
const MIN_VERSIONS: [(&str, &str); 2] =
    [("IPHONEOS_DEPLOYMENT_TARGET", "15.0"), ("MACOSX_DEPLOYMENT_TARGET", "12.0")];

/// What is done. `rust_targets` are those that Rust has here.
pub(super) fn plan(places: &Places, rust_targets: &[String]) -> Plan {
    let mut plan = Plan::default();
    needs(&mut plan, rust_targets);
    let made = places.packages().join("ios");
    let mut parts = Vec::new();
    for (platform, targets) in PLATFORMS {
        plan.note(format!("the library for {platform}"));
        let built = targets.iter().map(|target| {
            let command = compile("rustc", target, "").words("--crate-type staticlib");
            plan.run(MIN_VERSIONS.iter().fold(command, |it, (name, value)| it.env(*name, *value)));
            places.built(target).join("libkesspay.a")
        });
        let built: Vec<PathBuf> = built.collect();
        let joined = made.join(platform).join("libkesspay.a");
        plan.run(Command::new("mkdir").words("-p").path(&made.join(platform)));
        let lipo = Command::new("lipo").words("-create -output").path(&joined);
        plan.run(built.iter().fold(lipo, |command, library| command.path(library)));
        parts.push(joined);
    }
    plan.note("the Swift and the header that belong to it");
    let mac = places.built("aarch64-apple-darwin").join("libkesspay.dylib");
    plan.run(compile("build", "aarch64-apple-darwin", ""));
    let generated = made.join("generated");
    plan.run(bindings(&mac, "swift", None, &generated));
    plan.note("the framework, in the package");
    let package = made.join("KessPay");
    let headers = made.join("headers");
    plan.copy(generated.join("CKessPay.h"), headers.join("CKessPay.h"));
    plan.write(headers.join("module.modulemap"), MODULE_MAP);
    let framework = Command::new("xcodebuild").words("-create-xcframework");
    let framework = parts.iter().fold(framework, |command, library| {
        command.words("-library").path(library).words("-headers").path(&headers)
    });
    plan.run(framework.words("-output").path(&package.join("CKessPay.xcframework")));
    plan.run(Command::new("cp").words("-R").path(&places.binding().join("swift/.")).path(&package));
    plan.copy(
        generated.join("KessPayBindings.swift"),
        package.join("Sources/KessPayBindings/Generated.swift"),
    );
    plan.note("what it weighs in an app is known once an app is linked with it");
    plan.run(Command::new("swift").words("build --package-path").path(&package));
    plan
}

/// The header as a module, beside the static library.
const MODULE_MAP: &str = "module CKessPay {\n    header \"CKessPay.h\"\n    export *\n}\n";

fn needs(plan: &mut Plan, rust_targets: &[String]) {
    plan.need("a Mac", "an XCFramework is made by Xcode", cfg!(target_os = "macos"));
    plan.need_program("xcodebuild", "install Xcode 16 or newer");
    plan.need_program("lipo", "install Xcode 16 or newer");
    for target in PLATFORMS.iter().flat_map(|(_, targets)| *targets) {
        let is_there = rust_targets.iter().any(|installed| installed == target);
        plan.need(format!("Rust for {target}"), format!("rustup target add {target}"), is_there);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_is_the_one_that_was_read() {
        let places = Places { root: "/kesspay".into(), target: "/kesspay/target".into() };
        super::super::mobile::hold_against("ios.txt", &plan(&places, &[]));
    }

    #[test]
    fn a_machine_without_rust_for_phones_is_told_so() {
        let error = plan(&Places::here(), &[]).carry_out().expect_err("there is nothing");
        assert!(error.contains("rustup target add aarch64-apple-ios-sim"), "{error}");
    }
}
