import Testing

@testable import NanoTSCommand

struct SizeArgumentTests {
  @Test(arguments: [
    ("0", 0), ("4096", 4_096), ("1B", 1), ("64KiB", 65_536), ("1MiB", 1 << 20), ("2GiB", 2 << 30),
    ("9223372036854775807", Int.max),
  ])
  func reads(_ text: String, _ bytes: Int) throws {
    #expect(try SizeArgument(parsing: text).bytes == bytes)
  }

  @Test(arguments: [
    "", "KiB", "1K", "1MB", "1mib", "1.5MiB", "-1", "+1", "0x10", " 1", "1 MiB", "٣", "9223372036854775808",
    "9007199254740993KiB", "1MiBMiB",
  ])
  func refuses(_ text: String) {
    #expect(throws: (any Error).self) { try SizeArgument(parsing: text) }
  }
}

struct DurationArgumentTests {
  @Test(arguments: [
    ("5", 5_000_000_000), ("0.5", 500_000_000), ("0.1s", 100_000_000), ("500ms", 500_000_000), ("7us", 7_000),
    ("1.5us", 1_500), ("3ns", 3), ("90s", 90_000_000_000), ("5m", 300_000_000_000), ("2h", 7_200_000_000_000),
    ("1d", 86_400_000_000_000), ("0", 0), ("106751d", 106_751 * 86_400_000_000_000),
  ])
  func reads(_ text: String, _ nanoseconds: Int64) throws {
    #expect(try DurationArgument(parsing: text).nanoseconds == nanoseconds)
  }

  @Test(arguments: ["", "s", ".", ".5", "5.", "1.2.3", "-5", "5 s", "5x", "106752d", "9223372036.9s", "1e3"])
  func refuses(_ text: String) {
    #expect(throws: (any Error).self) { try DurationArgument(parsing: text) }
  }
}
