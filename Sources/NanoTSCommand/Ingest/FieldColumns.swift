import NanoTS
import NanoTSRecords

/// Which columns become fields of the record, of what types, and how a row's cells become its bytes.
struct FieldColumns {
  /// What a cell needs; names are for messages, and would be counted for each cell.
  private struct Column {
    let index: Int
    let type: FieldType
    let offset: Int
  }

  private let columns: [Column]
  let layout: RecordLayout

  /// `columns`: index, name and type of each; `units` by name. Fields are packed in the order of the columns.
  init(_ columns: [(index: Int, name: String, type: FieldType)], units: [String: String]) throws {
    var offset = 0
    let fields = columns.map { column in
      defer { offset += column.type.byteCount }
      return RecordField(column.name, column.type, unit: units[column.name] ?? "", offset: offset)
    }
    self.columns = zip(columns, fields).map { Column(index: $0.index, type: $1.type, offset: $1.offset) }
    layout = try RecordLayout(fields, byteCount: offset)
  }

  /// Writes the record of the present row. Throws `RowRefusal` with the column and the cell that is of another type.
  func store(_ row: Row, into record: UnsafeMutableRawBufferPointer) throws {
    for (number, column) in columns.enumerated() {
      let cell = row.cells[column.index]
      guard unsafe Self.store(cell, column, record) else {
        let name = PrintableText.string(layout.fields[number].name)
        throw RowRefusal(line: row.line, reason: "column '\(name)': \(Self.refusal(of: cell, column.type))")
      }
    }
  }

  /// Why `cell` is not of `type`.
  private static func refusal(of cell: Cell, _ type: FieldType) -> String {
    let shown = "'\(cell.shown)'"
    switch type {
    case .text(let byteCount):
      if cell.contains(0) { return "\(shown) has a NUL byte, which is where a stored text ends; take it out" }
      return "\(shown) has \(cell.count) bytes, more than the \(byteCount) of \(type); --types takes a longer text"
    case .bool: return "\(shown) is not true, false, 1 or 0; --types takes another type"
    case .f32, .f64:
      guard isDecimal(cell) else { return "\(shown) is no number; --types takes a text" }
      return "\(shown) is beyond what \(type) holds; --types takes \(type == .f32 ? "f64" : "a text")"
    default:
      if cell.isEmpty { return "\(shown) is no whole number; --types takes f64, where an empty cell is NaN" }
      guard isWhole(cell) else { return "\(shown) is no whole number; --types takes f64 or a text" }
      let isBelowUnsigned = cell.first == UInt8(ascii: "-") && "\(type)".hasPrefix("u")
      return "\(shown) is beyond what \(type) holds; --types takes a \(isBelowUnsigned ? "signed" : "wider") type"
    }
  }

  private static func isWhole(_ cell: Cell) -> Bool {
    let digits = cell.first == UInt8(ascii: "-") || cell.first == UInt8(ascii: "+") ? cell.dropFirst() : cell[...]
    let isOfDigits = !digits.isEmpty && digits.allSatisfy { $0 &- UInt8(ascii: "0") < 10 }
    guard !isOfDigits, cell.kind == .number else { return isOfDigits }
    // Beyond 2^63 there is no fraction that a Double would show.
    return NumberCell.whole(cell, as: Int64.self) != nil || abs(NumberCell.double(cell) ?? .infinity) >= 0x1p63
  }

  private static func isDecimal(_ cell: Cell) -> Bool { cell.count < 400 && Double(cell.text) != nil }

  /// Bound: the record has as many bytes as the layout says, and the field lies within them.
  private static func store(_ cell: Cell, _ column: Column, _ record: UnsafeMutableRawBufferPointer) -> Bool {
    func put<T: BitwiseCopyable>(_ value: T?) -> Bool {
      guard let value else { return false }
      unsafe record.storeBytes(of: value, toByteOffset: column.offset, as: T.self)
      return true
    }
    switch column.type {
    case .i8: return put(NumberCell.whole(cell, as: Int8.self))
    case .i16: return put(NumberCell.whole(cell, as: Int16.self))
    case .i32: return put(NumberCell.whole(cell, as: Int32.self))
    case .i64: return put(NumberCell.whole(cell, as: Int64.self))
    case .u8: return put(NumberCell.whole(cell, as: UInt8.self))
    case .u16: return put(NumberCell.whole(cell, as: UInt16.self))
    case .u32: return put(NumberCell.whole(cell, as: UInt32.self))
    case .u64: return put(NumberCell.whole(cell, as: UInt64.self))
    case .f32: return put(NumberCell.float(cell))
    case .f64: return put(NumberCell.double(cell))
    case .bool: return put(boolean(cell))
    case .text(let byteCount):
      guard cell.count <= byteCount, !cell.contains(0) else { return false }
      for index in 0..<byteCount {
        unsafe record[column.offset + index] = index < cell.count ? cell[index] : 0
      }
      return true
    }
  }

  static func boolean(_ cell: Cell) -> UInt8? {
    switch cell.text.lowercased() {
    case "true", "1": 1
    case "false", "0": 0
    default: nil
    }
  }
}

/// What the cells of a column look like, over the rows that were looked at.
struct ColumnGuess {
  private var couldBeInteger = true
  private var couldBeUnsigned = true
  private var couldBeNumber = true
  private var couldBeBoolean = true
  private var isEmpty = true
  private var longest = 0

  mutating func look(at cell: Cell) {
    longest = max(longest, cell.count)
    guard cell.kind != .text else {
      (couldBeInteger, couldBeUnsigned, couldBeNumber, couldBeBoolean, isEmpty) = (false, false, false, false, false)
      return
    }
    guard !cell.isEmpty else {
      // A number that is missing is NaN, which no whole number says.
      (couldBeInteger, couldBeUnsigned, couldBeBoolean) = (false, false, false)
      return
    }
    isEmpty = false
    couldBeInteger = couldBeInteger && NumberCell.integer(cell, as: Int64.self) != nil
    couldBeUnsigned = couldBeUnsigned && NumberCell.integer(cell, as: UInt64.self) != nil
    couldBeNumber = couldBeNumber && NumberCell.double(cell) != nil
    couldBeBoolean =
      couldBeBoolean && ["true", "false"].contains(cell.text.lowercased())
  }

  /// Text is given room for twice what was seen.
  var type: FieldType {
    if isEmpty { return .f64 }
    if couldBeInteger { return .i64 }
    if couldBeUnsigned { return .u64 }
    if couldBeNumber { return .f64 }
    if couldBeBoolean { return .bool }
    return .text(byteCount: max(8, (2 * longest + 7) & ~7))
  }
}
