export {
  AbortError,
  ArgumentError,
  ClosedError,
  CodecError,
  DrbdError,
  KernelError,
  MismatchError,
  NetlinkError,
  OverrunError,
  TimeoutError,
  TransportError,
  UnsupportedError,
  type DrbdErrorCode,
  type SentState,
} from './errors';
export * from './drbd';
export { decodeSocketAddress, encodeSocketAddress, formatSocketAddress, hostByteOrder, parseSocketAddress, type ByteOrder, type SocketAddress } from './netlink';
export type { SessionCounters, WaitOptions } from './session';
export type { Datagram, HostFiles, Send, SocketCounters, SocketHandlers, SocketOptions, Transport, TransportSocket } from './transport/transport';
