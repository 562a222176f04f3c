import Glibc

/// How many files the process may have open.
enum DescriptorLimit {
  /// As many as the system allows: each pinned stream has one, and the limit that processes begin with is low for programs
  /// that use select(2), which this one does not.
  static func raise() {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    // Where it is refused, the first pin too many says so.
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
