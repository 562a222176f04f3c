internal import CInterface
internal import NanoTS
import Synchronization

/// What many threads may use at once: an object that each call holds for as long as it lasts.
protocol SharedThing: AnyObject {
  static var kind: HandleTable.Kind { get }
}

/// What one thread uses at a time: a struct at an address of its own, because the variables of a class are checked for
/// exclusive access at each use, which costs more than the call.
protocol SoleThing {
  static var kind: HandleTable.Kind { get }
  /// Frees what does not free itself. Called once, before the struct goes.
  mutating func end()
}

@inline(__always)
func bits(_ handle: OpaquePointer?) -> UInt64 { UInt64(UInt(bitPattern: handle)) }

// MARK: Shared

/// The handle of `thing`, which lives until it is ended.
func makeHandle<Thing: SharedThing>(_ thing: Thing) throws(NanoTSError) -> OpaquePointer {
  let retained = unsafe Unmanaged.passRetained(thing)
  if let handle = unsafe HandleTable.make(Thing.kind, retained.toOpaque()) { return unsafe handle }
  unsafe retained.release()
  throw tooManyHandles()
}

/// The thing behind `handle`. Throws `.invalidArgument` when there is none of this type.
func thing<Thing: SharedThing>(_ handle: OpaquePointer?, _ type: Thing.Type) throws(NanoTSError) -> Thing {
  let found = unsafe HandleTable.look(bits(handle), Thing.kind) { address in
    unsafe Unmanaged<Thing>.fromOpaque(address).takeUnretainedValue()
  }
  guard let found else { throw unsafe deadHandle(handle, Thing.kind) }
  return found
}

/// Ends `handle` and returns what was behind it; nil for NULL. Throws `.invalidArgument`.
func endHandle<Thing: SharedThing>(_ handle: OpaquePointer?, _ type: Thing.Type) throws(NanoTSError) -> Thing? {
  guard unsafe handle != nil else { return nil }
  guard case .ended(let address) = unsafe HandleTable.end(bits(handle), Thing.kind) else {
    throw unsafe deadHandle(handle, Thing.kind)
  }
  return unsafe Unmanaged<Thing>.fromOpaque(address).takeRetainedValue()
}

// MARK: Sole

/// The handle of `thing`, which lives until it is ended.
func makeHandle<Thing: SoleThing>(_ thing: consuming Thing) throws(NanoTSError) -> OpaquePointer {
  // Bound: one value, initialised here and deinitialised when the handle is ended.
  let place = UnsafeMutablePointer<Thing>.allocate(capacity: 1)
  unsafe place.initialize(to: thing)
  if let handle = unsafe HandleTable.make(Thing.kind, place) { return unsafe handle }
  unsafe destroy(place)
  throw tooManyHandles()
}

/// Runs `body` with the thing behind `handle`, alone. Otherwise INVALID_ARGUMENT or IN_USE, and `body` is not run.
///
/// Bound: the address that `body` gets is good until it returns.
@inline(__always)
func withThing<Thing: SoleThing>(
  _ handle: OpaquePointer?, _ type: Thing.Type, _ body: (UnsafeMutablePointer<Thing>) -> nanots_ec_t
) -> nanots_ec_t {
  let handle = unsafe bits(handle)
  guard HandleTable.kind(handle) == Thing.kind.rawValue, let slot = HandleTable.slot(handle) else {
    return refuse(handle, Thing.kind, isInUse: false)
  }
  let (isMine, found) = unsafe slot.word.pointee.compareExchange(
    expected: handle << 1, desired: handle << 1 | 1, ordering: .acquiring)
  guard isMine else { return refuse(handle, Thing.kind, isInUse: found == handle << 1 | 1) }
  let code = unsafe body(slot.thing.assumingMemoryBound(to: Thing.self))
  unsafe slot.word.pointee.store(handle << 1, ordering: .releasing)
  return code
}

/// Ends `handle`; `last` is done with the thing before it goes. NULL: nothing is done.
func endHandle<Thing: SoleThing>(
  _ handle: OpaquePointer?, _ type: Thing.Type,
  _ last: (UnsafeMutablePointer<Thing>) -> nanots_ec_t = { _ in NANOTS_EC_OK }
) -> nanots_ec_t {
  let number = unsafe bits(handle)
  switch HandleTable.end(number, Thing.kind) {
  case .ended(let address):
    let place = unsafe address.assumingMemoryBound(to: Thing.self)
    let code = unsafe last(place)
    unsafe destroy(place)
    return code
  case .inUse: return refuse(number, Thing.kind, isInUse: true)
  case .unknown: return refuse(number, Thing.kind, isInUse: false)
  }
}

private func destroy<Thing: SoleThing>(_ place: UnsafeMutablePointer<Thing>) {
  unsafe place.pointee.end()
  unsafe place.deinitialize(count: 1)
  unsafe place.deallocate()
}

// MARK: Refusing

/// Why a call on `handle` was not let in.
@inline(never)
private func refuse(_ handle: UInt64, _ kind: HandleTable.Kind, isInUse: Bool) -> nanots_ec_t {
  guard isInUse else { return note(unsafe deadHandle(OpaquePointer(bitPattern: UInt(handle)), kind)) }
  return note(
    NANOTS_EC_IN_USE,
    "another call is at work on this \(kind.name); it is used by one thread at a time: take turns, or make one for each"
  )
}

private func deadHandle(_ handle: OpaquePointer?, _ kind: HandleTable.Kind) -> NanoTSError {
  guard unsafe handle != nil else {
    return NanoTSError(.invalidArgument, "the \(kind.name) is NULL; make one, and look at what that call returned")
  }
  return NanoTSError(
    .invalidArgument,
    "0x\(String(unsafe bits(handle), radix: 16)) is no living \(kind.name); it was ended before, or is something else")
}

private func tooManyHandles() -> NanoTSError {
  NanoTSError(.invalidArgument, "1,048,576 handles are alive, and no more are possible; end those that are not needed")
}

extension HandleTable.Kind {
  var name: String {
    switch self {
    case .store: "store"
    case .writer: "writer"
    case .context: "write context"
    case .reader: "reader"
    case .iterator: "iterator"
    case .follower: "follower"
    case .pin: "pin"
    }
  }
}
