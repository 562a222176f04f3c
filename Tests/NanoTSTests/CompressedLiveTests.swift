import Foundation
import Testing

@testable import NanoTS

/// Readers of a compressed stream beside its writer, which makes chunks all the time: what they find proves itself, and is
/// what they looked for.
@Suite(.enabled(if: LZ4.isAvailable, "this build is without LZ4"), .serialized) struct CompressedLiveTests {
  private static func payload(_ time: Int64) -> [UInt8] {
    let size = time % 97 == 0 ? 700 : Int(time % 7) * 6
    return (0..<size).map { UInt8(truncatingIfNeeded: time &* 31 &+ Int64($0 / 3)) }
  }

  /// A writer on a thread of its own: the frame at time t has the ordinal t.
  private final class Recording: Sendable {
    private struct State {
      var newest: Int64 = -1
      var isToStop = false
      var failure: String?
    }
    private let state = ProcessLock(State())
    private let ended = DispatchSemaphore(value: 0)

    init(_ store: Store, chunk: Int) throws {
      // Bound: the thread has the writer from here on; `stop` waits for its end.
      nonisolated(unsafe) let writer = try store.writer(
        for: "s", options: WriterOptions(durability: .none, compression: .lz4(chunkByteCount: chunk)))
      Thread { [self] in
        let writer = unsafe writer
        var time: Int64 = 0
        while state.withLock({ !$0.isToStop && $0.failure == nil }) {
          do throws(NanoTSError) {
            try writer.append(CompressedLiveTests.payload(time), at: time)
          } catch {
            state.withLock { $0.failure = "\(error)" }
          }
          state.withLock { $0.newest = time }
          time += 1
        }
        ended.signal()
      }.start()
    }

    var newest: Int64 { state.withLock { $0.newest } }

    /// What failed, if anything did.
    func stop() -> String? {
      state.withLock { $0.isToStop = true }
      ended.wait()
      return state.withLock { $0.failure }
    }
  }

  @Test(arguments: [(4096, 256, 12), (16_384, 1024, 64)])
  func whatIsLookedForIsFoundWhileChunksAreMade(_ blockSize: Int, _ chunk: Int, _ blocks: Int) async throws {
    let directory = try TemporaryDirectory()
    let store = try directory.store(blockSize: blockSize, blocks: blocks)
    try await onThread {
      let recording = try Recording(store, chunk: chunk)
      while recording.newest < 200 { Thread.sleep(forTimeInterval: 0.001) }
      var random = SeededGenerator(seed: 7)
      var cursor = try store.cursor(of: "s")
      var (found, gone) = (0, 0)
      for _ in 0..<20_000 {
        let wanted = max(0, recording.newest - Int64.random(in: 0..<60, using: &random))
        do throws(NanoTSError) {
          guard let frame = try cursor.seek(to: wanted), frame.timestamp == wanted else {
            // Recycled between the two looks: then what follows is found.
            if try store.frames(of: "s").first(where: { _ in true })?.timestamp ?? 0 > wanted {
              gone += 1
              continue
            }
            Issue.record("frame \(wanted) is not found")
            break
          }
          let bytes = try frame.copyBytes()
          guard frame.ordinal == UInt64(wanted), bytes == Self.payload(wanted) else {
            Issue.record("frame \(wanted) is not what was written")
            break
          }
          if let next = try cursor.next() { #expect(next.ordinal == frame.ordinal + 1) }
          found += 1
        } catch {
          guard error.code == .overwritten else { throw error }
          gone += 1
        }
      }
      #expect(found > 1_000, "\(found) found, \(gone) gone")
      #expect(try store.verify().findings.map(\.description) == [])
      #expect(recording.stop() == nil)
    }
  }
}
