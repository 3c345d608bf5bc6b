#include "tools/common/yaml_reader.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <fstream>
#include <utility>

#include "core/base/nearest_name.h"
#include "tools/common/quantity.h"

namespace chat {

struct YamlMap::Node {
  YamlKind kind = YamlKind::absent;
  int line = 1;
  std::string path;    ///< "" for the top map, else keys joined with dots.
  std::string scalar;  ///< As written, without quotes.
  std::vector<std::pair<std::string, std::unique_ptr<Node>>> entries;  ///< map
  std::vector<std::unique_ptr<Node>> items;                            ///< list
  std::vector<std::string> known;                                      ///< Keys asked for.
  bool opened = false;  ///< Handed out as a YamlMap, so unknown keys count.

  Node* find(std::string_view key) const {
    for (const auto& [name, node] : entries) {
      if (name == key) return node.get();
    }
    return nullptr;
  }
};

struct YamlMap::Document {
  std::string file;
  std::unique_ptr<Node> root;
  std::vector<std::pair<int, std::string>> errors;  ///< Line and text.
  std::vector<std::unique_ptr<Node>> empty_maps;    ///< What map() answers for absent keys.

  void fail(int line, std::string text) { errors.emplace_back(line, std::move(text)); }
};

namespace {

constexpr int kNodesMax = 100'000;
constexpr size_t kErrorsMax = 20;

Error at(const std::string& file, int line, std::string_view text) {
  return make_error(ErrorCode::invalid_argument, fmt::format("{}:{}: {}", file, line, text));
}

std::string joined(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

const char* name_of(YamlKind kind) {
  switch (kind) {
    case YamlKind::absent:
      return "nothing";
    case YamlKind::scalar:
      return "a value";
    case YamlKind::list:
      return "a list";
    case YamlKind::map:
      return "a map";
  }
  return "nothing";
}

std::string describe(IntRange range) {
  constexpr IntRange all;
  if (range.min == all.min && range.max == all.max) return "a whole number";
  if (range.max == all.max) return fmt::format("a whole number of at least {}", range.min);
  return fmt::format("a whole number from {} to {}", range.min, range.max);
}

std::string describe(NumberRange range) {
  constexpr NumberRange all;
  if (range.min == all.min && range.max == all.max) return "a number";
  if (range.max == all.max) return fmt::format("a number of at least {}", range.min);
  return fmt::format("a number from {} to {}", range.min, range.max);
}

std::string describe(DurationRange range) {
  constexpr DurationRange all;
  if (range.min == all.min && range.max == all.max) return "a duration such as 250ms, 30s or 5m";
  if (range.max == all.max) {
    return fmt::format("a duration of at least {}", format_duration(range.min));
  }
  return fmt::format("a duration from {} to {}", format_duration(range.min),
                     format_duration(range.max));
}

std::string describe(BytesRange range) {
  constexpr BytesRange all;
  if (range.min == all.min && range.max == all.max) return "a size such as 512, 64KiB or 8MiB";
  if (range.max == all.max) return fmt::format("a size of at least {}", format_bytes(range.min));
  return fmt::format("a size from {} to {}", format_bytes(range.min), format_bytes(range.max));
}

/// The parsed value if it lies in the range; the same test for every kind of quantity.
template <class Value, class Range>
Result<Value> in_range(Result<Value> parsed, Range range, std::string_view text) {
  if (parsed && *parsed >= range.min && *parsed <= range.max) return parsed;
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("expected {}, got \"{}\"", describe(range), text));
}

}  // namespace

/// Turns yaml-cpp's tree into ours; throws YAML::Exception on whatever is refused.
struct YamlBuilder {
  int nodes = 0;

  std::unique_ptr<YamlMap::Node> build(const YAML::Node& from, std::string path) {
    if (++nodes > kNodesMax) throw YAML::Exception(from.Mark(), "the document is too large");
    auto node = std::make_unique<YamlMap::Node>();
    node->line = from.Mark().line + 1;
    node->path = std::move(path);
    switch (from.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        break;
      case YAML::NodeType::Scalar:
        node->kind = YamlKind::scalar;
        node->scalar = from.Scalar();
        break;
      case YAML::NodeType::Sequence:
        node->kind = YamlKind::list;
        for (const auto& item : from) {
          node->items.push_back(build(item, fmt::format("{}[{}]", node->path, node->items.size())));
        }
        break;
      case YAML::NodeType::Map:
        add_entries(from, *node);
        break;
    }
    return node;
  }

  void add_entries(const YAML::Node& from, YamlMap::Node& node) {
    node.kind = YamlKind::map;
    for (const auto& entry : from) {
      const YAML::Node& key = entry.first;
      if (!key.IsScalar()) throw YAML::Exception(key.Mark(), "a key must be a plain word");
      const std::string& name = key.Scalar();
      if (node.find(name) != nullptr) {
        throw YAML::Exception(key.Mark(), fmt::format("the key \"{}\" stands here twice", name));
      }
      auto built = build(entry.second, joined(node.path, name));
      // A value's own mark may be lines below its key; people look for the key.
      built->line = key.Mark().line + 1;
      node.entries.emplace_back(name, std::move(built));
    }
  }
};

YamlMap::YamlMap(std::shared_ptr<Document> document, Node* node)
    : document_(std::move(document)), node_(node) {
  node_->opened = true;
}

Result<YamlMap> YamlMap::parse(std::string_view text, std::string file) {
  auto document = std::make_shared<Document>();
  document->file = std::move(file);
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.size() > 1) {
      return at(document->file, documents[1].Mark().line + 1, "expected one document, got several");
    }
    document->root =
        documents.empty() ? std::make_unique<Node>() : YamlBuilder{}.build(documents[0], "");
  } catch (const YAML::Exception& error) {
    return at(document->file, std::max(error.mark.line, 0) + 1, error.msg);
  }
  Node& root = *document->root;
  if (root.kind == YamlKind::absent) root.kind = YamlKind::map;
  if (root.kind != YamlKind::map) {
    return at(document->file, root.line,
              fmt::format("expected a map of keys, got {}", name_of(root.kind)));
  }
  return YamlMap(std::move(document), &root);
}

Result<YamlMap> YamlMap::load(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text;
  char chunk[4096];
  while (in.read(chunk, sizeof chunk) || in.gcount() > 0) {
    text.append(chunk, static_cast<size_t>(in.gcount()));
  }
  if (in.bad() || !in.eof()) {
    return make_error(ErrorCode::not_found, fmt::format("{}: cannot be read", path));
  }
  return parse(text, path);
}

YamlKind YamlMap::kind(std::string_view key) {
  auto& known = node_->known;
  if (std::find(known.begin(), known.end(), key) == known.end()) known.emplace_back(key);
  const Node* node = node_->find(key);
  return node == nullptr ? YamlKind::absent : node->kind;
}

void YamlMap::require(std::string_view key) {
  if (!has(key)) fail(key, "is missing");
}

std::vector<std::string> YamlMap::keys() const {
  std::vector<std::string> names;
  for (const auto& entry : node_->entries) names.push_back(entry.first);
  return names;
}

const YamlMap::Node* YamlMap::scalar(std::string_view key) {
  const YamlKind found = kind(key);
  const Node* node = node_->find(key);
  if (node == nullptr) return nullptr;
  if (found == YamlKind::scalar) return node;
  fail(key, fmt::format("expected one value, got {}", name_of(found)));
  return nullptr;
}

void YamlMap::text(std::string_view key, std::string& value) {
  if (const Node* node = scalar(key)) value = node->scalar;
}

void YamlMap::choice(std::string_view key, std::string& value,
                     const std::vector<std::string>& allowed) {
  const Node* node = scalar(key);
  if (node == nullptr) return;
  if (std::find(allowed.begin(), allowed.end(), node->scalar) != allowed.end()) {
    value = node->scalar;
    return;
  }
  std::string list;
  for (const std::string& name : allowed) list += (list.empty() ? "" : ", ") + name;
  const std::vector<std::string_view> candidates(allowed.begin(), allowed.end());
  const bool near = !nearest_name(node->scalar, candidates).empty();
  fail(key, fmt::format("expected one of {}, got \"{}\"{}", list, node->scalar,
                        near ? suggestion(node->scalar, allowed) : ""));
}

void YamlMap::boolean(std::string_view key, bool& value) {
  const Node* node = scalar(key);
  if (node == nullptr) return;
  const auto parsed = parse_boolean(node->scalar);
  if (parsed)
    value = *parsed;
  else
    fail(key, parsed.error().text);
}

std::optional<int64_t> YamlMap::read_integer(std::string_view key, IntRange range) {
  const Node* node = scalar(key);
  if (node == nullptr) return std::nullopt;
  const auto parsed = in_range(parse_integer(node->scalar), range, node->scalar);
  if (parsed) return *parsed;
  fail(key, parsed.error().text);
  return std::nullopt;
}

void YamlMap::number(std::string_view key, double& value, NumberRange range) {
  const Node* node = scalar(key);
  if (node == nullptr) return;
  const auto parsed = in_range(parse_number(node->scalar), range, node->scalar);
  if (parsed)
    value = *parsed;
  else
    fail(key, parsed.error().text);
}

void YamlMap::duration(std::string_view key, Duration& value, DurationRange range) {
  const Node* node = scalar(key);
  if (node == nullptr) return;
  const auto parsed = in_range(parse_duration(node->scalar), range, node->scalar);
  if (parsed)
    value = *parsed;
  else
    fail(key, parsed.error().text);
}

void YamlMap::bytes(std::string_view key, uint64_t& value, BytesRange range) {
  const Node* node = scalar(key);
  if (node == nullptr) return;
  const auto parsed = in_range(parse_bytes(node->scalar), range, node->scalar);
  if (parsed)
    value = *parsed;
  else
    fail(key, parsed.error().text);
}

template <class Value, class Parse>
void YamlMap::read_list(std::string_view key, std::vector<Value>& values, Parse parse) {
  const YamlKind found = kind(key);
  const Node* list = node_->find(key);
  if (list == nullptr) return;
  if (found != YamlKind::list) {
    return fail(key, fmt::format("expected a list of values, got {}", name_of(found)));
  }
  std::vector<Value> read;
  for (const auto& item : list->items) {
    Result<Value> value = item->kind == YamlKind::scalar
                              ? parse(item->scalar)
                              : Result<Value>(make_error(ErrorCode::invalid_argument,
                                                         fmt::format("expected one value, got {}",
                                                                     name_of(item->kind))));
    if (value)
      read.push_back(std::move(*value));
    else
      document_->fail(item->line, fmt::format("{}: {}", item->path, value.error().text));
  }
  if (read.size() == list->items.size()) values = std::move(read);
}

void YamlMap::texts(std::string_view key, std::vector<std::string>& values) {
  read_list(key, values, [](const std::string& text) { return Result<std::string>(text); });
}

void YamlMap::integers(std::string_view key, std::vector<int64_t>& values, IntRange range) {
  read_list(key, values, [range](const std::string& text) {
    return in_range(parse_integer(text), range, text);
  });
}

void YamlMap::numbers(std::string_view key, std::vector<double>& values, NumberRange range) {
  read_list(key, values,
            [range](const std::string& text) { return in_range(parse_number(text), range, text); });
}

void YamlMap::durations(std::string_view key, std::vector<Duration>& values, DurationRange range) {
  read_list(key, values, [range](const std::string& text) {
    return in_range(parse_duration(text), range, text);
  });
}

YamlMap YamlMap::map(std::string_view key) {
  const YamlKind found = kind(key);
  Node* node = node_->find(key);
  if (node != nullptr && found == YamlKind::map) return YamlMap(document_, node);
  if (node != nullptr && found != YamlKind::absent) {
    fail(key, fmt::format("expected a map of keys, got {}", name_of(found)));
  }
  auto& empty = document_->empty_maps.emplace_back(std::make_unique<Node>());
  empty->kind = YamlKind::map;
  empty->line = line_of(key);
  empty->path = joined(node_->path, key);
  return YamlMap(document_, empty.get());
}

std::vector<YamlMap> YamlMap::maps(std::string_view key) {
  std::vector<YamlMap> maps;
  const YamlKind found = kind(key);
  Node* list = node_->find(key);
  if (list == nullptr) return maps;
  if (found != YamlKind::list) {
    fail(key, fmt::format("expected a list of maps, got {}", name_of(found)));
    return maps;
  }
  for (const auto& item : list->items) {
    if (item->kind == YamlKind::map) {
      maps.push_back(YamlMap(document_, item.get()));
    } else {
      document_->fail(item->line, fmt::format("{}: expected a map of keys, got {}", item->path,
                                              name_of(item->kind)));
    }
  }
  return maps;
}

void YamlMap::fail(std::string_view key, std::string_view text) {
  document_->fail(line_of(key), fmt::format("{}: {}", joined(node_->path, key), text));
}

int YamlMap::line_of(std::string_view key) const {
  const Node* node = node_->find(key);
  return node == nullptr ? node_->line : node->line;
}

const std::string& YamlMap::file() const { return document_->file; }

Status YamlMap::finish() {
  auto errors = document_->errors;
  const auto refuse_unknown = [&errors](const Node& node, const auto& self) -> void {
    for (const auto& [name, child] : node.entries) {
      const bool known = std::find(node.known.begin(), node.known.end(), name) != node.known.end();
      if (node.opened && !known) {
        errors.emplace_back(child->line, fmt::format("{}: unknown key{}", joined(node.path, name),
                                                     suggestion(name, node.known)));
      }
      self(*child, self);
    }
    for (const auto& item : node.items) self(*item, self);
  };
  refuse_unknown(*document_->root, refuse_unknown);
  if (errors.empty()) return {};
  std::stable_sort(errors.begin(), errors.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string text;
  for (size_t i = 0; i < errors.size() && i < kErrorsMax; ++i) {
    text += fmt::format("{}{}:{}: {}", i == 0 ? "" : "\n", document_->file, errors[i].first,
                        errors[i].second);
  }
  if (errors.size() > kErrorsMax) {
    text += fmt::format("\n{}: and {} more", document_->file, errors.size() - kErrorsMax);
  }
  return make_error(ErrorCode::invalid_argument, std::move(text));
}

}  // namespace chat
