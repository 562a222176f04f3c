// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "NanoTS",
  products: [
    .library(name: "NanoTS", targets: ["NanoTS"]),
    .library(name: "NanoTSRecords", targets: ["NanoTSRecords"]),
    .library(name: "NanoTSC", type: .dynamic, targets: ["NanoTSC"]),
    .library(name: "NanoTSCArchive", type: .static, targets: ["NanoTSC"]),
    .executable(name: "nanots", targets: ["NanoTSCommand"]),
  ],
  traits: [
    .trait(name: "LZ4", description: "Compressed streams, through liblz4."),
    .default(enabledTraits: ["LZ4"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  ],
  targets: [
    .target(name: "CNanoTS"),
    .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
    .target(
      name: "NanoTS", dependencies: ["CNanoTS", .target(name: "CLZ4", condition: .when(traits: ["LZ4"]))],
      swiftSettings: strict),
    .target(name: "NanoTSRecords", dependencies: ["NanoTS"], swiftSettings: strict),
    .target(name: "CInterface", exclude: ["Install"]),
    .target(name: "NanoTSC", dependencies: ["NanoTS", "CInterface"], swiftSettings: strict),
    .executableTarget(
      name: "NanoTSCommand",
      dependencies: [
        "NanoTS",
        "NanoTSRecords",
        .target(name: "CLZ4", condition: .when(traits: ["LZ4"])),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict
    ),
    .executableTarget(name: "TestAgent", dependencies: ["NanoTS"], path: "Tests/TestAgent", swiftSettings: strict),
    .target(
      name: "CrashSimulator", dependencies: ["NanoTS", "CNanoTS"], path: "Tests/CrashSimulator", swiftSettings: strict),
    .executableTarget(
      name: "ReadmeExample", dependencies: ["NanoTS"], path: "Tests/ReadmeExample", swiftSettings: strict),
    .executableTarget(
      name: "GuideExamples", dependencies: ["NanoTS", "NanoTSRecords"], path: "Tests/GuideExamples",
      swiftSettings: strict),
    .testTarget(
      name: "NanoTSTests",
      dependencies: ["NanoTS", "CNanoTS", "TestAgent", "ReadmeExample", "GuideExamples", "CrashSimulator"],
      exclude: ["Golden"],
      swiftSettings: strict
    ),
    .testTarget(
      name: "NanoTSCTests", dependencies: ["NanoTSC", "CInterface"], exclude: ["Programs", "Examples"],
      swiftSettings: strict),
    .testTarget(name: "NanoTSRecordsTests", dependencies: ["NanoTSRecords", "NanoTS"], swiftSettings: strict),
    .testTarget(
      name: "NanoTSCommandTests", dependencies: ["NanoTSCommand", "NanoTSRecords", "NanoTS"], swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
