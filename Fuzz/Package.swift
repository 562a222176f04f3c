// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let engine: Target.Dependency = .product(name: "NanoTS", package: "NanoTS")

/// A program with libFuzzer's main function: it is built with `--sanitize=fuzzer` or not at all.
func fuzzer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
  name: "Fuzz",
  dependencies: [
    .package(name: "NanoTS", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
  ],
  targets: [
    .target(name: "FuzzKit", dependencies: [engine], swiftSettings: strict),
    fuzzer("FuzzOpen", ["FuzzKit", engine]),
    fuzzer("FuzzFields", ["FuzzKit", engine]),
    fuzzer("FuzzRecover", ["FuzzKit", engine]),
    fuzzer("FuzzChunk", ["FuzzKit", engine]),
    fuzzer("FuzzModel", ["FuzzKit", engine]),
    fuzzer(
      "FuzzText",
      [
        "FuzzKit", engine, .product(name: "NanoTSRecords", package: "NanoTS"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    fuzzer("FuzzCanary", []),
  ],
  swiftLanguageModes: [.v6]
)
