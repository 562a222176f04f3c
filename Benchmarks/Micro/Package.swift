// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "Micro",
  platforms: [.macOS(.v13)],
  dependencies: [
    .package(name: "NanoTS", path: "../.."),
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
  ],
  targets: [
    .executableTarget(
      name: "HotFunctions",
      dependencies: [
        .product(name: "NanoTS", package: "NanoTS"),
        .product(name: "Benchmark", package: "benchmark"),
      ],
      path: "Benchmarks/HotFunctions",
      swiftSettings: [.treatAllWarnings(as: .error)],
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]
    )
  ],
  swiftLanguageModes: [.v6]
)
