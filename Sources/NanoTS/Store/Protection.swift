// Ranges of time that are kept until somebody releases them.

extension Store {
  /// The protected ranges of `stream`, in order; an unknown stream has none. Throws `.invalidName` or `.closed`. O(1).
  public func protectedRanges(of stream: String) throws(NanoTSError) -> [ClosedRange<Int64>] {
    try answering { () throws(NanoTSError) in
      guard let found = StreamTable(file: file).find(try StreamTable.checkedName(stream)) else { return [] }
      return file.slot(found.slot).readTerms()?.protected.ranges ?? []
    }
  }

  /// Protects the frames of `stream` with timestamps in `range`, both ends included: blocks whose time from the first
  /// frame to the last reaches into it are not recycled, not freed and not too old, until `releaseProtection`.
  ///
  /// The range may lie in the future: it holds for what is written then. Ranges that overlap or follow one another
  /// become one. What was recycled before stays gone, and a power loss takes what the writer's ``Durability`` allows. If
  /// in the end nothing but protected blocks is left, appends throw `.noFreeBlocks`.
  ///
  /// Durable when the call returns. Throws `.notFound` when there is no such stream, `.invalidArgument` when the stream
  /// would come to have more than 8 ranges, `.readOnly`, `.closed`, `.invalidName` or `.ioFailure`. O(1).
  public func protect(_ stream: String, in range: ClosedRange<Int64>) throws(NanoTSError) {
    let isThere = try changeProtection(of: stream) { $0.insert(range) }
    guard isThere else {
      throw NanoTSError(
        .notFound, "\(path) has no stream '\(stream)' to protect; make it with a writer or a quota first")
    }
  }

  /// Ends the protection of the frames of `stream` with timestamps in `range`, by default of all. What reaches beyond it
  /// stays protected. An unknown stream has nothing to release.
  ///
  /// Durable when the call returns. Throws `.invalidArgument` when cutting a range in two would leave more than 8,
  /// `.readOnly`, `.closed`, `.invalidName` or `.ioFailure`. O(1).
  public func releaseProtection(
    of stream: String, in range: ClosedRange<Int64> = Int64.min...Int64.max
  ) throws(NanoTSError) {
    _ = try changeProtection(of: stream, isRelease: true) { $0.remove(range) }
  }

  /// False when there is no such stream.
  private func changeProtection(
    of stream: String, isRelease: Bool = false, _ change: (inout IntervalSet<Int64>) -> Void
  ) throws(NanoTSError) -> Bool {
    let name = try StreamTable.checkedName(stream)
    let (result, _) = try locked { (_, _) throws(NanoTSError) -> Result<Int?, NanoTSError> in
      guard let found = StreamTable(file: file).find(name) else { return .success(nil) }
      let slot = file.slot(found.slot)
      var terms = slot.readTerms() ?? StreamTerms()
      change(&terms.protected)
      guard terms.protected.ranges.count <= StreamTerms.maximumRangeCount else {
        return .failure(tooManyRanges(stream, terms.protected.ranges.count))
      }
      // Where nobody synced that blocks behind the protected ones were recycled, a power loss may bring such a block back; it
      // takes everything older with it but what is protected. So this must be on the disk before the protection ends.
      if isRelease, file.shared.unorderedReuse.relaxed == 1 { try file.mapped.syncAll() }
      slot.writeTerms(terms)
      return .success(found.slot)
    }
    guard let slot = try result.get() else { return false }
    try file.syncSlot(slot)
    return true
  }

  private func tooManyRanges(_ stream: String, _ count: Int) -> NanoTSError {
    NanoTSError(
      .invalidArgument,
      "the stream '\(stream)' would have \(count) protected ranges, and at most \(StreamTerms.maximumRangeCount) fit; "
        + "release one, or protect one range that covers several")
  }
}
