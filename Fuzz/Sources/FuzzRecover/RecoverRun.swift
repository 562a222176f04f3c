import FuzzKit
import NanoTS

/// One input of this fuzzer: a flag that says how the file is made, and the file. Recovery ends with an error, or with a
/// store in which `verify` finds nothing.
enum RecoverRun {
  // Bound: libFuzzer runs one input at a time, on one thread.
  nonisolated(unsafe) private static let file = MemoryFile(capacity: HostileImage.capacity)
  private static let output = Scratch.directory + "/recovered"

  static func run(_ input: inout FuzzInput) {
    let isImage = input.flag() == false
    _ = isImage ? HostileImage.write(&input, to: unsafe file) : HostileFields.write(&input, to: unsafe file)
    do throws(NanoTSError) {
      let report = try Store.recover(unsafe file.path, to: output, RecoveryOptions(replacing: true))
      for loss in report.losses { _ = loss.description }
    } catch {
      precondition(!error.message.contains("did not come out"), "\(error)")
      return
    }
    do throws(NanoTSError) {
      let store = try Store(at: output, .readOnly)
      let findings = try store.verify().findings
      precondition(findings.isEmpty, "what was recovered is not clean: \(findings)")
    } catch {
      fatalError("what was recovered cannot be read: \(error)")
    }
  }
}
