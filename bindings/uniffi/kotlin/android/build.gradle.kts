// The package for Android: an AAR with a library for each ABI.
//
// UNTESTED: neither Gradle nor an Android SDK is to be had where this project is built.
// `cargo xtask test --only Kotlin` compiles the same sources against stand-ins for Android's classes.

import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    id("com.android.library")
    kotlin("android")
    `maven-publish`
}

// UniFFI's output for Android, and folders such as arm64-v8a with the library in it.
val generated = rootProject.file(property("kesspay.generated").toString())
val libraries = rootProject.file(property("kesspay.libraries").toString())

layout.buildDirectory = rootProject.file(property("kesspay.build").toString()).resolve("android")

android {
    namespace = "io.kesspay"
    compileSdk = 36

    defaultConfig {
        // Android 8.0: the first with java.time.
        minSdk = 26
        consumerProguardFiles("consumer-rules.pro")
    }

    sourceSets {
        getByName("main") {
            kotlin.srcDir(rootProject.file("src/main/kotlin"))
            kotlin.srcDir(generated)
            jniLibs.srcDir(libraries)
        }
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }

    publishing { singleVariant("release") { withSourcesJar() } }
}

kotlin { compilerOptions { jvmTarget = JvmTarget.JVM_17 } }

dependencies {
    api("org.jetbrains.kotlinx:kotlinx-coroutines-android:1.8.1")
    // With JNA's own libraries for Android, which are aligned to pages of 16 KB since 5.17.
    implementation("net.java.dev.jna:jna:5.17.0@aar")
    implementation("androidx.annotation:annotation:1.9.1")
}

publishing {
    publications {
        register<MavenPublication>("release") {
            artifactId = "kesspay-android"
            afterEvaluate { from(components["release"]) }
        }
    }
}
