#ifndef NODE_DRBD_NATIVE_INBOX_H_
#define NODE_DRBD_NATIVE_INBOX_H_

#include <node_api.h>

#include <cstddef>
#include <cstdint>

#include "receiver.h"

/// An ArrayBuffer that both sides use for as long as the environment lives.
class SharedBuffer {
 public:
  SharedBuffer() = default;
  ~SharedBuffer();
  SharedBuffer(const SharedBuffer&) = delete;
  SharedBuffer& operator=(const SharedBuffer&) = delete;

  /// In place of the one before it. False if the environment takes no more calls.
  bool Make(napi_env env, size_t bytes);
  bool Get(napi_env env, napi_value* buffer) const;
  uint8_t* Data() const { return data_; }
  size_t Size() const { return size_; }

 private:
  napi_env env_ = nullptr;
  napi_ref reference_ = nullptr;
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

/// How received datagrams reach JavaScript: many at the price of one call. Their bytes lie in an ArrayBuffer, one
/// behind the other, which later ones share until it is full; nothing is written to it twice. Another buffer, used
/// again each time, holds for each of them six numbers of 32 bits: offset, length, port, groups, group, and whether it
/// is cut.
class Inbox {
 public:
  static constexpr size_t kMostDatagrams = 64;

  /// Takes as many of `datagrams` as go together, and at least one; 0 if the environment takes no more calls.
  size_t Put(napi_env env, const ReceivedDatagram* datagrams, size_t count, napi_value* bytes, napi_value* facts);

 private:
  SharedBuffer bytes_;
  SharedBuffer facts_;
  size_t used_ = 0;
};

#endif  // NODE_DRBD_NATIVE_INBOX_H_
