#ifndef NODE_DRBD_NATIVE_ARGUMENTS_H_
#define NODE_DRBD_NATIVE_ARGUMENTS_H_

#include <napi.h>

#include <cstdint>
#include <limits>

/// An integer from 0 to 2^32 - 1, and nothing else that JavaScript would make one of.
inline bool ReadU32(const Napi::Value& value, uint32_t* out) {
  if (!value.IsNumber()) return false;
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= 0 && number <= std::numeric_limits<uint32_t>::max()) ||
      number != static_cast<double>(static_cast<uint32_t>(number)))
    return false;
  *out = static_cast<uint32_t>(number);
  return true;
}

/// Ids of datagrams and locks: integers from 1, and no other number may pass for one.
inline bool ReadId(const Napi::Value& value, uint64_t* out) {
  constexpr double kMaximum = 9007199254740991;
  if (!value.IsNumber()) return false;
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= 1 && number <= kMaximum) || number != static_cast<double>(static_cast<uint64_t>(number)))
    return false;
  *out = static_cast<uint64_t>(number);
  return true;
}

inline bool IsBytes(const Napi::Value& value) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array;
}

/// Throws a TypeError for an argument.
inline void ThrowType(Napi::Env env, const char* what) {
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", what);
}

#endif  // NODE_DRBD_NATIVE_ARGUMENTS_H_
