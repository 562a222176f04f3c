import ArgumentParser
import NanoTS

/// How frames are to be stored, as it is written on the command line: `none`, `lz4`, `lz4hc`, with a chunk size where wanted,
/// `lz4:4KiB`.
struct CompressionArgument: Equatable {
  let method: CopyCompression

  init(parsing text: String) throws {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let size = try parts.count > 1 ? SizeArgument(parsing: String(parts[1])).bytes : nil
    switch (parts[0], size) {
    case ("none", nil): method = .off
    case ("lz4", _): method = .lz4(chunkByteCount: size)
    case ("lz4hc", _): method = .lz4hc(chunkByteCount: size)
    default:
      throw ValidationError("it is none, lz4 or lz4hc; the last two with a chunk size if wanted, such as lz4:4KiB.")
    }
  }

  /// What writers can do: `lz4hc` is for copies.
  init(parsingForWriters text: String) throws {
    try self.init(parsing: text)
    if case .lz4hc = method {
      throw ValidationError("lz4hc is for 'copy' alone: it is too slow to record with; take lz4.")
    }
  }

  /// For a method that writers can do.
  var compression: Compression {
    if case .lz4(let chunkByteCount) = method { .lz4(chunkByteCount: chunkByteCount) } else { .off }
  }
}

/// For verbs that write, or make a store for writers.
struct CompressionOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How frames are stored from here on: none, or lz4 in chunks, with their size if wanted (lz4:4KiB). Default: as before, "
        + "in a new store none.",
      valueName: "method"),
    transform: CompressionArgument.init(parsingForWriters:))
  var compress: CompressionArgument?

  /// Nil for as before.
  var compression: Compression? { compress?.compression }
}
