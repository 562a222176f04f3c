/// A fuzzer with a bug in it, which shows that the others would find one. Bound: `start` has `count` readable bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  unsafe PlantedBug.read(UnsafeBufferPointer(start: start, count: count))
}
