import Foundation
import NanoTS
import NanoTSRecords
import Testing

@testable import NanoTSCommand

/// What the suites of `nanots ingest` have in common: a store, and files that become streams of it.
protocol IngestSuite {
  var scratch: Scratch { get }
}

extension IngestSuite {
  var store: String { scratch.path("store.nts") }

  func ingest(_ text: String, _ options: String..., named name: String = "t.csv") throws -> Program.Outcome {
    try ingest(text, options, named: name)
  }

  func ingest(_ text: String, _ options: [String], named name: String = "t.csv") throws -> Program.Outcome {
    try Program.run(["ingest", store, try scratch.file(name, Data(text.utf8))] + options)
  }

  /// Timestamp, key and fields of each frame.
  func rows(_ stream: String) throws -> [[String]] {
    let store = try Store(at: store, .readOnly)
    let segment = try #require(try store.segments(of: stream).first)
    let layout = try #require(RecordLayout(metadata: segment.metadata))
    return try store.frames(of: stream).map { frame in
      let fields = try unsafe frame.withUnsafeBytes { record in
        layout.fields.map { field in
          var line: [UInt8] = []
          unsafe PayloadText.append(field.value(in: record)!, to: &line)
          return "\(field.name)=" + String(decoding: line, as: UTF8.self)
        }
      }
      return ["\(frame.timestamp)", "\(frame.key)"] + fields
    }
  }
}
