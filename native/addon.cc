#include <napi.h>

#include <string>

#include "arguments.h"
#include "block-device.h"
#include "environment.h"
#include "file-lock.h"
#include "sender.h"
#include "socket.h"

namespace {

bool ReadPath(const Napi::CallbackInfo& info, std::string* path) {
  if (info.Length() >= 1 && info[0].IsString()) {
    *path = info[0].As<Napi::String>().Utf8Value();
    if (!path->empty() && path->find('\0') == std::string::npos) return true;
  }
  ThrowType(info.Env(), "a path is needed: a string that is not empty and holds no NUL");
  return false;
}

/// tryLock(path): { id } if it is locked now, or { holder }, the pid that has it
Napi::Value TryLock(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path;
  if (!ReadPath(info, &path)) return env.Undefined();
  const FileLocks::Result result = FileLocks::Try(path);
  if (result.error != 0) {
    const std::string kind = result.kind;
    ThrowSystemError(env, result.syscall, result.error, kind.empty() ? path : "it is " + kind + ", not a regular file");
    return env.Undefined();
  }
  Napi::Object object = Napi::Object::New(env);
  if (result.id != 0) {
    env.GetInstanceData<Environment>()->locks.insert(result.id);
    object.Set("id", Napi::Number::New(env, static_cast<double>(result.id)));
  } else {
    object.Set("holder", Napi::Number::New(env, result.holder));
  }
  return object;
}

/// unlock(id): whether this environment held it
Napi::Value Unlock(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  FileLocks::Id id = 0;
  if (info.Length() < 1 || !ReadId(info[0], &id)) {
    ThrowType(env, "the id of a lock is needed");
    return env.Undefined();
  }
  const bool held = env.GetInstanceData<Environment>()->locks.erase(id) != 0;
  if (held) FileLocks::Release(id);
  return Napi::Boolean::New(env, held);
}

/// blockDevice(path): { isBlockDevice, major, minor, sizeBytes }
Napi::Value BlockDevice(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path;
  if (!ReadPath(info, &path)) return env.Undefined();
  const BlockDeviceFacts facts = ReadBlockDevice(path);
  if (facts.error != 0) {
    ThrowSystemError(env, facts.syscall, facts.error, path);
    return env.Undefined();
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("isBlockDevice", Napi::Boolean::New(env, facts.is_block_device));
  object.Set("major", Napi::Number::New(env, facts.major));
  object.Set("minor", Napi::Number::New(env, facts.minor));
  object.Set("sizeBytes", Napi::BigInt::New(env, facts.size_bytes));
  return object;
}

/// senderThreads(): those of this process that have not ended, the ones stuck in the kernel included
Napi::Value SenderThreads(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(Sender::RunningThreads()));
}

Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
  auto* environment = new Environment;
  env.SetInstanceData(environment);
  exports.Set("NetlinkSocket", NetlinkSocket::Define(env));
  exports.Set("tryLock", Napi::Function::New<TryLock>(env, "tryLock"));
  exports.Set("unlock", Napi::Function::New<Unlock>(env, "unlock"));
  exports.Set("blockDevice", Napi::Function::New<BlockDevice>(env, "blockDevice"));
  exports.Set("senderThreads", Napi::Function::New<SenderThreads>(env, "senderThreads"));
  return exports;
}

}  // namespace

NODE_API_MODULE(node_drbd, Initialize)
