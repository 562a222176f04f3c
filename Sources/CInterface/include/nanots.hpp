/** @file nanots.hpp
 *  @brief NanoTS for C++17: the functions of nanots.h with owners, exceptions and ranges. Header only.
 *
 *      nanots::store store = nanots::store::create("room.nts");
 *      nanots::write_context context = store.writer().context("temperature");
 *      context.append(21.5, 1000);
 *      for (const nanots::frame &frame : store.frames("temperature")) use(frame.timestamp(), frame.as<double>());
 *
 *  Every failure is thrown as nanots::error, with the code and the message of the library. Owners can be moved, not copied;
 *  a moved-from one holds NULL, which every call refuses. Threads: as for the handles in nanots.h.
 */
#ifndef NANOTS_HPP
#define NANOTS_HPP

#include "nanots.h"

#include <cstring>
#include <exception>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace nanots {

/** A call that failed. */
class error : public std::runtime_error {
 public:
  error(nanots_ec_t code, const char *message) : std::runtime_error(message), code_(code) {}
  nanots_ec_t code() const noexcept { return code_; }

 private:
  nanots_ec_t code_;
};

inline constexpr std::int64_t earliest = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int64_t latest = std::numeric_limits<std::int64_t>::max();

namespace detail {

inline void check(nanots_ec_t code) {
  if (code != NANOTS_EC_OK) throw error(code, nanots_last_error_message());
}

template <typename Handle>
Handle made(Handle handle) {
  if (!handle) throw error(nanots_last_error_code(), nanots_last_error_message());
  return handle;
}

/** Ends its handle once. */
template <typename Handle, auto end>
class owner {
 public:
  owner() = default;
  explicit owner(Handle handle) : handle_(handle) {}
  owner(owner &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  owner &operator=(owner &&other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~owner() {
    if (handle_) end(handle_);
  }
  Handle get() const noexcept { return handle_; }
  Handle release() noexcept { return std::exchange(handle_, nullptr); }

 private:
  Handle handle_ = nullptr;
};

}  // namespace detail

/** A frame whose bytes are borrowed from the store. What it returns of them is a copy that was checked after it was made;
 *  error with NANOTS_EC_OVERWRITTEN when the writer recycled it meanwhile. Valid while the store, or what it came from,
 *  lives. */
class frame {
 public:
  frame() = default;
  explicit frame(const nanots_frame_t &raw) : raw_(raw) {}

  std::int64_t timestamp() const noexcept { return raw_.timestamp; }
  std::int64_t key() const noexcept { return raw_.key; }
  std::uint32_t flags() const noexcept { return raw_.flags; }
  std::size_t size() const noexcept { return raw_.size; }
  std::uint64_t ordinal() const noexcept { return raw_.ordinal; }
  /** Frames left out just before this one. */
  std::uint64_t missed() const noexcept { return raw_.missed; }

  std::vector<std::uint8_t> bytes() const {
    std::vector<std::uint8_t> copy(raw_.size);
    detail::check(nanots_frame_copy(&raw_, copy.data(), copy.size()));
    return copy;
  }
  std::string text() const {
    std::string copy(raw_.size, '\0');
    detail::check(nanots_frame_copy(&raw_, copy.data(), copy.size()));
    return copy;
  }
  /** The bytes as a value, which must have their size. */
  template <typename T>
  T as() const {
    static_assert(std::is_trivially_copyable_v<T>, "a frame holds bytes, so the value must be made of bytes alone");
    T value;
    if (raw_.size != sizeof value) throw error(NANOTS_EC_INVALID_ARGUMENT, "the frame has another size than the value");
    detail::check(nanots_frame_copy(&raw_, &value, sizeof value));
    return value;
  }

  /** The bytes themselves: look, then ask is_intact, and throw away what was made of them if it says no. */
  const std::uint8_t *data() const noexcept { return raw_.data; }
  bool is_intact() const noexcept { return nanots_frame_is_intact(&raw_) == 1; }
  const nanots_frame_t &raw() const noexcept { return raw_; }

 private:
  nanots_frame_t raw_ = {};
};

/** A place in a stream. */
class cursor {
 public:
  explicit cursor(nanots_iterator_t handle) : handle_(handle) {}
  /** Of the store at `path`, opened for it alone. */
  cursor(const std::string &path, const std::string &stream)
      : handle_(detail::made(nanots_iterator_create(path.c_str(), stream.c_str()))) {}

  /** The frame that the cursor stands on, if any. */
  std::optional<frame> current() const { return result(&nanots_iterator_borrow); }
  std::optional<frame> next() { return result(&nanots_iterator_next_frame); }
  std::optional<frame> previous() { return result(&nanots_iterator_prev_frame); }
  std::optional<frame> first() { return after(nanots_iterator_reset(get())); }
  std::optional<frame> last() { return after(nanots_iterator_last(get())); }
  /** Behind the last frame. */
  void seek_end() { passable(nanots_iterator_seek_end(get())); }
  /** To the first frame at or after the place. */
  std::optional<frame> find(std::int64_t timestamp, std::int64_t key = earliest) {
    nanots_frame_t raw;
    nanots_ec_t code = nanots_iterator_find_frame(get(), timestamp, key, &raw);
    if (code == NANOTS_EC_OK) return frame(raw);
    return code == NANOTS_EC_NOT_FOUND ? std::nullopt : after(code);
  }
  /** The next frame; waits for one for so long (negative: without limit). */
  std::optional<frame> wait_next(std::int64_t milliseconds) {
    nanots_frame_t raw;
    nanots_ec_t code = nanots_iterator_wait_next(get(), milliseconds, &raw);
    if (code == NANOTS_EC_TIMED_OUT) return std::nullopt;
    detail::check(code);
    return frame(raw);
  }
  /** The metadata of the segment that the cursor is in; empty when it stands on no frame, or where it cannot be read. */
  std::string metadata() const {
    const char *text = nanots_iterator_current_metadata(get());
    return text ? text : "";
  }
  nanots_iterator_t get() const noexcept { return handle_.get(); }

 private:
  template <typename Step>
  std::optional<frame> result(Step step) const {
    nanots_frame_t raw;
    nanots_ec_t code = step(get(), &raw);
    if (code == NANOTS_EC_END) return std::nullopt;
    detail::check(code);
    return frame(raw);
  }
  /** Frames left out on the way are told by the frame that was found. */
  static void passable(nanots_ec_t code) {
    if (code != NANOTS_EC_OVERWRITTEN && code != NANOTS_EC_CORRUPT) detail::check(code);
  }
  std::optional<frame> after(nanots_ec_t code) const {
    passable(code);
    return current();
  }

  detail::owner<nanots_iterator_t, &nanots_iterator_destroy> handle_;
};

/** Frames for a range-based for, each borrowed. The range keeps the cursor that its iterators move. */
class frame_range {
 public:
  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = frame;
    using difference_type = std::ptrdiff_t;
    using pointer = const frame *;
    using reference = const frame &;

    iterator() = default;
    const frame &operator*() const { return *frame_; }
    const frame *operator->() const { return &*frame_; }
    iterator &operator++() {
      hold(range_->is_reverse_ ? range_->cursor_.previous() : range_->cursor_.next());
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(const iterator &other) const { return frame_.has_value() == other.frame_.has_value(); }
    bool operator!=(const iterator &other) const { return !(*this == other); }

   private:
    friend class frame_range;
    iterator(frame_range *range, std::optional<frame> first) : range_(range) { hold(std::move(first)); }
    void hold(std::optional<frame> found) {
      frame_ = std::move(found);
      if (frame_ && (frame_->timestamp() < range_->from_ || frame_->timestamp() > range_->to_)) frame_.reset();
    }

    frame_range *range_ = nullptr;
    std::optional<frame> frame_;
  };

  frame_range(cursor place, std::int64_t from, std::int64_t to, bool is_reverse)
      : cursor_(std::move(place)), from_(from), to_(to), is_reverse_(is_reverse) {}
  iterator begin() { return iterator(this, is_reverse_ ? newest() : cursor_.find(from_)); }
  iterator end() { return iterator(); }

 private:
  std::optional<frame> newest() {
    if (to_ == latest || !cursor_.find(to_ + 1)) return cursor_.last();
    return cursor_.previous();
  }

  cursor cursor_;
  std::int64_t from_;
  std::int64_t to_;
  bool is_reverse_;
};

/** The one writer of one stream. */
class write_context {
 public:
  explicit write_context(nanots_write_context_t handle) : handle_(handle) {}

  void append(const void *data, std::size_t size, std::int64_t timestamp, std::int64_t key = 0,
              std::uint32_t flags = 0) {
    detail::check(nanots_write_context_append(get(), data, size, timestamp, key, flags));
  }
  void append(const std::string &text, std::int64_t timestamp, std::int64_t key = 0, std::uint32_t flags = 0) {
    append(text.data(), text.size(), timestamp, key, flags);
  }
  /** The bytes of `value` as they lie in memory. */
  template <typename T, typename = std::enable_if_t<std::is_trivially_copyable_v<T> && !std::is_pointer_v<T> &&
                                                    !std::is_null_pointer_v<T> && !std::is_array_v<T>>>
  void append(const T &value, std::int64_t timestamp, std::int64_t key = 0, std::uint32_t flags = 0) {
    append(&value, sizeof value, timestamp, key, flags);
  }
  void append(const std::vector<nanots_new_frame_t> &frames) {
    detail::check(nanots_write_context_append_batch(get(), frames.data(), frames.size()));
  }
  /** Everything appended so far survives a power loss. */
  void flush() { detail::check(nanots_write_context_flush(get())); }
  /** What the destructor does, with its error. */
  void close() { detail::check(nanots_write_context_close(handle_.release())); }
  std::size_t maximum_frame_size() const { return nanots_write_context_maximum_frame_size(get()); }
  nanots_write_context_t get() const noexcept { return handle_.get(); }

 private:
  detail::owner<nanots_write_context_t, &nanots_write_context_destroy> handle_;
};

/** Makes contexts. */
class writer {
 public:
  explicit writer(nanots_writer_t handle) : handle_(handle) {}
  explicit writer(const std::string &path, bool auto_reclaim = true)
      : handle_(detail::made(nanots_writer_create(path.c_str(), auto_reclaim))) {}
  write_context context(const std::string &stream, const std::string &metadata = "") {
    return write_context(detail::made(nanots_writer_create_context(get(), stream.c_str(), metadata.c_str())));
  }
  nanots_writer_t get() const noexcept { return handle_.get(); }

 private:
  detail::owner<nanots_writer_t, &nanots_writer_destroy> handle_;
};

/** Answers questions. */
class reader {
 public:
  explicit reader(nanots_reader_t handle) : handle_(handle) {}
  explicit reader(const std::string &path) : handle_(detail::made(nanots_reader_create(path.c_str()))) {}

  /** Calls `body(const nanots_frame_info_t &, const char *metadata)` with each frame; `metadata` as nanots_read_callback_t
   *  has it. What it throws is thrown on, after the frames that are left have been passed over. */
  template <typename Body>
  void read(const std::string &stream, std::int64_t from, std::int64_t to, Body body) {
    call<Body> state{body, nullptr};
    nanots_ec_t code = nanots_reader_read(get(), stream.c_str(), from, to, &call<Body>::entry, &state);
    if (state.thrown) std::rethrow_exception(state.thrown);
    detail::check(code);
  }
  std::vector<nanots_contiguous_segment_t> contiguous_segments(const std::string &stream, std::int64_t from = earliest,
                                                               std::int64_t to = latest) {
    nanots_contiguous_segment_t *segments = nullptr;
    std::size_t count = 0;
    detail::check(nanots_reader_query_contiguous_segments(get(), stream.c_str(), from, to, &segments, &count));
    std::unique_ptr<nanots_contiguous_segment_t, void (*)(nanots_contiguous_segment_t *)> held(
        segments, &nanots_free_contiguous_segments);
    return std::vector<nanots_contiguous_segment_t>(segments, segments + count);
  }
  std::vector<std::string> streams(std::int64_t from = earliest, std::int64_t to = latest) {
    detail::check(nanots_reader_query_stream_tags_start(get(), from, to));
    std::vector<std::string> names;
    while (const char *name = nanots_reader_query_stream_tags_next(get())) names.emplace_back(name);
    return names;
  }
  std::uint64_t count(const std::string &stream, std::int64_t from = earliest, std::int64_t to = latest) {
    std::uint64_t count = 0;
    detail::check(nanots_reader_count(get(), stream.c_str(), from, to, &count));
    return count;
  }
  nanots_reader_t get() const noexcept { return handle_.get(); }

 private:
  template <typename Body>
  struct call {
    Body &body;
    std::exception_ptr thrown;

    static void entry(const std::uint8_t *data, std::size_t size, std::uint8_t flags, std::int64_t timestamp,
                      std::int64_t block_sequence, const char *metadata, void *user_data) {
      call &self = *static_cast<call *>(user_data);
      if (self.thrown) return;
      try {
        self.body(nanots_frame_info_t{data, size, flags, timestamp, block_sequence}, metadata);
      } catch (...) {
        self.thrown = std::current_exception();
      }
    }
  };

  detail::owner<nanots_reader_t, &nanots_reader_destroy> handle_;
};

/** Blocks held for a reader, as long as it lives. */
class pin {
 public:
  explicit pin(nanots_pin_t handle) : handle_(handle) {}
  std::uint64_t blocks() const { return nanots_pin_blocks(handle_.get()); }
  bool is_intact() const { return nanots_pin_is_intact(handle_.get()) == 1; }

 private:
  detail::owner<nanots_pin_t, &nanots_pin_destroy> handle_;
};

/** An opened store. */
class store {
 public:
  explicit store(nanots_store_t handle) : handle_(handle) {}
  explicit store(const std::string &path, nanots_access_t access = NANOTS_ACCESS_READ_WRITE)
      : handle_(opened(path, access)) {}
  static store create(const std::string &path, nanots_store_options_t options = {}) {
    nanots_store_t made = nullptr;
    options.struct_size = sizeof options;
    detail::check(nanots_store_create(path.c_str(), &options, &made));
    return store(made);
  }

  nanots::writer writer(nanots_writer_options_t options = {}) {
    nanots_writer_t made = nullptr;
    options.struct_size = sizeof options;
    detail::check(nanots_store_create_writer(get(), &options, &made));
    return nanots::writer(made);
  }
  nanots::reader reader() {
    nanots_reader_t made = nullptr;
    detail::check(nanots_store_create_reader(get(), &made));
    return nanots::reader(made);
  }
  nanots::cursor cursor(const std::string &stream) {
    nanots_iterator_t made = nullptr;
    detail::check(nanots_store_create_iterator(get(), stream.c_str(), nullptr, &made));
    return nanots::cursor(made);
  }
  /** The frames with timestamps in [from, to], oldest first. */
  frame_range frames(const std::string &stream, std::int64_t from = earliest, std::int64_t to = latest) {
    return frame_range(cursor(stream), from, to, false);
  }
  /** The same, newest first. */
  frame_range reversed_frames(const std::string &stream, std::int64_t from = earliest, std::int64_t to = latest) {
    return frame_range(cursor(stream), from, to, true);
  }
  nanots::pin pin(const std::string &stream, std::int64_t from = earliest, std::int64_t to = latest) {
    nanots_pin_t made = nullptr;
    detail::check(nanots_store_pin(get(), stream.c_str(), from, to, &made));
    return nanots::pin(made);
  }
  nanots_copy_report_t copy(const std::string &path, nanots_copy_options_t options = {}) {
    nanots_copy_report_t report = {};
    options.struct_size = sizeof options;
    report.struct_size = sizeof report;
    detail::check(nanots_store_copy(get(), path.c_str(), &options, &report));
    return report;
  }
  nanots_store_statistics_t statistics() {
    nanots_store_statistics_t statistics = {};
    statistics.struct_size = sizeof statistics;
    detail::check(nanots_store_statistics(get(), &statistics));
    return statistics;
  }
  nanots_store_t get() const noexcept { return handle_.get(); }

 private:
  static nanots_store_t opened(const std::string &path, nanots_access_t access) {
    nanots_store_t made = nullptr;
    detail::check(nanots_store_open(path.c_str(), access, &made));
    return made;
  }

  detail::owner<nanots_store_t, &nanots_store_close> handle_;
};

}  // namespace nanots

#endif
