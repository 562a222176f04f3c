/// Calls whose failure the engine means to bear without an error, each with the reason.
///
/// A use of the engine may succeed although one of these failed, or throw an error of its own; that of any other call
/// must be thrown.
struct ToleratedFault {
  /// Nil: in every operation.
  let operation: String?
  let call: CallKind
  var results: [Int32]? = nil
  var isBootFile = false
  let reason: String

  static let all: [ToleratedFault] = [
    ToleratedFault(
      operation: nil, call: .close,
      reason: "what had to reach the disk was synced before; the descriptor is gone whatever close says"),
    ToleratedFault(
      operation: nil, call: .unmap, reason: "the mapping is shared: nothing in it waits for its end"),
    ToleratedFault(
      operation: nil, call: .unlink,
      reason: "a temporary file is removed after an error, and that error is the one to report"),
    ToleratedFault(
      operation: nil, call: .open, isBootFile: true,
      reason: "a boot that is not known counts as another one: then frames prove themselves once more than they must"),
    ToleratedFault(
      operation: "create", call: .open, results: [-13],
      reason: "a file that may not be opened is there all the same, and is in the way"),
    ToleratedFault(
      operation: "copy", call: .open, results: [-13],
      reason: "a file that may not be opened is there all the same, and is in the way"),
    ToleratedFault(
      operation: "create where a store is", call: .open, results: [-13],
      reason: "a file that may not be opened is there all the same, and is in the way"),
    ToleratedFault(
      operation: "open following", call: .open, reason: "without the words that wake it, a follower polls"),
    ToleratedFault(
      operation: "open following", call: .map, reason: "without the words that wake it, a follower polls"),
    ToleratedFault(
      operation: "append growing", call: .reserve, results: [-28],
      reason: "a growable store on a full disk goes on with the blocks that it has"),
    ToleratedFault(
      operation: "append growing", call: .write, results: [-28],
      reason: "a growable store on a full disk goes on with the blocks that it has"),
    ToleratedFault(
      operation: "append with a thread", call: .thread, reason: "without a thread, the writer syncs by itself"),
    ToleratedFault(
      operation: "append with a thread", call: .lock,
      reason: "a block that cannot be prepared ahead is claimed by the writer when it needs it"),
    ToleratedFault(
      operation: "iterate", call: .findLock, reason: "a sequence ends where a cursor would have thrown, as documented"),
    ToleratedFault(
      operation: "iterate", call: .stat, reason: "a sequence ends where a cursor would have thrown, as documented"),
    ToleratedFault(
      operation: "iterate", call: .read,
      reason: "a sequence goes on behind a block that cannot be read, and says how many frames it had"),
    ToleratedFault(
      operation: "seek", call: .read, reason: "a seek that does not find its block looks again, and then it is read"),
    ToleratedFault(
      operation: "verify a snapshot", call: .read, reason: "a block that cannot be read is found, and not thrown"),
    ToleratedFault(
      operation: nil, call: .unlock,
      reason: "it is made twice, and thrown when both fail; what is left goes with the description at the latest"),
    ToleratedFault(
      operation: "left over", call: .lock,
      reason: "a store that was not closed is not called clean, which costs a check after the next restart"),
    ToleratedFault(
      operation: "left over", call: .syncRange, reason: "whoever does not close does not ask whether the sync succeeded"
    ),
    ToleratedFault(
      operation: "left over", call: .syncFile, reason: "whoever does not close does not ask whether the sync succeeded"),
  ]

  static func covers(_ fault: FaultInjector.Fault) -> Bool {
    all.contains { tolerated in
      tolerated.call == fault.site.call && tolerated.operation.map { $0 == fault.site.operation } ?? true
        && tolerated.results.map { $0.contains(fault.result) } ?? true
        && (!tolerated.isBootFile || fault.isBootFile)
    }
  }
}
