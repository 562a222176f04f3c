import NanoTS
import NanoTSRecords

extension Store {
  /// The fields that are numbers, by the layouts in the metadata of a stream's segments with frames in `range`: each name
  /// once. Nil where no segment has a layout.
  func plottedFields(of stream: String, in range: ClosedRange<Int64> = .min ... .max) throws -> [RecordField]? {
    let known = try segments(of: stream, in: range).compactMap { RecordLayout(metadata: $0.metadata) }.flatMap(\.fields)
    guard !known.isEmpty else { return nil }
    var seen: Set<String> = []
    return known.filter { field in
      if case .text = field.type { return false }
      return seen.insert(field.name).inserted
    }
  }

  /// The first and the last time of a stream's frames in `range`; nil where there are none.
  func times(of stream: String, in range: ClosedRange<Int64>) throws -> ClosedRange<Int64>? {
    let frames = try frames(of: stream, in: range)
    var (forward, backward) = (frames.makeIterator(), frames.reversed().makeIterator())
    guard let first = forward.next()?.timestamp, let last = backward.next()?.timestamp else { return nil }
    return min(first, last)...max(first, last)
  }
}
