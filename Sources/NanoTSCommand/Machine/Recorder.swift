import NanoTS

/// Samples the machine into a store, at a steady rate, until its time is over or it is told to stop.
final class Recorder {
  private let store: Store
  private let rate: Double
  private let compression: Compression?
  private var probes: [Probe] = []
  /// Set when the sampling is over.
  private(set) var elapsedSeconds = 0.0
  /// What this machine has not got, in the words of the reasons.
  private(set) var absences: [String] = []

  var streams: [RecordedStream] { probes.flatMap(\.streams) }

  /// `compression`: nil for as before.
  init(store: Store, rate: Double, compression: Compression?) throws {
    self.store = store
    self.compression = compression
    self.rate = rate
    guard rate <= Double(store.timeUnit.unitsPerSecond) else {
      throw CommandFailure(
        "the store counts time in \(store.timeUnit.plural), too coarse for \(NumberText.decimal(rate, places: 0)) "
          + "samples a second; take a lower --rate, or a store made with a finer unit")
    }
    var paths: [String] = []
    for path in MachineStream.allCases.map(\.path) where !paths.contains(path) { paths.append(path) }
    for path in paths { try addProbe(path) }
    guard !probes.isEmpty else { throw CommandFailure("there is nothing to record: is /proc mounted?") }
  }

  private func addProbe(_ path: String) throws {
    let wanted = MachineStream.allCases.filter { $0.path == path }
    do {
      guard let probe = try Probe(path, wanted, in: store, rate: rate, compression: compression) else {
        absences.append("\(path) has nothing for \(wanted.map(\.rawValue).joined(separator: ", "))")
        return
      }
      probes.append(probe)
    } catch let failure as CommandFailure {
      absences.append(failure.message)
    }
  }

  /// Samples until `duration` nanoseconds are over or a signal asks for the end, then closes the writers.
  func run(duration: Int64?, progress: RecordProgress) throws {
    let streams = self.streams
    // The first sample opens a block for every stream, which takes long: the clock starts when it is done.
    try sample(.first)
    try sampleSteadily(duration, streams, progress)
    for stream in streams { try stream.close() }
  }

  private func sampleSteadily(_ duration: Int64?, _ streams: [RecordedStream], _ progress: RecordProgress) throws {
    var clock = SampleClock(rate: rate, duration: duration)
    defer { elapsedSeconds = clock.elapsedSeconds }
    while let tick = clock.next(
      isStopped: { StopSignal.isRequested }, whileWaiting: { progress.show(streams, $0) })
    {
      try sample(tick)
      if progress.isDue { progress.show(streams, clock.elapsedSeconds) }
    }
  }

  private func sample(_ tick: SampleClock.Tick) throws {
    for probe in probes { try probe.sample(tick, in: store.timeUnit) }
  }
}
