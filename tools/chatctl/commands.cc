#include "tools/chatctl/verbs.h"

namespace chat::ctl {

Result<Answer> list_commands(AdminClient&, const Invocation&) {
  boost::json::array commands;
  for (const Verb& verb : all_verbs()) {
    boost::json::array arguments, options;
    for (const Argument& argument : verb.arguments) {
      arguments.push_back({{"name", argument.name},
                           {"help", argument.help},
                           {"repeated", argument.repeated},
                           {"optional", argument.optional}});
    }
    for (const Option& option : verb.options) {
      options.push_back({{"name", option.name},
                         {"value", option.value_name},
                         {"help", option.help},
                         {"default", option.default_value}});
    }
    commands.push_back({{"verb", verb.path},
                        {"summary", verb.summary},
                        {"arguments", std::move(arguments)},
                        {"options", std::move(options)}});
  }
  return Answer{boost::json::object{{"commands", std::move(commands)}},
                {.rows = "commands",
                 .columns = {{"VERB", "verb"}, {"SUMMARY", "summary", Format::text, true}}}};
}

}  // namespace chat::ctl
