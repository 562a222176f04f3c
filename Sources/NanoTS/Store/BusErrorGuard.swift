extension Store {
  /// Makes a page that the disk does not give, of whatever store of this process, an error instead of the end of the
  /// process: a file that somebody cut while it was open, or a sector that cannot be read.
  ///
  /// Without it the kernel ends the process with SIGBUS, as for any mapped file. With it, uses of that store throw
  /// `.ioFailure` from then on, until it is opened anew; other stores are untouched. No zeros are handed out as data: a
  /// frame, cursor or question that came upon the page throws. A ``FrameSequence`` ends, as at every failure, and the
  /// store's next call throws.
  ///
  /// A writer finds out at the end of its block, at `flush` and at `close`, and under ``Durability/everyFrame`` at each
  /// append; these throw. Under ``Durability/interval(milliseconds:)`` it finds out with the next sync, within what that
  /// promises. Under the other policies an append may have returned in the meantime whose frame went nowhere: those since
  /// the block was begun, which these policies promise nothing for.
  ///
  /// The price: the process has a handler for SIGBUS. A SIGBUS that concerns no store goes to the handler that was there
  /// before, or ends the process as it would have; a handler installed later takes this one's place and should call it.
  /// A thread that has SIGBUS blocked is not protected. Appends and steps cost the same with and without.
  ///
  /// Once for the process, before or after stores are opened; later calls do nothing. Throws `.ioFailure` when the system
  /// refuses the handler.
  public static func installBusErrorGuard() throws(NanoTSError) { try GuardedMapping.install() }
}
