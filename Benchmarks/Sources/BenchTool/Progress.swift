internal import Glibc

/// Says on standard error what is going on, so that standard output has results only.
enum Progress {
  static func say(_ what: String) {
    let bytes = Array("nanots-bench: \(what)\n".utf8)
    // What cannot be written to standard error is lost: there is nowhere else to say it.
    _ = unsafe bytes.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
