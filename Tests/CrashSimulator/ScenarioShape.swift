internal import NanoTS

/// What one run is about: the store and its streams, drawn from a seed.
struct ScenarioShape: CustomStringConvertible {
  struct Stream {
    let policy: Policy
    let isKeyed: Bool
    let byteCounts: ClosedRange<Int>
    let compression: Compression
  }

  /// What a writer promises. `Durability` itself cannot be counted by.
  enum Policy: String, CaseIterable {
    case none, onSeal, interval, everyFrame

    static let intervalMilliseconds = 2

    var durability: Durability {
      switch self {
      case .none: .none
      case .onSeal: .onSeal
      case .interval: .interval(milliseconds: Policy.intervalMilliseconds)
      case .everyFrame: .everyFrame
      }
    }
  }

  let options: StoreOptions
  let streams: [Stream]
  /// Whether writers of a stream may each have a policy of their own.
  let mixesPolicies: Bool
  /// Whether quotas and protected ranges come and go.
  let hasTerms: Bool
  let hasFreeing: Bool
  let steps: Int

  init(_ random: inout SeededRandom) {
    let policies: [Policy] = random.oneIn(2) ? [.onSeal, .interval, .everyFrame] : Policy.allCases
    let sizes: [ClosedRange<Int>] = [0...40, 0...40, 100...400, 0...900, 600...1200]
    #if LZ4
      let compressions: [Compression] = [.off, .lz4(), .lz4(chunkByteCount: 512), .lz4(chunkByteCount: 1024)]
    #else
      let compressions: [Compression] = [.off]
    #endif
    streams = (0..<random.int(1...4)).map { _ in
      Stream(
        policy: random.pick(policies), isKeyed: random.oneIn(3), byteCounts: random.pick(sizes),
        compression: random.pick(compressions))
    }
    let least = max(3, streams.count + 2)
    // From 64 blocks on, they are synced and prepared on the store's thread.
    let blocks = random.oneIn(4) ? random.int(64...68) : random.int(least...12)
    options = StoreOptions(
      blockSize: blocks >= 64 ? 4096 : random.pick([4096, 4096, 4096, 8192, 16384]), blockCount: blocks,
      initialBlockCount: random.oneIn(3) ? random.int(1...blocks) : nil, streamCapacity: random.pick([4, 8]))
    mixesPolicies = random.oneIn(4)
    hasTerms = random.oneIn(2)
    hasFreeing = random.oneIn(2)
    steps = random.int(30...120)
  }

  /// How many of a writer's newest blocks `onSeal` promises nothing of.
  var unpromisedBlocks: Int { options.blockCount >= 64 ? 2 : 1 }

  var policies: Set<Policy> { Set(streams.map(\.policy)) }

  var description: String {
    let each = streams.map {
      "\($0.policy.rawValue)\($0.isKeyed ? " keyed" : "") \($0.byteCounts) bytes \($0.compression)"
    }
    let size = options.initialBlockCount.map { "\($0) to \(options.blockCount)" } ?? "\(options.blockCount)"
    return "\(size) blocks of \(options.blockSize); \(each.joined(separator: ", "))"
      + (mixesPolicies ? "; mixed policies" : "") + (hasTerms ? "; terms" : "") + (hasFreeing ? "; freeing" : "")
  }
}
