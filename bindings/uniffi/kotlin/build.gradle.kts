// The package for servers and desktops: a jar with the library inside.
//
// UNTESTED: no Gradle runs where this project is built. `cargo xtask test --only Kotlin` compiles
// the same sources with the same compiler, and runs the same tests.

import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    kotlin("jvm") version "2.4.20"
    id("com.android.library") version "8.13.0" apply false
    kotlin("android") version "2.4.20" apply false
    `java-library`
    `maven-publish`
}

// UniFFI's output, and folders such as linux-x86-64 with the library in it, where JNA looks for it.
val generated = file(property("kesspay.generated").toString())
val libraries = file(property("kesspay.libraries").toString())

layout.buildDirectory = file(property("kesspay.build").toString()).resolve("jvm")

kotlin {
    jvmToolchain(17)
    compilerOptions { jvmTarget = JvmTarget.JVM_17 }
    sourceSets {
        main { kotlin.srcDir(generated) }
        test { kotlin.srcDir("samples") }
    }
}

sourceSets {
    main { resources.srcDir(libraries) }
}

dependencies {
    api("org.jetbrains.kotlinx:kotlinx-coroutines-core:1.8.1")
    implementation("net.java.dev.jna:jna:5.17.0")
    testImplementation(kotlin("test-junit"))
    testImplementation(kotlin("reflect"))
}

tasks.test {
    useJUnit()
    val root = layout.projectDirectory.dir("../../..").asFile
    systemProperty("kesspay.root", root)
    systemProperty("kesspay.payout", root.resolve("target/debug/payout"))
    systemProperty("kesspay.signingServer", root.resolve("target/debug/examples/signing_server"))
}

java { withSourcesJar() }

publishing {
    publications {
        create<MavenPublication>("jvm") {
            artifactId = "kesspay"
            from(components["java"])
        }
    }
}
