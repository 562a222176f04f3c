import Glibc

/// Writes over a store that others have open, by seed: words of its tables and bytes of its blocks, never its first page,
/// which is looked at when a store is opened and not again. Now and then it puts back what was there, so that readers
/// come to the next thing.
enum Scribbler {
  private static let firstByte = 4096

  static func run(_ path: String, _ words: SharedWords, _ place: Int, seed: UInt64) throws {
    let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
    var status = stat()
    guard descriptor >= 0, unsafe fstat(descriptor, &status) == 0 else {
      throw SharedWords.Failure(path: path, systemError: errno)
    }
    let size = Int(status.st_size)
    guard let base = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
      unsafe base != MAP_FAILED
    else { throw SharedWords.Failure(path: path, systemError: errno) }
    let before = unsafe [UInt8](UnsafeRawBufferPointer(start: base, count: size))
    let tableEnd = tables(before)
    var random = SplitMix(seed: seed)
    while !words.isOver {
      for _ in 0..<Int.random(in: 1...200, using: &random) {
        unsafe scribble(base, size, tableEnd, &random)
        words[place] += 1
      }
      if random.oneIn(2) {
        unsafe before.withUnsafeBytes { old in
          unsafe (base + firstByte).copyMemory(from: old.baseAddress! + firstByte, byteCount: size - firstByte)
        }
      }
      if random.oneIn(4) { usleep(50) }
    }
  }

  /// The end of the block table, as the header at 96 and 64 has it: its offset and 128 bytes for each block.
  private static func tables(_ bytes: [UInt8]) -> Int {
    func word(_ offset: Int) -> Int { (0..<8).reduce(0) { $0 | Int(bytes[offset + $1]) << ($1 * 8) } }
    return word(96) + word(64) * 128
  }

  private static func scribble(
    _ base: UnsafeMutableRawPointer, _ size: Int, _ tableEnd: Int, _ random: inout SplitMix
  ) {
    let end = random.oneIn(4) ? size : tableEnd
    let offset = Int.random(in: firstByte..<(end - 8), using: &random) & ~7
    let value: UInt64
    switch Int.random(in: 0..<7, using: &random) {
    case 0: value = 0
    case 1: value = .max
    case 2: value = UInt64.random(in: 0..<70, using: &random)
    case 3: value = random.next()
    case 4: value = UInt64.random(in: 0..<70, using: &random) | UInt64.random(in: 0..<5000, using: &random) << 32
    case 5:
      let other = Int.random(in: firstByte..<(tableEnd - 8), using: &random) & ~7
      value = unsafe base.load(fromByteOffset: other, as: UInt64.self)
    default:
      value =
        unsafe base.load(fromByteOffset: offset, as: UInt64.self) ^ (1 << UInt64.random(in: 0..<64, using: &random))
    }
    switch Int.random(in: 0..<4, using: &random) {
    case 0: unsafe base.storeBytes(of: UInt32(truncatingIfNeeded: value), toByteOffset: offset, as: UInt32.self)
    case 1: unsafe base.storeBytes(of: UInt32(truncatingIfNeeded: value), toByteOffset: offset + 4, as: UInt32.self)
    default: unsafe base.storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
    }
  }
}
