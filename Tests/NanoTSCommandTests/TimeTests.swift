import NanoTS
import Testing

@testable import NanoTSCommand

struct TimeArgumentTests {
  private let now = WallClock.Reading(seconds: 1_000_000, nanoseconds: 250_000_000)

  private func nanoseconds(_ text: String) throws -> Int64 {
    try TimeArgument(parsing: text).timestamp(in: .nanoseconds, now: now)
  }

  @Test(arguments: [
    ("0", 0), ("-7", -7), ("123", 123), ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min),
    ("1970-01-01", 0), ("1970-01-01T00:00:01Z", 1_000_000_000), ("1970-01-01 00:00:01", 1_000_000_000),
    ("1970-01-01 02:00:01 +02:00", 1_000_000_000), ("1970-01-01T02:00:01+02", 1_000_000_000),
    ("1970-01-01T00:00:01z", 1_000_000_000),
    ("1970-01-01T00:01", 60_000_000_000),
    ("1970-01-01T00:00:00.000000001Z", 1), ("1970-01-01T00:00:00.5", 500_000_000),
    ("1969-12-31T23:59:59.999999999Z", -1), ("1970-01-01T02:00:00+02:00", 0),
    ("1970-01-01T02:00:00.25+0200", 250_000_000),
    ("1969-12-31T19:00:00-05:00", 0), ("2026-11-23T04:34:44.123456789Z", 1_795_408_484_123_456_789),
    ("2024-02-29T00:00:00Z", 1_709_164_800_000_000_000),
    ("now", 1_000_000_250_000_000), ("-5m", 999_700_250_000_000), ("-500ms", 999_999_750_000_000),
  ])
  func reads(_ text: String, _ timestamp: Int64) throws {
    #expect(try nanoseconds(text) == timestamp)
  }

  @Test(arguments: [
    "", "yesterday", "5m", "-5x", "--5m", "2026-13-01", "2026-02-30", "2023-02-29", "2026-01-01T24:30:00Z",
    "2026-01-01T00:60:00Z", "2026-01-01T00:00:00Zjunk", "2026-01-01T00:00:00.1234567890Z", "2026-01-01T00:00:00.Z",
    "2026-01-01T00:00:00+25:00", "2026-01-01T00:00:00+1", "2026-01-01T", "2026-01-01 ", " 2026-01-01",
    "2026-01-01  00:00:00", "9223372036854775808",
  ])
  func refuses(_ text: String) {
    #expect(throws: (any Error).self) { try TimeArgument(parsing: text) }
  }

  @Test func roundsDownToTheUnit() throws {
    let time = try TimeArgument(parsing: "1969-12-31T23:59:59.999Z")
    #expect(try time.timestamp(in: .seconds, now: now) == -1)
    #expect(try time.timestamp(in: .milliseconds, now: now) == -1)
    #expect(try TimeArgument(parsing: "-500ms").timestamp(in: .seconds, now: now) == 999_999)
  }

  @Test func refusesWhatTheUnitCannotHold() throws {
    let time = try TimeArgument(parsing: "2500-01-01")
    #expect(try time.timestamp(in: .microseconds, now: now) == 16_725_225_600_000_000)
    let failure = #expect(throws: CommandFailure.self) { try time.timestamp(in: .nanoseconds, now: now) }
    #expect(failure?.message.contains("2500-01-01") == true)
  }
}

struct TimeTextTests {
  @Test(arguments: [
    (TimeUnit.nanoseconds, 0, "1970-01-01T00:00:00.000000000Z"),
    (.nanoseconds, -1, "1969-12-31T23:59:59.999999999Z"),
    (.nanoseconds, Int64.max, "2262-04-11T23:47:16.854775807Z"),
    (.nanoseconds, Int64.min, "1677-09-21T00:12:43.145224192Z"),
    (.microseconds, 1_500_000, "1970-01-01T00:00:01.500000Z"),
    (.milliseconds, 1_795_408_484_007, "2026-11-23T04:34:44.007Z"),
    (.seconds, 253_402_300_799, "9999-12-31T23:59:59Z"),
    (.seconds, 253_402_300_800, "253402300800"),
    (.seconds, Int64.min, "-9223372036854775808"),
  ])
  func formats(_ unit: TimeUnit, _ timestamp: Int64, _ text: String) {
    var times = TimeText(unit: unit, isRaw: false)
    #expect(times.string(timestamp) == text)
  }

  @Test func rawIsTheNumber() {
    var times = TimeText(unit: .nanoseconds, isRaw: true)
    #expect(times.string(1_234) == "1234")
  }

  /// What is printed can be typed.
  @Test func comesBack() throws {
    var times = TimeText(unit: .nanoseconds, isRaw: false)
    let now = WallClock.now()
    for timestamp: Int64 in [0, -1, 1, 1_795_408_484_123_456_789, -5_000_000_000_000_000_000, .min, .max] {
      let time = try TimeArgument(parsing: times.string(timestamp))
      #expect(try time.timestamp(in: .nanoseconds, now: now) == timestamp)
    }
  }

  /// The cache of the last second must not outlive the second.
  @Test func neighbouringSecondsDiffer() {
    var times = TimeText(unit: .seconds, isRaw: false)
    #expect([59, 60, 59].map { times.string(Int64($0)) }.map { $0.suffix(6) } == ["00:59Z", "01:00Z", "00:59Z"])
  }
}
