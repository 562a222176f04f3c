/// The open file description through which the tasks of a store's thread take locks: through a writer's they would get
/// those that the writer has.
///
/// There is one for all writers of the store, whose tasks run one after the other; a task that must run elsewhere at the
/// same time opens its own.
final class TaskDescriptor: Sendable {
  private let file: FileDescriptor
  private let kept: ProcessLock<FileDescriptor?>

  init(for file: FileDescriptor) {
    self.file = file
    kept = ProcessLock(nil)
  }

  /// Opens the description if it is not there, so that no task has to. Throws `.ioFailure` or `.cannotOpen`.
  func open() throws(NanoTSError) {
    try kept.withLock { descriptor throws(NanoTSError) in
      if descriptor == nil { descriptor = try FileDescriptor(reopening: file, .readWrite) }
    }
  }

  /// Runs `body` with the description. When it throws, the description is closed, and with it goes a lock that could not
  /// be given back, which writers would wait for.
  func using<R>(_ body: (FileDescriptor) throws(NanoTSError) -> R) throws(NanoTSError) -> R {
    let taken = kept.withLock { descriptor in
      defer { descriptor = nil }
      return descriptor
    }
    let descriptor: FileDescriptor
    if let taken { descriptor = taken } else { descriptor = try FileDescriptor(reopening: file, .readWrite) }
    let result = try body(descriptor)
    kept.withLock { $0 = descriptor }
    return result
  }
}
