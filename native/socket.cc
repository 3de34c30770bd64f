#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "arguments.h"
#include "questions.h"
#include "values.h"

namespace {

// Anything else that wraps an object is told apart by this, so that a method called on a foreign object cannot read it
// as a socket.
constexpr napi_type_tag kSocketTag = {0x6e6f64652d647262ULL, 0x642d736f636b6574ULL};

// The receive buffer of a socket holds a few at most: a flood must not keep word of a loss back.
constexpr int kMostBatchesBeforeLoss = 64;
// As many are a socket that does not work at all.
constexpr int kMostInvalid = 16;

constexpr size_t kOutboxBytes = 4u << 10;

// A property whose name is an index is found without a string.
constexpr const char* kListenerProperty = "0";
constexpr uint32_t kListenerIndex = 0;

const char* ProgressName(Sender::Progress progress) {
  switch (progress) {
    case Sender::Progress::kQueued:
      return "no";
    case Sender::Progress::kStarted:
      return "started";
    case Sender::Progress::kReturned:
      break;
  }
  return "returned";
}

}  // namespace

struct NetlinkSocket::Handles {
  uv_poll_t poll{};
  uv_async_t wake{};
  napi_async_context context = nullptr;
  napi_async_cleanup_hook_handle hook = nullptr;
  /// Null once the socket is closed: a callback that comes late finds nobody.
  NetlinkSocket* owner = nullptr;
  int open_handles = 0;
};

/// What JavaScript calls: looks at `this` before anything else. Node-API checks the receiver of methods, but not of
/// accessors, and neither is written down.
template <Napi::Value (NetlinkSocket::*method)(const Napi::CallbackInfo&)>
napi_value NetlinkSocket::Call(napi_env env, napi_callback_info info) {
  const Napi::CallbackInfo call(env, info);
  bool ours = false;
  NetlinkSocket* socket = nullptr;
  if (call.This().IsObject() && napi_check_object_type_tag(env, call.This(), &kSocketTag, &ours) == napi_ok && ours)
    socket = Unwrap(call.This().As<Napi::Object>());
  if (socket == nullptr) {
    ThrowType(env, "this is no NetlinkSocket");
    return nullptr;
  }
  return (socket->*method)(call);
}

template <Napi::Value (NetlinkSocket::*method)(const Napi::CallbackInfo&)>
Napi::ClassPropertyDescriptor<NetlinkSocket> NetlinkSocket::Method(const char* name) {
  napi_property_descriptor descriptor{};
  descriptor.utf8name = name;
  descriptor.method = Call<method>;
  return descriptor;
}

template <Napi::Value (NetlinkSocket::*method)(const Napi::CallbackInfo&)>
Napi::ClassPropertyDescriptor<NetlinkSocket> NetlinkSocket::Getter(const char* name) {
  napi_property_descriptor descriptor{};
  descriptor.utf8name = name;
  descriptor.getter = Call<method>;
  return descriptor;
}

Napi::Function NetlinkSocket::Define(Napi::Env env) {
  return DefineClass(env, "NetlinkSocket",
                     {
                         Getter<&NetlinkSocket::PortId>("portId"),
                         Getter<&NetlinkSocket::Closed>("closed"),
                         Method<&NetlinkSocket::UseHelper>("useHelper"),
                         Method<&NetlinkSocket::Send>("send"),
                         Getter<&NetlinkSocket::Outbox>("outbox"),
                         Method<&NetlinkSocket::SendNow>("sendNow"),
                         Method<&NetlinkSocket::Ask>("ask"),
                         Method<&NetlinkSocket::Progress>("progress"),
                         Method<&NetlinkSocket::Cancel>("cancel"),
                         Method<&NetlinkSocket::Join>("join"),
                         Method<&NetlinkSocket::Leave>("leave"),
                         Method<&NetlinkSocket::KeepAlive>("ref"),
                         Method<&NetlinkSocket::LetGo>("unref"),
                         Method<&NetlinkSocket::Close>("close"),
                         Method<&NetlinkSocket::Counters>("counters"),
                     });
}

/// new NetlinkSocket(protocol, receiveBufferBytes (0: as it is), groups, listener)
NetlinkSocket::NetlinkSocket(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<NetlinkSocket>(info), environment_(info.Env().GetInstanceData<Environment>()) {
  Napi::Env env = info.Env();
  if (napi_type_tag_object(env, info.This(), &kSocketTag) != napi_ok) {
    ThrowSystemError(env, "", 0, "this environment takes no more sockets");
    return;
  }
  uint32_t protocol = 0;
  uint32_t buffer = 0;
  uint32_t groups = 0;
  if (info.Length() < 4 || !ReadU32(info[0], &protocol) || !ReadU32(info[1], &buffer) || !ReadU32(info[2], &groups) ||
      !info[3].IsFunction()) {
    ThrowType(env, "protocol, receiveBufferBytes, groups and a listener are needed");
    return;
  }
  // A property, not a reference: the listener refers to this object, and both must be collectable together.
  napi_property_descriptor property{};
  property.utf8name = kListenerProperty;
  property.value = info[3];
  property.attributes = napi_default;
  if (napi_define_properties(env, info.This(), 1, &property) != napi_ok) {
    ThrowSystemError(env, "", 0, "this environment takes no more sockets");
    return;
  }
  Open(env, static_cast<int>(protocol), buffer, groups);
}

NetlinkSocket::~NetlinkSocket() {
  CloseHandles();
}

bool NetlinkSocket::Open(Napi::Env env, int protocol, int64_t receive_buffer, uint32_t groups) {
  const int number = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (number < 0) {
    ThrowSystemError(env, "socket", errno, "socket(AF_NETLINK, SOCK_RAW, " + std::to_string(protocol) + ")");
    return false;
  }
  auto descriptor = std::make_shared<Descriptor>(number);
  if (receive_buffer > 0) {
    const int wanted = static_cast<int>(std::min<int64_t>(receive_buffer, std::numeric_limits<int>::max() / 2));
    // Beyond rmem_max with CAP_NET_ADMIN; without it the kernel cuts to what is allowed.
    if (setsockopt(number, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted) != 0 &&
        setsockopt(number, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted) != 0) {
      ThrowSystemError(env, "setsockopt", errno, "SO_RCVBUF");
      return false;
    }
  }
  const int one = 1;
  if (setsockopt(number, SOL_NETLINK, NETLINK_PKTINFO, &one, sizeof one) != 0) {
    ThrowSystemError(env, "setsockopt", errno, "NETLINK_PKTINFO");
    return false;
  }
  // Kernels before 4.12 have no extended acknowledgements; then there are none.
  setsockopt(number, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof one);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (bind(number, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    ThrowSystemError(
        env, "bind", errno, "bind to groups 0x" + [groups] {
          char text[16];
          snprintf(text, sizeof text, "%x", groups);
          return std::string(text);
        }());
    return false;
  }
  socklen_t length = sizeof address;
  if (getsockname(number, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    ThrowSystemError(env, "getsockname", errno, "getsockname");
    return false;
  }

  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) {
    ThrowSystemError(env, "", 0, "this environment has no event loop");
    return false;
  }
  auto handles = std::make_unique<Handles>();
  if (uv_async_init(loop, &handles->wake, OnWake) != 0) {
    ThrowSystemError(env, "uv_async_init", EMFILE, "the event loop takes no more handles");
    return false;
  }
  // From here on libuv knows the handle: it is freed by its closing.
  Handles* raw = handles.release();
  raw->owner = this;
  raw->open_handles = 1;
  raw->wake.data = raw;
  raw->poll.data = raw;
  // What wakes the loop for completions does not keep it alive: the poll handle does, or does not.
  uv_unref(reinterpret_cast<uv_handle_t*>(&raw->wake));
  int error = uv_poll_init(loop, &raw->poll, number);
  if (error == 0) {
    raw->open_handles = 2;
    error = uv_poll_start(&raw->poll, UV_READABLE, OnReadable);
  }
  handles_ = raw;
  if (error != 0) {
    CloseHandles();
    ThrowSystemError(env, "uv_poll_start", -error, "the event loop does not poll the socket");
    return false;
  }
  // uv_poll_init made the descriptor non-blocking. The sender thread's calls must block: a full peer is waited for in
  // the kernel. Receiving asks not to wait each time.
  if (fcntl(number, F_SETFL, 0) != 0) {
    const int failed = errno;
    CloseHandles();
    ThrowSystemError(env, "fcntl", failed, "F_SETFL");
    return false;
  }
  napi_value resource_name;
  // With a resource of its own: this object would be kept alive by it (Node 26).
  const bool has_context = MakeString(env, "NetlinkSocket", &resource_name) &&
                           napi_async_init(env, nullptr, resource_name, &raw->context) == napi_ok;
  if (!has_context) raw->context = nullptr;
  // A worker's library may be unloaded after its environment: libuv must be done with the handles before. Without the
  // hook no socket, and without a context nobody to call.
  if (!has_context || napi_add_async_cleanup_hook(env, OnEnvironmentCleanup, raw, &raw->hook) != napi_ok) {
    raw->hook = nullptr;
    CloseHandles();
    ThrowSystemError(env, "", EAGAIN, "this environment is ending");
    return false;
  }
  descriptor_ = std::move(descriptor);
  sender_ = std::make_shared<Sender>(descriptor_, &raw->wake);
  port_id_ = address.nl_pid;
  referenced_ = true;
  UpdateReference();
  return true;
}

Sender::Closing NetlinkSocket::CloseHandles() {
  Sender::Closing closing;
  if (sender_) closing = sender_->Close();
  if (handles_ == nullptr) return closing;
  Handles* handles = std::exchange(handles_, nullptr);
  handles->owner = nullptr;
  if (handles->context != nullptr) {
    if (napi_async_destroy(Env(), handles->context) != napi_ok) {
      // An environment that is ending takes it along.
    }
    handles->context = nullptr;
  }
  if (handles->open_handles > 1) uv_close(reinterpret_cast<uv_handle_t*>(&handles->poll), OnHandleClosed);
  uv_close(reinterpret_cast<uv_handle_t*>(&handles->wake), OnHandleClosed);
  // Right away: since uv_close() libuv has nothing to do with the descriptor, and who opens and closes in a loop must
  // not collect them until the next turn.
  descriptor_.reset();
  return closing;
}

void NetlinkSocket::OnHandleClosed(uv_handle_t* handle) {
  auto* handles = static_cast<Handles*>(handle->data);
  if (--handles->open_handles > 0) return;
  // Nothing of Node-API may be touched any more but this: it tells an environment that waits that it may go on.
  if (handles->hook != nullptr && napi_remove_async_cleanup_hook(handles->hook) != napi_ok) {
    // It fails for no hook at all only.
  }
  delete handles;
}

void NetlinkSocket::OnEnvironmentCleanup(napi_async_cleanup_hook_handle, void* data) {
  auto* handles = static_cast<Handles*>(data);
  // Without an owner it is closing already, and will remove the hook when it has.
  if (handles->owner != nullptr) handles->owner->CloseHandles();
}

bool NetlinkSocket::RequireId(const Napi::CallbackInfo& info, uint64_t* id) {
  if (info.Length() >= 1 && ReadId(info[0], id)) return true;
  ThrowType(info.Env(), "the id of a datagram is needed");
  return false;
}

bool NetlinkSocket::RequireOpen(Napi::Env env, const char* what) {
  if (handles_ != nullptr) return true;
  ThrowSystemError(env, what, EBADF, "the socket is closed");
  return false;
}

Napi::Value NetlinkSocket::PortId(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), port_id_);
}

Napi::Value NetlinkSocket::Closed(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), handles_ == nullptr);
}

/// useHelper(): what is sent from now on goes out from a helper process
Napi::Value NetlinkSocket::UseHelper(const Napi::CallbackInfo& info) {
  if (RequireOpen(info.Env(), "sendmsg")) sender_->UseHelper();
  return info.Env().Undefined();
}

/// outbox: where sendNow() finds what it sends; the same for all sockets of an environment
Napi::Value NetlinkSocket::Outbox(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  SharedBuffer& outbox = environment_->outbox;
  napi_value buffer;
  if ((outbox.Data() != nullptr || outbox.Make(env, kOutboxBytes)) && outbox.Get(env, &buffer))
    return Napi::Value(env, buffer);
  ThrowSystemError(env, "", ENOMEM, "there is no memory for a buffer");
  return env.Undefined();
}

/// sendNow(length, port, groups): sends what is in the outbox on this thread, and returns 0 or an errno; EAGAIN if the
/// receiver has no room
Napi::Value NetlinkSocket::SendNow(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uint32_t length = 0;
  uint32_t port = 0;
  uint32_t groups = 0;
  const SharedBuffer& outbox = environment_->outbox;
  if (info.Length() < 3 || !ReadU32(info[0], &length) || length > outbox.Size() || !ReadU32(info[1], &port) ||
      !ReadU32(info[2], &groups)) {
    ThrowType(env, "how much of the outbox to send, a port id and a group mask are needed");
    return env.Undefined();
  }
  if (!RequireOpen(env, "sendmsg")) return env.Undefined();
  const int error = SendDatagram(descriptor_->Number(), outbox.Data(), length, port, groups, MSG_DONTWAIT);
  if (error != EAGAIN) sender_->Count(SendOutcome{SendOutcome::Step::kSend, error}, length);
  return Napi::Number::New(env, error);
}

/// send(bytes, port, groups): the id of the datagram
Napi::Value NetlinkSocket::Send(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uint32_t port = 0;
  uint32_t groups = 0;
  if (info.Length() < 3 || !IsBytes(info[0]) || !ReadU32(info[1], &port) || !ReadU32(info[2], &groups)) {
    ThrowType(env, "a Uint8Array, a port id and a group mask are needed");
    return env.Undefined();
  }
  if (!RequireOpen(env, "sendmsg")) return env.Undefined();
  const auto bytes = info[0].As<Napi::Uint8Array>();
  uint64_t id = 0;
  const char* failed = "sendmsg";
  const int error = Sender::Enqueue(sender_, bytes.Data(), bytes.ByteLength(), port, groups, &id, &failed);
  if (error != 0) {
    ThrowSystemError(env, failed, error, "the datagram was not queued");
    return env.Undefined();
  }
  outstanding_++;
  UpdateReference();
  return Napi::Number::New(env, static_cast<double>(id));
}

/// ask(questions, numbers, port): the id of the first of them; `numbers` has for each how many before it must have
/// brought something
Napi::Value NetlinkSocket::Ask(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uint32_t port = 0;
  if (info.Length() < 3 || !info[0].IsArray() || !info[1].IsArray() || !ReadU32(info[2], &port)) {
    ThrowType(env, "questions, as many numbers, and a port id are needed");
    return env.Undefined();
  }
  const auto questions = info[0].As<Napi::Array>();
  const auto numbers = info[1].As<Napi::Array>();
  const uint32_t count = questions.Length();
  std::vector<uint8_t> packed;
  for (uint32_t index = 0; index < count; index++) {
    const CallbackScope inner(env);
    const Napi::Value question = questions.Get(index);
    QuestionHeader header{};
    if (!IsBytes(question) || !ReadU32(numbers.Get(index), &header.only_if_previous) ||
        header.only_if_previous > std::min(index, kMaximumPrevious)) {
      ThrowType(env, "a question is a Uint8Array, and its number that of questions before it, 64 at most");
      return env.Undefined();
    }
    const auto bytes = question.As<Napi::Uint8Array>();
    header.length = static_cast<uint32_t>(std::min<size_t>(bytes.ByteLength(), UINT32_MAX));
    if (header.length < sizeof(nlmsghdr) || bytes.ByteLength() > UINT32_MAX) {
      ThrowType(env, "a question is a netlink message");
      return env.Undefined();
    }
    const size_t at = packed.size();
    packed.resize(at + sizeof header + Aligned(header.length));
    memcpy(packed.data() + at, &header, sizeof header);
    memcpy(packed.data() + at + sizeof header, bytes.Data(), header.length);
  }
  if (!RequireOpen(env, "sendmsg")) return env.Undefined();
  if (!sender_->UsesHelper() || count == 0) {
    ThrowType(env, count == 0 ? "a question is needed" : "a helper is needed to ask questions");
    return env.Undefined();
  }
  uint64_t first = 0;
  const char* failed = "sendmsg";
  const int error = Sender::EnqueueQuestions(sender_, std::move(packed), count, port, &first, &failed);
  if (error != 0) {
    ThrowSystemError(env, failed, error, "the questions were not queued");
    return env.Undefined();
  }
  outstanding_ += count;
  questions_ += count;
  Poll(false);
  UpdateReference();
  return Napi::Number::New(env, static_cast<double>(first));
}

int NetlinkSocket::Poll(bool wanted) {
  // What keeps the loop alive is the handle that wakes it next.
  auto* wake = reinterpret_cast<uv_handle_t*>(&handles_->wake);
  if (wanted) {
    uv_unref(wake);
    return uv_poll_start(&handles_->poll, UV_READABLE, OnReadable);
  }
  uv_ref(wake);
  return uv_poll_stop(&handles_->poll);
}

/// progress(id): 'no', 'started' or 'returned'; for an open socket
Napi::Value NetlinkSocket::Progress(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uint64_t id = 0;
  if (!RequireId(info, &id) || !RequireOpen(env, "sendmsg")) return env.Undefined();
  Sender::Progress progress{};
  if (!sender_->ProgressOf(id, &progress)) {
    ThrowType(env, "no datagram of this socket has this id");
    return env.Undefined();
  }
  return Napi::String::New(env, ProgressName(progress));
}

/// cancel(id): whether it was still queued
Napi::Value NetlinkSocket::Cancel(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uint64_t id = 0;
  if (!RequireId(info, &id) || !RequireOpen(env, "sendmsg")) return env.Undefined();
  const bool cancelled = sender_->Cancel(id);
  if (cancelled) {
    outstanding_--;
    UpdateReference();
  }
  return Napi::Boolean::New(env, cancelled);
}

Napi::Value NetlinkSocket::Membership(const Napi::CallbackInfo& info, int option, const char* what) {
  Napi::Env env = info.Env();
  uint32_t group = 0;
  if (info.Length() < 1 || !ReadU32(info[0], &group) || group == 0) {
    ThrowType(env, "the number of a group, from 1, is needed");
    return env.Undefined();
  }
  if (!RequireOpen(env, what)) return env.Undefined();
  if (setsockopt(descriptor_->Number(), SOL_NETLINK, option, &group, sizeof group) != 0) {
    ThrowSystemError(env, "setsockopt", errno, std::string(what) + " of group " + std::to_string(group));
  }
  return env.Undefined();
}

Napi::Value NetlinkSocket::Join(const Napi::CallbackInfo& info) {
  return Membership(info, NETLINK_ADD_MEMBERSHIP, "NETLINK_ADD_MEMBERSHIP");
}

Napi::Value NetlinkSocket::Leave(const Napi::CallbackInfo& info) {
  return Membership(info, NETLINK_DROP_MEMBERSHIP, "NETLINK_DROP_MEMBERSHIP");
}

void NetlinkSocket::UpdateReference() {
  const bool wanted = handles_ != nullptr && (referenced_ || outstanding_ > 0);
  if (wanted == held_) return;
  uint32_t count = 0;
  const napi_status status =
      wanted ? napi_reference_ref(Env(), *this, &count) : napi_reference_unref(Env(), *this, &count);
  if (status == napi_ok) held_ = wanted;
}

Napi::Value NetlinkSocket::KeepAlive(const Napi::CallbackInfo& info) {
  if (!RequireOpen(info.Env(), "ref")) return info.Env().Undefined();
  uv_ref(reinterpret_cast<uv_handle_t*>(&handles_->poll));
  referenced_ = true;
  UpdateReference();
  return info.Env().Undefined();
}

Napi::Value NetlinkSocket::LetGo(const Napi::CallbackInfo& info) {
  if (!RequireOpen(info.Env(), "unref")) return info.Env().Undefined();
  uv_unref(reinterpret_cast<uv_handle_t*>(&handles_->poll));
  referenced_ = false;
  UpdateReference();
  return info.Env().Undefined();
}

/// close(): what became of the datagrams; undefined if it was closed before
Napi::Value NetlinkSocket::Close(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (handles_ == nullptr) return env.Undefined();
  const Sender::Closing closing = CloseHandles();
  UpdateReference();
  return Napi::Value(env, ClosingObject(env, closing));
}

napi_value NetlinkSocket::ClosingObject(napi_env env, const Sender::Closing& closing) {
  napi_value object;
  napi_value completions = CompletionsArray(env, closing.completions);
  if (completions == nullptr || napi_create_object(env, &object) != napi_ok ||
      !SetNumber(env, object, "lastStarted", static_cast<double>(closing.last_started)) ||
      !SetNumber(env, object, "inFlight", static_cast<double>(closing.in_flight)) ||
      napi_set_named_property(env, object, "completions", completions) != napi_ok)
    return nullptr;
  return object;
}

/// Triples of id, errno and step, flat. Null if the environment takes no more calls.
napi_value NetlinkSocket::CompletionsArray(napi_env env, const std::vector<Sender::Completion>& completions) {
  napi_value array;
  if (napi_create_array_with_length(env, completions.size() * 3, &array) != napi_ok) return nullptr;
  uint32_t index = 0;
  for (const Sender::Completion& completion : completions) {
    if (!AppendNumber(env, array, &index, static_cast<double>(completion.id)) ||
        !AppendNumber(env, array, &index, completion.outcome.error) ||
        !AppendNumber(env, array, &index, static_cast<double>(completion.outcome.step)))
      return nullptr;
  }
  return array;
}

Napi::Value NetlinkSocket::Counters(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Object counters = Napi::Object::New(env);
  const auto set = [&](const char* name, uint64_t value) {
    counters.Set(name, Napi::Number::New(env, static_cast<double>(value)));
  };
  set("receivedDatagrams", received_datagrams_);
  set("receivedBytes", received_bytes_);
  set("sentDatagrams", sender_ ? sender_->SentDatagrams() : 0);
  set("sentBytes", sender_ ? sender_->SentBytes() : 0);
  set("sendErrors", sender_ ? sender_->SendErrors() : 0);
  set("overruns", overruns_);
  set("truncated", truncated_);
  return counters;
}

void NetlinkSocket::Emit(const char* event, std::initializer_list<napi_value> details) {
  napi_env env = Env();
  napi_value self;
  napi_value listener;
  napi_value arguments[4];
  size_t count = 1;
  for (const napi_value detail : details) arguments[count++] = detail;
  if (handles_ == nullptr || !Self(&self) || !MakeString(env, event, &arguments[0]) ||
      napi_get_element(env, self, kListenerIndex, &listener) != napi_ok)
    return;
  napi_value result;
  const napi_status status = napi_make_callback(env, handles_->context, self, listener, count, arguments, &result);
  if (status == napi_ok) return;
  bool pending = false;
  napi_value exception;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending ||
      napi_get_and_clear_last_exception(env, &exception) != napi_ok)
    return;
  if (napi_fatal_exception(env, exception) != napi_ok) {
    // The environment is being terminated: there is nobody left to tell.
  }
}

bool NetlinkSocket::Self(napi_value* self) {
  // Null once it is collected, and about to be finalized: nobody listens any more.
  return napi_get_reference_value(Env(), *this, self) == napi_ok && *self != nullptr;
}

void NetlinkSocket::OnReadable(uv_poll_t* poll, int status, int) {
  auto* handles = static_cast<Handles*>(poll->data);
  if (handles->owner != nullptr) handles->owner->Receive(status);
}

void NetlinkSocket::Receive(int status) {
  napi_env env = Env();
  const CallbackScope scope(env);
  napi_value self;
  if (!scope.IsOpen() || !Self(&self)) return;
  // libuv stops polling when epoll reports an error, as it does for an overrun, and calls it UV_EBADF. The socket
  // itself knows what it was.
  int error = status < 0 ? -uv_poll_start(&handles_->poll, UV_READABLE, OnReadable) : 0;
  if (error != 0) {
    Fail(error);
    return;
  }
  ReceiveBatch();
}

bool NetlinkSocket::EmitDatagrams(const std::vector<ReceivedDatagram>& datagrams) {
  napi_env env = Env();
  for (const ReceivedDatagram& datagram : datagrams) {
    received_datagrams_++;
    received_bytes_ += datagram.length;
    if (datagram.truncated) truncated_++;
  }
  for (size_t first = 0; first < datagrams.size();) {
    const CallbackScope inner(env);
    napi_value count;
    napi_value bytes;
    napi_value facts;
    if (!inner.IsOpen()) return false;
    const size_t taken = environment_->inbox.Put(env, &datagrams[first], datagrams.size() - first, &bytes, &facts);
    if (taken == 0 || napi_create_uint32(env, static_cast<uint32_t>(taken), &count) != napi_ok) return false;
    first += taken;
    Emit("datagrams", {count, bytes, facts});
    if (handles_ == nullptr) return false;
  }
  return true;
}

bool NetlinkSocket::ReceiveBatch() {
  int error = 0;
  const int count = environment_->receiver.ReceiveBatch(descriptor_->Number(), &error);
  if (count > 0) {
    datagrams_.clear();
    for (int index = 0; index < count; index++)
      datagrams_.push_back(environment_->receiver.At(static_cast<size_t>(index)));
    if (!EmitDatagrams(datagrams_)) return false;
  }
  if (error != EINVAL || count > 0) invalid_ = 0;
  if (error == 0) return true;
  if (error == EAGAIN) return false;
  // The kernel goes on with a dump when its reader receives (netlink_dump() in net/netlink/af_netlink.c). If the dump
  // ends on the sender's processor just then, there is nothing to go on with, and the next call gets this error. Its
  // messages are all here, and nothing is lost.
  if (error == EINVAL && ++invalid_ < kMostInvalid) return false;
  if (error == ENOBUFS) {
    overruns_++;
    Emit("overrun");
    return handles_ != nullptr;
  }
  Fail(error);
  return false;
}

void NetlinkSocket::Fail(int error) {
  // Told first, as the listener is called in the socket's own context; it closes on its side.
  napi_value number;
  if (MakeNumber(Env(), error, &number)) Emit("failed", {number});
  if (handles_ == nullptr) return;
  CloseHandles();
  UpdateReference();
}

void NetlinkSocket::OnWake(uv_async_t* wake) {
  auto* handles = static_cast<Handles*>(wake->data);
  if (handles->owner != nullptr) handles->owner->Completed();
}

void NetlinkSocket::Completed() {
  napi_env env = Env();
  const CallbackScope scope(env);
  if (!scope.IsOpen()) return;
  sender_->TakeFrames(&frames_);
  if (!EmitFrames()) return;
  // Whatever a lost helper sent, the kernel has dealt with it: an answer, if there is one, is here. It says more than
  // the loss does, so it comes first.
  if (sender_->HasLost()) {
    napi_value self;
    for (int batches = 0; batches < kMostBatchesBeforeLoss && Self(&self) && ReceiveBatch(); batches++) {
    }
    if (handles_ == nullptr) return;
  }
  sender_->TakeCompletions(&completions_);
  if (completions_.empty()) return;
  outstanding_ -= completions_.size();
  const auto questions =
      static_cast<uint64_t>(std::count_if(completions_.begin(), completions_.end(),
                                          [](const Sender::Completion& completion) { return completion.is_question; }));
  questions_ -= questions;
  const int error = questions > 0 && questions_ == 0 ? -Poll(true) : 0;
  napi_value completions = CompletionsArray(env, completions_);
  if (completions != nullptr) Emit("sent", {completions});
  if (handles_ != nullptr && error != 0) Fail(error);
  UpdateReference();
}

bool NetlinkSocket::EmitFrames() {
  std::vector<ReceivedDatagram> datagrams;
  Frame frame{};
  for (size_t at = 0; at < frames_.size(); at += sizeof frame + Aligned(frame.length)) {
    memcpy(&frame, frames_.data() + at, sizeof frame);
    if (frame.kind == Frame::Kind::kDatagram) {
      datagrams.push_back({frames_.data() + at + sizeof frame, frame.length, frame.port, frame.groups, frame.group,
                           frame.truncated != 0});
      continue;
    }
    // All that is older comes first.
    if (!datagrams.empty() && !EmitDatagrams(datagrams)) return false;
    datagrams.clear();
    overruns_++;
    Emit("overrun");
    if (handles_ == nullptr) return false;
  }
  return datagrams.empty() || EmitDatagrams(datagrams);
}
