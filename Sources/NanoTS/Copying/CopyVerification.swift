/// Reading a new store again before it gets its name.
extension CopyTarget {
  /// Checks everything in the new file as `verify` does; `tell` is called before the first block and after each. Throws
  /// `.corrupt` when it is not clean, or has another number of frames than `frames`. O(bytes used).
  func verify(
    frames: UInt64, of source: String, _ tell: (_ blocks: Int) throws(NanoTSError) -> Void
  ) throws(NanoTSError) {
    var verification = Verification(file: file)
    verification.checkSlots()
    try tell(0)
    for block in 0..<usedBlocks {
      verification.checkBlock(block)
      try tell(block + 1)
    }
    try verification.checkLists()
    let found = verification.report
    guard !found.isClean || found.checkedFrames != frames else { return }
    let what = found.findings.first?.description ?? "\(found.checkedFrames) frames of \(frames) are there"
    throw NanoTSError(
      .corrupt, "the copy of \(source) did not come out as it was written (\(what)); check disk and memory")
  }
}
