import FuzzKit

@testable import NanoTS

/// The chunked body of one block as an input wants it, with checksums that are right: what they would keep from the decoder
/// comes through.
@safe
final class ChunkBlock {
  private static let size = 4096
  /// What was read goes somewhere, so that the compiler leaves nothing out.
  // Bound: libFuzzer runs one input at a time, on one thread.
  nonisolated(unsafe) private static var seen = 0
  private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
  private let layout: ChunkedLayout
  private let isKeyed: Bool
  private let generation: UInt64 = 0x1_0000_0002
  private var commit = BlockCommit(count: 0, chunkCount: 0)
  /// Where the next chunk goes, and the slot of its first frame.
  private var end = BlockPreamble.fixedByteCount
  private var slots = 0

  init(_ input: inout FuzzInput) {
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
    layout = ChunkedLayout(blockSize: ChunkBlock.size, chunkByteCount: input.element(of: [256, 512, 1024]))!
    isKeyed = input.flag()
    let chunks = input.choice(4)
    for chunk in 0..<chunks { addChunk(chunk, &input) }
    let staged = addStaged(behind: chunks, &input)
    let count = UInt32(truncatingIfNeeded: input.value(near: UInt64(slots + staged)))
    commit = BlockCommit(
      count: input.flag() ? count : UInt32(slots + staged),
      chunkCount: input.choice(8) == 0 ? UInt32(truncatingIfNeeded: input.value(near: UInt64(chunks))) : UInt32(chunks))
  }

  deinit { unsafe memory.deallocate() }

  private var base: UnsafeMutableRawPointer { unsafe memory.baseAddress! }

  /// Bytes of the input that are also text, so that they can be short and long.
  private func bytes(_ count: Int, _ input: inout FuzzInput) -> [UInt8] {
    let repeats = input.choice(4) + 1
    return (0..<count).map { index in index % repeats == 0 ? input.byte() : UInt8(truncatingIfNeeded: index) }
  }

  // MARK: Chunks

  private func addChunk(_ chunk: Int, _ input: inout FuzzInput) {
    let room = layout.stagingStart - (chunk + 1) * ChunkEntry.byteCount - end
    guard room > 64 else { return }
    var entry = input.flag() ? made(room, &input) : arbitrary(room, &input)
    entry.offset = UInt32(end)
    for _ in 0..<input.choice(3) { edit(&entry, &input) }
    let length = min(Int(entry.storedLength), ChunkBlock.size - end)
    for _ in 0..<input.choice(4) where length > 0 {
      unsafe memory[end + Int(input.word() % UInt64(length))] = input.byte()
    }
    // Of bytes outside the block nothing has to be right.
    let (start, stored) = (Int(entry.offset), Int(entry.storedLength))
    if start + stored <= ChunkBlock.size {
      entry.checksum = unsafe entry.computedChecksum(
        generation: generation, stored: UnsafeRawBufferPointer(rebasing: memory[start..<(start + stored)]))
    }
    unsafe entry.write(to: base + layout.stagingStart - (chunk + 1) * ChunkEntry.byteCount)
    end = min((end + length).roundedUp(to: 8), layout.stagingStart)
    slots += min(Int(entry.frameCount), 1 << 20)
  }

  /// A chunk of frames, as a writer makes it.
  private func made(_ room: Int, _ input: inout FuzzInput) -> ChunkEntry {
    let count = input.choice(24) + 1
    let equal = input.flag() ? input.choice(60) : nil
    let size = isKeyed ? IndexEntry.keyedByteCount : IndexEntry.byteCount
    let area = UnsafeMutableRawBufferPointer.allocate(byteCount: count * (64 + size), alignment: 8)
    defer { unsafe area.deallocate() }
    unsafe area.initializeMemory(as: UInt8.self, repeating: 0)
    for slot in 0..<count {
      let payload = bytes(equal ?? input.choice(60), &input)
      for (index, byte) in payload.enumerated() { unsafe area[slot * 64 + index] = byte }
      let entry = IndexEntry(
        timestamp: Int64(slots + slot), key: isKeyed ? Int64(slot) : 0, offset: UInt32(slot * 64),
        lengthAndMarks: UInt32(payload.count), checksum: 0, flags: input.flag() ? 0 : UInt32(slot))
      unsafe entry.write(to: area.baseAddress! + area.count - (slot + 1) * size, keyed: isKeyed)
    }
    let frames = unsafe PlainFrames(
      base: UnsafeRawPointer(area.baseAddress!), indexTop: UnsafeRawPointer(area.baseAddress! + area.count),
      isKeyed: isKeyed, count: count)
    let target = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[end..<(end + room)])
    return unsafe ChunkEncoder().encode(frames, firstSlot: slots, into: target) ?? arbitrary(room, &input)
  }

  private func arbitrary(_ room: Int, _ input: inout FuzzInput) -> ChunkEntry {
    let stored = bytes(min(input.choice(256), room), &input)
    for (index, byte) in stored.enumerated() { unsafe memory[end + index] = byte }
    return ChunkEntry(
      first: FramePosition(timestamp: Int64(slots), key: 0), firstSlot: UInt32(slots),
      frameCount: UInt32(input.choice(40)), storedLength: UInt32(stored.count), rawLength: UInt32(input.word() % 4096),
      payloadBytes: UInt32(input.word() % 4096), method: input.byte() & 1, filter: input.element(of: [0, 1, 2, 4]))
  }

  private func edit(_ entry: inout ChunkEntry, _ input: inout FuzzInput) {
    func changed(_ value: UInt32) -> UInt32 { UInt32(truncatingIfNeeded: input.value(near: UInt64(value))) }
    switch input.choice(9) {
    case 0: entry.first = FramePosition(timestamp: Int64(bitPattern: input.word()), key: entry.first.key)
    case 1: entry.firstSlot = changed(entry.firstSlot)
    case 2: entry.frameCount = changed(entry.frameCount)
    case 3: entry.offset = changed(entry.offset)
    case 4: entry.storedLength = changed(entry.storedLength)
    case 5: entry.rawLength = changed(entry.rawLength)
    case 6: entry.payloadBytes = changed(entry.payloadBytes)
    case 7: entry.method = input.byte()
    default: entry.filter = input.byte()
    }
  }

  // MARK: Staging area

  private func addStaged(behind chunks: Int, _ input: inout FuzzInput) -> Int {
    let checksum = FrameChecksum(generation: generation, behindChunks: chunks)
    let size = isKeyed ? IndexEntry.keyedByteCount : IndexEntry.byteCount
    let count = min(input.choice(20), layout.stagingByteCount / size)
    var place = layout.stagingStart
    for frame in 0..<count {
      let length = input.choice(48)
      var entry = IndexEntry(
        timestamp: Int64(slots + frame), key: 0, offset: UInt32(truncatingIfNeeded: place),
        lengthAndMarks: UInt32(length), checksum: 0, flags: 0)
      if input.choice(8) == 0 { entry.offset = UInt32(truncatingIfNeeded: input.value(near: UInt64(place))) }
      if input.choice(8) == 0 { entry.lengthAndMarks = UInt32(truncatingIfNeeded: input.value(near: UInt64(length))) }
      if entry.liesWithin(0, ChunkBlock.size) {
        let start = Int(entry.offset)
        entry.checksum = unsafe checksum.value(
          of: entry, payload: UnsafeRawBufferPointer(rebasing: memory[start..<(start + entry.length)]))
      }
      unsafe entry.write(to: base + ChunkBlock.size - (frame + 1) * size, keyed: isKeyed)
      place += length.roundedUp(to: 8)
    }
    return count
  }

  // MARK: Reading

  /// Reads the block in every way; each byte that is handed out is looked at.
  func read(_ input: inout FuzzInput) {
    let bytes = unsafe UnsafeRawBufferPointer(memory)
    guard let index = unsafe ChunkIndex(bytes, generation: generation, layout, isKeyed: isKeyed, commit) else { return }
    var sum = 0
    let loader = ChunkLoader(FrameMemoryPool())
    for _ in 0..<24 {
      let slot = input.flag() ? Int(input.byte()) : Int(truncatingIfNeeded: input.value(near: UInt64(index.count)) >> 1)
      guard slot < index.count else { continue }
      let extent = input.element(of: [ChunkLoader.Extent.entries, .frame, .all])
      guard case .loaded = loader.load(slot, index, nil, seen: 0, extent), let part = loader.part else { continue }
      _ = part.lowerBound(FramePosition(timestamp: Int64(slot), key: 0))
      for ready in part.ready { sum &+= unsafe part.payload(of: part.entry(ready))?.reduce(0) { $0 &+ Int($1) } ?? 0 }
    }
    let body = BlockBody(index, nil, coversPayload: true, isSealed: input.flag())
    for slot in 0..<min(index.count, 300) {
      sum &+= unsafe body.payload(of: body.entry(slot))?.reduce(0) { $0 &+ Int($1) } ?? 0
    }
    _ = (body.last, index.stagedByteCount)
    let proven = body.proven(trusting: 0, coversPayload: true)
    guard let whole = index.with(proven) else { fatalError("what proves itself is impossible: \(proven)") }
    let again = BlockBody(whole, nil, coversPayload: true, isSealed: true)
    for slot in 0..<again.count where !again.isWhole(slot, FrameChecksum(generation: generation), coversPayload: true) {
      // A chunk of which the checksum is right, and which is none all the same.
      guard slot < whole.stagedStart else { fatalError("frame \(slot) of \(proven) does not prove itself") }
    }
    unsafe ChunkBlock.seen = unsafe ChunkBlock.seen &+ sum
  }
}
