import Foundation

/// The mappings of this process.
enum ProcessMappings {
  /// The lines of /proc/self/maps that speak of a file at or below `path`.
  ///
  /// A read of that file ends at a line's end, before the memory that was given for it is full, and
  /// `String(contentsOfFile:)` takes that for the end of the file: of a process of many mappings it gives the first 4 KiB.
  static func lines(of path: String) throws -> [Substring] {
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/maps"))
    defer { file.closeFile() }
    let text = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
    // The kernel names a file as the file system does: without a second slash.
    let name = path.replacing("//", with: "/")
    return text.split(separator: "\n").filter { line in
      line.hasSuffix(name) || line.contains(name + "/")
    }
  }
}
