#include "sender.h"

#include <errno.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace {

// Far beyond what a client has under way; a caller that produces faster than the kernel takes must learn of it, not
// fill the memory.
constexpr size_t kMaximumQueuedDatagrams = 65'536;
constexpr size_t kMaximumQueuedBytes = 64u << 20;

// The thread calls little more than sendmsg(), but glibc takes thread-local storage of every loaded library from the
// stack, and the sanitizers need some too.
constexpr size_t kThreadStackBytes = 512u << 10;

// Trivially destructible: a thread that outlives exit() may still count.
std::atomic<uint64_t> running_threads{0};

/// One datagram to the kernel or a peer, in a blocking call. Returns 0 or an errno.
///
/// - A full unicast peer (NETLINK_USERSOCK): the call waits inside the kernel until the peer has room. poll(POLLOUT)
/// would be no help: on a netlink socket it
///   speaks of the sender's own buffer, never of the receiver's. EAGAIN therefore cannot occur, as nobody sets
///   O_NONBLOCK or SO_SNDTIMEO on the socket; if it does, it is reported as it is.
/// - EINTR: this thread takes no signals, but a debugger or a freezer can interrupt any call; nothing was sent then, so
/// it is made again.
/// - ENOBUFS (no memory for the message), ECONNREFUSED (no such peer, or no listener), EPERM and the rest are the
/// caller's to judge.
int SendDatagram(int socket, const uint8_t* bytes, size_t length, uint32_t port, uint32_t groups) {
  // An empty message passes kernels before 5.16 as an empty packet, which drivers do not expect; newer ones say this.
  if (length == 0) return ENODATA;
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_pid = port;
  address.nl_groups = groups;
  iovec part{};
  part.iov_base = const_cast<uint8_t*>(bytes);
  part.iov_len = length;
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = sizeof address;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  for (;;) {
    if (sendmsg(socket, &message, MSG_NOSIGNAL) >= 0) return 0;
    if (errno != EINTR) return errno;
  }
}

/// Closes all descriptors from `first` to `last`, by system calls alone. `limit`: there are none from it on, for where
/// close_range() is missing (before Linux 5.9).
void CloseDescriptors(unsigned first, unsigned last, unsigned limit) {
  if (first > last) return;
#ifdef SYS_close_range
  if (syscall(SYS_close_range, first, last, 0u) == 0) return;
#endif
  for (unsigned number = first; number <= last && number < limit; number++) close(static_cast<int>(number));
}

/// As SendDatagram(), in a process of its own, which shares the socket and has nothing else of this one's open: if the
/// kernel never returns, it is that process that stays, and this one can end. The calling thread waits for it, and
/// takes no signals.
///
/// The child is a copy of one thread of a process with many, whatever the others held at that moment: it makes system
/// calls, and nothing else. It sends no signal when it ends, so that neither libuv nor a SIGCHLD that is ignored takes
/// it from us.
int SendDatagramFromProcess(int socket, const uint8_t* bytes, size_t length, uint32_t port, uint32_t groups) {
  rlimit descriptors{};
  const unsigned limit = getrlimit(RLIMIT_NOFILE, &descriptors) == 0
                             ? static_cast<unsigned>(std::min<rlim_t>(descriptors.rlim_max, 1u << 20))
                             : 1024;
  // All arguments are zero: no flags, no signal, and the parent's stack, in whatever order the architecture takes them.
  const long child = syscall(SYS_clone, 0ul, 0ul, 0ul, 0ul, 0ul);
  if (child < 0) return errno;
  if (child == 0) {
    if (socket > 0) CloseDescriptors(0, static_cast<unsigned>(socket) - 1, limit);
    CloseDescriptors(static_cast<unsigned>(socket) + 1, ~0u, limit);
    const int error = SendDatagram(socket, bytes, length, port, groups);
    // Errno values fit the eight bits of an exit status.
    syscall(SYS_exit_group, error);
  }
  for (;;) {
    int status = 0;
    // One that was killed may have sent before: what became of the request is for its answer to tell, or its deadline.
    if (waitpid(static_cast<pid_t>(child), &status, __WALL) >= 0) return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    if (errno != EINTR) return errno;
  }
}

}  // namespace

Sender::Sender(std::shared_ptr<Descriptor> socket, uv_async_t* wake) : socket_(std::move(socket)), wake_(wake) {}

uint64_t Sender::RunningThreads() {
  return running_threads.load(std::memory_order_relaxed);
}

int Sender::Enqueue(const std::shared_ptr<Sender>& self, const uint8_t* bytes, size_t length, uint32_t port,
                    uint32_t groups, uint64_t* id) {
  // Before the copy, which might take memory that is not there.
  if (length > kMaximumQueuedBytes) return EMSGSIZE;
  return EnqueueItem(self, Item{0, port, groups, false, std::vector<uint8_t>(bytes, bytes + length)}, id);
}

int Sender::EnqueueSynchronous(const std::shared_ptr<Sender>& self, const uint8_t* bytes, size_t length, uint32_t port,
                               uint32_t groups, uint64_t* id) {
  if (length > kMaximumQueuedBytes) return EMSGSIZE;
  {
    std::lock_guard<std::mutex> guard(self->mutex_);
    if (self->closed_) return EBADF;
    if (!self->synchronous_wake_) {
      const int number = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
      if (number < 0) return errno;
      self->synchronous_wake_ = std::make_unique<Descriptor>(number);
    }
    uint64_t ignored;
    // What a datagram that was given up has left there.
    while (read(self->synchronous_wake_->Number(), &ignored, sizeof ignored) < 0 && errno == EINTR) {
    }
    self->synchronous_done_ = false;
    self->synchronous_error_ = 0;
  }
  return EnqueueItem(self, Item{0, port, groups, true, std::vector<uint8_t>(bytes, bytes + length)}, id);
}

int Sender::EnqueueItem(const std::shared_ptr<Sender>& self, Item item, uint64_t* id) {
  std::lock_guard<std::mutex> guard(self->mutex_);
  if (self->closed_) return EBADF;
  if (self->queue_.size() >= kMaximumQueuedDatagrams || item.bytes.size() > kMaximumQueuedBytes - self->queued_bytes_)
    return ENOBUFS;
  if (!self->thread_started_) {
    const int error = StartThread(self);
    if (error != 0) return error;
    self->thread_started_ = true;
  }
  item.id = ++self->last_id_;
  *id = item.id;
  if (item.synchronous) self->synchronous_id_ = item.id;
  self->queued_bytes_ += item.bytes.size();
  self->queue_.push_back(std::move(item));
  self->changed_.notify_one();
  return 0;
}

int Sender::StartThread(const std::shared_ptr<Sender>& self) {
  pthread_attr_t attributes;
  int error = pthread_attr_init(&attributes);
  if (error != 0) return error;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kThreadStackBytes);

  auto* argument = new std::shared_ptr<Sender>(self);
  // The thread inherits the mask. Signals of the process belong to Node's threads; one taken here would only cut a send
  // short.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  running_threads.fetch_add(1, std::memory_order_relaxed);
  error = pthread_create(&thread, &attributes, ThreadMain, argument);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (error != 0) {
    running_threads.fetch_sub(1, std::memory_order_relaxed);
    delete argument;
    return error;
  }
  return 0;
}

void* Sender::ThreadMain(void* argument) {
  // Shows which thread a stuck request holds, in ps -L and in the kernel's hung-task reports.
  pthread_setname_np(pthread_self(), "netlink-sender");
  {
    auto* owned = static_cast<std::shared_ptr<Sender>*>(argument);
    const std::shared_ptr<Sender> self = std::move(*owned);
    delete owned;
    self->Run();
  }
  running_threads.fetch_sub(1, std::memory_order_relaxed);
  return nullptr;
}

void Sender::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return closed_ || !queue_.empty(); });
    if (closed_) return;
    const Item item = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= item.bytes.size();
    last_started_ = item.id;
    in_flight_ = item.id;
    std::shared_ptr<Descriptor> socket = socket_;
    lock.unlock();

    const auto send = from_process_.load(std::memory_order_relaxed) ? SendDatagramFromProcess : SendDatagram;
    const int error = send(socket->Number(), item.bytes.data(), item.bytes.size(), item.port, item.groups);
    // Before the lock: if the socket was closed meanwhile, this closes the descriptor, and that can take time too.
    socket.reset();
    if (error == 0) {
      sent_datagrams_.fetch_add(1, std::memory_order_relaxed);
      sent_bytes_.fetch_add(item.bytes.size(), std::memory_order_relaxed);
    } else {
      send_errors_.fetch_add(1, std::memory_order_relaxed);
    }

    lock.lock();
    in_flight_ = 0;
    if (closed_) return;
    if (!item.synchronous) {
      completions_.push_back(Completion{item.id, error});
      uv_async_send(wake_);
    } else if (synchronous_id_ == item.id) {
      synchronous_done_ = true;
      synchronous_error_ = error;
      const uint64_t one = 1;
      // Cannot fail: the counter is at most 1, and the descriptor lives until Close().
      while (write(synchronous_wake_->Number(), &one, sizeof one) < 0 && errno == EINTR) {
      }
    }
  }
}

bool Sender::CancelLocked(uint64_t id) {
  // Ids ascend along the queue.
  const auto found = std::lower_bound(queue_.begin(), queue_.end(), id,
                                      [](const Item& item, uint64_t wanted) { return item.id < wanted; });
  if (found == queue_.end() || found->id != id) return false;
  queued_bytes_ -= found->bytes.size();
  queue_.erase(found);
  return true;
}

bool Sender::Cancel(uint64_t id) {
  std::lock_guard<std::mutex> guard(mutex_);
  return CancelLocked(id);
}

Sender::Progress Sender::ProgressLocked(uint64_t id) const {
  if (id > last_started_) return Progress::kQueued;
  return id == in_flight_ ? Progress::kStarted : Progress::kReturned;
}

bool Sender::ProgressOf(uint64_t id, Progress* progress) {
  std::lock_guard<std::mutex> guard(mutex_);
  if (id == 0 || id > last_id_) return false;
  *progress = ProgressLocked(id);
  return true;
}

void Sender::TakeCompletions(std::vector<Completion>* out) {
  out->clear();
  std::lock_guard<std::mutex> guard(mutex_);
  out->swap(completions_);
}

bool Sender::TakeSynchronous(int* error) {
  std::lock_guard<std::mutex> guard(mutex_);
  if (!synchronous_done_) return false;
  *error = synchronous_error_;
  return true;
}

Sender::Progress Sender::EndSynchronous() {
  std::lock_guard<std::mutex> guard(mutex_);
  const uint64_t id = synchronous_id_;
  synchronous_id_ = 0;
  const Progress progress = ProgressLocked(id);
  CancelLocked(id);
  return progress;
}

Sender::Closing Sender::Close() {
  Closing closing;
  std::shared_ptr<Descriptor> socket;
  std::deque<Item> dropped;
  {
    std::lock_guard<std::mutex> guard(mutex_);
    closed_ = true;
    closing.last_started = last_started_;
    closing.in_flight = in_flight_;
    closing.completions.swap(completions_);
    dropped.swap(queue_);
    queued_bytes_ = 0;
    wake_ = nullptr;
    socket.swap(socket_);
    synchronous_wake_.reset();
    changed_.notify_one();
  }
  return closing;
}
