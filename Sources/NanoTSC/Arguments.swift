internal import CInterface
internal import NanoTS

/// The text at `pointer`. Throws `.invalidArgument` for NULL and for bytes that are not UTF-8.
func text(_ pointer: UnsafePointer<CChar>?, _ name: String) throws(NanoTSError) -> String {
  guard let pointer = unsafe pointer else { throw isNull(name) }
  // Bound: C promises a byte of 0 at the end.
  guard let text = unsafe String(validatingCString: pointer) else {
    throw NanoTSError(.invalidArgument, "\(name) is not UTF-8; give it in UTF-8")
  }
  return text
}

func isNull(_ name: String) -> NanoTSError { NanoTSError(.invalidArgument, "\(name) is NULL, and is needed") }

/// The place at `pointer`, to write a result to. Throws `.invalidArgument` for NULL.
func place<T>(_ pointer: UnsafeMutablePointer<T>?, _ name: String) throws(NanoTSError) -> UnsafeMutablePointer<T> {
  guard let pointer = unsafe pointer else { throw isNull(name) }
  return unsafe pointer
}

/// Throws `.invalidArgument` for a range that ends before it begins.
func range(_ start: Int64, _ end: Int64) throws(NanoTSError) -> ClosedRange<Int64> {
  guard start <= end else {
    throw NanoTSError(.invalidArgument, "the range from \(start) to \(end) ends before it begins; swap the two")
  }
  return start...end
}

/// 0 or 1 of an option. Throws `.invalidArgument`.
func flag(_ value: UInt32, _ name: String) throws(NanoTSError) -> Bool {
  guard value <= 1 else { throw NanoTSError(.invalidArgument, "\(name) is \(value); it is 0 or 1") }
  return value == 1
}

/// The case of an option that is a number. Throws `.invalidArgument`.
func choice<T>(_ value: UInt32, _ cases: [T], _ name: String) throws(NanoTSError) -> T {
  guard value < cases.count else {
    throw NanoTSError(.invalidArgument, "\(name) is \(value); it is one of 0 to \(cases.count - 1)")
  }
  return cases[Int(value)]
}

/// A struct that a program passes in, from a header of its own time: members that it does not know are 0.
/// Bound: a plain C struct, whose first member is `struct_size`.
protocol SizedStruct {
  init()
  var struct_size: UInt32 { get set }
}

extension nanots_store_options_t: SizedStruct {}
extension nanots_writer_options_t: SizedStruct {}
extension nanots_iterator_options_t: SizedStruct {}
extension nanots_copy_options_t: SizedStruct {}
extension nanots_copy_report_t: SizedStruct {}
extension nanots_store_statistics_t: SizedStruct {}
extension nanots_stream_statistics_t: SizedStruct {}

/// The options at `pointer`, or all defaults for NULL. Throws `.invalidArgument` for an impossible size, and
/// `.unsupportedFeature` for members of a later header that are not 0.
func options<T: SizedStruct>(_ pointer: UnsafePointer<T>?, _ name: String) throws(NanoTSError) -> T {
  var result = T()
  guard let pointer = unsafe pointer else { return result }
  let size = try unsafe checkedSize(UnsafeRawPointer(pointer), T.self, name)
  // Bound: the caller says that `size` bytes are there.
  let given = unsafe UnsafeRawBufferPointer(start: pointer, count: size)
  unsafe withUnsafeMutableBytes(of: &result) { into in
    unsafe into.copyMemory(from: UnsafeRawBufferPointer(rebasing: given.prefix(into.count)))
  }
  if size > MemoryLayout<T>.size,
    let unknown = unsafe given.dropFirst(MemoryLayout<T>.size).firstIndex(where: { $0 != 0 })
  {
    throw NanoTSError(
      .unsupportedFeature,
      "\(name): the byte at \(unknown) belongs to an option that this library does not have; use a later library, or "
        + "leave the option at 0")
  }
  return result
}

/// Writes as much of `report` to `pointer` as the program knows of.
func deliver<T: SizedStruct>(_ report: T, _ pointer: UnsafeMutablePointer<T>, _ name: String) throws(NanoTSError) {
  let size = try unsafe checkedSize(UnsafeRawPointer(pointer), T.self, name)
  var report = report
  report.struct_size = UInt32(size)
  // Bound: the caller says that `size` bytes are there.
  unsafe withUnsafeBytes(of: report) { bytes in
    unsafe UnsafeMutableRawPointer(pointer).copyMemory(from: bytes.baseAddress!, byteCount: min(size, bytes.count))
  }
}

/// Bound: the first member of every such struct is its size, 4 bytes.
func checkedSize<T: SizedStruct>(
  _ pointer: UnsafeRawPointer, _ type: T.Type, _ name: String
) throws(NanoTSError) -> Int {
  let size = Int(unsafe pointer.loadUnaligned(as: UInt32.self))
  guard (8...4096).contains(size) else {
    throw NanoTSError(
      .invalidArgument,
      "\(name): struct_size is \(size); set it to the size of the struct, \(MemoryLayout<T>.size) here")
  }
  return size
}
