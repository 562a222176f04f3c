/// Text and numbers for SVG and HTML.
enum MarkupText {
  /// As content or as an attribute's value in double quotes; control characters are shown, as on a terminal, and so is
  /// what turns the direction of text. What no document may have is replaced.
  static func escaped(_ text: String) -> String {
    let shown = String(
      String.UnicodeScalarView(
        PrintableText.string(text).unicodeScalars.flatMap { scalar in
          scalar.properties.isNoncharacterCodePoint
            ? ["\u{FFFD}"] : scalar.properties.isBidiControl ? Array(hex(scalar).unicodeScalars) : [scalar]
        }))
    return shown.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }

  private static func hex(_ scalar: Unicode.Scalar) -> String {
    "\\u{\(String(scalar.value, radix: 16))}"
  }

  /// A coordinate, to a tenth.
  static func number(_ value: Double) -> String {
    // No drawing is so large: what lies farther out is not seen.
    let tenths = (max(-1e6, min(1e6, value)) * 10).rounded() / 10
    guard !tenths.isNaN else { return "0" }
    return tenths == tenths.rounded() ? "\(Int(tenths))" : "\(tenths)"
  }
}
