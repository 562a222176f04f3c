/// Numbers as they stand in cells.
enum NumberCell {
  /// Powers of ten that a Double has exactly.
  private static let exactPowers: [Double] = (0...22).reduce(into: []) { powers, _ in
    powers.append((powers.last ?? 0.1) * 10)
  }

  /// A decimal number, or nan, inf; an empty cell is NaN: there is no value. Nil where it is none.
  ///
  /// Digits up to 2^53 with a power of ten that a Double has are exact in one operation (Clinger, "How to read floating point
  /// numbers accurately", 1990); anything else is left to Swift.
  static func double(_ cell: Cell) -> Double? {
    guard !cell.isEmpty else { return .nan }
    guard let (digits, exponent, isNegative) = decimal(cell), digits <= 1 << 53, abs(exponent) <= 22 else {
      return slowDouble(cell)
    }
    let magnitude =
      exponent < 0 ? Double(digits) / exactPowers[-exponent] : Double(digits) * exactPowers[exponent]
    return isNegative ? -magnitude : magnitude
  }

  /// A decimal number that a Float holds; nil also where it is none.
  static func float(_ cell: Cell) -> Float? {
    guard let double = double(cell) else { return nil }
    let float = Float(double)
    return float.isInfinite && !double.isInfinite ? nil : float
  }

  /// A whole number within what `T` holds, written with digits alone.
  static func integer<T: FixedWidthInteger>(_ cell: Cell, as type: T.Type) -> T? {
    guard let (digits, exponent, isNegative) = decimal(cell), exponent == 0 else { return nil }
    return isNegative ? T(exactly: -Int128(digits)) : T(exactly: digits)
  }

  /// The same where JSON, which has numbers of one kind only, may write it with a fraction of zeros or an exponent: 5.0, 1e3.
  static func whole<T: FixedWidthInteger>(_ cell: Cell, as type: T.Type) -> T? {
    if let integer = integer(cell, as: type) { return integer }
    guard cell.kind == .number, let (digits, exponent, isNegative) = decimal(cell) else { return nil }
    var value = Int128(digits)
    if value == 0 { return 0 }
    // Bound: digits of an UInt64 times 10 to the 18th are less than an Int128 holds.
    guard exponent <= 18 else { return nil }
    for _ in 0..<max(0, exponent) { value *= 10 }
    // No number but zero can be divided by ten more often than it has digits.
    for _ in 0..<max(0, -exponent) {
      guard value % 10 == 0 else { return nil }
      value /= 10
    }
    return T(exactly: isNegative ? -value : value)
  }

  /// A decimal number times 10 to the power of `power`, rounded down; nil where it is no such number or does not fit.
  static func scaled(_ cell: Cell, by power: Int) -> Int64? {
    guard let (digits, exponent, isNegative) = decimal(cell) else { return nil }
    let shift = exponent + power
    guard digits > 0 else { return 0 }
    guard shift <= 18 else { return nil }
    // Bound: 10 to the 38th is what an Int128 holds; more makes nothing but zero of 19 digits.
    let scale = (0..<min(abs(shift), 38)).reduce(Int128(1)) { scale, _ in scale * 10 }
    if shift >= 0 { return Int64(exactly: Int128(digits) * scale * (isNegative ? -1 : 1)) }
    let (whole, rest) = Int128(digits).quotientAndRemainder(dividingBy: scale)
    return Int64(exactly: isNegative ? -whole - (rest == 0 ? 0 : 1) : whole)
  }

  /// Digits, power of ten and sign of a decimal number whose digits an UInt64 holds, with nothing around it.
  private static func decimal(_ cell: Cell) -> (digits: UInt64, exponent: Int, isNegative: Bool)? {
    var (index, digits, exponent) = (0, UInt64(0), 0)
    var isNegative = false
    let end = cell.count
    // Bound: `index` is below `end` wherever a byte is looked at.
    if index < end, cell[index] == UInt8(ascii: "-") || cell[index] == UInt8(ascii: "+") {
      isNegative = cell[index] == UInt8(ascii: "-")
      index += 1
    }
    var (hasPoint, hasDigit) = (false, false)
    while index < end {
      let byte = cell[index]
      if byte &- UInt8(ascii: "0") < 10 {
        hasDigit = true
        let (tenfold, overflows) = digits.multipliedReportingOverflow(by: 10)
        let (next, carries) = tenfold.addingReportingOverflow(UInt64(byte &- UInt8(ascii: "0")))
        guard !overflows, !carries else { return nil }
        digits = next
        if hasPoint { exponent -= 1 }
      } else if byte == UInt8(ascii: "."), !hasPoint {
        hasPoint = true
      } else {
        break
      }
      index += 1
    }
    guard hasDigit else { return nil }
    if index < end {
      guard cell[index] | 0x20 == UInt8(ascii: "e"),
        let power = Int(String(decoding: cell[(index + 1)...], as: UTF8.self)), (-400...400).contains(power)
      else { return nil }
      exponent += power
    }
    return (digits, exponent, isNegative)
  }

  private static func slowDouble(_ cell: Cell) -> Double? {
    // Hexadecimal, which Swift takes, is no number of a table's.
    guard cell.count < 400, !cell.contains(where: { $0 | 0x20 == UInt8(ascii: "x") }) else { return nil }
    guard let value = Double(cell.text) else { return nil }
    // What is written in digits and is infinite would be another number than the one that stands there.
    return value.isInfinite && !cell.contains(where: { $0 | 0x20 == UInt8(ascii: "i") }) ? nil : value
  }
}
