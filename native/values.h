#ifndef NODE_DRBD_NATIVE_VALUES_H_
#define NODE_DRBD_NATIVE_VALUES_H_

#include <node_api.h>

#include <cstdint>

// For libuv's callbacks, where no exception may be left behind: node-addon-api's own classes throw when a call fails.
// All return false where the environment is being terminated and takes no more calls.

inline bool MakeNumber(napi_env env, double number, napi_value* value) {
  return napi_create_double(env, number, value) == napi_ok;
}

inline bool MakeString(napi_env env, const char* text, napi_value* value) {
  return napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, value) == napi_ok;
}

inline bool SetNumber(napi_env env, napi_value object, const char* name, double number) {
  napi_value value;
  return MakeNumber(env, number, &value) && napi_set_named_property(env, object, name, value) == napi_ok;
}

inline bool AppendNumber(napi_env env, napi_value array, uint32_t* index, double number) {
  napi_value value;
  return MakeNumber(env, number, &value) && napi_set_element(env, array, (*index)++, value) == napi_ok;
}

/// Handles made from here on are let go of at its end.
class CallbackScope {
 public:
  explicit CallbackScope(napi_env env) : env_(env), open_(napi_open_handle_scope(env, &scope_) == napi_ok) {}
  ~CallbackScope() {
    if (open_ && napi_close_handle_scope(env_, scope_) != napi_ok) {
      // The environment lets go of everything by itself when it ends.
    }
  }
  CallbackScope(const CallbackScope&) = delete;
  CallbackScope& operator=(const CallbackScope&) = delete;

  bool IsOpen() const { return open_; }

 private:
  napi_env env_;
  napi_handle_scope scope_ = nullptr;
  bool open_;
};

#endif  // NODE_DRBD_NATIVE_VALUES_H_
