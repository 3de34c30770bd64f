import { lookup } from 'node:dns/promises';
import { isIPv4, isIPv6 } from 'node:net';
import type { SocketAddress } from '../../netlink';
import { readSmallFile } from '../backend';
import { UsageError } from '../errors';
import { nearest } from './nearest';
import { parseSigned, quote } from './number';

const DEFAULT_PORT = 7788;
const LARGEST_PORT = 0xffff;
/** What AF_INET_SDP and AF_SSOCKS are where the host does not say (out-of-tree modules, both 27). */
const AF_INET_SDP = 27;
const SSOCKS_FILES = ['/proc/net/af_ssocks/family', '/proc/net/af_sci/family'];
const FAMILIES = ['ipv4', 'ipv6', 'sdp', 'ssocks'] as const;

/** @returns the number of the address family SSOCKS on this host; undefined where no module has registered it */
export function ssocksFamily(): number | undefined {
  for (const path of SSOCKS_FILES) {
    const number = Number.parseInt(readSmallFile(path) ?? '', 10);
    if (number > 0) return number;
  }
  return undefined;
}

export interface ParsedAddress {
  readonly address: SocketAddress;
  /** What the user should know about how it was read. */
  readonly notice: string | undefined;
}

/**
 * Reads an address as drbdsetup does: `[ipv4:|ipv6:|sdp:|ssocks:]HOST[:PORT]`, where HOST is a name or a number, and an
 * IPv6 one stands in brackets. Without brackets the last colon of an IPv6 address begins the port, as before 8.3.9. The
 * port is 7788 if absent.
 * @param what it is, for errors
 * @throws UsageError
 */
export async function parseAddress(text: string, what: string): Promise<ParsedAddress> {
  const family = FAMILIES.find((name) => text.startsWith(`${name}:`)) ?? 'ipv4';
  const body = text.startsWith(`${family}:`) ? text.slice(family.length + 1) : text;
  if (body === text) refuseIpv6WithoutFamily(text, what);
  let host: string;
  let portText: string | undefined;
  let notice: string | undefined;
  if (family === 'ipv6' && body.startsWith('[')) {
    const match = /^\[([^\]]*)\](?::([\s\S]*))?$/u.exec(body);
    if (match === null)
      throw new UsageError(`${what}: ${quote(text)} is not an IPv6 address in brackets; ipv6:[ADDRESS]:PORT is needed`);
    host = match[1] ?? '';
    portText = match[2];
  } else {
    const colon = body.lastIndexOf(':');
    host = colon === -1 ? body : body.slice(0, colon);
    portText = colon === -1 ? undefined : body.slice(colon + 1);
    if (family === 'ipv6' && colon !== -1)
      notice = `${what}: ${quote(text)} is read as ipv6:[${host}]:${portText ?? ''}; write the brackets`;
  }
  const port = portText === undefined ? DEFAULT_PORT : parsePort(portText, what);
  if (family === 'ipv6') return { address: { family, ...(await resolveIpv6(host, what)), port }, notice };
  const address = await resolveIpv4(host, what);
  if (family !== 'ssocks') return { address: { family, address, port }, notice };
  const known = ssocksFamily();
  return {
    address: { family, address, port, familyNumber: known ?? AF_INET_SDP },
    notice:
      known === undefined
        ? `${what}: no module has registered the address family ssocks on this host; ${AF_INET_SDP} is assumed`
        : notice,
  };
}

/**
 * Without its family an address is an IPv4 one. What is plainly IPv6, or begins with a word that is no family, is told
 * how it is written, and not what IPv4 makes of it.
 */
function refuseIpv6WithoutFamily(text: string, what: string): void {
  const [, bracketed, rest = ''] = /^\[([^\]]*)\](.*)$/su.exec(text) ?? [];
  const address = bracketed ?? text;
  if (bracketed !== undefined || isIPv6(address.split('%')[0] ?? ''))
    throw new UsageError(
      `${what}: ${quote(text)} is an IPv6 address without its family; write ${quote(`ipv6:[${address}]${/^:\d+$/u.test(rest) ? rest : `:${DEFAULT_PORT}`}`)}`,
    );
  const [, word] = /^([a-z]+[0-9]?):.*[:.]/su.exec(text) ?? [];
  const near = word === undefined ? undefined : nearest(word, FAMILIES);
  if (word !== undefined && near !== undefined)
    throw new UsageError(
      `${what}: ${quote(text)} begins with no address family; write ${quote(`${near}:${text.slice(word.length + 1)}`)}. The families are ${FAMILIES.join(', ')}`,
    );
}

function parsePort(text: string, what: string): number {
  const port = parseSigned(text, '1', `${what}: port`);
  if (port < 0n || port > BigInt(LARGEST_PORT))
    throw new UsageError(`${what}: the port ${quote(text)} is out of range: 0 to ${LARGEST_PORT}`);
  return Number(port);
}

/**
 * @returns a dotted quad. Numbers may have fewer parts, octal and hexadecimal ones, as inet_aton takes them; all else
 *   is a host's name.
 */
async function resolveIpv4(host: string, what: string): Promise<string> {
  const parts = host.split('.');
  const numbers = parts.map((part) =>
    /^0[xX][0-9a-fA-F]+$|^0[0-7]*$|^[1-9][0-9]*$/u.test(part)
      ? Number(/^0[0-7]+$/u.test(part) ? `0o${part.slice(1)}` : part)
      : undefined,
  );
  if (parts.length <= 4 && numbers.every((number) => number !== undefined)) {
    const values = numbers as number[];
    const last = values.pop() ?? 0;
    if (values.every((value) => value <= 0xff) && last < 256 ** (4 - values.length)) {
      const whole = values.reduce((sum, value, index) => sum + value * 256 ** (3 - index), last);
      return [24, 16, 8, 0].map((shift) => Math.floor(whole / 2 ** shift) % 256).join('.');
    }
  }
  // A resolver would be asked in vain.
  if (host === '' || /^[\d.]+$/u.test(host))
    throw new UsageError(
      `${what}: ${quote(host)} is not an IPv4 address; an address is [ipv4:|ipv6:|sdp:|ssocks:]ADDRESS[:PORT], such as 10.0.0.1:7788 or ipv6:[fe80::1%eth0]:7788`,
    );
  return resolveName(host, 4, what);
}

async function resolveIpv6(
  host: string,
  what: string,
): Promise<{ readonly address: string; readonly scopeId?: number }> {
  const [plain = '', zone] = host.split('%');
  if (!isIPv6(plain)) {
    if (host === '' || host.includes(':') || isIPv4(host))
      throw new UsageError(`${what}: ${quote(host)} is not an IPv6 address`);
    return { address: await resolveName(host, 6, what) };
  }
  if (zone === undefined) return { address: plain };
  const index = /^\d+$/u.test(zone)
    ? Number(zone)
    : /^[^/\0]+$/u.test(zone)
      ? Number.parseInt(readSmallFile(`/sys/class/net/${zone}/ifindex`) ?? '', 10)
      : Number.NaN;
  if (!Number.isInteger(index))
    throw new UsageError(`${what}: there is no network interface ${quote(zone)} on this host`);
  return { address: plain, scopeId: index };
}

async function resolveName(host: string, family: 4 | 6, what: string): Promise<string> {
  try {
    if (host.includes('\0')) throw new Error('a name holds no NUL');
    return (await lookup(host, { family })).address;
  } catch (error) {
    throw new UsageError(
      `${what}: the name ${quote(host)} has no IPv${family} address here: ${(error as NodeJS.ErrnoException).code ?? (error instanceof Error ? error.message : String(error))}`,
    );
  }
}
