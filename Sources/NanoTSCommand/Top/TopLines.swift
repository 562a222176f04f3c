import NanoTS

/// What `top` prints where there is no terminal: a line for each stream each time.
struct TopLines {
  private let isJSON: Bool

  init(isJSON: Bool) { self.isJSON = isJSON }

  func text(_ activity: StoreActivity, of names: [String], in unit: TimeUnit) throws -> String {
    var times = TimeText(unit: .milliseconds, isRaw: false)
    let time = times.string(WallClock.timestamp(in: .milliseconds))
    let streams = names.isEmpty ? activity.streams : activity.streams.filter { names.contains($0.name) }
    let width = streams.map { PrintableText.string($0.name).count }.max() ?? 0
    return try streams.map { stream in
      isJSON
        ? try JSONDocument.line(StreamActivityRecord(stream, of: activity, at: time, in: unit))
        : line(stream, of: activity, at: time, width)
    }
    .joined()
  }

  /// The numbers have no units, for programs; what is not known is a hyphen.
  private func line(_ stream: StreamActivity, of activity: StoreActivity, at time: String, _ width: Int) -> String {
    let name = PrintableText.string(stream.name)
    let writer = stream.isWritten ? stream.writerProcessID.map { "\($0)" } ?? "yes" : "-"
    let parts = [
      time, name + String(repeating: " ", count: width - name.count), "writer=\(writer)",
      "frames/s=\(number(stream.framesPerSecond, places: 1))", "bytes/s=\(number(stream.bytesPerSecond, places: 0))",
      "lag=\(number(stream.lagSeconds, places: 6))",
      "ring=\(NumberText.percent(stream.blocks, of: activity.blockCount))",
      "oldest=\(number(stream.oldestAgeSeconds, places: 3))", "last=\(stream.newest?.text ?? "-")",
    ]
    return parts.joined(separator: "  ") + "\n"
  }

  private func number(_ value: Double?, places: Int) -> String {
    value.map { NumberText.decimal($0, places: places).filter { $0 != "," } } ?? "-"
  }
}

/// A stream as `top --json` shows it. Times are in the store's unit; those whose name ends in `Time` are dates.
private struct StreamActivityRecord: Encodable {
  let time: String
  let stream: String
  let isWritten: Bool
  @Nullable var writerProcessID: Int32?
  @Nullable var framesPerSecond: Double?
  @Nullable var bytesPerSecond: Double?
  @Nullable var lagSeconds: Double?
  let blocks: Int
  let blockCount: Int
  @Nullable var first: Int64?
  @Nullable var firstTime: String?
  @Nullable var oldestAgeSeconds: Double?
  @Nullable var last: Int64?
  @Nullable var lastTime: String?
  @Nullable var flags: UInt32?
  @Nullable var value: String?

  init(_ stream: StreamActivity, of activity: StoreActivity, at time: String, in unit: TimeUnit) {
    var times = TimeText(unit: unit, isRaw: false)
    self.time = time
    self.stream = stream.name
    isWritten = stream.isWritten
    writerProcessID = stream.writerProcessID
    framesPerSecond = stream.framesPerSecond
    bytesPerSecond = stream.bytesPerSecond
    lagSeconds = stream.lagSeconds
    blocks = stream.blocks
    blockCount = activity.blockCount
    first = stream.first
    firstTime = stream.first.map { times.string($0) }
    oldestAgeSeconds = stream.oldestAgeSeconds
    last = stream.newest?.timestamp
    lastTime = stream.newest.map { times.string($0.timestamp) }
    flags = stream.newest?.flags
    value = stream.newest?.value
  }
}
