// Reads docs/protocol.md and compares it with chat.proto: a client has to be possible that is
// written from this page alone.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "core/wire/chat.pb.h"

namespace chat {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Rows = std::map<std::string, std::vector<std::string>>;  ///< By message or enum.
using Problems = std::vector<std::string>;

/// What only the operator sends or gets, and what REST makes of paths and queries.
const std::set<std::string> kNotForClients{
    "CloseSession", "DeleteChat",  "ForgetDevice", "GetChat",      "GetPresence",
    "ListAuthored", "ListChats",   "ListDevices",  "ListSessions", "Request",
    "Response",     "SessionInfo", "SessionList"};

/// Fields that no client sets and no server fills in this version.
const std::set<std::string> kWithoutExample{"ChangeMembers.chat_id", "CreateChat.chat_id",
                                            "Hello.features", "UpdateChat.chat_id",
                                            "Welcome.features"};

std::string read_page() {
  std::ifstream file(CHAT_SOURCE_DIR "/docs/protocol.md");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// ---------------------------------------------------------------- tables

/// What stands between backquotes, joined by commas.
std::string code_of(std::string_view cell) {
  std::string code;
  for (size_t begin = cell.find('`'); begin != cell.npos; begin = cell.find('`')) {
    const size_t end = cell.find('`', begin + 1);
    if (end == cell.npos) break;
    code += (code.empty() ? "" : ", ") + std::string(cell.substr(begin + 1, end - begin - 1));
    cell.remove_prefix(end + 1);
  }
  return code;
}

/// The name in "**Name**", else empty.
std::string name_of(std::string_view cell) {
  const size_t begin = cell.find("**");
  const size_t end = cell.rfind("**");
  if (begin == cell.npos || end == begin) return {};
  return std::string(cell.substr(begin + 2, end - begin - 2));
}

/// The tables of the reference. A row without a name belongs to the one above.
Rows rows_of_page(const std::string& page) {
  Rows rows;
  std::string name;
  for (const std::string& line : lines_of(page.substr(page.find("\n## Reference\n")))) {
    if (!line.starts_with("| ")) {
      name.clear();
      continue;
    }
    const size_t first = line.find('|', 1);
    const size_t second = line.find('|', first + 1);
    if (second == line.npos) continue;
    if (std::string found = name_of(line.substr(0, first)); !found.empty()) name = found;
    if (!name.empty()) rows[name].push_back(code_of(line.substr(first, second - first)));
  }
  return rows;
}

std::string field_text(const FieldDescriptor& field) {
  std::string type = field.type_name();
  if (field.message_type()) type = field.message_type()->name();
  if (field.enum_type()) type = field.enum_type()->name();
  if (field.is_repeated()) type += "[]";
  if (field.has_optional_keyword()) type += "?";
  return field.name() + " " + std::to_string(field.number()) + " " + type;
}

/// One row for each field; those of a oneof share one.
std::vector<std::string> rows_of_message(const Descriptor& message) {
  std::vector<std::string> rows;
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const auto* oneof = field.real_containing_oneof();
    if (oneof && oneof->field(0) != &field) {
      rows.back() += ", " + field_text(field);
    } else {
      rows.push_back(field_text(field));
    }
  }
  return rows;
}

std::string values_of(const EnumDescriptor& type) {
  std::string values;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() == 0) continue;
    values += (values.empty() ? "" : ", ") + type.value(i)->name() + " " +
              std::to_string(type.value(i)->number());
  }
  return values;
}

std::vector<const Descriptor*> messages_of_clients() {
  const auto& file = *v1::ClientBatch::descriptor()->file();
  std::vector<const Descriptor*> messages;
  for (int i = 0; i < file.message_type_count(); ++i) {
    if (!kNotForClients.contains(file.message_type(i)->name())) {
      messages.push_back(file.message_type(i));
    }
  }
  return messages;
}

Rows rows_of_schema() {
  Rows rows;
  for (const Descriptor* message : messages_of_clients()) {
    rows[message->name()] = rows_of_message(*message);
  }
  const auto& file = *v1::ClientBatch::descriptor()->file();
  for (int i = 0; i < file.enum_type_count(); ++i) {
    rows[file.enum_type(i)->name()] = {values_of(*file.enum_type(i))};
  }
  return rows;
}

/// What one of the two has and the other has not.
Problems compare(const Rows& schema, const Rows& page) {
  Problems problems;
  const auto tell_missing = [&](const Rows& all, const Rows& some, const std::string& what) {
    for (const auto& [name, rows] : all) {
      const auto found = some.find(name);
      for (const std::string& row : rows) {
        if (found == some.end() ||
            std::find(found->second.begin(), found->second.end(), row) == found->second.end()) {
          problems.push_back(what + name + ": " + row);
        }
      }
    }
  };
  tell_missing(schema, page, "not on the page: ");
  tell_missing(page, schema, "not in the schema: ");
  return problems;
}

// ---------------------------------------------------------------- examples

struct Example {
  std::string type;
  std::string json;
};

/// Without the white space between its parts.
std::string packed(std::string_view json) {
  std::string out;
  bool quoted = false;
  for (size_t i = 0; i < json.size(); ++i) {
    if (json[i] == '"' && (i == 0 || json[i - 1] != '\\')) quoted = !quoted;
    if (quoted || (json[i] != ' ' && json[i] != '\n')) out += json[i];
  }
  return out;
}

/// "→ words Type {…}": the last word before the JSON is its message, none is a batch of that
/// direction. What has no JSON is no example.
void take_example(std::string_view item, std::vector<Example>& out) {
  const size_t brace = item.find('{');
  if (brace == item.npos) return;
  std::istringstream words{std::string(item.substr(0, brace))};
  std::string arrow, type;
  words >> arrow;
  for (std::string word; words >> word;) type = word;
  if (type.empty()) type = arrow == "→" ? "ClientBatch" : "ServerBatch";
  out.push_back({type, packed(item.substr(brace))});
}

std::vector<Example> examples_of(const std::string& page) {
  std::vector<Example> examples;
  std::string item;
  bool in_block = false;
  for (const std::string& line : lines_of(page)) {
    const bool fence = line.starts_with("```");
    if (fence || line.starts_with("→ ") || line.starts_with("← ")) {
      take_example(std::exchange(item, {}), examples);
    }
    if (fence) {
      in_block = !in_block && line == "```json";
    } else if (in_block) {
      item += line + "\n";
    }
  }
  return examples;
}

/// The example as a message. Fails when the schema does not have it, or when it is not what a
/// server would write.
std::unique_ptr<Message> read_example(const Example& example) {
  const Descriptor* type =
      v1::ClientBatch::descriptor()->file()->FindMessageTypeByName(example.type);
  if (!type) {
    ADD_FAILURE() << "there is no message " << example.type << ": " << example.json;
    return nullptr;
  }
  std::unique_ptr<Message> message(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
  const auto parsed = google::protobuf::util::JsonStringToMessage(example.json, message.get());
  EXPECT_TRUE(parsed.ok()) << example.type << " " << example.json << "\n" << parsed.ToString();
  std::string canonical;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(*message, &canonical).ok());
  EXPECT_EQ(example.json, canonical);
  return message;
}

void note_fields(const Message& message, std::set<std::string>& out) {
  const auto& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    out.insert(message.GetDescriptor()->name() + "." + field->name());
    if (!field->message_type()) continue;
    if (!field->is_repeated()) {
      note_fields(reflection.GetMessage(message, field), out);
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      note_fields(reflection.GetRepeatedMessage(message, field, i), out);
    }
  }
}

// ---------------------------------------------------------------- tests

TEST(ProtocolPage, NamesEveryFieldAndEnumValueOfTheSchemaAndNothingElse) {
  EXPECT_EQ(compare(rows_of_schema(), rows_of_page(read_page())), Problems{});
}

TEST(ProtocolPage, IsFoundOutWhenItLacksAFieldOrHasOneTooMany) {
  const Rows schema = rows_of_schema();
  Rows page = schema;
  page["Sync"].pop_back();
  page["Sync"].push_back("backwards 5 bool");
  EXPECT_EQ(compare(schema, page), (Problems{"not on the page: Sync: limit 4 uint32",
                                             "not in the schema: Sync: backwards 5 bool"}));
  page = schema;
  page.erase("SendStatus");
  EXPECT_EQ(compare(schema, page),
            Problems{"not on the page: SendStatus: STORED 1, DUPLICATE 2, DELAYED 3"});
}

TEST(ProtocolPage, HasExamplesAsAServerWouldWriteThem) {
  const std::vector<Example> examples = examples_of(read_page());
  EXPECT_GT(examples.size(), 50u);
  for (const Example& example : examples) read_example(example);
}

TEST(ProtocolPage, ShowsABatchInBothEncodings) {
  const std::string page = read_page();
  const size_t is = page.find("` is `{");
  ASSERT_NE(is, page.npos);
  const size_t hex = page.rfind('`', is - 1) + 1;
  const auto bytes = bytes_from_hex(std::string_view(page).substr(hex, is - hex));
  const size_t json = is + 6;
  const auto batch = read_example({"ClientBatch", page.substr(json, page.find('`', json) - json)});
  ASSERT_TRUE(bytes.has_value());
  EXPECT_EQ(batch->SerializeAsString(), *bytes);
}

TEST(ProtocolPage, ShowsEveryFieldInAnExample) {
  std::set<std::string> shown;
  for (const Example& example : examples_of(read_page())) {
    if (const auto message = read_example(example)) note_fields(*message, shown);
  }
  Problems missing;
  for (const Descriptor* message : messages_of_clients()) {
    for (int i = 0; i < message->field_count(); ++i) {
      const std::string name = message->name() + "." + message->field(i)->name();
      if (!shown.contains(name) && !kWithoutExample.contains(name)) missing.push_back(name);
    }
  }
  EXPECT_EQ(missing, Problems{});
}

TEST(ProtocolPage, LeavesOutOnlyWhatTheSchemaHas) {
  const auto& file = *v1::ClientBatch::descriptor()->file();
  for (const std::string& name : kNotForClients) {
    EXPECT_NE(file.FindMessageTypeByName(name), nullptr) << name;
  }
  for (const std::string& name : kWithoutExample) {
    const Descriptor* message = file.FindMessageTypeByName(name.substr(0, name.find('.')));
    ASSERT_NE(message, nullptr) << name;
    EXPECT_NE(message->FindFieldByName(name.substr(name.find('.') + 1)), nullptr) << name;
  }
}

}  // namespace
}  // namespace chat
