internal import CLimit

/// Threads that begin at the same moment.
enum Crew {
  /// What one thread does.
  private final class Work {
    private let body: () throws -> Void
    private(set) var error: (any Error)?

    init(_ body: @escaping () throws -> Void) { self.body = body }

    func run() {
      do { try body() } catch { self.error = error }
    }
  }

  /// Nanoseconds for one of `operations` that all threads make together, from the moment at which all begin to the end of the
  /// last one.
  static func time(_ count: Int, operations: Int, _ body: @escaping (Int) throws -> Void) throws -> Sample {
    let work = (0..<count).map { index in Work { try body(index) } }
    let faults = limit_minor_faults()
    let time = withExtendedLifetime(work) {
      let places = unsafe work.map { unsafe Unmanaged.passUnretained($0) }
      return unsafe places.withUnsafeBytes { places in
        unsafe crew_time(
          count,
          { context, index in
            let place = unsafe context!.assumingMemoryBound(to: Unmanaged<Work>.self) + index
            unsafe place.pointee.takeUnretainedValue().run()
          }, UnsafeMutableRawPointer(mutating: places.baseAddress))
      }
    }
    guard time > 0 else { throw BenchmarkError("\(count) threads cannot be started") }
    for work in work { if let error = work.error { throw error } }
    return Sample(value: Double(time) / Double(operations), faults: limit_minor_faults() - faults)
  }
}
