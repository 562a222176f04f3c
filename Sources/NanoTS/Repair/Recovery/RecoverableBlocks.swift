extension Store {
  /// How many blocks in the file at `path` prove that they hold frames of a store: whether ``recover(_:to:_:progress:)``
  /// can save anything of a file that cannot be opened. 0 for a file that is no store.
  ///
  /// The file is only read. Throws `.notFound`, `.cannotOpen`, `.invalidArgument`, `.unsupportedVersion`,
  /// `.unsupportedFeature` or `.ioFailure`. O(blocks), and O(bytes of the file) where its header does not prove itself. May
  /// be called from any thread.
  public static func recoverableBlocks(in path: String) throws(NanoTSError) -> Int {
    precondition(LayoutCheck.isDone)
    let file = try DamagedFile(opening: path)
    guard let layout = try layout(of: file) else { return 0 }
    let inspector = BlockInspector(file, layout)
    return (0..<layout.blockCount).count { index in
      guard case .alive = inspector.look(at: index).life else { return false }
      return layout.hasByte(of: index, in: file)
    }
  }

  private static func layout(of file: DamagedFile) throws(NanoTSError) -> DamagedLayout? {
    if let layout = try DamagedLayout.fromHeader(of: file) { return layout }
    var search = BlockSearch(file)
    return try search.run { (_, _) throws(NanoTSError) in }.map { DamagedLayout($0.family, in: file) }
  }
}
