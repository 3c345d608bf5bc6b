#include "tools/chatctl/view.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cctype>
#include <charconv>

#include "tools/chatctl/chat_argument.h"

namespace chat::ctl {
namespace {

using boost::json::value;

/// chat_id → chatId, the spelling of canonical protobuf JSON.
std::string camel_case(std::string_view name) {
  std::string result;
  bool is_upper = false;
  for (const char c : name) {
    if (c == '_') {
      is_upper = true;
      continue;
    }
    result.push_back(is_upper ? static_cast<char>(std::toupper(c)) : c);
    is_upper = false;
  }
  return result;
}

std::string with_separators(uint64_t number) {
  std::string text = std::to_string(number);
  for (ptrdiff_t at = static_cast<ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<size_t>(at), ",");
  }
  return text;
}

std::string bytes_text(uint64_t bytes) {
  constexpr std::string_view units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double amount = static_cast<double>(bytes);
  size_t unit = 0;
  while (amount >= 1024 && unit + 1 < std::size(units)) {
    amount /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", amount, units[unit]);
}

std::string seconds_text(const value* field) {
  const double seconds = field && field->is_number() ? field->to_number<double>() : 0.0;
  const auto whole = static_cast<uint64_t>(seconds);
  if (whole < 60) return fmt::format("{:.1f} s", seconds);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{} h {} min", whole / 3600, whole / 60 % 60);
  return fmt::format("{} d {} h", whole / 86400, whole / 3600 % 24);
}

std::string time_text(uint64_t ms) {
  if (ms == 0) return "-";
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::gmtime(static_cast<std::time_t>(ms / 1000)));
}

std::string cell_text(const Column& column, const value& row) {
  const value* const field = find_field(row, column.field);
  switch (column.format) {
    case Format::text:
      return text_of(field);
    case Format::identifier:
      return std::to_string(number_of(field));
    case Format::count:
      return with_separators(number_of(field));
    case Format::count_or_none:
      return number_of(field) == 0 ? "-" : with_separators(number_of(field));
    case Format::bytes:
      return bytes_text(number_of(field));
    case Format::seconds:
      return seconds_text(field);
    case Format::time_ms:
      return time_text(number_of(field));
    case Format::chat_id:
      return hex_of_base64(text_of(field));
    case Format::enumerator: {
      std::string text = text_of(field);
      for (char& c : text) c = static_cast<char>(std::tolower(c));
      return text.empty() ? "-" : text;
    }
    case Format::yes_no:
      return field && field->is_bool() && field->get_bool() ? "yes" : "no";
    case Format::members:
      break;
  }
  return {};
}

bool is_right_aligned(Format format) {
  return format == Format::identifier || format == Format::count ||
         format == Format::count_or_none || format == Format::bytes || format == Format::seconds;
}

/// Characters, not bytes: what a terminal shows.
size_t width_of(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

/// At most `width` characters, the last one a sign that something is missing.
std::string cut(std::string text, size_t width) {
  if (width_of(text) <= width) return text;
  size_t end = 0;
  for (size_t seen = 0; end < text.size(); ++end) {
    if ((text[end] & 0xc0) != 0x80 && ++seen == width) break;
  }
  return text.substr(0, end) + "…";
}

std::string padded(std::string text, size_t width, bool is_right) {
  const size_t missing = width - std::min(width, width_of(text));
  return is_right ? std::string(missing, ' ') + text : text + std::string(missing, ' ');
}

void add_line(std::string& out, std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + "\n";
}

std::string render_record(const View& view, const value& body) {
  std::vector<std::pair<std::string, std::string>> lines;
  for (const Column& column : view.columns) {
    if (column.format != Format::members) {
      lines.emplace_back(column.title, cell_text(column, body));
      continue;
    }
    const value* const object = find_field(body, column.field);
    if (!object || !object->is_object()) continue;
    for (const auto& [name, field] : object->get_object()) {
      const uint64_t number = number_of(&field);
      if (number == 0 || find_field(body, name)) continue;  // Not twice what stands above.
      std::string title(name);
      std::replace(title.begin(), title.end(), '_', ' ');
      lines.emplace_back(title, with_separators(number));
    }
  }
  size_t width = 0;
  for (const auto& line : lines) width = std::max(width, width_of(line.first));
  std::string out;
  for (const auto& [title, text] : lines) {
    add_line(out, padded(title, width, false) + "  " + text);
  }
  return out;
}

/// Cuts the columns that may shrink, from the last to the first, until the table fits.
void shrink(const View& view, std::vector<size_t>& widths, size_t width) {
  constexpr size_t kNarrowest = 8;
  size_t needed = 2 * (widths.size() - 1);
  for (const size_t w : widths) needed += w;
  for (size_t i = widths.size(); i-- > 0 && needed > width;) {
    if (!view.columns[i].shrinks || widths[i] <= kNarrowest) continue;
    const size_t cut_off = std::min(needed - width, widths[i] - kNarrowest);
    widths[i] -= cut_off;
    needed -= cut_off;
  }
}

std::string render_rows(const View& view, const boost::json::array& rows, size_t width) {
  std::vector<std::vector<std::string>> cells(rows.size());
  std::vector<size_t> widths;
  for (const Column& column : view.columns) {
    size_t widest = width_of(column.title);
    for (size_t i = 0; i < rows.size(); ++i) {
      cells[i].push_back(cell_text(column, rows[i]));
      widest = std::max(widest, width_of(cells[i].back()));
    }
    widths.push_back(widest);
  }
  if (width > 0) shrink(view, widths, width);
  const auto line_of = [&](auto&& text_at) {
    std::string line;
    for (size_t i = 0; i < view.columns.size(); ++i) {
      if (i > 0) line += "  ";
      line +=
          padded(cut(text_at(i), widths[i]), widths[i], is_right_aligned(view.columns[i].format));
    }
    return line;
  };
  std::string out;
  add_line(out, line_of([&](size_t i) { return std::string(view.columns[i].title); }));
  for (const auto& row : cells) add_line(out, line_of([&](size_t i) { return row[i]; }));
  return out;
}

void indent(std::string& out, const value& body, size_t depth) {
  const std::string inner(2 * (depth + 1), ' ');
  const auto close = [&](char bracket) { out += "\n" + std::string(2 * depth, ' ') + bracket; };
  if (body.is_object() && !body.get_object().empty()) {
    const char* separator = "{\n";
    for (const auto& [name, field] : body.get_object()) {
      out += separator + inner + boost::json::serialize(boost::json::string(name)) + ": ";
      indent(out, field, depth + 1);
      separator = ",\n";
    }
    close('}');
  } else if (body.is_array() && !body.get_array().empty()) {
    const char* separator = "[\n";
    for (const value& item : body.get_array()) {
      out += separator + inner;
      indent(out, item, depth + 1);
      separator = ",\n";
    }
    close(']');
  } else {
    out += boost::json::serialize(body);
  }
}

}  // namespace

const value* find_field(const value& object, std::string_view path) {
  const value* at = &object;
  while (at && !path.empty()) {
    const size_t dot = std::min(path.find('.'), path.size());
    const std::string_view name = path.substr(0, dot);
    path.remove_prefix(std::min(dot + 1, path.size()));
    if (!at->is_object()) return nullptr;
    const value* const found = at->get_object().if_contains(name);
    at = found ? found : at->get_object().if_contains(camel_case(name));
  }
  return at;
}

uint64_t number_of(const value* field) {
  if (!field) return 0;
  if (field->is_uint64()) return field->get_uint64();
  if (field->is_int64()) return static_cast<uint64_t>(std::max<int64_t>(0, field->get_int64()));
  if (field->is_double()) return static_cast<uint64_t>(std::max(0.0, field->get_double()));
  uint64_t number = 0;
  if (field->is_string()) {
    const auto& text = field->get_string();
    std::from_chars(text.data(), text.data() + text.size(), number);
  }
  return number;
}

std::string text_of(const value* field) {
  if (!field || field->is_null()) return {};
  return field->is_string() ? std::string(field->get_string()) : boost::json::serialize(*field);
}

std::string render(const View& view, const value& body, size_t width) {
  if (view.rows.empty()) return render_record(view, body);
  const value* const rows = find_field(body, view.rows);
  if (!rows || !rows->is_array() || rows->get_array().empty()) {
    return std::string(view.nothing) + "\n";
  }
  return render_rows(view, rows->get_array(), width);
}

std::string render_json(const value& body) {
  std::string out;
  indent(out, body, 0);
  return out + "\n";
}

}  // namespace chat::ctl
