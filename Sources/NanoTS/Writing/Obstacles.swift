/// What stands in the way of a writer that finds no block, for the message that says so.
///
/// Looked at without a lock, so it is what is there a moment later.
struct Obstacles {
  private let file: StoreFile
  private let reclaims: Bool
  /// The stream's maximum, when that is what keeps it from other blocks than its own.
  private var maximum: Int?
  private var written = 0
  private var pinned = 0
  private var protected = 0
  private var protectedStreams: Set<Int> = []
  private var withinMinimum = 0
  private var minimumStreams: Set<Int> = []
  /// Free blocks that are kept for streams below their minimum.
  private var reserved = 0

  /// O(blocks).
  init(_ file: StoreFile, _ taker: Int, reclaims: Bool) throws(NanoTSError) {
    self.file = file
    self.reclaims = reclaims
    let keeping = Keeping(file)
    let most = Int(keeping.quota(of: taker).maximumBlocks)
    if most > 0, keeping.blocks(of: taker) >= most { maximum = most }
    if maximum == nil { reserved = min(BlockPool(file: file).unownedBlocks, keeping.reserved(for: taker)) }
    guard reclaims else { return }
    let pins = try PinLocks.pinned(file.mapped.descriptor)
    for block in 0..<(try file.blocksInFile()) {
      guard let values = file.header(block).values(), values.holdsFrames else { continue }
      let owner = Int(values.streamSlot)
      guard owner < file.usedSlots, maximum == nil || owner == taker else { continue }
      add(values, owner == taker, keeping, pins)
    }
  }

  private mutating func add(
    _ values: BlockHeaderValues, _ isOwn: Bool, _ keeping: Keeping, _ pins: IntervalSet<UInt64>
  ) {
    let place = PinLocks.offset(of: values)
    let owner = Int(values.streamSlot)
    if values.state == .open {
      written += 1
    } else if keeping.isProtected(values) {
      protected += 1
      protectedStreams.insert(owner)
    } else if !isOwn, keeping.isAtMinimum(owner) {
      withinMinimum += 1
      minimumStreams.insert(owner)
    } else if pins.overlaps(place, place) {
      pinned += 1
    }
  }

  /// A sentence's second half: what there is, then the remedy.
  var description: String {
    var parts: [String] = []
    var remedies: [String] = []
    func add(_ count: Int, _ part: String, _ remedy: String) {
      guard count > 0 else { return }
      parts.append(part)
      if !remedies.contains(remedy) { remedies.append(remedy) }
    }
    if let maximum {
      add(1, "the stream has its maximum of \(maximum)", "raise the maximum")
    }
    add(reserved, "\(reserved) are kept for streams below their minimum", "lower the minimums")
    guard reclaims else {
      remedies += ["free blocks, or open the writer with auto-reclaim"]
      return (parts + [remedies.joined(separator: ", ")]).joined(separator: "; ")
    }
    add(protected, "\(protected) are protected (\(list(protectedStreams)))", "release the protection")
    add(pinned, "\(pinned) are pinned", "let their readers release the pins")
    add(withinMinimum, "\(withinMinimum) are within the minimum of \(list(minimumStreams))", "lower the minimums")
    guard !parts.isEmpty else {
      return "all of them are being written; give the store more blocks or write fewer streams at once"
    }
    add(written, "\(written) are being written", "give the store more blocks")
    return parts.joined(separator: ", ") + "; " + remedies.joined(separator: ", or ")
  }

  private func list(_ slots: Set<Int>) -> String {
    let names = slots.compactMap { slot in
      StreamTable(file: file).stream(at: slot).map { "'\(String(decoding: $0.name, as: UTF8.self))'" }
    }
    let shown = names.sorted().prefix(8).joined(separator: ", ")
    return names.count > 8 ? "\(shown) and \(names.count - 8) more" : shown
  }
}
