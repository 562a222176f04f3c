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
  name: "Benchmarks",
  products: [
    .executable(name: "nanots-bench", targets: ["BenchTool"])
  ],
  traits: [
    .trait(name: "Peers", description: "LMDB, SQLite and RocksDB beside NanoTS.")
  ],
  dependencies: [
    .package(name: "NanoTS", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
  ],
  targets: [
    .target(name: "CLimit", linkerSettings: [.linkedLibrary("lz4")]),
    .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CRocksDB", pkgConfig: "rocksdb", providers: [.apt(["librocksdb-dev"])]),
    .target(
      name: "CEngines",
      dependencies: [
        .target(name: "CLMDB", condition: .when(traits: ["Peers"])),
        .target(name: "CSQLite", condition: .when(traits: ["Peers"])),
        .target(name: "CRocksDB", condition: .when(traits: ["Peers"])),
      ],
      cSettings: [.define("PEERS", .when(traits: ["Peers"]))],
      cxxSettings: [.define("PEERS", .when(traits: ["Peers"]))]
    ),
    .executableTarget(
      name: "BenchTool",
      dependencies: [
        "CLimit",
        "CEngines",
        .product(name: "NanoTS", package: "NanoTS"),
        .product(name: "NanoTSRecords", package: "NanoTS"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      swiftSettings: strict
    ),
    .executableTarget(
      name: "HotFunctions",
      dependencies: [
        .product(name: "NanoTS", package: "NanoTS"),
        .product(name: "Benchmark", package: "benchmark"),
      ],
      path: "HotFunctions",
      swiftSettings: [.treatAllWarnings(as: .error)],
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]
    ),
  ],
  swiftLanguageModes: [.v6]
)
