/// What a recording came to, as a table or as JSON.
struct RecordSummary: Encodable {
  struct StreamSummary: Encodable {
    let stream: String
    let source: String
    let frames: UInt64
    let rateWanted: Double
    let rateAchieved: Double
    let lateSamples: UInt64
    let skippedSamples: UInt64
    let bytes: UInt64
  }

  let store: String
  let seconds: Double
  let streams: [StreamSummary]

  init(store: String, _ recorder: Recorder) {
    self.store = store
    let seconds = recorder.elapsedSeconds
    self.seconds = seconds
    streams = recorder.streams.map {
      StreamSummary(
        stream: $0.stream.rawValue, source: $0.stream.path, frames: $0.frames, rateWanted: $0.rate,
        rateAchieved: seconds > 0 ? Double($0.frames) / seconds : 0, lateSamples: $0.late, skippedSamples: $0.skipped,
        bytes: $0.bytes)
    }
  }

  func text(on terminal: Terminal) -> String {
    var table = Table([
      .left("stream"), .left("source"), .right("frames"), .right("Hz wanted"), .right("Hz achieved"),
      .right("late samples"), .right("skipped"), .right("bytes"),
    ])
    for stream in streams {
      table.add([
        stream.stream, stream.source, NumberText.grouped(stream.frames),
        NumberText.decimal(stream.rateWanted, places: 1), NumberText.decimal(stream.rateAchieved, places: 1),
        NumberText.grouped(stream.lateSamples), NumberText.grouped(stream.skippedSamples),
        NumberText.size(stream.bytes),
      ])
    }
    table.addTotals([
      "total", "", NumberText.grouped(sum(\.frames)), "", "", NumberText.grouped(sum(\.lateSamples)),
      NumberText.grouped(sum(\.skippedSamples)), NumberText.size(sum(\.bytes)),
    ])
    return "recorded \(SpanText.string(seconds: seconds)) into \(PrintableText.string(store))\n\n"
      + table.text(on: terminal)
  }

  private func sum(_ value: KeyPath<StreamSummary, UInt64>) -> UInt64 {
    streams.reduce(0) { $0 + $1[keyPath: value] }
  }
}
