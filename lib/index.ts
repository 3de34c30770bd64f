export {
  AbortError,
  ArgumentError,
  ClosedError,
  CodecError,
  DrbdError,
  KernelError,
  LockedError,
  MismatchError,
  NetlinkError,
  OverrunError,
  TimeoutError,
  TransportError,
  UnsupportedError,
  type DrbdErrorCode,
  type DrbdErrorName,
  type SentState,
} from './errors';
export * from './drbd';
export {
  decodeSocketAddress,
  encodeSocketAddress,
  formatSocketAddress,
  hostByteOrder,
  parseSocketAddress,
  type ByteOrder,
  type SocketAddress,
} from './netlink';
export {
  formatRecording,
  parseRecording,
  recordTransport,
  replayTransport,
  type RecordedBlockDevice,
  type RecordedEntry,
  type Recording,
  type RecordingEnd,
  type RecordingHeader,
  type RecordingSink,
  type RecordingTransport,
  type RecordOptions,
  type ReplayOptions,
  type ReplayTransport,
  type UnusedRequest,
} from './recording';
export type { SessionCounters, WaitOptions } from './session';
export type {
  Datagram,
  HostFiles,
  KnownDriver,
  Send,
  SocketCounters,
  SocketHandlers,
  SocketOptions,
  Transport,
  TransportSocket,
} from './transport/transport';
export { acquireLock, type FileLock, type LockOptions } from './transport/locks';
export { nativeTransport, type NativeOptions, type NativeSocket, type NativeTransport } from './transport/native';
export { readBlockDevice, type BlockDevice } from './transport/block-device';
