// Error and Result: how every fallible function of this project answers.
// An Error is a value: a code that a caller may act on and a sentence for people that names the
// place and the remedy. Bad input is always an Error, never an assertion. Thread rule: plain
// values.
#pragma once

#include <boost/system/result.hpp>
#include <string>
#include <utility>

namespace chat {

/// What a caller can act on; a new code only where a caller would react differently.
enum class ErrorCode {
  invalid_argument,   ///< The input is wrong and will stay wrong.
  unauthenticated,    ///< No valid credentials.
  permission_denied,  ///< Known, but not allowed.
  not_found,
  already_exists,
  too_large,     ///< Over a size limit.
  rate_limited,  ///< Over a rate or count limit; later it may work.
  unavailable,   ///< A backend or peer does not answer; later it may work.
  corrupt,       ///< Stored or received data does not decode.
  internal,      ///< A bug of ours or an unexpected answer of a library.
};

/// The code's name as it is printed, for example "not_found".
const char* name_of(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string text;
};

[[noreturn]] void throw_exception_from_error(const Error& error,
                                             const boost::source_location& where);

/// A value or an Error. Unlike an alias of boost::system::result it warns when it is ignored.
template <class T>
class [[nodiscard]] Result : public boost::system::result<T, Error> {
 public:
  using boost::system::result<T, Error>::result;
};

/// The answer of a function that only succeeds or fails.
using Status = Result<void>;

inline Error make_error(ErrorCode code, std::string text) { return Error{code, std::move(text)}; }

}  // namespace chat
