import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { ArgumentError } from '../../errors';
import { AF_INET_SDP, encodeSocketAddress, hostByteOrder, type SocketAddress } from '../../netlink';
import { UsageError } from '../errors';
import { parseUnsigned, quote } from '../number';

/** DRBD's port where none is named. */
const DEFAULT_PORT = 7788n;
const LARGEST_PORT = 0xffffn;
const FAMILIES = ['ipv4', 'ipv6', 'sdp', 'ssocks'] as const;
/** Where the module of these sockets tells the number of its family, under both of its names. */
const SSOCKS_FAMILY_FILES = ['/proc/net/af_ssocks/family', '/proc/net/af_sci/family'];

/**
 * Reads `[ipv4:|ipv6:|sdp:|ssocks:]ADDRESS[:PORT]`. An IPv6 address stands in brackets; without them, what follows its last colon is the port,
 * as before DRBD 8.3.9.
 * @throws UsageError
 */
export function parseAddress(text: string): SocketAddress {
  const family = FAMILIES.find((name) => text.startsWith(`${name}:`)) ?? 'ipv4';
  const rest = text.startsWith(`${family}:`) ? text.slice(family.length + 1) : text;
  const fail = (problem: string): never => {
    throw new UsageError(`address ${quote(text)}: ${problem}; it is written [ipv4:|ipv6:|sdp:|ssocks:]ADDRESS[:PORT], an IPv6 address in brackets`);
  };
  const bracketed = family === 'ipv6' ? /^\[([^\]]*)\](?::(.*))?$/su.exec(rest) : null;
  const colon = rest.lastIndexOf(':');
  const [address, port] = bracketed !== null ? [bracketed[1] ?? '', bracketed[2]] : colon === -1 ? [rest, undefined] : [rest.slice(0, colon), rest.slice(colon + 1)];
  const number = port === undefined ? DEFAULT_PORT : parseUnsigned(port, '1', `the port of address ${quote(text)}`);
  if (number > LARGEST_PORT) fail(`the largest port is ${LARGEST_PORT}`);
  const result = complete(family, address, Number(number), fail);
  try {
    encodeSocketAddress(result, hostByteOrder());
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    fail(error.message.replace(/^.*?: /u, ''));
  }
  return result;
}

function complete(family: SocketAddress['family'], address: string, port: number, fail: (problem: string) => never): SocketAddress {
  switch (family) {
    case 'ipv6': {
      const [plain = '', zone] = address.split('%');
      if (!isIPv6(plain)) fail(`${quote(address)} is not an IPv6 address`);
      return { family, address: plain, port, ...(zone === undefined ? {} : { scopeId: interfaceIndex(zone, fail) }) };
    }
    case 'ssocks':
      return { family, address, port, familyNumber: ssocksFamily() };
    case 'ipv4':
    case 'sdp':
      return { family, address, port };
  }
}

/** An interface's number, from its name or as it is written. */
function interfaceIndex(zone: string, fail: (problem: string) => never): number {
  if (/^\d+$/u.test(zone)) return Number(zone);
  try {
    if (/^[^/]+$/u.test(zone) && zone !== '.' && zone !== '..') return Number(readFileSync(`/sys/class/net/${zone}/ifindex`, 'utf8'));
  } catch {
    // Told below.
  }
  return fail(`there is no network interface ${quote(zone)}`);
}

function ssocksFamily(): number {
  for (const file of SSOCKS_FAMILY_FILES) {
    try {
      const number = Number(readFileSync(file, 'utf8').trim());
      if (Number.isInteger(number) && number > 0) return number;
    } catch {
      // The next one, or what the family's number has been wherever it was seen.
    }
  }
  return AF_INET_SDP;
}
