/// Text and numbers for SVG and HTML.
enum MarkupText {
  /// As content or as an attribute's value in double quotes; control characters are shown, as on a terminal.
  static func escaped(_ text: String) -> String {
    PrintableText.string(text).replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }

  /// A coordinate, to a tenth.
  static func number(_ value: Double) -> String {
    let tenths = (value * 10).rounded() / 10
    return tenths == tenths.rounded() ? "\(Int(tenths))" : "\(tenths)"
  }
}
