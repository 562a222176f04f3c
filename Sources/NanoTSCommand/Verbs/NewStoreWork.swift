import ArgumentParser
import NanoTS

/// Work that makes a new store, shows on a status line how far it is, and leaves nothing when it is stopped.
enum NewStoreWork {
  /// Runs `work`, which makes a store at `path`. Its progress goes through `isToGoOn`: when the line is due it is shown,
  /// and false stops the work. What may be in the way is said in the command's words.
  static func run<R>(
    making path: String,
    _ work: (_ isToGoOn: @escaping ((StatusLine) -> Void) -> Bool) throws(NanoTSError) -> R
  ) throws -> R {
    let line = StatusLine(on: .standardOutput)
    defer { line.finish() }
    do throws(NanoTSError) {
      return try work { show in
        if line.isDue { show(line) }
        return !StopSignal.isRequested
      }
    } catch {
      line.finish()
      switch error.code {
      case .alreadyExists:
        throw CommandFailure(
          "\(PrintableText.string(path)) exists already; --replace replaces it and loses what it holds")
      case .cancelled:
        Diagnostics.say("stopped; nothing was written to \(PrintableText.string(path))")
        throw ExitCode(StopSignal.exitCode)
      default:
        throw error
      }
    }
  }
}
