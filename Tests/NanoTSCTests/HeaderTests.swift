import CInterface
import Foundation
import NanoTSC
import Testing

/// What the header says and what the library knows are the same.
@Suite struct HeaderTests {
  @Test func errorCodesHaveTheNumbersThatExistingProgramsKnow() {
    let codes = [
      NANOTS_EC_OK, NANOTS_EC_CANT_OPEN, NANOTS_EC_SCHEMA, NANOTS_EC_NO_FREE_BLOCKS, NANOTS_EC_INVALID_BLOCK_SIZE,
      NANOTS_EC_DUPLICATE_STREAM_TAG, NANOTS_EC_UNABLE_TO_CREATE_SEGMENT, NANOTS_EC_UNABLE_TO_CREATE_SEGMENT_BLOCK,
      NANOTS_EC_NON_MONOTONIC_TIMESTAMP, NANOTS_EC_ROW_SIZE_TOO_BIG, NANOTS_EC_UNABLE_TO_ALLOCATE_FILE,
      NANOTS_EC_INVALID_ARGUMENT, NANOTS_EC_UNKNOWN, NANOTS_EC_NOT_FOUND,
    ]
    #expect(codes.map(\.rawValue) == Array(0...13))
  }

  @Test func everyCodeHasAName() {
    for number in UInt32(0)...32 where number != NANOTS_EC_UNKNOWN.rawValue {
      let name = unsafe String(cString: nanots_error_name(nanots_ec_t(rawValue: number)))
      #expect(name.hasPrefix("NANOTS_EC_") && name != "NANOTS_EC_UNKNOWN")
    }
    #expect(unsafe String(cString: nanots_error_name(nanots_ec_t(rawValue: 999))) == "NANOTS_EC_UNKNOWN")
  }

  @Test func libraryAndHeaderAreOfOneVersion() {
    #expect(unsafe String(cString: nanots_version()) == NANOTS_VERSION)
  }

  @Test func manyHandlesAreFoundAndEndedInAnyOrder() {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).nts").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(unsafe nanots_writer_allocate_file(path, 4096, 2) == NANOTS_EC_OK)
    var store: nanots_store_t?
    #expect(unsafe nanots_store_open(path, NANOTS_ACCESS_READ_ONLY, &store) == NANOTS_EC_OK)
    var iterators: [UInt] = []
    for _ in 0..<3_000 {
      var iterator: nanots_iterator_t?
      #expect(unsafe nanots_store_create_iterator(store, "s", nil, &iterator) == NANOTS_EC_OK)
      iterators.append(UInt(bitPattern: iterator))
    }
    #expect(unsafe nanots_store_close(store) == NANOTS_EC_OK)
    #expect(Set(iterators).count == 3_000)
    iterators.shuffle()
    for iterator in iterators { unsafe nanots_iterator_destroy(OpaquePointer(bitPattern: iterator)) }
    for iterator in iterators {
      #expect(unsafe nanots_iterator_next(OpaquePointer(bitPattern: iterator)) == NANOTS_EC_INVALID_ARGUMENT)
    }
  }
}
