/** How far a request had come when its caller gave up: still queued, inside the kernel, or handed back by it. */
export type SentState = 'no' | 'started' | 'returned';

/** The literal `code` of every error this package throws. */
export type DrbdErrorCode =
  | 'ERR_DRBD_ARGUMENT'
  | 'ERR_DRBD_CODEC'
  | 'ERR_DRBD_TRANSPORT'
  | 'ERR_DRBD_OVERRUN'
  | 'ERR_DRBD_CLOSED'
  | 'ERR_DRBD_TIMEOUT'
  | 'ERR_DRBD_NETLINK'
  | 'ERR_DRBD_KERNEL'
  | 'ERR_DRBD_UNSUPPORTED'
  | 'ERR_DRBD_LOCKED'
  | 'ERR_DRBD_MISMATCH';

/** The literal `name` of every error this package throws: that of its class. */
export type DrbdErrorName =
  | 'ArgumentError'
  | 'CodecError'
  | 'TransportError'
  | 'OverrunError'
  | 'ClosedError'
  | 'TimeoutError'
  | 'NetlinkError'
  | 'KernelError'
  | 'UnsupportedError'
  | 'LockedError'
  | 'MismatchError';

/** Base of every error of this package. Tell them apart by `code`, never by the message. */
export abstract class DrbdError extends Error {
  abstract override readonly name: DrbdErrorName;
  abstract readonly code: DrbdErrorCode;

  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options !== undefined && 'cause' in options ? { cause: options.cause } : undefined);
  }
}

/** A value that a caller passed cannot be sent. Nothing was sent. */
export class ArgumentError extends DrbdError {
  readonly code = 'ERR_DRBD_ARGUMENT';
  /** Where the value stands, such as `disk_conf.meta_dev_idx`. */
  readonly path: string;

  constructor(path: string, problem: string, options?: { readonly cause?: unknown }) {
    super(path === '' ? problem : `${path}: ${problem}`, options);
    this.path = path;
  }

  override get name(): 'ArgumentError' {
    return 'ArgumentError';
  }
}

/** Bytes that do not have the shape of what they should be. */
export class CodecError extends DrbdError {
  readonly code = 'ERR_DRBD_CODEC';
  /** The part of the message, such as `nlmsghdr` or `disk_conf.disk_size`. */
  readonly path: string;
  /**
   * Offset in bytes from the start of the datagram or buffer that was decoded; undefined where no place is to blame, as
   * for what is missing.
   */
  readonly offset: number | undefined;
  readonly expected: string;
  readonly actual: string;

  constructor(path: string, offset: number | undefined, expected: string, actual: string) {
    super(`${path}${offset === undefined ? '' : ` at byte ${offset}`}: expected ${expected}, found ${actual}`);
    this.path = path;
    this.offset = offset;
    this.expected = expected;
    this.actual = actual;
  }

  override get name(): 'CodecError' {
    return 'CodecError';
  }
}

/** A system call on a netlink socket, a lock file or a block device failed. */
export class TransportError extends DrbdError {
  readonly code: 'ERR_DRBD_TRANSPORT' | 'ERR_DRBD_OVERRUN' | 'ERR_DRBD_CLOSED' | 'ERR_DRBD_TIMEOUT' =
    'ERR_DRBD_TRANSPORT';
  /** The system call, such as `sendmsg`; undefined where none was made. */
  readonly syscall: string | undefined;
  /** Its errno as a positive number; undefined where none applies. */
  readonly errno: number | undefined;
  /** How far the request had come; undefined where it is about no request. */
  readonly sent: SentState | undefined;

  constructor(
    message: string,
    details: {
      readonly syscall?: string;
      readonly errno?: number;
      readonly sent?: SentState;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.syscall = details.syscall;
    this.errno = details.errno;
    this.sent = details.sent;
  }

  override get name(): 'TransportError' | 'OverrunError' | 'ClosedError' | 'TimeoutError' {
    return 'TransportError';
  }
}

/** The kernel dropped messages because the socket's receive buffer was full (ENOBUFS); the answer may be among them. */
export class OverrunError extends TransportError {
  override readonly code = 'ERR_DRBD_OVERRUN';
  declare readonly sent: SentState;

  constructor(message: string, sent: SentState, options: { readonly cause?: unknown } = {}) {
    super(message, { syscall: 'recvmsg', errno: 105, sent, ...options });
  }

  override get name(): 'OverrunError' {
    return 'OverrunError';
  }
}

/** The client or socket was closed before the answer came. */
export class ClosedError extends TransportError {
  override readonly code = 'ERR_DRBD_CLOSED';
  declare readonly sent: SentState;

  constructor(message: string, sent: SentState, options: { readonly cause?: unknown } = {}) {
    super(message, { sent, ...options });
  }

  override get name(): 'ClosedError' {
    return 'ClosedError';
  }
}

/** No answer before the deadline. Silence is never success. */
export class TimeoutError extends TransportError {
  override readonly code = 'ERR_DRBD_TIMEOUT';
  /** The limit that was given, in milliseconds. */
  readonly timeoutMs: number;
  declare readonly sent: SentState;

  constructor(message: string, timeoutMs: number, sent: SentState, options?: { readonly cause?: unknown }) {
    super(message, { sent, ...options });
    this.timeoutMs = timeoutMs;
  }

  override get name(): 'TimeoutError' {
    return 'TimeoutError';
  }
}

/** The kernel refused a message at the netlink layer (NLMSG_ERROR, or an error in NLMSG_DONE). */
export class NetlinkError extends DrbdError {
  readonly code = 'ERR_DRBD_NETLINK';
  /** Positive errno. */
  readonly errno: number;
  /** nlmsg_seq of the request that was refused. */
  readonly sequence: number;
  /** What the kernel said beside the number, where it did (NETLINK_EXT_ACK). */
  readonly extendedAck: { readonly message?: string; readonly offset?: number } | undefined;

  constructor(
    message: string,
    details: {
      readonly errno: number;
      readonly sequence: number;
      readonly extendedAck?: { readonly message?: string; readonly offset?: number } | undefined;
    },
  ) {
    super(message);
    this.errno = details.errno;
    this.sequence = details.sequence;
    this.extendedAck = details.extendedAck;
  }

  override get name(): 'NetlinkError' {
    return 'NetlinkError';
  }
}

/** DRBD itself refused or failed a request. */
export class KernelError extends DrbdError {
  readonly code = 'ERR_DRBD_KERNEL';
  /** DRBD's return code (above 100) or state-change code (0 and below). */
  readonly returnCode: number;
  /** Its symbolic name, such as `ERR_MINOR_INVALID`, or `unknown(N)`. */
  readonly returnName: string;
  /** The minor that the request named, if it named one. */
  readonly minor: number | undefined;
  /** The kernel's own explanations, in order. */
  readonly infoText: readonly string[];
  /** The dialect and the request that was answered, where known: a code's meaning may depend on them. */
  readonly dialect: 'connector' | 'genl1' | 'genl2' | undefined;
  readonly operation: string | undefined;

  constructor(
    message: string,
    details: {
      readonly returnCode: number;
      readonly returnName: string;
      readonly dialect?: 'connector' | 'genl1' | 'genl2' | undefined;
      readonly operation?: string | undefined;
      readonly minor?: number | undefined;
      readonly infoText?: readonly string[];
    },
  ) {
    super(message);
    this.returnCode = details.returnCode;
    this.returnName = details.returnName;
    this.dialect = details.dialect;
    this.operation = details.operation;
    this.minor = details.minor;
    this.infoText = details.infoText ?? [];
  }

  override get name(): 'KernelError' {
    return 'KernelError';
  }
}

/** What was asked for does not exist here, or is refused because it is known to do harm. */
export class UnsupportedError extends DrbdError {
  readonly code = 'ERR_DRBD_UNSUPPORTED';
  readonly feature: string;
  /** The dialect in use; `undefined` where none was found. */
  readonly dialect: string | undefined;
  /** What would be needed. */
  readonly requires: string;

  constructor(
    message: string,
    details: {
      readonly feature: string;
      readonly dialect?: string | undefined;
      readonly requires: string;
      readonly cause?: unknown;
    },
  ) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.feature = details.feature;
    this.dialect = details.dialect;
    this.requires = details.requires;
  }

  override get name(): 'UnsupportedError' {
    return 'UnsupportedError';
  }
}

/** Somebody else has a lock file, and did not let go in time. */
export class LockedError extends DrbdError {
  readonly code = 'ERR_DRBD_LOCKED';
  readonly path: string;
  /** The process that has it: this one's pid if another part of this process does; undefined if the kernel names none. */
  readonly holder: number | undefined;
  /** How long was waited, in milliseconds. */
  readonly timeoutMs: number;

  constructor(path: string, holder: number | undefined, timeoutMs: number) {
    super(
      holder !== undefined
        ? `${path} is locked by process ${holder}${holder === process.pid ? ' (this one)' : ''}, and was for ${timeoutMs} ms; wait until it is done, or see what it does (ps -p ${holder})`
        : `${path} is locked, and was for ${timeoutMs} ms, by a process that the kernel does not name here: one of another PID namespace, or an open file description's lock; see /proc/locks`,
    );
    this.path = path;
    this.holder = holder;
    this.timeoutMs = timeoutMs;
  }

  override get name(): 'LockedError' {
    return 'LockedError';
  }
}

/** A request that was sent differs from what a recording holds next. */
export class MismatchError extends DrbdError {
  readonly code = 'ERR_DRBD_MISMATCH';
  /** What was sent, such as `disk_conf of minor 0`. */
  readonly request: string;
  /** Line of the recording that it was compared with; undefined where no request is left there. */
  readonly line: number | undefined;
  /** One line for each part that differs, by the tables; no secrets. */
  readonly difference: readonly string[];

  constructor(
    message: string,
    details: { readonly request: string; readonly line: number | undefined; readonly difference: readonly string[] },
  ) {
    super(message);
    this.request = details.request;
    this.line = details.line;
    this.difference = details.difference;
  }

  override get name(): 'MismatchError' {
    return 'MismatchError';
  }
}

/**
 * A request whose AbortSignal fired. Its name is `AbortError` and its `cause` the signal's reason, as for the
 * platform's own.
 */
export class AbortError extends Error {
  readonly code = 'ABORT_ERR';
  readonly sent: SentState;

  constructor(message: string, sent: SentState, cause: unknown) {
    super(message, { cause });
    this.sent = sent;
  }

  override get name(): 'AbortError' {
    return 'AbortError';
  }
}
