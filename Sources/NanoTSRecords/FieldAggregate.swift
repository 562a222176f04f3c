internal import NanoTS

/// What the values of a field came to in a span of time.
public struct FieldAggregate: Sendable, Equatable {
  /// The first timestamp of the span, whether a frame has it or not.
  public let start: Int64
  /// Values that are numbers: NaN is none.
  public private(set) var count: UInt64 = 0
  public private(set) var minimum = Double.infinity
  public private(set) var maximum = -Double.infinity
  public private(set) var sum = 0.0
  /// The value with the least timestamp, and the one with the greatest.
  public private(set) var first = Double.nan
  public private(set) var last = Double.nan

  public var mean: Double { sum / Double(count) }

  init(start: Int64) { self.start = start }

  /// Adds a value that is a number and comes after all that was added before. O(1).
  mutating func add(_ value: Double) {
    if count == 0 { first = value }
    last = value
    sum += value
    count += 1
    (minimum, maximum) = (min(minimum, value), max(maximum, value))
  }

  /// Adds `values[range]`, which come after all that was added before. O(range.count).
  ///
  /// Four sums, and as many extremes, so that the processor need not wait for one addition before the next.
  @inline(__always)
  mutating func add<T: ColumnNumber>(_ values: StridedView<T>, _ range: Range<Int>) {
    var index = range.lowerBound
    var (sums, counts) = (SIMD4<Double>.zero, SIMD4<Double>.zero)
    var (least, greatest) = (SIMD4<Double>(repeating: minimum), SIMD4<Double>(repeating: maximum))
    while index + 4 <= range.upperBound {
      let lane = SIMD4(
        values[index].number, values[index + 1].number, values[index + 2].number, values[index + 3].number)
      let isNumber = lane .== lane
      sums += SIMD4<Double>.zero.replacing(with: lane, where: isNumber)
      counts += SIMD4<Double>.zero.replacing(with: SIMD4(repeating: 1), where: isNumber)
      // A comparison with NaN is false.
      least.replace(with: lane, where: lane .< least)
      greatest.replace(with: lane, where: lane .> greatest)
      index += 4
    }
    var rest = (sum: sums.sum(), count: counts.sum())
    (minimum, maximum) = (least.min(), greatest.max())
    while index < range.upperBound {
      let value = values[index].number
      if value == value {
        rest.sum += value
        rest.count += 1
        minimum = min(minimum, value)
        maximum = max(maximum, value)
      }
      index += 1
    }
    guard rest.count > 0 else { return }
    if count == 0, let found = range.first(where: { !values[$0].number.isNaN }) { first = values[found].number }
    if let found = range.last(where: { !values[$0].number.isNaN }) { last = values[found].number }
    sum += rest.sum
    count += UInt64(rest.count)
  }
}

/// A type of fields whose values are added up as numbers.
protocol ColumnNumber: BitwiseCopyable {
  var number: Double { get }
}

/// The byte of a bool, which may be any.
struct StoredBool: ColumnNumber {
  let byte: UInt8
  var number: Double { byte == 0 ? 0 : 1 }
}

extension Int8: ColumnNumber { var number: Double { Double(self) } }
extension Int16: ColumnNumber { var number: Double { Double(self) } }
extension Int32: ColumnNumber { var number: Double { Double(self) } }
extension Int64: ColumnNumber { var number: Double { Double(self) } }
extension UInt8: ColumnNumber { var number: Double { Double(self) } }
extension UInt16: ColumnNumber { var number: Double { Double(self) } }
extension UInt32: ColumnNumber { var number: Double { Double(self) } }
extension UInt64: ColumnNumber { var number: Double { Double(self) } }
extension Float: ColumnNumber { var number: Double { Double(self) } }
extension Double: ColumnNumber { var number: Double { self } }
