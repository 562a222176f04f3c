public import NanoTS

/// Appends records to a stream, whose segment says what they are made of. Thread rules are those of `Writer`.
public final class RecordWriter<R: Record> {
  /// Appends what is no record, flushes, and tells the last position.
  public let writer: Writer

  init(_ writer: Writer) { self.writer = writer }

  /// Appends `record`. Throws as `Writer.append`.
  @inlinable @inline(__always)
  public func append(_ record: R, at timestamp: Int64, key: Int64 = 0, flags: UInt32 = 0) throws(NanoTSError) {
    try writer.append(value: record, at: timestamp, key: key, flags: flags)
  }

  /// Seals the stream's open block and lets the stream go. Throws as `Writer.close`.
  public func close() throws(NanoTSError) { try writer.close() }
}

extension Store {
  /// Opens the writer of `stream` for records of type `R`, which begin a new segment. Segments before it may hold others.
  ///
  /// Throws as `Store.writer(for:metadata:options:)`, and `.invalidArgument` when `R` has no layout.
  public func recordWriter<R: Record>(
    for stream: String, of type: R.Type = R.self, options: WriterOptions = WriterOptions()
  ) throws(NanoTSError) -> RecordWriter<R> {
    RecordWriter(try writer(for: stream, metadata: R.layout().metadata, options: options))
  }
}
