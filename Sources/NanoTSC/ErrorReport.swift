internal import CInterface
internal import NanoTS

/// What a failed call was about, where that decides between two codes.
enum CallPurpose {
  case general
  case opening
  case allocating
}

/// Keeps the error as the thread's last one and returns its code.
@inline(never)
func note(_ error: NanoTSError, _ purpose: CallPurpose = .general) -> nanots_ec_t {
  note(code(of: error.code, purpose), error.message)
}

@inline(never)
func note(_ code: nanots_ec_t, _ message: String) -> nanots_ec_t {
  var message = message
  // Bound: `count` bytes at `baseAddress`, which the callee copies.
  message.withUTF8 { text in
    unsafe text.withMemoryRebound(to: CChar.self) {
      unsafe nanots_internal_note_error(code.rawValue, $0.baseAddress, $0.count)
    }
  }
  return code
}

/// OK, or the code of what `body` throws.
@inline(__always)
func reporting(_ purpose: CallPurpose = .general, _ body: () throws(NanoTSError) -> Void) -> nanots_ec_t {
  do throws(NanoTSError) {
    try body()
    return NANOTS_EC_OK
  } catch {
    return note(error, purpose)
  }
}

/// What `body` returns, or nil for what it throws.
func reportingNil<R>(_ purpose: CallPurpose = .general, _ body: () throws(NanoTSError) -> R) -> R? {
  do throws(NanoTSError) {
    return try body()
  } catch {
    _ = note(error, purpose)
    return nil
  }
}

func code(of code: NanoTSError.Code, _ purpose: CallPurpose) -> nanots_ec_t {
  switch (code, purpose) {
  case (.notFound, .allocating), (.cannotOpen, .allocating), (.readOnly, .allocating), (.ioFailure, .allocating),
    (.outOfSpace, .allocating):
    NANOTS_EC_UNABLE_TO_ALLOCATE_FILE
  case (.notFound, .opening): NANOTS_EC_CANT_OPEN
  default: code.inC
  }
}

extension NanoTSError.Code {
  fileprivate var inC: nanots_ec_t {
    switch self {
    case .invalidArgument, .invalidBlockCount, .invalidName: NANOTS_EC_INVALID_ARGUMENT
    case .notFound: NANOTS_EC_NOT_FOUND
    case .cannotOpen: NANOTS_EC_CANT_OPEN
    case .alreadyExists: NANOTS_EC_ALREADY_EXISTS
    case .notAStore: NANOTS_EC_SCHEMA
    case .unsupportedVersion: NANOTS_EC_UNSUPPORTED_VERSION
    case .unsupportedFeature: NANOTS_EC_UNSUPPORTED_FEATURE
    case .corrupt: NANOTS_EC_CORRUPT
    case .truncated: NANOTS_EC_TRUNCATED
    case .invalidBlockSize: NANOTS_EC_INVALID_BLOCK_SIZE
    case .tooManyStreams: NANOTS_EC_TOO_MANY_STREAMS
    case .metadataTooLarge: NANOTS_EC_METADATA_TOO_LARGE
    case .frameTooLarge: NANOTS_EC_ROW_SIZE_TOO_BIG
    case .outOfOrder: NANOTS_EC_NON_MONOTONIC_TIMESTAMP
    case .noFreeBlocks: NANOTS_EC_NO_FREE_BLOCKS
    case .streamBusy: NANOTS_EC_DUPLICATE_STREAM_TAG
    case .readOnly: NANOTS_EC_READ_ONLY
    case .overwritten: NANOTS_EC_OVERWRITTEN
    case .ioFailure: NANOTS_EC_IO_FAILURE
    case .outOfSpace: NANOTS_EC_OUT_OF_SPACE
    case .closed: NANOTS_EC_CLOSED
    case .cancelled: NANOTS_EC_CANCELLED
    case .protected: NANOTS_EC_PROTECTED
    // No function here reads records.
    case .layoutMismatch: NANOTS_EC_INVALID_ARGUMENT
    }
  }
}
