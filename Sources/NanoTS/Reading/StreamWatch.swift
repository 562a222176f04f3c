/// What a stream looked like at one moment, to tell cheaply, and from any thread, whether it may have new frames since.
struct StreamWatch: Sendable {
  private let file: StoreFile
  private let stream: StreamTable.Stream?
  private let name: [UInt8]
  /// Loaded before the next sequence: the number of a block that is given back comes again, this does not.
  private let removals: UInt32
  private let nextSequence: UInt64
  /// The block that the cursor stands in, the life that it knows of it, and its commit word.
  private let block: Int?
  private let generation: UInt64
  private let commit: UInt64

  /// What `cursor` would see now.
  init(_ cursor: Cursor) {
    file = cursor.store.file
    stream = cursor.stream
    name = cursor.name
    removals = cursor.stream.map { [file] in file.slot($0.slot).removals.acquired } ?? 0
    nextSequence = cursor.stream.map { [file] in file.slot($0.slot).nextSequence.acquired } ?? 0
    block = cursor.window?.block
    generation = cursor.window?.generation ?? 0
    commit = block.map { [file] in file.header($0).commit.acquired } ?? 0
  }

  /// False when the stream has no frame that it did not have then. A few loads; O(streams) for a stream that did not
  /// exist.
  func hasChanged() -> Bool {
    guard let stream else { return StreamTable(file: file).find(name) != nil }
    let slot = file.slot(stream.slot)
    if slot.identifier.acquired != stream.identifier || slot.removals.acquired != removals
      || slot.nextSequence.acquired != nextSequence
    {
      return true
    }
    return block.map { file.header($0).commit.acquired != commit || !file.header($0).isStill(generation) } ?? false
  }

  /// True when the watch looks at the place where `cursor` stands now: only then does it notice every new frame.
  func covers(_ cursor: Cursor) -> Bool {
    stream == cursor.stream && block == cursor.window?.block && generation == cursor.window?.generation ?? 0
  }

  var slot: Int? { stream?.slot }
}

/// Waits for a change of any of several streams, on behalf of somebody else's cursors.
struct WatchList: FrameSource {
  let watches: [StreamWatch]

  func nextNow() -> Void? { watches.contains { $0.hasChanged() } ? () : nil }

  var slots: [Int?] { watches.map(\.slot) }
}
