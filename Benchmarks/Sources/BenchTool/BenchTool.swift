import ArgumentParser

@main
enum Program {
  static func main() {
    let arguments = CommandLine.arguments
    guard arguments.count == 5, arguments[1] == "peer", let role = PeerRole(rawValue: arguments[2]) else {
      return BenchTool.main()
    }
    do {
      try Peer.run(role, arguments[3], arguments[4])
    } catch {
      BenchTool.exit(withError: error)
    }
  }
}

struct BenchTool: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nanots-bench",
    abstract: "Measures NanoTS beside C loops that do only what cannot be left out, and beside other engines.")

  @Argument(help: "What to measure: \(WorkloadName.allCases.map(\.rawValue).joined(separator: ", ")).")
  var workload: WorkloadName = .all

  @Flag(help: "Print JSON with every sample, the machine and the options.")
  var json = false

  @Option(help: "How many times each contender runs, in turn with the others; at least 7.")
  var rounds = 11

  @Option(help: "Where the files are made; they are removed at the end.")
  var directory = "/tmp"

  @Option(help: "The largest number of blocks in transition, open, seek and engines-seek (a block has 4 KiB there).")
  var maximumBlocks = 1_000_000

  @Option(help: "A CSV file whose rows are the frames in compression. Default: sensors made up.")
  var recording: String?

  @Option(help: "A directory for a chart of each table, as SVG. Default: none are made.")
  var charts: String?

  func validate() throws {
    guard rounds >= 7 else { throw ValidationError("--rounds \(rounds): fewer than 7 say nothing about the spread") }
    guard maximumBlocks >= 100 else { throw ValidationError("--maximum-blocks \(maximumBlocks): at least 100") }
  }

  func run() throws {
    warnOfDebugBuild()
    let scratch = try Scratch(in: directory)
    defer { scratch.remove() }
    let options = RunOptions(rounds: rounds, maximumBlocks: maximumBlocks, recording: recording)
    var reports: [WorkloadReport] = []
    for workload in workload.workloads {
      let comparisons = try workload.run(options, scratch)
      let report = WorkloadReport(name: workload.name, notes: workload.notes, comparisons: comparisons)
      if !json { print(TextTable.render(report)) }
      if let charts { try Charts.write(report, into: charts) }
      reports.append(report)
    }
    if json {
      let options = ReportOptions(
        workload: workload.rawValue, rounds: rounds, directory: directory, maximumBlocks: maximumBlocks)
      print(try Report(options: options, workloads: reports).json())
    }
  }

  private func warnOfDebugBuild() {
    #if DEBUG
      Progress.say("this is a debug build: its figures mean nothing; build with -c release")
    #endif
  }
}

/// What can be asked for on the command line.
enum WorkloadName: String, CaseIterable, ExpressibleByArgument {
  case append
  case scan
  case transition
  case open
  case seek
  case writers
  case readers
  case copy
  case follow
  case sync
  case compression
  case aggregates
  case enginesAppend = "engines-append"
  case sustained
  case enginesScan = "engines-scan"
  case enginesSeek = "engines-seek"
  case latency
  case footprint
  case all

  var workloads: [any Workload] {
    switch self {
    case .append: [AppendWorkload()]
    case .scan: [ScanWorkload()]
    case .transition: [TransitionWorkload()]
    case .open: [OpenWorkload()]
    case .seek: [SeekWorkload()]
    case .writers: [WritersWorkload()]
    case .readers: [ReadersWorkload()]
    case .copy: [CopyWorkload()]
    case .follow: [WakeUpWorkload()]
    case .sync: [SyncWorkload()]
    case .compression: [CompressionWorkload()]
    case .aggregates: [AggregatesWorkload()]
    case .enginesAppend: [EnginesAppendWorkload()]
    case .sustained: [SustainedWorkload()]
    case .enginesScan: [EnginesScanWorkload()]
    case .enginesSeek: [EnginesSeekWorkload()]
    case .latency: [LatencyWorkload()]
    case .footprint: [FootprintWorkload()]
    case .all: WorkloadName.allCases.filter { $0 != .all }.flatMap(\.workloads)
    }
  }
}
