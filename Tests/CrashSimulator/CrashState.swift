/// The bytes of one page.
typealias Page = [UInt8]

/// How the pages that were written and not synced come through a crash.
package enum ImageKind: String, CaseIterable, Sendable {
  /// None of them was written.
  case allOld
  /// All of them were.
  case allNew
  /// Each was or was not.
  case randomPages
  /// Each sector was or was not.
  case tornSectors
  /// The first ones in the order in which they changed.
  case firstWritten
  /// The last ones in that order, without those before.
  case lastWritten
  /// The first ones in the order in which they lie in the file.
  case firstInFile
  /// Each was at some time, and may have changed since.
  case anyVersions
  /// Each sector was at some time.
  case anySectorVersions
}

/// What a crash at one moment may leave of a file: the durable pages, and what each may hold instead.
package struct CrashState: Sendable {
  package static let pageSize = 4096
  package static let sectorSize = 512
  static let zeroPage = Page(repeating: 0, count: pageSize)

  let pages: [PageHistory]
  let durableSize: Int
  /// Lengths that the file had since.
  let sizes: [Int]
  /// Where in the run it was.
  package let call: String
  package let moment: Int

  /// How many pages may be lost.
  package var dirtyPages: Int { pages.count { !$0.since.isEmpty } }

  /// The file as it is while nobody loses power.
  package var live: [UInt8] { assembled(sizes.last ?? durableSize) { _, page in page.latest } }

  /// One of the files that the crash may leave.
  package func image(_ kind: ImageKind, _ random: inout SeededRandom) -> [UInt8] {
    // The closures below draw in turn from a generator of their own.
    var draws = SeededRandom(seed: random.next())
    switch kind {
    case .allOld: return assembled(durableSize) { _, page in page.durable }
    case .allNew: return live
    case .randomPages:
      return assembled(someSize(&draws)) { _, page in draws.oneIn(2) ? page.latest : page.durable }
    case .tornSectors:
      return assembled(someSize(&draws)) { _, page in
        CrashState.sectors { draws.oneIn(2) ? page.latest : page.durable }
      }
    case .firstWritten:
      let limit = someSequence(&draws)
      return assembled(someSize(&draws)) { _, page in
        page.since.last { $0.sequence <= limit }?.bytes ?? page.durable
      }
    case .lastWritten:
      let least = someSequence(&draws)
      return assembled(someSize(&draws)) { _, page in
        (page.since.last?.sequence ?? 0) > least ? page.latest : page.durable
      }
    case .firstInFile:
      let limit = draws.int(0...pages.count)
      return assembled(someSize(&draws)) { index, page in index < limit ? page.latest : page.durable }
    case .anyVersions:
      return assembled(someSize(&draws)) { _, page in CrashState.some(of: page, &draws) }
    case .anySectorVersions:
      return assembled(someSize(&draws)) { _, page in CrashState.sectors { CrashState.some(of: page, &draws) } }
    }
  }

  /// The length is lost or kept apart from the pages. Space is reserved piece by piece: it may stop in between.
  private func someSize(_ random: inout SeededRandom) -> Int {
    guard let last = sizes.last else { return durableSize }
    switch random.int(0...3) {
    case 0: return durableSize
    case 1: return random.pick(sizes)
    case 2 where last > durableSize:
      return durableSize + random.int(0...((last - durableSize) / CrashState.pageSize)) * CrashState.pageSize
    default: return last
    }
  }

  /// One of the moments at which a page was seen to change, or none.
  private func someSequence(_ random: inout SeededRandom) -> UInt64 {
    var sequences: [UInt64] = [0]
    for page in pages { for version in page.since { sequences.append(version.sequence) } }
    return random.pick(sequences)
  }

  private static func some(of page: PageHistory, _ random: inout SeededRandom) -> Page {
    let choice = random.int(0...page.since.count)
    return choice == 0 ? page.durable : page.since[choice - 1].bytes
  }

  /// A page each of whose sectors comes from another one.
  private static func sectors(_ source: () -> Page) -> Page {
    var page = zeroPage
    for start in stride(from: 0, to: pageSize, by: sectorSize) {
      page.replaceSubrange(start..<(start + sectorSize), with: source()[start..<(start + sectorSize)])
    }
    return page
  }

  private func assembled(_ size: Int, _ content: (Int, PageHistory) -> Page) -> [UInt8] {
    var file = [UInt8](repeating: 0, count: size)
    for index in pages.indices where index * CrashState.pageSize < size {
      let page = pages[index]
      // The table's unused pages and the gap before the first block are most of a small file.
      let bytes = page.since.isEmpty ? page.durable : content(index, page)
      let start = index * CrashState.pageSize
      let count = min(CrashState.pageSize, size - start)
      unsafe file.withUnsafeMutableBytes { target in
        unsafe bytes.withUnsafeBytes { source in
          unsafe (target.baseAddress! + start).copyMemory(from: source.baseAddress!, byteCount: count)
        }
      }
    }
    return file
  }
}
