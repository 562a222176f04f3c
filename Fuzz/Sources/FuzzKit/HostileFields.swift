@testable import NanoTS

/// A store file that is valid but for some fields, under checksums that are right again: damage that only the checks behind
/// the checksums can find.
package enum HostileFields {
  /// More edits say nothing new.
  private static let maximumEdits = 24

  /// Gives `file` the template with the edits that `input` says; returns its length.
  package static func write(_ input: inout FuzzInput, to file: MemoryFile) -> Int {
    let flags = input.byte()
    let template = flags & 1 == 0 ? TemplateStore.fixed : TemplateStore.growable
    let cut = flags & 2 == 0 ? 0 : Int(input.byte()) * 32
    unsafe file.withBytes(template.count) { bytes in
      unsafe bytes.copyBytes(from: template)
      if flags & 4 == 0 { unsafe setBoot(bytes) }
      var edits = unsafe FieldEdits(bytes)
      for _ in 0..<maximumEdits where !input.isOver { edits.apply(&input) }
      edits.fixChecksums(except: flags >> 4)
    }
    if cut > 0 { unsafe file.withBytes(template.count - cut) { _ in } }
    return template.count - cut
  }

  /// As a writer of this boot leaves the store, so that it is not suspect.
  static func setBoot(_ bytes: UnsafeMutableRawBufferPointer) {
    unsafe SharedState(base: bytes.baseAddress! + FileHeader.byteCount).bootID = boot
  }

  private static let boot = Machine.bootID()

  static func fixFileHeader(_ bytes: UnsafeMutableRawBufferPointer) {
    let checksum = unsafe FileHeader.checksum(of: UnsafeRawBufferPointer(bytes))
    unsafe bytes.storeBytes(of: checksum.littleEndian, toByteOffset: FileHeader.Offset.checksum, as: UInt32.self)
  }
}
