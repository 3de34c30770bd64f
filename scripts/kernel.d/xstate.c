/*
 * Preloaded into user-mode Linux: lets it run on processors whose extended state is larger than it was built for.
 *
 * It saves and restores the floating-point state of its processes in a buffer of fixed size (2,696 bytes: AVX-512 and
 * protection keys). The host insists on the whole state when it is written (xstateregs_set), which is 11,008 bytes
 * where AMX is: there each process would die at its first instruction. So a write that is too short is completed with
 * what the process has, and a read is cut as before.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

/* User-mode Linux runs one processor on one thread, with small stacks: one buffer, and not there. */
static unsigned char state[1 << 16];
static long (*next_ptrace)(int, ...);

long ptrace(enum __ptrace_request request, ...) {
  va_list arguments;
  va_start(arguments, request);
  const int pid = va_arg(arguments, int);
  void* const address = va_arg(arguments, void*);
  void* const data = va_arg(arguments, void*);
  va_end(arguments);
  if (next_ptrace == NULL) *(void**)&next_ptrace = dlsym(RTLD_NEXT, "ptrace");
  const long result = next_ptrace(request, pid, address, data);
  if (result == 0 || request != PTRACE_SETREGSET || (unsigned long)address != NT_X86_XSTATE || errno != EFAULT)
    return result;
  const struct iovec* const part = data;
  struct iovec whole = {state, sizeof state};
  if (next_ptrace(PTRACE_GETREGSET, pid, address, &whole) != 0 || part->iov_len >= whole.iov_len) {
    errno = EFAULT;
    return -1;
  }
  memcpy(state, part->iov_base, part->iov_len);
  return next_ptrace(PTRACE_SETREGSET, pid, address, &whole);
}
