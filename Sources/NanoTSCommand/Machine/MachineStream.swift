import Glibc

/// The streams that `record` makes of the machine, and where each comes from.
enum MachineStream: String, CaseIterable {
  case cpu
  case memory
  case load
  case network
  case disk
  case interrupts

  var path: String {
    switch self {
    case .cpu, .interrupts: "/proc/stat"
    case .memory: "/proc/meminfo"
    case .load: "/proc/loadavg"
    case .network: "/proc/net/dev"
    case .disk: "/proc/diskstats"
    }
  }

  /// Set where the fields count in the kernel's clock ticks.
  var ticksPerSecond: Int? {
    self == .cpu ? sysconf(Int32(_SC_CLK_TCK)) : nil
  }

  /// Works out how to read what the file holds now. Nil where there is nothing of the kind on this machine.
  func reading(of text: Span<UInt8>) -> (any MachineReading)? {
    switch self {
    case .cpu: LineTable(Self.cpuShape, text: text)
    case .memory: LineTable(Self.memoryShape, text: text)
    case .load: LoadReading()
    case .network: LineTable(Self.networkShape, text: text)
    case .disk: LineTable(Self.diskShape, text: text)
    case .interrupts: LineTable(Self.interruptsShape, text: text)
    }
  }

  /// The line `cpu` is the sum of the others.
  private static let cpuShape = LineShape(
    content: .repeated(
      group: "cpu",
      columns: [
        "user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guestNice",
      ].enumerated().map { .init(column: $0, name: $1, unit: "ticks") },
      isMember: { $0.hasPrefix("cpu") && $0 != "cpu" }))

  /// The counts of single interrupts come after their total, in numbers that differ from machine to machine.
  private static let interruptsShape = LineShape(
    content: .single([
      .init(line: "intr", name: "interrupts", unit: "count"),
      .init(line: "softirq", name: "softInterrupts", unit: "count"),
      .init(line: "ctxt", name: "contextSwitches", unit: "count"),
      .init(line: "processes", name: "forks", unit: "count"),
      .init(line: "procs_running", name: "running", unit: "threads"),
      .init(line: "procs_blocked", name: "blocked", unit: "threads"),
    ]))

  private static let memoryShape = LineShape(
    content: .single(
      [
        ("MemTotal", "total"), ("MemFree", "free"), ("MemAvailable", "available"), ("Buffers", "buffers"),
        ("Cached", "cached"), ("Active", "active"), ("Inactive", "inactive"), ("AnonPages", "anonymous"),
        ("Mapped", "mapped"), ("Shmem", "shared"), ("Slab", "slab"), ("Dirty", "dirty"), ("Writeback", "writeback"),
        ("SwapTotal", "swapTotal"), ("SwapFree", "swapFree"),
      ].map { .init(line: $0, name: $1, unit: "KiB") }))

  /// The two lines of headings have no numbers where an interface has them: their names hold a bar.
  private static let networkShape = LineShape(
    content: .repeated(
      group: "interface",
      columns: [
        .init(column: 0, name: "receivedBytes", unit: "bytes"),
        .init(column: 1, name: "receivedPackets", unit: "count"),
        .init(column: 2, name: "receiveErrors", unit: "count"),
        .init(column: 3, name: "receiveDrops", unit: "count"),
        .init(column: 8, name: "sentBytes", unit: "bytes"),
        .init(column: 9, name: "sentPackets", unit: "count"),
        .init(column: 10, name: "sendErrors", unit: "count"),
        .init(column: 11, name: "sendDrops", unit: "count"),
      ],
      isMember: { !$0.contains("|") && $0 != "face" }))

  private static let diskShape = LineShape(
    nameColumn: 2,
    content: .repeated(
      group: "disk",
      columns: [
        .init(column: 0, name: "reads", unit: "count"),
        .init(column: 2, name: "sectorsRead", unit: "sectors"),
        .init(column: 3, name: "readTime", unit: "ms"),
        .init(column: 4, name: "writes", unit: "count"),
        .init(column: 6, name: "sectorsWritten", unit: "sectors"),
        .init(column: 7, name: "writeTime", unit: "ms"),
        .init(column: 8, name: "inFlight", unit: "count"),
        .init(column: 9, name: "busyTime", unit: "ms"),
      ],
      isMember: isRealDisk))

  /// Whole disks, without partitions (which repeat what their disk says), loop devices and disks in memory.
  @Sendable private static func isRealDisk(_ name: String) -> Bool {
    guard !["loop", "ram", "zram"].contains(where: { name.hasPrefix($0) }) else { return false }
    // /sys names a device with a slash in it with an exclamation mark, and lists partitions below their disks only.
    let directory = "/sys/block"
    let entry = String(name.map { $0 == "/" ? "!" : $0 })
    return unsafe access(directory, F_OK) != 0 || access("\(directory)/\(entry)", F_OK) == 0
  }
}
