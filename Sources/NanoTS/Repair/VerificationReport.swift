/// One thing that is wrong in a store.
public struct Finding: Sendable, CustomStringConvertible {
  /// What it concerns.
  public enum Kind: String, Sendable, CaseIterable {
    /// A frame does not match its checksum, its bounds or its order.
    case frame
    /// A block's header contradicts itself or its body.
    case header
    /// A block's preamble is damaged or names another place.
    case preamble
    /// A stream's table entry is damaged.
    case stream
    /// The lists of blocks contradict the headers. A writer rebuilds them; no frame is lost.
    case list
    /// The file's length, or a word that all processes share, is none that a writer leaves; or a part of the file could not be
    /// read.
    case file
  }

  /// What it concerns.
  public let kind: Kind
  /// The stream, where one is known.
  public let stream: String?
  /// The block's place in the file.
  public let block: Int?
  /// The ordinal of the frame in its stream.
  public let ordinal: UInt64?
  /// For a person, with the values.
  public let message: String

  /// Place and message on one line.
  public var description: String {
    var place: [String] = []
    if let stream { place.append("stream '\(stream)'") }
    if let block { place.append("block \(block)") }
    if let ordinal { place.append("frame \(ordinal)") }
    return (place.isEmpty ? "" : place.joined(separator: ", ") + ": ") + message
  }
}

/// What a verification looked at and found.
public struct VerificationReport: Sendable {
  /// Everything that is wrong, in the file's order.
  public internal(set) var findings: [Finding] = []
  /// Blocks that hold frames and were checked.
  public internal(set) var checkedBlocks = 0
  /// Frames whose checksum was computed.
  public internal(set) var checkedFrames: UInt64 = 0

  /// True when nothing is wrong.
  public var isClean: Bool { findings.isEmpty }
}

extension Store {
  /// Checks every checksum, bound and link of the store and returns everything that is wrong.
  ///
  /// Changes nothing and needs only read access. Writers may go on meanwhile: a block that is recycled while it is
  /// checked is left out. Throws `.closed` or `.ioFailure`; damage is not thrown but found. O(bytes of the store in
  /// use).
  public func verify() throws(NanoTSError) -> VerificationReport {
    try answering { () throws(NanoTSError) in
      var verification = Verification(file: file)
      try verification.run()
      return verification.report
    }
  }
}
