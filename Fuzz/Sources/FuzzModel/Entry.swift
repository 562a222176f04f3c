import FuzzKit

private let path = Scratch.directory + "/model"

/// Operations as the input says, on the engine and on the model of the tests. Bound: `start` has `count` readable bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  do {
    var run = try ModelRun(InputChoices(unsafe FuzzInput(start, count)), path: path)
    try run.run(steps: 200)
  } catch {
    fatalError("engine and model differ: \(error)")
  }
  return 0
}
