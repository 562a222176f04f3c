internal import CNanoTS

/// Turns the results of system calls into values or errors that name the call and the path.
enum SystemCall {
  /// Returns `result`, or throws what the negated errno in it means.
  @discardableResult
  static func check(_ result: Int32, _ call: StaticString, _ path: String) throws(NanoTSError) -> Int32 {
    guard result < 0 else { return result }
    throw failure(-result, call, path)
  }

  /// The error for `errno` from `call` on `path`.
  static func failure(_ errno: Int32, _ call: StaticString, _ path: String) -> NanoTSError {
    let code: NanoTSError.Code
    let remedy: String
    switch errno {
    case ErrorNumber.noEntry:
      (code, remedy) = (.notFound, "; create the store first or correct the path")
    case ErrorNumber.access, ErrorNumber.notPermitted:
      (code, remedy) = (.cannotOpen, "; ask for the permission or open it read-only")
    case ErrorNumber.isDirectory:
      (code, remedy) = (.cannotOpen, "; give the path of a file")
    case ErrorNumber.exists:
      (code, remedy) = (.alreadyExists, "; say that it is to be replaced, or take another path")
    case ErrorNumber.readOnlyFileSystem:
      (code, remedy) = (.readOnly, "; open the store read-only")
    case ErrorNumber.noSpace, ErrorNumber.quota, ErrorNumber.fileTooLarge:
      (code, remedy) = (.outOfSpace, "; free space on the disk or ask for fewer or smaller blocks")
    default:
      (code, remedy) = (.ioFailure, "")
    }
    return NanoTSError(code, "\(path): \(call) failed: \(text(of: errno))\(remedy)", systemError: errno)
  }

  /// Sleeps, or until a signal comes.
  static func pause(microseconds: UInt32) { nts_pause(microseconds) }

  private static func text(of errno: Int32) -> String {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      unsafe nts_error_text(errno, buffer.baseAddress, buffer.count)
      return unsafe String(cString: buffer.baseAddress!)
    }
  }
}

/// The errno values that the engine tells apart, as Linux numbers them (the same on every architecture served).
enum ErrorNumber {
  static let notPermitted: Int32 = 1
  static let noEntry: Int32 = 2
  static let inputOutput: Int32 = 5
  static let tryAgain: Int32 = 11
  static let access: Int32 = 13
  static let exists: Int32 = 17
  static let isDirectory: Int32 = 21
  static let invalid: Int32 = 22
  static let fileTooLarge: Int32 = 27
  static let noSpace: Int32 = 28
  static let readOnlyFileSystem: Int32 = 30
  static let notSupported: Int32 = 95
  static let quota: Int32 = 122
}
