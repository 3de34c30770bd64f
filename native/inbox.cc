#include "inbox.h"

#include <string.h>

#include <algorithm>

namespace {

// A buffer of its own for each datagram would cost more than all the rest; but whoever keeps one of a few bytes must
// not keep a megabyte.
constexpr size_t kSharedBytes = 16u << 10;
constexpr size_t kFacts = 6;

constexpr size_t Padded(size_t length) {
  return (length + 7) & ~size_t{7};
}

}  // namespace

SharedBuffer::~SharedBuffer() {
  if (reference_ != nullptr && napi_delete_reference(env_, reference_) != napi_ok) {
    // An environment that is ending takes it along.
  }
}

bool SharedBuffer::Make(napi_env env, size_t bytes) {
  napi_value buffer;
  void* data = nullptr;
  napi_ref reference = nullptr;
  if (napi_create_arraybuffer(env, bytes, &data, &buffer) != napi_ok ||
      napi_create_reference(env, buffer, 1, &reference) != napi_ok)
    return false;
  if (reference_ != nullptr && napi_delete_reference(env, reference_) != napi_ok) {
    // As above.
  }
  env_ = env;
  reference_ = reference;
  data_ = static_cast<uint8_t*>(data);
  size_ = bytes;
  return true;
}

bool SharedBuffer::Get(napi_env env, napi_value* buffer) const {
  return napi_get_reference_value(env, reference_, buffer) == napi_ok && *buffer != nullptr;
}

size_t Inbox::Put(napi_env env, const ReceivedDatagram* datagrams, size_t count, napi_value* bytes, napi_value* facts) {
  size_t end = 0;
  size_t length = 0;
  while (end < std::min(count, kMostDatagrams) && (end == 0 || length + Padded(datagrams[end].length) <= kSharedBytes))
    length += Padded(datagrams[end++].length);
  if (facts_.Data() == nullptr && !facts_.Make(env, kMostDatagrams * kFacts * sizeof(uint32_t))) return 0;
  if (bytes_.Data() == nullptr || length > bytes_.Size() - used_) {
    if (!bytes_.Make(env, std::max(length, kSharedBytes))) return 0;
    used_ = 0;
  }
  for (size_t index = 0; index < end; index++) {
    const ReceivedDatagram& datagram = datagrams[index];
    const uint32_t fact[kFacts] = {
        static_cast<uint32_t>(used_), datagram.length, datagram.port, datagram.groups, datagram.group,
        datagram.truncated ? 1u : 0u};
    memcpy(facts_.Data() + index * sizeof fact, fact, sizeof fact);
    if (datagram.length > 0) memcpy(bytes_.Data() + used_, datagram.bytes, datagram.length);
    used_ += Padded(datagram.length);
  }
  return bytes_.Get(env, bytes) && facts_.Get(env, facts) ? end : 0;
}
