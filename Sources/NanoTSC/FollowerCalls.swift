public import CInterface
internal import NanoTS

/// What a follower handle stands for.
struct FollowerState: SoleThing {
  static var kind: HandleTable.Kind { .follower }
  private var follower: Follower
  private let streams: [String]
  /// Where the stream of the last frame is among them.
  private var lastIndex = 0

  init(_ follower: Follower) {
    self.follower = follower
    streams = follower.streams
  }

  mutating func end() {}

  /// The next frame and which stream it is of; nil when the time is over.
  mutating func next(_ milliseconds: Int) throws(NanoTSError) -> (Frame, Int)? {
    guard let followed = try follower.next(waitingMilliseconds: milliseconds) else { return nil }
    // Frames of one stream mostly come in runs.
    if streams[lastIndex] != followed.stream { lastIndex = streams.firstIndex(of: followed.stream) ?? 0 }
    return (followed.frame, lastIndex)
  }
}

@c @implementation
public func nanots_store_create_follower(
  _ store: nanots_store_t?, _ streams: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int,
  _ start: nanots_follow_start_t, _ timestamp: Int64, _ follower: UnsafeMutablePointer<nanots_follower_t?>?
) -> nanots_ec_t {
  reporting { () throws(NanoTSError) in
    let place = try unsafe place(follower, "follower")
    let store = try unsafe thing(store, StoreThing.self).store
    let names = try unsafe texts(streams, count, "streams")
    let beginning: FollowStart = try choice(start.rawValue, [.end, .oldest, .timestamp(timestamp)], "start")
    unsafe place.pointee = try makeHandle(FollowerState(store.follow(names, from: beginning)))
  }
}

/// The texts of an array. Throws `.invalidArgument`.
func texts(
  _ array: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int, _ name: String
) throws(NanoTSError) -> [String] {
  guard count != 0 else { return [] }
  guard let array = unsafe array else { throw isNull(name) }
  // A store has at most so many streams, so that a larger number is a mistake.
  guard (1...65_536).contains(count) else {
    throw NanoTSError(
      .invalidArgument, "\(UInt(bitPattern: count)) \(name) are more than the 65,536 that a store may have")
  }
  var texts: [String] = []
  // Bound: the caller says that `count` pointers are there.
  for index in 0..<count { texts.append(try unsafe text(array[index], "\(name)[\(index)]")) }
  return texts
}

@c @implementation
public func nanots_follower_destroy(_ follower: nanots_follower_t?) {
  guard unsafe follower != nil else { return }
  _ = unsafe endHandle(follower, FollowerState.self)
}

@c @implementation
public func nanots_follower_next(
  _ follower: nanots_follower_t?, _ milliseconds: Int64, _ frame: UnsafeMutablePointer<nanots_frame_t>?,
  _ stream_index: UnsafeMutablePointer<Int>?
) -> nanots_ec_t {
  guard let place = unsafe frame else { return note(isNull("frame")) }
  return unsafe withThing(follower, FollowerState.self) { state in
    var isThere = true
    let code = reporting { () throws(NanoTSError) in
      guard let (found, index) = unsafe try state.pointee.next(waiting(milliseconds)) else {
        isThere = false
        return
      }
      unsafe place.initialize(to: nanots_frame_t(lending: found, missed: found.missed))
      unsafe stream_index?.pointee = index
    }
    return isThere ? code : NANOTS_EC_TIMED_OUT
  }
}
