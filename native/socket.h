#ifndef NODE_DRBD_NATIVE_SOCKET_H_
#define NODE_DRBD_NATIVE_SOCKET_H_

#include <napi.h>
#include <uv.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <vector>

#include "descriptor.h"
#include "environment.h"
#include "sender.h"

/// One netlink socket as JavaScript sees it.
///
/// The object is kept alive by the addon while it is open and referenced (`ref()`, as at first), or has datagrams to
/// tell the end of: whoever opened it may forget it and still be called. Once `unref()`'d and idle it is kept by its
/// user alone, and an open socket that nobody refers to any more is closed by its collection.
///
/// A worker can be terminated, and a process exit, between any two lines of JavaScript: from then on Node-API refuses
/// its calls, but libuv still makes callbacks. What runs in one therefore looks at every status and gives up quietly;
/// methods rely on NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS (binding.gyp).
class NetlinkSocket : public Napi::ObjectWrap<NetlinkSocket> {
 public:
  static Napi::Function Define(Napi::Env env);

  explicit NetlinkSocket(const Napi::CallbackInfo& info);
  ~NetlinkSocket() override;

 private:
  /// The libuv handles of an open socket. They outlive the object for as long as libuv needs to close them, and free
  /// themselves then.
  struct Handles;

  Napi::Value PortId(const Napi::CallbackInfo& info);
  Napi::Value Closed(const Napi::CallbackInfo& info);
  Napi::Value UseHelper(const Napi::CallbackInfo& info);
  Napi::Value Send(const Napi::CallbackInfo& info);
  Napi::Value Outbox(const Napi::CallbackInfo& info);
  Napi::Value SendNow(const Napi::CallbackInfo& info);
  Napi::Value Ask(const Napi::CallbackInfo& info);
  Napi::Value Progress(const Napi::CallbackInfo& info);
  Napi::Value Cancel(const Napi::CallbackInfo& info);
  Napi::Value Join(const Napi::CallbackInfo& info);
  Napi::Value Leave(const Napi::CallbackInfo& info);
  Napi::Value KeepAlive(const Napi::CallbackInfo& info);
  Napi::Value LetGo(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  Napi::Value Counters(const Napi::CallbackInfo& info);

  bool Open(Napi::Env env, int protocol, int64_t receive_buffer, uint32_t groups);
  bool RequireOpen(Napi::Env env, const char* what);
  static bool RequireId(const Napi::CallbackInfo& info, uint64_t* id);
  Napi::Value Membership(const Napi::CallbackInfo& info, int option, const char* what);
  /// Holds the object, or lets it go, as its state asks for.
  void UpdateReference();

  template <Napi::Value (NetlinkSocket::*method)(const Napi::CallbackInfo&)>
  static napi_value Call(napi_env env, napi_callback_info info);
  template <Napi::Value (NetlinkSocket::*method)(const Napi::CallbackInfo&)>
  static Napi::ClassPropertyDescriptor<NetlinkSocket> Method(const char* name);
  template <Napi::Value (NetlinkSocket::*method)(const Napi::CallbackInfo&)>
  static Napi::ClassPropertyDescriptor<NetlinkSocket> Getter(const char* name);

  static void OnReadable(uv_poll_t* poll, int status, int events);
  static void OnWake(uv_async_t* wake);
  static void OnEnvironmentCleanup(napi_async_cleanup_hook_handle hook, void* data);
  static void OnHandleClosed(uv_handle_t* handle);

  void Receive(int status);
  /// Receives once and tells the listener. Returns whether there may be more, and the socket is still open.
  bool ReceiveBatch();
  void Completed();
  /// Tells the listener what questions have brought. False once the socket is closed.
  bool EmitFrames();
  bool EmitDatagrams(const std::vector<ReceivedDatagram>& datagrams);
  /// Polls the socket, or leaves it to the helper that asks questions.
  int Poll(bool wanted);
  /// Calls the listener. An exception that it throws goes to uncaughtException; the socket lives on.
  void Emit(const char* event, std::initializer_list<napi_value> details = {});
  void Fail(int error);
  bool Self(napi_value* self);
  static napi_value ClosingObject(napi_env env, const Sender::Closing& closing);
  static napi_value CompletionsArray(napi_env env, const std::vector<Sender::Completion>& completions);
  Sender::Closing CloseHandles();

  Environment* environment_;
  /// Null once closed.
  Handles* handles_ = nullptr;
  std::shared_ptr<Descriptor> descriptor_;
  std::shared_ptr<Sender> sender_;
  uint32_t port_id_ = 0;
  bool referenced_ = false;
  /// Datagrams whose end was not told yet.
  uint64_t outstanding_ = 0;
  /// Those of them that are questions: while there are any, their helper receives.
  uint64_t questions_ = 0;
  /// Whether the object is held: see UpdateReference().
  bool held_ = false;
  std::vector<ReceivedDatagram> datagrams_;
  std::vector<uint8_t> frames_;
  std::vector<Sender::Completion> completions_;

  uint64_t received_datagrams_ = 0;
  uint64_t received_bytes_ = 0;
  uint64_t overruns_ = 0;
  uint64_t truncated_ = 0;
  /// EINVALs in a row: see ReceiveBatch().
  int invalid_ = 0;
};

#endif  // NODE_DRBD_NATIVE_SOCKET_H_
