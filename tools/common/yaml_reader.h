// YamlMap: a strict reader of one map of a YAML file, for configuration and scenarios.
// Each getter sets its target only when the key is there and right. What is wrong is collected in
// the document, and finish() on any of its maps tells all of it at once, in line order: "file:line:
// key: what was expected". A key that nobody asked for is an error that names the nearest known
// key. Never throws; opens no file but in load(). Maps are handles on one shared document: copy
// freely; one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/base/time.h"

namespace chat {

struct IntRange {
  int64_t min = std::numeric_limits<int64_t>::min();
  int64_t max = std::numeric_limits<int64_t>::max();
};
struct NumberRange {
  double min = -std::numeric_limits<double>::max();
  double max = std::numeric_limits<double>::max();
};
struct DurationRange {
  Duration min{0};
  Duration max{std::numeric_limits<int64_t>::max()};
};
struct BytesRange {
  uint64_t min = 0;
  uint64_t max = std::numeric_limits<int64_t>::max();
};

/// What stands under a key.
enum class YamlKind : uint8_t { absent, scalar, list, map };

class YamlMap {
 public:
  /// The top map of `text`; `file` is for messages only. An empty text is an empty map.
  /// Errors: invalid_argument with file:line (syntax, duplicate key, not a map, several documents,
  /// too large).
  static Result<YamlMap> parse(std::string_view text, std::string file);
  /// The top map of a file. Errors as parse(); not_found when it cannot be read.
  static Result<YamlMap> load(const std::string& path);

  /// Also makes the key known.
  YamlKind kind(std::string_view key);
  bool has(std::string_view key) { return kind(key) != YamlKind::absent; }
  /// Collects an error when the key is missing.
  void require(std::string_view key);
  /// The keys in file order; does not make them known.
  std::vector<std::string> keys() const;

  void text(std::string_view key, std::string& value);
  /// `value` becomes one of `allowed`.
  void choice(std::string_view key, std::string& value, const std::vector<std::string>& allowed);
  void boolean(std::string_view key, bool& value);
  void number(std::string_view key, double& value, NumberRange range = {});
  void duration(std::string_view key, Duration& value, DurationRange range = {});
  void bytes(std::string_view key, uint64_t& value, BytesRange range = {});
  /// Any integer type; the range is cut to what the type holds.
  template <class Int>
  void integer(std::string_view key, Int& value, IntRange range = {}) {
    if constexpr (sizeof(Int) < 8 || std::numeric_limits<Int>::is_signed) {
      range.max =
          std::min<int64_t>(range.max, static_cast<int64_t>(std::numeric_limits<Int>::max()));
    }
    range.min = std::max<int64_t>(range.min, static_cast<int64_t>(std::numeric_limits<Int>::min()));
    if (const auto read = read_integer(key, range)) value = static_cast<Int>(*read);
  }

  /// Lists of scalars; the whole list is set, or nothing.
  void texts(std::string_view key, std::vector<std::string>& values);
  void integers(std::string_view key, std::vector<int64_t>& values, IntRange range = {});
  void numbers(std::string_view key, std::vector<double>& values, NumberRange range = {});
  void durations(std::string_view key, std::vector<Duration>& values, DurationRange range = {});

  /// The map under `key`; an empty map when it is absent or (an error) something else.
  YamlMap map(std::string_view key);
  /// The maps of the list under `key`; empty when absent.
  std::vector<YamlMap> maps(std::string_view key);

  /// Collects an error of the caller's own: "file:line: key: text", at the key if it is there, else
  /// at this map.
  void fail(std::string_view key, std::string_view text);
  /// The line of the key, or of this map when it is absent; from 1.
  int line_of(std::string_view key) const;
  const std::string& file() const;

  /// All that was wrong so far, in this and every other map of the document that was asked for,
  /// with unknown keys. One error per line of the text, at most twenty. Call it when everything has
  /// been read.
  Status finish();

 private:
  struct Node;
  struct Document;
  friend struct YamlBuilder;
  YamlMap(std::shared_ptr<Document> document, Node* node);
  std::optional<int64_t> read_integer(std::string_view key, IntRange range);
  const Node* scalar(std::string_view key);
  template <class Value, class Parse>
  void read_list(std::string_view key, std::vector<Value>& values, Parse parse);

  std::shared_ptr<Document> document_;
  Node* node_;  ///< Lives in the document.
};

}  // namespace chat
