/// What a stream may count on, and what it keeps within. Part of the store, like the stream itself.
public struct StreamQuota: Sendable, Equatable {
  /// Blocks that other streams cannot take from this one; as long as it has fewer, they are kept free for it, and it
  /// takes those of others before its own. From 0 (default) to the store's block count, of which all minimums together
  /// are a part.
  public var minimumBlocks: Int
  /// The most blocks that the stream has, the open one included: a writer that needs one more takes the stream's own
  /// oldest, also while others are free. From 1 and `minimumBlocks` on; nil (default): no limit.
  public var maximumBlocks: Int?
  /// How much older than the stream's newest frame, in the store's time unit, a block's last frame may be: older blocks
  /// are freed when the stream's writer changes blocks. From 1; nil (default): no limit. No clock is looked at: a stream
  /// that is not written ages no further.
  public var maximumAge: Int64?

  /// A quota with the defaults of the properties above, which is none.
  public init(minimumBlocks: Int = 0, maximumBlocks: Int? = nil, maximumAge: Int64? = nil) {
    self.minimumBlocks = minimumBlocks
    self.maximumBlocks = maximumBlocks
    self.maximumAge = maximumAge
  }

  init(_ quota: StreamTerms.Quota) {
    minimumBlocks = Int(quota.minimumBlocks)
    maximumBlocks = quota.maximumBlocks > 0 ? Int(quota.maximumBlocks) : nil
    maximumAge = quota.maximumAge > 0 ? quota.maximumAge : nil
  }

  /// The quota as it is stored. Throws `.invalidArgument`.
  fileprivate func checked(blockCount: Int) throws(NanoTSError) -> StreamTerms.Quota {
    guard (0...blockCount).contains(minimumBlocks) else {
      throw NanoTSError(
        .invalidArgument,
        "a minimum of \(minimumBlocks) blocks is outside 0...\(blockCount), the blocks that the store has")
    }
    if let maximumBlocks {
      guard (max(1, minimumBlocks)...StoreLayout.maximumBlockCount).contains(maximumBlocks) else {
        throw NanoTSError(
          .invalidArgument,
          "a maximum of \(maximumBlocks) blocks is outside \(max(1, minimumBlocks))...\(StoreLayout.maximumBlockCount); it is "
            + "at least 1 and not below the minimum, \(minimumBlocks)")
      }
    }
    if let maximumAge, maximumAge < 1 {
      throw NanoTSError(.invalidArgument, "a maximum age of \(maximumAge) is not at least 1, in the store's time unit")
    }
    var quota = StreamTerms.Quota()
    quota.minimumBlocks = UInt32(minimumBlocks)
    quota.maximumBlocks = UInt32(maximumBlocks ?? 0)
    quota.maximumAge = maximumAge ?? 0
    return quota
  }
}

extension Store {
  /// The quota of `stream`; that of an unknown stream is none. Throws `.invalidName` or `.closed`. O(1).
  public func quota(of stream: String) throws(NanoTSError) -> StreamQuota {
    try answering { () throws(NanoTSError) in
      guard let found = StreamTable(file: file).find(try StreamTable.checkedName(stream)) else { return StreamQuota() }
      return StreamQuota(file.slot(found.slot).readTerms()?.quota ?? StreamTerms.Quota())
    }
  }

  /// Sets the quota of `stream`, in place of the one that it had, for all processes and until it is set again.
  ///
  /// The stream is made if it does not exist, so that a minimum is kept for it before its first writer comes. What the
  /// stream has outgrown is freed before the call returns: its oldest sealed blocks, down to the maximum and to those
  /// that are young enough. Protected and pinned blocks stay; when they no longer are, the stream's writer releases
  /// them, up to eight each time it changes blocks. What is freed counts as reclaimed.
  ///
  /// A minimum is not taken from others at once: the stream gets it block by block as it is written.
  ///
  /// Durable when the call returns. Throws `.invalidArgument` for values outside their ranges, or when the minimums of
  /// all streams are more than the store has, `.tooManyStreams`, `.readOnly`, `.closed`, `.invalidName` or `.ioFailure`.
  /// O(streams + blocks freed or passed over).
  @discardableResult
  public func setQuota(_ quota: StreamQuota, of stream: String) throws(NanoTSError) -> FreedBlocks {
    let name = try StreamTable.checkedName(stream)
    _ = try writableSession()
    let stored = try quota.checked(blockCount: blockCount)
    let (result, _) = try locked { (pool, descriptor) throws(NanoTSError) -> Result<(Int, FreedBlocks)?, NanoTSError> in
      let table = StreamTable(file: file)
      if let refusal = refusal(of: stored, for: name, stream) { return .failure(refusal) }
      // None at all is no reason to make a stream.
      if table.find(name) == nil, stored == StreamTerms.Quota() { return .success(nil) }
      guard let found = table.findOrCreate(name) else { return .failure(StreamLease.tableFull(file, name)) }
      let slot = file.slot(found.slot)
      var terms = slot.readTerms() ?? StreamTerms()
      terms.quota = stored
      slot.writeTerms(terms)
      let claimant = Claimant(index: found.slot, reclaims: true, descriptor: descriptor, keeping: Keeping(file))
      let released = try pool.releaseOutgrown(by: claimant, atMost: .max)
      return .success((found.slot, FreedBlocks(blocks: released.blocks, frames: released.frames)))
    }
    guard let (slot, freed) = try result.get() else { return FreedBlocks() }
    try file.syncSlot(slot)
    return freed
  }

  private func refusal(of quota: StreamTerms.Quota, for name: [UInt8], _ stream: String) -> NanoTSError? {
    var others = 0
    for other in StreamTable(file: file).all() where other.name != name {
      others += Int(file.slot(other.slot).readTerms()?.quota.minimumBlocks ?? 0)
    }
    guard quota.minimumBlocks > 0, others + Int(quota.minimumBlocks) > blockCount else { return nil }
    return NanoTSError(
      .invalidArgument,
      "a minimum of \(quota.minimumBlocks) blocks for '\(stream)' cannot be kept: the store has \(blockCount), of which "
        + "\(others) are the minimums of other streams; lower those or this one")
  }
}
