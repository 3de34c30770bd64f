#include "sender.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

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

}  // namespace

Sender::Sender(std::shared_ptr<Descriptor> socket, uv_async_t* wake) : socket_(std::move(socket)), wake_(wake) {}

uint64_t Sender::RunningThreads() {
  return running_threads.load(std::memory_order_relaxed);
}

int Sender::Enqueue(const std::shared_ptr<Sender>& self, const uint8_t* bytes, size_t length, uint32_t port,
                    uint32_t groups, uint64_t* id, const char** failed) {
  // Before the copy, which might take memory that is not there.
  if (length > kMaximumQueuedBytes) return EMSGSIZE;
  Item item{0, port, groups, std::vector<uint8_t>(bytes, bytes + length)};
  std::lock_guard<std::mutex> guard(self->mutex_);
  if (self->closed_) return EBADF;
  if (self->queue_.size() >= kMaximumQueuedDatagrams || length > kMaximumQueuedBytes - self->queued_bytes_)
    return ENOBUFS;
  if (!self->thread_started_) {
    const int error = StartThread(self);
    if (error != 0) {
      *failed = "pthread_create";
      return error;
    }
    self->thread_started_ = true;
  }
  item.id = ++self->last_id_;
  *id = item.id;
  self->queued_bytes_ += length;
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

    SendOutcome outcome;
    if (from_helper_.load(std::memory_order_relaxed))
      outcome = SendDatagramFromHelper(socket->Number(), item.bytes.data(), item.bytes.size(), item.port, item.groups);
    else
      outcome.error = SendDatagram(socket->Number(), item.bytes.data(), item.bytes.size(), item.port, item.groups);
    // Before the lock: if the socket was closed meanwhile, this closes the descriptor, and that can take time too.
    socket.reset();
    if (outcome.error == 0) {
      sent_datagrams_.fetch_add(1, std::memory_order_relaxed);
      sent_bytes_.fetch_add(item.bytes.size(), std::memory_order_relaxed);
    } else {
      send_errors_.fetch_add(1, std::memory_order_relaxed);
    }

    lock.lock();
    in_flight_ = 0;
    if (closed_) return;
    completions_.push_back(Completion{item.id, outcome});
    uv_async_send(wake_);
  }
}

bool Sender::Cancel(uint64_t id) {
  std::lock_guard<std::mutex> guard(mutex_);
  // Ids ascend along the queue.
  const auto found = std::lower_bound(queue_.begin(), queue_.end(), id,
                                      [](const Item& item, uint64_t wanted) { return item.id < wanted; });
  if (found == queue_.end() || found->id != id) return false;
  queued_bytes_ -= found->bytes.size();
  queue_.erase(found);
  return true;
}

bool Sender::ProgressOf(uint64_t id, Progress* progress) {
  std::lock_guard<std::mutex> guard(mutex_);
  if (id == 0 || id > last_id_) return false;
  if (id > last_started_)
    *progress = Progress::kQueued;
  else
    *progress = id == in_flight_ ? Progress::kStarted : Progress::kReturned;
  return true;
}

void Sender::TakeCompletions(std::vector<Completion>* out) {
  out->clear();
  std::lock_guard<std::mutex> guard(mutex_);
  out->swap(completions_);
}

bool Sender::HasLost() {
  std::lock_guard<std::mutex> guard(mutex_);
  return std::any_of(completions_.begin(), completions_.end(),
                     [](const Completion& completion) { return completion.outcome.step == SendOutcome::Step::kLost; });
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
    changed_.notify_one();
  }
  return closing;
}
