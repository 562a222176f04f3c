/// How a cursor reads.
public struct CursorOptions: Sendable {
  /// Whether each frame's checksum is computed before it is handed out; a frame that fails it throws `.corrupt`. The frames
  /// of the next steps, up to 64 or 16 KiB, may be looked at together: what is damaged in memory after that is not noticed.
  /// Default false: what a writer of this boot wrote is right in memory, and `verify` looks for damage on the disk.
  public var verifiesChecksums: Bool

  /// Options with the defaults of the properties above.
  public init(verifiesChecksums: Bool = false) { self.verifiesChecksums = verifiesChecksums }
}
