import FuzzKit

@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ count: UnsafeMutablePointer<CInt>?, _ arguments: UnsafeMutableRawPointer?) -> CInt {
  SeedWriter.writeIfAsked(HostileImage.seeds)
  return 0
}

/// Bound: `start` has `count` readable bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = unsafe FuzzInput(start, count)
  RecoverRun.run(&input)
  return 0
}
