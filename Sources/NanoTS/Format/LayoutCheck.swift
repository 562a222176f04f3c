/// Holds each structure's offsets against its diagram, once for each process that opens a store.
///
/// A wrong offset would not fail, it would damage files; so the checks run in release builds too. Each structure lists
/// its fields with their sizes in the order of its diagram, gaps included, and the list must tile the structure.
enum LayoutCheck {
  /// True once every structure was checked; a contradiction ends the process.
  static let isDone: Bool = {
    FileHeader.checkLayout()
    SharedState.checkLayout()
    StreamSlot.checkLayout()
    BlockHeader.checkLayout()
    BlockPreamble.checkLayout()
    IndexEntry.checkLayout()
    ChunkEntry.checkLayout()
    return true
  }()

  /// Ends the process unless the fields, given as offset and size, follow one another without gap or overlap from 0 to
  /// `byteCount`, and each of 2, 4 or 8 bytes is aligned to its size.
  static func requireTiling(_ structure: StaticString, _ byteCount: Int, _ fields: [(offset: Int, size: Int)]) {
    var end = 0
    for field in fields {
      precondition(
        field.offset == end, "\(structure): a field is at \(field.offset) and the one before it ends at \(end)")
      if [2, 4, 8].contains(field.size) {
        precondition(field.offset % field.size == 0, "\(structure): the field at \(field.offset) is not aligned")
      }
      end += field.size
    }
    precondition(end == byteCount, "\(structure): the fields end at \(end) of \(byteCount)")
  }
}
