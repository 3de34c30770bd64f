#ifndef NODE_DRBD_NATIVE_ENVIRONMENT_H_
#define NODE_DRBD_NATIVE_ENVIRONMENT_H_

#include <napi.h>

#include <set>

#include "file-lock.h"
#include "inbox.h"
#include "receiver.h"

/// What one JavaScript environment (the main thread, or a worker) has of this addon: its instance data.
struct Environment {
  Receiver receiver;
  Inbox inbox;
  /// Where JavaScript writes what is sent at once: to hand over a typed array costs more than to copy it.
  SharedBuffer outbox;
  /// Locks that this environment holds; they are released with it.
  std::set<FileLocks::Id> locks;

  ~Environment() {
    for (const FileLocks::Id id : locks) FileLocks::Release(id);
  }
};

/// Throws an Error with `syscall`, `errno` and a message; TypeScript makes the classes of the package of it.
inline void ThrowSystemError(Napi::Env env, const char* syscall, int number, const std::string& what) {
  Napi::Error error = Napi::Error::New(env, what);
  error.Set("syscall", Napi::String::New(env, syscall));
  error.Set("errno", Napi::Number::New(env, number));
  error.ThrowAsJavaScriptException();
}

#endif  // NODE_DRBD_NATIVE_ENVIRONMENT_H_
