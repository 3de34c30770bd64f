#ifndef NODE_DRBD_NATIVE_SOCKET_H_
#define NODE_DRBD_NATIVE_SOCKET_H_

#include <napi.h>
#include <uv.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "descriptor.h"
#include "environment.h"
#include "sender.h"

/// One netlink socket as JavaScript sees it.
///
/// The object is kept alive by the addon while it is open and referenced (`ref()`, as at first): whoever opened it may forget it and still be called. Once
/// `unref()`'d it is kept by its user alone, and an open socket that nobody refers to any more is closed by its collection.
class NetlinkSocket : public Napi::ObjectWrap<NetlinkSocket> {
 public:
  static Napi::Function Define(Napi::Env env);

  explicit NetlinkSocket(const Napi::CallbackInfo& info);
  ~NetlinkSocket() override;

 private:
  /// The libuv handles of an open socket. They outlive the object for as long as libuv needs to close them, and free themselves then.
  struct Handles;

  Napi::Value PortId(const Napi::CallbackInfo& info);
  Napi::Value Closed(const Napi::CallbackInfo& info);
  Napi::Value Send(const Napi::CallbackInfo& info);
  Napi::Value Progress(const Napi::CallbackInfo& info);
  Napi::Value Cancel(const Napi::CallbackInfo& info);
  void Join(const Napi::CallbackInfo& info);
  void Leave(const Napi::CallbackInfo& info);
  void KeepAlive(const Napi::CallbackInfo& info);
  void LetGo(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  Napi::Value Counters(const Napi::CallbackInfo& info);
  Napi::Value ExchangeSync(const Napi::CallbackInfo& info);

  bool Open(Napi::Env env, int protocol, int64_t receive_buffer, uint32_t groups);
  bool RequireOpen(Napi::Env env, const char* what);
  void Membership(const Napi::CallbackInfo& info, int option, const char* what);
  void SetReferenced(bool referenced);

  static void OnReadable(uv_poll_t* poll, int status, int events);
  static void OnWake(uv_async_t* wake);
  static void OnEnvironmentCleanup(napi_async_cleanup_hook_handle hook, void* data);
  static void OnHandleClosed(uv_handle_t* handle);

  void Receive(int status);
  void Completed();
  /// Calls the listener. An exception that it throws goes to uncaughtException; the socket lives on.
  void Emit(const std::vector<napi_value>& arguments);
  void Fail(Napi::Env env, int error);
  Napi::Object DatagramObject(Napi::Env env, const ReceivedDatagram& datagram);
  Napi::Object ClosingObject(Napi::Env env, const Sender::Closing& closing, int error);
  static Napi::Array CompletionsArray(Napi::Env env, const std::vector<Sender::Completion>& completions);
  Sender::Closing CloseHandles();

  Environment* environment_;
  /// Null once closed.
  Handles* handles_ = nullptr;
  std::shared_ptr<Descriptor> descriptor_;
  std::shared_ptr<Sender> sender_;
  uint32_t port_id_ = 0;
  bool referenced_ = false;
  bool exchanging_ = false;
  std::vector<Sender::Completion> completions_;

  uint64_t received_datagrams_ = 0;
  uint64_t received_bytes_ = 0;
  uint64_t overruns_ = 0;
  uint64_t truncated_ = 0;
};

#endif  // NODE_DRBD_NATIVE_SOCKET_H_
