/// Reads a store file by the diagrams of the format and their numbers alone: nothing of the engine is used, so a
/// constant that changes in the engine is noticed here.
struct DiagramDecoder {
  private let bytes: [UInt8]
  private let blockSize: Int
  private let blockTable: Int
  private let data: Int
  /// The first golden files were written before gaps were noted in block headers.
  var isOld = false
  /// Everything that is not as the diagrams say.
  private(set) var mistakes: [String] = []

  struct TooShort: Error {}

  init(bytes: [UInt8]) throws {
    guard bytes.count >= 65_536 else { throw TooShort() }
    self.bytes = bytes
    blockSize = Int(StoreBytes.load(bytes, at: 56, as: UInt64.self))
    blockTable = Int(StoreBytes.load(bytes, at: 96, as: UInt64.self))
    data = Int(StoreBytes.load(bytes, at: 104, as: UInt64.self))
  }

  private func u8(_ at: Int) -> Int { Int(bytes[at]) }
  private func u16(_ at: Int) -> Int { Int(StoreBytes.load(bytes, at: at, as: UInt16.self)) }
  private func u32(_ at: Int) -> UInt32 { StoreBytes.load(bytes, at: at) }
  private func u64(_ at: Int) -> UInt64 { StoreBytes.load(bytes, at: at) }
  private func i64(_ at: Int) -> Int64 { StoreBytes.load(bytes, at: at) }
  private func slice(_ at: Int, _ count: Int) -> [UInt8] { Array(bytes[at..<(at + count)]) }

  private mutating func require(_ holds: Bool, _ what: String) { if !holds { mistakes.append(what) } }

  /// Every stream's frames, oldest first.
  mutating func allStreams() throws -> [String: [StoredFrame]] {
    var streams: [String: [StoredFrame]] = [:]
    for index in 0..<Int(u32(4096 + 24)) {
      let slot = 8192 + index * 512
      guard u64(slot + 8) != 0 else { continue }
      let name = slotName(slot)
      streams[name] = framesOfList(slot, index, name)
    }
    return streams
  }

  private mutating func slotName(_ slot: Int) -> String {
    let length = u16(slot + 24)
    let name = slice(slot + 320, length)
    let text = String(decoding: name, as: UTF8.self)
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in name { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    require(u64(slot) % 2 == 0, "\(text): the slot's version is odd")
    require(u64(slot + 16) == hash, "\(text): name hash")
    let identity = slice(slot + 8, 8) + StoreBytes.little(UInt64(length)) + name
    require(u32(slot + 28) == StoreBytes.crc32c(identity), "\(text): identity checksum of the slot")
    require(slice(slot + 320 + length, 192 - length).allSatisfy { $0 == 0 }, "\(text): padding of the name")
    require(u32(slot + 32) == 0 && u32(slot + 36) == 0, "\(text): writer process and spare block")
    return text
  }

  private mutating func framesOfList(_ slot: Int, _ index: Int, _ name: String) -> [StoredFrame] {
    var frames: [StoredFrame] = []
    var (link, previous, count) = (u32(slot + 72), UInt32(0), UInt32(0))
    while link != 0, count < 1000 {
      let block = Int(link) - 1
      let header = blockTable + block * 128
      require(u32(header + 20) == previous, "\(name): previous link of block \(block)")
      require(u64(header + 32) == u64(slot + 8) && Int(u32(header + 56)) == index, "\(name): owner of block \(block)")
      checkHeader(header, "\(name), block \(block)")
      if let last = frames.last {
        let isGap = u64(header + 64) != last.ordinal + 1
        require(
          u64(header + 120) == (isGap ? last.ordinal + 1 : 0) || isOld, "\(name): preceding end of block \(block)")
      }
      checkPreamble(header, data + block * blockSize, name, "\(name), block \(block)")
      frames += framesOfBlock(header, data + block * blockSize, "\(name), block \(block)")
      (previous, link, count) = (link, u32(header + 16), count + 1)
    }
    require(u32(slot + 76) == previous, "\(name): tail")
    require(u32(slot + 80) == count, "\(name): block count")
    require(u64(slot + 88) == (frames.last?.ordinal).map { $0 + 1 } ?? 0, "\(name): next ordinal")
    require(u64(slot + 96) == (frames.last?.segment).map { $0 + 1 } ?? 0, "\(name): next segment")
    require(u64(slot + 64) == u64(blockTable + (Int(previous) - 1) * 128 + 40) + 1, "\(name): next sequence")
    let missing = u64(slot + 88) - UInt64(frames.count)
    require([frames.first?.ordinal ?? 0, missing].contains(u64(slot + 112)), "\(name): reclaimed frames")
    require(slice(slot + 128, 16).allSatisfy { $0 == 0 }, "\(name): room in the slot")
    return frames
  }

  /// What a stream was promised.
  struct Terms: Equatable {
    var minimum: UInt32 = 0
    var maximum: UInt32 = 0
    var age: Int64 = 0
    var ranges: [ClosedRange<Int64>] = []
  }

  /// The terms of the stream in the slot `index`.
  mutating func terms(ofSlot index: Int) -> Terms {
    let slot = 8192 + index * 512
    let word = u64(slot + 120)
    var terms = Terms()
    guard word != 0 else { return terms }
    let quota = Int(word >> 16 & 0xF) - 1
    var covered = slice(slot + 8, 8) + StoreBytes.little(word & 0xFFFF_FFFF)
    for entry in 0..<11 {
      let (at, isRange) = (slot + 144 + entry * 16, word >> UInt64(entry) & 1 == 1)
      if isRange || entry == quota { covered += slice(at, 16) }
      if isRange { terms.ranges.append(i64(at)...i64(at + 8)) }
      if entry == quota { (terms.minimum, terms.maximum, terms.age) = (u32(at), u32(at + 4), i64(at + 8)) }
    }
    require(word >> 32 == UInt64(StoreBytes.crc32c(covered)), "checksum of the terms in slot \(index)")
    require(word & 0xFFF0_F800 == 0, "zero bits of the terms in slot \(index)")
    terms.ranges.sort { $0.lowerBound < $1.lowerBound }
    return terms
  }

  private mutating func checkHeader(_ header: Int, _ what: String) {
    require(u64(header) % 2 == 0 && u64(header) >> 32 > 0, "\(what): generation")
    require(u32(header + 24) == 4, "\(what): state")
    require(u8(header + 28) == 0 && [24, 32].contains(u8(header + 29)), "\(what): body layout")
    let identity =
      slice(header, 8) + slice(header + 32, 24) + slice(header + 64, 8) + slice(header + 28, 4) + slice(header + 56, 4)
    require(u32(header + 60) == StoreBytes.crc32c(identity), "\(what): identity checksum")
    let seal = slice(header, 16) + slice(header + 72, 32) + StoreBytes.little(UInt64(u32(header + 116)))
    require(u32(header + 112) == StoreBytes.crc32c(seal), "\(what): seal checksum")
    require(u32(header + 104) == u32(header + 8), "\(what): synced count")
  }

  private mutating func checkPreamble(_ header: Int, _ body: Int, _ name: String, _ what: String) {
    require(slice(body, 8) == Array("NTSBLOCK".utf8), "\(what): magic")
    require(u64(body + 8) == u64(header), "\(what): generation in the preamble")
    require(slice(body + 16, 16) == slice(40, 16), "\(what): uuid")
    require(slice(body + 32, 24) == slice(header + 32, 24), "\(what): stream, sequence and segment in the preamble")
    require(u64(body + 56) == u64(header + 64), "\(what): first ordinal in the preamble")
    require(Int(u32(body + 64)) == blockSize, "\(what): block size in the preamble")
    require(slice(body + 68, 2) == slice(header + 28, 2), "\(what): layout in the preamble")
    require(slice(body + 70, 2) == slice(84, 2), "\(what): time unit and checksums in the preamble")
    let (nameLength, metadataLength) = (Int(u32(body + 72)), Int(u32(body + 76)))
    require(slice(body + 96, nameLength) == Array(name.utf8), "\(what): name in the preamble")
    require(slice(body + 80, 12).allSatisfy { $0 == 0 }, "\(what): zero bytes in the preamble")
    let text = slice(body, 92) + slice(body + 96, nameLength + metadataLength)
    require(u32(body + 92) == StoreBytes.crc32c(text), "\(what): checksum of the preamble")
    let start = (96 + nameLength + metadataLength + 63) / 64 * 64
    let firstPayload = Int(u32(body + blockSize - u8(header + 29) + 8))
    require(firstPayload == start, "\(what): payloads begin at \(firstPayload) and not at \(start)")
  }

  private mutating func framesOfBlock(_ header: Int, _ body: Int, _ what: String) -> [StoredFrame] {
    let (count, entrySize) = (Int(u32(header + 8)), u8(header + 29))
    var frames: [StoredFrame] = []
    var end = Int(u32(body + blockSize - entrySize + 8))
    for slot in 0..<count {
      let entry = body + blockSize - (slot + 1) * entrySize
      let (offset, marks) = (Int(u32(entry + 8)), u32(entry + 12))
      let payload = slice(body + offset, Int(marks & 0x3FFF_FFFF))
      let key = entrySize == 32 ? i64(entry + 24) : 0
      require(offset == end, "\(what): payload \(slot) is not dense")
      end = offset + (payload.count + 7) / 8 * 8
      let covered =
        slice(header, 8) + slice(entry, 8) + StoreBytes.little(key) + slice(entry + 8, 8) + slice(entry + 20, 4)
      require(u32(entry + 16) == StoreBytes.crc32c(covered + payload), "\(what): checksum of frame \(slot)")
      frames.append(
        StoredFrame(
          i64(entry), key: key, flags: u32(entry + 20), payload, ordinal: u64(header + 64) + UInt64(slot),
          segment: u64(header + 48), wasClamped: marks >> 31 == 1))
    }
    require(Int(u32(header + 12)) == end, "\(what): payload end")
    require(i64(header + 72) == frames.first?.timestamp && i64(header + 80) == frames.first?.key, "\(what): first")
    require(i64(header + 88) == frames.last?.timestamp && i64(header + 96) == frames.last?.key, "\(what): last")
    require(Int(u32(header + 116)) == frames.reduce(0) { $0 + $1.payload.count }, "\(what): payload bytes")
    let lengths = Set(frames.map(\.payload.count))
    require(u32(header + 108) == (lengths.count == 1 ? UInt32(lengths.first!) : .max), "\(what): uniform length")
    return frames
  }
}
