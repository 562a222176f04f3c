import Foundation
import Testing

/// The C and C++ interface as programs see it. A check that fails prints its line and the last error.
@Suite(.enabled(if: CompiledProgram.canCompile)) struct CProgramTests {
  private func expectWell(_ outcome: CompiledProgram.Outcome) {
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.complaint)")
    // The library itself says nothing on the standard error, nor does a tool that finds nothing.
    #expect(outcome.complaint == "")
  }

  private static let writingAndReading = [
    "nanots_writer_allocate_file", "nanots_writer_create", "nanots_writer_destroy", "nanots_writer_create_context",
    "nanots_write_context_destroy", "nanots_writer_write", "nanots_writer_free_blocks", "nanots_reader_create",
    "nanots_reader_destroy", "nanots_reader_read", "nanots_reader_query_contiguous_segments",
    "nanots_free_contiguous_segments", "nanots_reader_query_stream_tags_start",
    "nanots_reader_query_stream_tags_next",
  ]
  private static let iterating = [
    "nanots_iterator_create", "nanots_iterator_destroy", "nanots_iterator_valid", "nanots_iterator_get_current_frame",
    "nanots_iterator_next", "nanots_iterator_prev", "nanots_iterator_reset", "nanots_iterator_find",
    "nanots_iterator_current_block_sequence", "nanots_iterator_current_metadata",
  ]

  @Test(arguments: writingAndReading)
  func existingProgramsWritingAndReading(function: String) throws {
    expectWell(try CompiledProgram.run("Programs/table.c", [function]))
  }

  @Test(arguments: iterating)
  func existingProgramsIterating(function: String) throws {
    expectWell(try CompiledProgram.run("Programs/iterating.c", [function]))
  }

  @Test(arguments: writingAndReading + iterating)
  func existingProgramsInCPlusPlus(function: String) throws {
    expectWell(try CompiledProgram.run("Programs/rows.cpp", [function]))
  }

  @Test(arguments: [
    "appends_at_once", "keys", "batches", "columns", "both_ends", "lapped", "pins", "following",
    "copy_verify_statistics", "compression",
  ])
  func newCalls(about subject: String) throws {
    expectWell(try CompiledProgram.run("Programs/beyond.c", [subject]))
  }

  @Test(arguments: ["handles", "texts", "files", "structs", "threads", "busy"])
  func misuse(of subject: String) throws { expectWell(try CompiledProgram.run("Programs/misuse.c", [subject])) }

  @Test(arguments: ["owners", "ranges"])
  func cPlusPlus(about subject: String) throws { expectWell(try CompiledProgram.run("Programs/layer.cpp", [subject])) }

  @Test(
    arguments: [
      "Programs/table.c", "Programs/iterating.c", "Programs/beyond.c", "Programs/misuse.c", "Programs/rows.cpp",
      "Programs/layer.cpp", "Examples/sensor_logger.c", "Examples/video_frames.c", "Examples/ticks.cpp",
      "Examples/readme.c", "Examples/readme.cpp",
    ], [CompiledProgram.Tool.addressSanitizer, .valgrind])
  func memory(of program: String, under tool: CompiledProgram.Tool) throws {
    if let reason = tool.isMissing {
      print("skipped: \(reason)")
      return
    }
    expectWell(try CompiledProgram.run(program, under: tool))
  }
}
