// View: how the JSON that a verb answers becomes a table for people: columns as data, one renderer.
// Field names are written as in chat.proto; the canonical JSON's spelling (chatId for chat_id) is
// found too, and a field that is absent shows its default, as protobuf means it.
// Thread rule: pure functions and plain values.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace chat::ctl {

enum class Format {
  text,
  identifier,     ///< A number that is a name: no separators.
  count,          ///< 12,345
  count_or_none,  ///< 12,345, and - for 0
  bytes,          ///< 1.5 MiB
  seconds,        ///< 3 h 12 min
  time_ms,        ///< ms since 1970 as a date in UTC
  chat_id,        ///< base64 as 32 hex digits
  enumerator,     ///< ONLINE as online
  yes_no,
  members,  ///< An object: one line per field that is not 0 (records only).
};

struct Column {
  std::string_view title;
  std::string_view field;  ///< A path with dots: "process.rss_bytes".
  Format format = Format::text;
  bool shrinks = false;  ///< Is cut when the table is wider than the terminal.
};

struct View {
  std::string_view rows = {};  ///< The field with the rows; empty = the body is one record.
  std::vector<Column> columns;
  std::string_view nothing = "nothing found";  ///< Said instead of an empty table.
};

/// The member `path` of a JSON object; nullptr when it is absent.
const boost::json::value* find_field(const boost::json::value& object, std::string_view path);
/// A number that JSON may carry as a string (uint64); 0 when it is absent or none.
uint64_t number_of(const boost::json::value* field);
/// A string field's text; empty when it is absent.
std::string text_of(const boost::json::value* field);

/// The table or record, ending in a line feed. `width` 0 = as wide as it needs.
std::string render(const View& view, const boost::json::value& body, size_t width);

/// JSON with two spaces of indentation, ending in a line feed.
std::string render_json(const boost::json::value& body);

}  // namespace chat::ctl
