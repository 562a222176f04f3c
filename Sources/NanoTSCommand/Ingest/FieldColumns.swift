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
        let hint = if case .text = column.type { "a longer text" } else { "a wider type" }
        throw RowRefusal(
          line: row.line, reason: "column '\(name)': '\(cell.shown)' is no \(column.type); --types takes \(hint)")
      }
    }
  }

  /// Bound: the record has as many bytes as the layout says, and the field lies within them.
  private static func store(_ cell: Cell, _ column: Column, _ record: UnsafeMutableRawBufferPointer) -> Bool {
    func put<T: BitwiseCopyable>(_ value: T?) -> Bool {
      guard let value else { return false }
      unsafe record.storeBytes(of: value, toByteOffset: column.offset, as: T.self)
      return true
    }
    switch column.type {
    case .i8: return put(NumberCell.integer(cell, as: Int8.self))
    case .i16: return put(NumberCell.integer(cell, as: Int16.self))
    case .i32: return put(NumberCell.integer(cell, as: Int32.self))
    case .i64: return put(NumberCell.integer(cell, as: Int64.self))
    case .u8: return put(NumberCell.integer(cell, as: UInt8.self))
    case .u16: return put(NumberCell.integer(cell, as: UInt16.self))
    case .u32: return put(NumberCell.integer(cell, as: UInt32.self))
    case .u64: return put(NumberCell.integer(cell, as: UInt64.self))
    case .f32: return put(NumberCell.double(cell).map { Float($0) })
    case .f64: return put(NumberCell.double(cell))
    case .bool: return put(boolean(cell))
    case .text(let byteCount):
      guard cell.count <= byteCount else { return false }
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
  private var couldBeNumber = true
  private var couldBeBoolean = true
  private var isEmpty = true
  private var longest = 0

  mutating func look(at cell: Cell) {
    longest = max(longest, cell.count)
    guard !cell.isEmpty else {
      // A number that is missing is NaN, which no whole number says.
      (couldBeInteger, couldBeBoolean) = (false, false)
      return
    }
    isEmpty = false
    couldBeInteger = couldBeInteger && NumberCell.integer(cell, as: Int64.self) != nil
    couldBeNumber = couldBeNumber && NumberCell.double(cell) != nil
    couldBeBoolean =
      couldBeBoolean && ["true", "false"].contains(cell.text.lowercased())
  }

  /// Text is given room for twice what was seen.
  var type: FieldType {
    if isEmpty { return .f64 }
    if couldBeInteger { return .i64 }
    if couldBeNumber { return .f64 }
    if couldBeBoolean { return .bool }
    return .text(byteCount: (2 * longest + 7) & ~7)
  }
}
