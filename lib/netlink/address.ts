import { isIPv4, isIPv6 } from 'node:net';
import { ArgumentError, CodecError } from '../errors';
import { viewOf, type ByteOrder } from './bytes';

/** Address families of sockaddr that DRBD knows. SDP and SSOCKS addresses have the shape of IPv4 ones. */
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_INET_SDP = 27;

/** Bytes of struct sockaddr_in and struct sockaddr_in6. */
const SOCKADDR_IN_BYTES = 16;
const SOCKADDR_IN6_BYTES = 28;

/** An address of a replication link. */
export interface SocketAddress {
  readonly family: 'ipv4' | 'ipv6' | 'sdp' | 'ssocks';
  /** Dotted quad, or IPv6 text without brackets or zone. */
  readonly address: string;
  /** 0 to 65535. */
  readonly port: number;
  /** The number of the family where it is not a constant: ssocks. */
  readonly familyNumber?: number;
  /** IPv6 scope: the interface's index. */
  readonly scopeId?: number;
}

/**
 * @param path names the value in errors
 * @returns a struct sockaddr_in (16 bytes, sin_zero zero) or sockaddr_in6 (28 bytes)
 * @throws ArgumentError
 */
export function encodeSocketAddress(address: SocketAddress, order: ByteOrder, path = 'address'): Uint8Array {
  const { family, port } = address;
  if (!Number.isInteger(port) || port < 0 || port > 0xffff)
    throw new ArgumentError(`${path}.port`, `an integer from 0 to 65535 is needed, not ${String(port)}`);
  const little = order === 'little';
  if (family === 'ipv6') {
    if (typeof address.address !== 'string' || !isIPv6(address.address) || address.address.includes('%')) {
      throw new ArgumentError(`${path}.address`, `${JSON.stringify(address.address)} is not an IPv6 address`);
    }
    const out = new Uint8Array(SOCKADDR_IN6_BYTES);
    const view = viewOf(out);
    view.setUint16(0, AF_INET6, little);
    view.setUint16(2, port, false);
    out.set(parseIpv6(address.address), 8);
    view.setUint32(24, address.scopeId ?? 0, little);
    return out;
  }
  const number =
    family === 'ipv4'
      ? AF_INET
      : family === 'sdp'
        ? AF_INET_SDP
        : family === 'ssocks'
          ? address.familyNumber
          : undefined;
  if (number === undefined) {
    throw new ArgumentError(
      `${path}.family`,
      family === 'ssocks'
        ? 'ssocks needs familyNumber, from /proc/net/af_ssocks/family'
        : `ipv4, ipv6, sdp or ssocks is needed, not ${JSON.stringify(family)}`,
    );
  }
  if (typeof address.address !== 'string' || !isIPv4(address.address))
    throw new ArgumentError(`${path}.address`, `${JSON.stringify(address.address)} is not an IPv4 address`);
  const out = new Uint8Array(SOCKADDR_IN_BYTES);
  const view = viewOf(out);
  view.setUint16(0, number, little);
  view.setUint16(2, port, false);
  out.set(address.address.split('.').map(Number), 4);
  return out;
}

/**
 * @param bytes a struct sockaddr
 * @returns the address; a family other than IPv4, IPv6 and SDP that has the length of IPv4's is `ssocks`, whose number
 *   differs from host to host
 * @throws CodecError if it is too short for its family
 */
export function decodeSocketAddress(bytes: Uint8Array, order: ByteOrder, path = 'sockaddr', offset = 0): SocketAddress {
  const little = order === 'little';
  if (bytes.length < 8) throw new CodecError(path, offset, 'at least 8 bytes of sockaddr', `${bytes.length}`);
  const view = viewOf(bytes);
  const number = view.getUint16(0, little);
  const port = view.getUint16(2, false);
  if (number === AF_INET6) {
    if (bytes.length < 24) throw new CodecError(path, offset, 'at least 24 bytes of sockaddr_in6', `${bytes.length}`);
    const scopeId = bytes.length >= SOCKADDR_IN6_BYTES ? view.getUint32(24, little) : 0;
    return { family: 'ipv6', address: formatIpv6(bytes.subarray(8, 24)), port, ...(scopeId === 0 ? {} : { scopeId }) };
  }
  const address = Array.from(bytes.subarray(4, 8)).join('.');
  if (number === AF_INET) return { family: 'ipv4', address, port };
  if (number === AF_INET_SDP) return { family: 'sdp', address, port };
  return { family: 'ssocks', address, port, familyNumber: number };
}

/** @returns `ipv4:10.0.0.1:7788` or `ipv6:[fe80::1]:7788`. */
export function formatSocketAddress(address: SocketAddress): string {
  return `${address.family}:${address.family === 'ipv6' ? `[${address.address}]` : address.address}:${address.port}`;
}

function parseIpv6(text: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/u.exec(text);
  let plain = text;
  if (dotted !== null) {
    const [a, b, c, d] = dotted.slice(2).map(Number) as [number, number, number, number];
    plain = `${dotted[1] ?? ''}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const [head = '', tail] = plain.split('::');
  const words = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
  const left = words(head);
  const right = tail === undefined ? [] : words(tail);
  const all =
    tail === undefined ? left : [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
  return all.flatMap((word) => [word >> 8, word & 0xff]);
}

/**
 * RFC 5952 text: the longest run of zero words is `::`, and IPv4-mapped addresses end in a dotted quad, as inet_ntop
 * prints them.
 */
function formatIpv6(bytes: Uint8Array): string {
  const view = viewOf(bytes);
  const words = Array.from({ length: 8 }, (_unused, index) => view.getUint16(index * 2, false));
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && words[end] === 0) end++;
    if (end - i > length) {
      start = i;
      length = end - i;
    }
  }
  const mapped =
    words.slice(0, 5).every((word) => word === 0) && (words[5] === 0xffff || (words[5] === 0 && words[6] !== 0));
  const text = (part: readonly number[]): string => part.map((word) => word.toString(16)).join(':');
  if (mapped) return `${words[5] === 0xffff ? '::ffff:' : '::'}${Array.from(bytes.subarray(12, 16)).join('.')}`;
  if (start === -1) return text(words);
  return `${text(words.slice(0, start))}::${text(words.slice(start + length))}`;
}

/**
 * @param text `[ipv4:|ipv6:|sdp:]ADDRESS[:PORT]`, an IPv6 address in brackets where a port follows; the port is 7788 if
 *   absent
 * @throws ArgumentError
 */
export function parseSocketAddress(text: string): SocketAddress {
  const match = /^(?:(ipv4|ipv6|sdp):)?(?:\[([^\]]*)\]|([^:]*|[0-9a-fA-F:.]*::?[0-9a-fA-F:.]*))(?::(\d{1,5}))?$/u.exec(
    text,
  );
  const [family, bracketed, plain, port] = match?.slice(1) ?? [];
  const address = bracketed ?? plain ?? '';
  const result: SocketAddress = {
    family: (family as SocketAddress['family'] | undefined) ?? (isIPv6(address) ? 'ipv6' : 'ipv4'),
    address,
    port: port === undefined ? DEFAULT_PORT : Number(port),
  };
  if (match === null)
    throw new ArgumentError('address', `[ipv4:|ipv6:|sdp:]ADDRESS[:PORT] is needed, not ${JSON.stringify(text)}`);
  // The encoder knows what each family's address looks like.
  encodeSocketAddress(result, 'little');
  return result;
}

/** DRBD's port where none is named. */
const DEFAULT_PORT = 7788;
