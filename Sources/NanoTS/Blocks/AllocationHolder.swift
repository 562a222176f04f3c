/// Who changes lists and block headers, as a word in SharedState says: the inner half of the allocation lock.
///
/// A system call costs more than all else that a writer does to go on in a block that is ready. So it takes the word alone, and
/// only if nobody has it. Whoever has the kernel's lock, where the others wait, takes the word too before it goes on.
///
/// The kernel gives back no word when its holder dies. It names the stream whose writer took it, and the kernel knows whether
/// that stream's lock is held: if not, the holder is dead, and the epoch tells how far it came.
struct AllocationHolder: Equatable {
  let word: UInt64

  static let nobody = AllocationHolder(word: 0)
  /// The holder of the kernel's lock.
  static let locker = AllocationHolder(number: UInt32.max)

  /// The writer of the stream in slot `slot`, which holds that stream's lock.
  static func writer(ofSlot slot: Int) -> AllocationHolder { AllocationHolder(number: UInt32(slot + 1)) }

  init(word: UInt64) { self.word = word }

  /// The upper half repeats the lower one, inverted, so that a word with a damaged bit names nobody, and nobody waits for it.
  private init(number: UInt32) { word = UInt64(~number) << 32 | UInt64(number) }

  /// The slot of the stream whose writer has the word; nil where it is nobody's, or the kernel knows its holder.
  func slot(below capacity: Int) -> Int? {
    let number = UInt32(truncatingIfNeeded: word)
    guard self == AllocationHolder(number: number), number >= 1, Int(number) <= capacity else { return nil }
    return Int(number) - 1
  }
}

extension StoreFile {
  /// Takes the word for the holder of the kernel's allocation lock, through whose `descriptor` it is held.
  ///
  /// A writer that has it is waited for: it makes a few stores, without a system call. One that died has lost its stream's
  /// lock, and no other writer can have taken that since: for this one needs the kernel's allocation lock. Throws `.ioFailure`.
  func takeHolder(through descriptor: FileDescriptor) throws(NanoTSError) {
    let word = shared.allocationHolder
    var looks = 0
    while true {
      let seen = AllocationHolder(word: word.acquired)
      looks += 1
      if let slot = seen.slot(below: layout.streamCapacity) {
        if looks < StoreFile.looksBeforeAsking { continue }
        if try FileLock(file: descriptor, offset: LockOffset.stream(slot)).isHeldByAnother() {
          MonotonicClock.sleep(until: MonotonicClock.now + StoreFile.holderWaitNanoseconds)
          continue
        }
      }
      if word.exchange(seen.word, for: AllocationHolder.locker.word) { return }
    }
  }

  /// Takes the word for the writer of the stream in slot `slot`, which holds that stream's lock; false when somebody has it,
  /// or died with it.
  func takeHolder(forWriterOf slot: Int) -> Bool {
    let (word, own) = (shared.allocationHolder, AllocationHolder.writer(ofSlot: slot).word)
    if word.exchange(AllocationHolder.nobody.word, for: own) { return true }
    // The writer knows that it has not got it, and nobody takes it from one who lives: an older image of the page was written
    // over it.
    return word.acquired == own
  }

  func giveBackHolder() { shared.allocationHolder.storeReleased(AllocationHolder.nobody.word) }

  /// A writer has the word for less time than the question whether it lives takes.
  private static let looksBeforeAsking = 1_000
  private static let holderWaitNanoseconds: UInt64 = 50_000
}
