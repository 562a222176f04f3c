import ArgumentParser

/// A size in bytes as it is written on the command line: `4096`, `64KiB`, `1MiB`, `2GiB`.
struct SizeArgument: Equatable {
  let bytes: Int

  private static let units: [(suffix: String, bytes: Int)] = [
    ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1), ("", 1),
  ]

  init(bytes: Int) {
    self.bytes = bytes
  }

  init(parsing text: String) throws {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let suffix = text.dropFirst(digits.count)
    guard !digits.isEmpty, let unit = Self.units.first(where: { $0.suffix == suffix }) else {
      throw ValidationError("a size is a whole number of bytes, or of KiB, MiB or GiB, such as 64KiB.")
    }
    let product = Int(digits).map { $0.multipliedReportingOverflow(by: unit.bytes) }
    guard let product, !product.overflow else {
      throw ValidationError("that is more bytes than any file can have.")
    }
    bytes = product.partialValue
  }
}

extension SizeArgument: CustomStringConvertible {
  /// The shortest form that is read back as the same size; help texts show it for defaults.
  var description: String {
    let unit = Self.units.dropLast().filter { bytes > 0 && bytes.isMultiple(of: $0.bytes) }.max { $0.bytes < $1.bytes }
    return unit.map { "\(bytes / $0.bytes)\($0.suffix)" } ?? "\(bytes)"
  }
}

/// A span of time as it is written on the command line: `5` or `0.5` (seconds), `500ms`, `90s`, `5m`, `2h`, `1d`.
struct DurationArgument: Equatable {
  let nanoseconds: Int64

  private static let units: [(suffix: String, nanoseconds: Int64)] = [
    ("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000),
    ("h", 3_600_000_000_000), ("d", 86_400_000_000_000),
  ]

  init(parsing text: String) throws {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let suffix = text.dropFirst(digits.count)
    guard let unit = Self.units.first(where: { $0.suffix == (suffix.isEmpty ? "s" : suffix) }),
      let nanoseconds = Self.multiply(digits, by: unit.nanoseconds)
    else {
      throw ValidationError(
        "a span of time is a number and ns, us, ms, s, m, h or d, such as 500ms (at most 292 years).")
    }
    self.nanoseconds = nanoseconds
  }

  /// Decimal digits times `unit` in whole numbers, so that `0.1s` is exactly 100,000,000 ns. Nil: no number, or too big.
  private static func multiply(_ digits: some StringProtocol, by unit: Int64) -> Int64? {
    let parts = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let whole = Int64(first) else { return nil }
    let (product, overflows) = whole.multipliedReportingOverflow(by: unit)
    guard !overflows else { return nil }
    guard parts.count == 2 else { return product }
    guard (1...9).contains(parts[1].count), let numerator = Int64(parts[1]) else { return nil }
    var denominator: Int64 = 1
    for _ in parts[1] { denominator *= 10 }
    let scaled = numerator.multipliedFullWidth(by: unit)
    let fraction = denominator.dividingFullWidth(scaled).quotient
    let (sum, sumOverflows) = product.addingReportingOverflow(fraction)
    return sumOverflows ? nil : sum
  }
}
