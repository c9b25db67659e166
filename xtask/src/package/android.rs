//! `cargo xtask package android`: an AAR, for every kind of phone that Android runs on.
//!
//! Cargo and the NDK build the library for each ABI, UniFFI's generator writes the Kotlin that
//! belongs to it, and Gradle packs both with the module under `bindings/uniffi/kotlin`.
//!
//! Nobody has carried this out yet: neither NDK nor SDK were at hand where it was written. What it
//! would do is tested, and what it lacks it says.

use std::path::{Path, PathBuf};

use super::mobile::{BUDGET, Places, bindings, compile, strip};
use super::plan::{Command, Plan};

/// The oldest Android that the library runs on: Android 8.0, the first with `java.time`.
const MIN_API: u32 = 26;

/// The kinds of phone: Android's name, Rust's, and the NDK's for its compiler.
const ABIS: [(&str, &str, &str); 3] = [
    ("arm64-v8a", "aarch64-linux-android", "aarch64-linux-android"),
    ("armeabi-v7a", "armv7-linux-androideabi", "armv7a-linux-androideabi"),
    ("x86_64", "x86_64-linux-android", "x86_64-linux-android"),
];

/// Where the tools of Android are, as far as the environment tells.
pub(super) struct Tools {
    ndk: Option<PathBuf>,
    sdk: Option<PathBuf>,
    rust_targets: Vec<String>,
}

impl Tools {
    /// Those of this machine.
    pub(super) fn here() -> Self {
        let folder = |names: [&str; 2]| names.into_iter().find_map(std::env::var_os);
        let folder = |names| folder(names).map(PathBuf::from).filter(|path| path.is_dir());
        Self {
            ndk: folder(["ANDROID_NDK_HOME", "ANDROID_NDK_ROOT"]),
            sdk: folder(["ANDROID_HOME", "ANDROID_SDK_ROOT"]),
            rust_targets: super::mobile::rust_targets(),
        }
    }
}

/// What is done.
pub(super) fn plan(places: &Places, tools: &Tools) -> Plan {
    let mut plan = Plan::default();
    needs(&mut plan, tools);
    let ndk = tools.ndk.clone().unwrap_or_else(|| "$ANDROID_NDK_HOME".into());
    let bin = ndk.join("toolchains/llvm/prebuilt/linux-x86_64/bin");
    let made = places.packages().join("android");
    for (abi, target, compiler) in ABIS {
        plan.note(format!("the library for {abi}"));
        plan.run(build(&bin, target, compiler));
        let library = made.join("libraries").join(abi).join("libkesspay.so");
        plan.copy(places.built(target).join("libkesspay.so"), &library);
        plan.run(strip(&bin.join("llvm-strip"), &library));
        plan.budget(library, BUDGET);
    }
    plan.note("the Kotlin that belongs to it");
    let described = places.built(ABIS[0].1).join("libkesspay.so");
    let generated = made.join("generated");
    let overlay = places.binding().join("uniffi-android.toml");
    plan.run(bindings(&described, "kotlin", Some(&overlay), &generated));
    plan.note("the AAR");
    plan.run(gradle(places, &made));
    plan
}

fn needs(plan: &mut Plan, tools: &Tools) {
    plan.need(
        "the NDK, r27 or newer",
        "install it with Android Studio or sdkmanager, and set ANDROID_NDK_HOME",
        tools.ndk.is_some(),
    );
    plan.need(
        "the SDK, with platform 36",
        "install it with Android Studio or sdkmanager, and set ANDROID_HOME",
        tools.sdk.is_some(),
    );
    for (_, target, _) in ABIS {
        let is_there = tools.rust_targets.iter().any(|installed| installed == target);
        plan.need(format!("Rust for {target}"), format!("rustup target add {target}"), is_there);
    }
    plan.need_program("gradle", "version 8.9 or newer, https://gradle.org");
}

/// Cargo with the NDK's compiler, for one ABI. Pages of 16 KiB: newer phones have them, and older
/// ones do not mind.
fn build(bin: &Path, target: &str, compiler: &str) -> Command {
    let clang = bin.join(format!("{compiler}{MIN_API}-clang")).display().to_string();
    let archiver = bin.join("llvm-ar").display().to_string();
    let (lower, upper) = (target.replace('-', "_"), target.replace('-', "_").to_uppercase());
    compile("build", target, "-Clink-arg=-Wl,-z,max-page-size=16384")
        .env(format!("CARGO_TARGET_{upper}_LINKER"), &clang)
        .env(format!("CC_{lower}"), clang)
        .env(format!("AR_{lower}"), archiver)
}

fn gradle(places: &Places, made: &Path) -> Command {
    Command::new("gradle")
        .words("--project-dir")
        .path(&places.binding().join("kotlin"))
        .words(":kesspay-android:assembleRelease")
        .words(&format!("-Pkesspay.generated={}", made.join("generated").display()))
        .words(&format!("-Pkesspay.libraries={}", made.join("libraries").display()))
        .words(&format!("-Pkesspay.build={}", made.join("build").display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_is_the_one_that_was_read() {
        let places = Places { root: "/kesspay".into(), target: "/kesspay/target".into() };
        let targets = ABIS.map(|(_, target, _)| target.to_owned());
        let tools = Tools {
            ndk: Some("/ndk".into()),
            sdk: Some("/sdk".into()),
            rust_targets: targets.into(),
        };
        super::super::mobile::hold_against("android.txt", &plan(&places, &tools));
    }

    #[test]
    fn a_machine_without_android_is_told_all_that_it_lacks() {
        let places = Places::here();
        let tools = Tools { ndk: None, sdk: None, rust_targets: Vec::new() };
        let error = plan(&places, &tools).carry_out().expect_err("there is nothing");
        for lacks in ["NDK", "SDK", "rustup target add armv7-linux-androideabi"] {
            assert!(error.contains(lacks), "{error}");
        }
    }
}
