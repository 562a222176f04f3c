import FuzzKit

/// Bound: `start` has `count` readable bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = unsafe FuzzInput(start, count)
  let block = ChunkBlock(&input)
  block.read(&input)
  return 0
}
