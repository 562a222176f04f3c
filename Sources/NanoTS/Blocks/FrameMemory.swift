//  FrameMemory: frames that were unpacked or copied for a reader, in memory of the process and in the plain layout.
//
//     0  generation        u64   the seqlock: 0 while the memory is filled, odd and never the same again otherwise
//     8  block header      address of the header of the block that the frames are from
//    16  block generation  u64
//    24  block start       address
//    32  block size        u64
//   128  payloads, then free bytes, then the index
//
//  A frame knows its life by the address of a generation and by its value, in a block or here. Those of blocks are even, and
//  are held to that when they are taken from the file: what is odd is here.

/// See above. Filled by one thread at a time, while others may still look at frames of its earlier content.
@safe
final class FrameMemory {
  /// Bound: all of it is this object's.
  let bytes: UnsafeMutableRawBufferPointer
  private var changes: UInt64 = 0

  enum Offset {
    static let blockHeader = 8
    static let blockGeneration = 16
    static let blockStart = 24
    static let blockSize = 32
  }

  static let payloadStart = 128

  init(byteCount: Int) {
    unsafe bytes = .allocate(byteCount: max(byteCount, FrameMemory.payloadStart), alignment: 64)
    life.generation.storeRelaxed(0)
  }

  deinit { unsafe bytes.deallocate() }

  /// What frames in this memory ask whether they are still there: as of a block's header, the generation at offset 0.
  var life: BlockHeader { unsafe BlockHeader(base: bytes.baseAddress!) }

  var base: UnsafeMutableRawPointer { unsafe bytes.baseAddress! }

  /// From here on, nobody's frame is in this memory.
  func beginChange() {
    changes += 1
    let generation = life.generation
    generation.storeRelaxed(0)
    generation.fenceAfterStore()
  }

  /// The memory holds frames of the block with `header` in the life `generation`.
  func endChange(of header: BlockHeader, _ generation: UInt64, _ block: UnsafeRawBufferPointer) {
    unsafe base.storeBytes(of: UInt(bitPattern: header.base), toByteOffset: Offset.blockHeader, as: UInt.self)
    unsafe base.storeBytes(of: generation, toByteOffset: Offset.blockGeneration, as: UInt64.self)
    unsafe base.storeBytes(of: UInt(bitPattern: block.baseAddress), toByteOffset: Offset.blockStart, as: UInt.self)
    unsafe base.storeBytes(of: UInt64(block.count), toByteOffset: Offset.blockSize, as: UInt64.self)
    life.generation.storeReleased(2 &* changes &+ 1)
  }

  /// The block that the frames of `life` were copied from; nil where `generation` is that of a block itself. Whoever calls
  /// asks afterwards whether the life is still the same.
  static func source(
    of life: BlockHeader, _ generation: UInt64
  ) -> (header: BlockHeader, generation: UInt64, bytes: UnsafeRawBufferPointer)? {
    guard Generation.isOdd(generation) else { return nil }
    let base = unsafe life.base
    guard
      let header = unsafe UnsafeMutableRawPointer(
        bitPattern: base.load(fromByteOffset: Offset.blockHeader, as: UInt.self)),
      let start = unsafe UnsafeRawPointer(bitPattern: base.load(fromByteOffset: Offset.blockStart, as: UInt.self))
    else { return nil }
    let size = unsafe Int(base.load(fromByteOffset: Offset.blockSize, as: UInt64.self))
    let source = unsafe base.load(fromByteOffset: Offset.blockGeneration, as: UInt64.self)
    // What is taken together is of one block only if nothing was put here meanwhile.
    guard life.isStill(generation) else { return nil }
    return unsafe (BlockHeader(base: header), source, UnsafeRawBufferPointer(start: start, count: size))
  }
}

/// The memory of all readers of one store. It goes with the store and not before, since frames hold no reference.
final class FrameMemoryPool: Sendable {
  private struct State {
    var all: [FrameMemory] = []
    var free: [FrameMemory] = []
  }

  private let state = ProcessLock(State())

  private static let leastByteCount = 16 << 10

  private static let doubledUpTo = 1 << 20

  /// Memory of at least `byteCount` bytes, and not more than twice as much.
  func take(_ byteCount: Int) -> FrameMemory {
    var size = FrameMemoryPool.leastByteCount
    while size < byteCount, size < FrameMemoryPool.doubledUpTo { size *= 2 }
    if size < byteCount { size = byteCount.roundedUp(to: FrameMemoryPool.leastByteCount) }
    return state.withLock { state in
      if let index = state.free.lastIndex(where: { unsafe $0.bytes.count == size }) {
        return state.free.remove(at: index)
      }
      let memory = FrameMemory(byteCount: size)
      state.all.append(memory)
      return memory
    }
  }

  func giveBack(_ memory: FrameMemory) { state.withLock { $0.free.append(memory) } }
}
