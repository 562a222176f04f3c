import Testing

@testable import NanoTSCommand
@testable import NanoTSRecords

/// The readings work on texts as they come from machines of several kinds.
struct MachineReadingTests {
  private static let stat = """
    cpu  30 0 3 40 0 0 0 0 0 0
    cpu0 10 1 2 20 3 4 5 6 7 8
    cpu1 20 0 1 20 0 0 0 0 0 0
    intr 5000 1 2 3
    ctxt 777
    btime 1795407454
    processes 42
    procs_running 3
    procs_blocked 1
    softirq 600 1 2 3

    """

  private func makeReading(_ stream: MachineStream, _ text: String) -> (any MachineReading)? {
    let bytes = Array(text.utf8)
    return stream.reading(of: bytes.span)
  }

  /// The record of `text`, or nil where it has not the shape that `reading` was made for.
  private func record(_ reading: any MachineReading, _ text: String) -> [UInt8]? {
    let bytes = Array(text.utf8)
    var words = [UInt64](repeating: .max, count: reading.wordCount)
    guard reading.fill(&words, from: bytes.span) else { return nil }
    return words.flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: UInt64(littleEndian: word) >> (8 * $0)) }
    }
  }

  /// The fields of one record of `text`, by name.
  private func fields(_ stream: MachineStream, _ text: String) throws -> [String: FieldValue] {
    let reading = try #require(makeReading(stream, text))
    let bytes = try #require(record(reading, text))
    let layout = LayoutDocument(source: "", rateHz: 1, ticksPerSecond: nil, layout: reading.layout)
    let reader = try #require(FieldReader(metadata: layout.metadata))
    let fields = try #require(reader.fields(of: bytes))
    return Dictionary(uniqueKeysWithValues: fields.map { ($0.name, $0.value) })
  }

  @Test func readsCores() throws {
    let fields = try fields(.cpu, Self.stat)
    #expect(fields.count == 20)
    #expect(fields["cpu0.user"] == .unsigned(10))
    #expect(fields["cpu0.guestNice"] == .unsigned(8))
    #expect(fields["cpu1.idle"] == .unsigned(20))
  }

  @Test func readsInterruptTotals() throws {
    let fields = try fields(.interrupts, Self.stat)
    #expect(
      fields == [
        "interrupts": .unsigned(5_000), "softInterrupts": .unsigned(600), "contextSwitches": .unsigned(777),
        "forks": .unsigned(42), "running": .unsigned(3), "blocked": .unsigned(1),
      ])
  }

  @Test func namesCoresThatDoNotCountUp() throws {
    let fields = try fields(.cpu, "cpu  1 1 1 1 1 1 1 1 1 1\ncpu1 1 2 3 4 5 6 7 8 9 10\ncpu4 1 1 1 1 1 1 1 1 1 1\n")
    #expect(fields["cpu1.nice"] == .unsigned(2))
    #expect(fields["cpu4.user"] == .unsigned(1))
  }

  @Test func readsMemoryOfKernelsThatHaveFewerLines() throws {
    let fields = try fields(.memory, "MemTotal:       24684096 kB\nMemFree:  5 kB\nActive(anon): 7 kB\nDirty: 3 kB\n")
    #expect(fields == ["total": .unsigned(24_684_096), "free": .unsigned(5), "dirty": .unsigned(3)])
  }

  @Test func readsInterfaces() throws {
    let text = """
      Inter-|   Receive                                                |  Transmit
       face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
          lo:    3293      31    0    0    0     0          0         0     3294      32    0    0    0     0       0          0
        eth0:18446744073709551615 41 1 2 3 4 5 6 5779 62 7 8 0 0 0 0

      """
    let fields = try fields(.network, text)
    #expect(fields.count == 16)
    #expect(fields["lo.sentBytes"] == .unsigned(3_294))
    #expect(fields["eth0.receivedBytes"] == .unsigned(.max))
    #expect(fields["eth0.sendDrops"] == .unsigned(8))
  }

  @Test func leavesOutDisksInMemory() {
    let text = "   7       0 loop0 1 2 3 4 5 6 7 8 9 10 11\n 253 0 zram0 1 2 3 4 5 6 7 8 9 10 11\n"
    #expect(makeReading(.disk, text) == nil)
  }

  @Test func readsLoad() throws {
    let fields = try fields(.load, "0.08 12.50 1.84 2/80 2691\n")
    #expect(fields["load1"] == .real(0.08))
    #expect(fields["load5"] == .real(12.5))
    #expect(fields["load15"] == .real(1.84))
    #expect(fields["running"] == .unsigned(2))
    #expect(fields["threads"] == .unsigned(80))
  }

  /// A machine that changed, or a text that was cut, must not be recorded under the old layout.
  @Test(arguments: [
    "cpu  30 0 3 40 0 0 0 0 0 0\n", "cpu0 1 1 1 1 1 1 1 1 1 1\ncpu1 1 1 1 1 1 1 1 1 1 1\n",
    "cpu  1 1 1 1 1 1 1 1 1 1\ncpu0 1 1\n", "cpu  1\ncpu0 1 1 1 1 1 1 1 1 1 1\ncpu1 1 1 1 1 1 1 1 1 1 1\n", "",
    "\n\n\n", "cpu0",
  ])
  func noticesThatTheShapeHasChanged(_ changed: String) throws {
    let first = "cpu  1 1 1 1 1 1 1 1 1 1\ncpu0 1 1 1 1 1 1 1 1 1 1\n"
    let reading = try #require(makeReading(.cpu, first))
    #expect(record(reading, first) != nil)
    #expect(record(reading, changed) == nil)
  }

  /// Groups of many cores stay small enough for the metadata of a small block.
  @Test func describesManyCoresOnce() throws {
    let lines = (0..<1_024).map { "cpu\($0) 1 1 1 1 1 1 1 1 1 1\n" }.joined()
    let reading = try #require(makeReading(.cpu, "cpu  1 1 1 1 1 1 1 1 1 1\n" + lines))
    let layout = LayoutDocument(source: "/proc/stat", rateHz: 1_000, ticksPerSecond: 100, layout: reading.layout)
    #expect(reading.wordCount == 10_240)
    #expect(layout.metadata.utf8.count < 1_024)
  }
}
