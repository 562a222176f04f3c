import Testing

@testable import NanoTS

/// Expects `body` to throw a `NanoTSError` with `code` whose message holds every one of `parts`.
@discardableResult
func expectError<R>(
  _ code: NanoTSError.Code, naming parts: [String] = [], sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> R
) -> NanoTSError? {
  do {
    _ = try body()
  } catch let error as NanoTSError {
    #expect(error.code == code, "\(error.message)", sourceLocation: sourceLocation)
    for part in parts {
      #expect(error.message.contains(part), "'\(part)' is not in: \(error.message)", sourceLocation: sourceLocation)
    }
    return error
  } catch {
    Issue.record("threw \(error) and not \(code)", sourceLocation: sourceLocation)
    return nil
  }
  Issue.record("nothing was thrown; expected \(code)", sourceLocation: sourceLocation)
  return nil
}
