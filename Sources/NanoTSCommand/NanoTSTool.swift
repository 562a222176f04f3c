import ArgumentParser
import Glibc
import NanoTS

/// The `nanots` command: its verbs, and the one place where an error becomes a line on stderr and an exit code.
@main
struct NanoTSTool: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nanots",
    abstract: "Make, fill, read and check NanoTS stores.",
    discussion: """
      A store is one .nts file of a size fixed when it is made. It holds named streams of frames; once it is full, \
      the oldest block is used again.

      Sizes are bytes, or take KiB, MiB or GiB. Times are timestamps in the store's unit, ISO 8601 dates \
      (UTC unless they name a zone), 'now', or a span before now such as -5m (units ns, us, ms, s, m, h, d).
      """,
    version: "0.1.0",
    subcommands: [
      CreateVerb.self, RecordVerb.self, AppendVerb.self, CatVerb.self, TailVerb.self, TopVerb.self, InfoVerb.self,
      StreamsVerb.self, SegmentsVerb.self, CopyVerb.self, FreeVerb.self, ProtectVerb.self, UnprotectVerb.self,
      QuotaVerb.self, VerifyVerb.self, RecoverVerb.self, IngestVerb.self, ExportVerb.self, PlotVerb.self,
      ReportVerb.self,
    ]
  )

  static func main() {
    // A reader that goes away (`| head`) must end the command quietly, as an error of write() that is caught below.
    signal(SIGPIPE, SIG_IGN)
    do {
      // A file that is cut while it is read is a message and a status of its own, not the end of the process.
      try Store.installBusErrorGuard()
      var command = try parseAsRoot()
      try command.run()
    } catch {
      Glibc.exit(report(error))
    }
  }

  /// Says on stderr what went wrong, and gives the exit code that goes with it.
  private static func report(_ error: any Error) -> Int32 {
    switch error {
    case is OutputClosed:
      return 0
    case let error as NanoTSError:
      // It may quote names from the file.
      Diagnostics.say(PrintableText.string(error.message))
      return 1
    case let error as CommandFailure:
      Diagnostics.say(error.message)
      return 1
    default:
      return reportOfParser(error)
    }
  }

  /// ArgumentParser's own endings: help and version texts are no errors and go to stdout, usage errors are 64.
  private static func reportOfParser(_ error: any Error) -> Int32 {
    let code = exitCode(for: error)
    let message = fullMessage(for: error)
    if code == .success {
      let output = StandardOutput()
      output.write(message + "\n")
      try? output.flush()
    } else if !message.isEmpty {
      let label = "Error: "
      Diagnostics.say(message.hasPrefix(label) ? String(message.dropFirst(label.count)) : message)
    }
    return code.rawValue
  }
}
