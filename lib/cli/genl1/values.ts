import { UsageError } from '../errors';
import { quote } from '../number';
import { parseNumber, refuseBeyondRange, type BeyondRange } from '../line/range';
import { AF_INET_SDP, decodeSocketAddress, type SocketAddress } from '../../netlink';
import type { Machine } from './machine';
import type { FieldOption } from './options';

/** What goes into a request for an option. */
export type OptionValue = number | bigint | boolean | string | SocketAddress;

/**
 * @param text what stands behind the option; undefined where nothing does
 * @param readAddress reads `[af:]ip[:port]`
 * @param beyondRange is told of a number beyond its documented range; it is refused if absent
 * @returns the value to send; undefined where the option says that nothing is to be sent
 * @throws UsageError if the text is none of the option's words, no number, or a number out of range
 */
export async function parseOptionValue(
  option: FieldOption,
  text: string | undefined,
  readAddress: (text: string) => Promise<SocketAddress>,
  beyondRange: BeyondRange = refuseBeyondRange,
): Promise<OptionValue | undefined> {
  switch (option.kind) {
    case 'flag':
      return parseYesNo(option, text) ? true : undefined;
    case 'boolean':
      return parseYesNo(option, text);
    case 'word':
      return parseWord(option, text ?? '');
    case 'number':
      return parseNumber(option.table, option.scale, text ?? '', `option --${option.name}`, beyondRange);
    case 'string':
      return checkLength(option, text ?? '');
    case 'address':
      return readAddress(text ?? '');
  }
}

/** Exit code of drbdsetup where the kernel refuses a request; it says ERR_MANDATORY_TAG of a text that is too long. */
const EXIT_REFUSED = 10;

function checkLength({ name, table }: FieldOption, text: string): string {
  // The kernel keeps a NUL behind it.
  const most = (table.maxBytes ?? Infinity) - 1;
  const length = Buffer.byteLength(text);
  if (length > most)
    throw new UsageError(
      `option --${name}: at most ${most} bytes fit, not ${length}. Not sent; the kernel refuses such a text: (126) ERR_MANDATORY_TAG`,
      { exitCode: EXIT_REFUSED },
    );
  return text;
}

function parseYesNo({ name }: FieldOption, text: string | undefined): boolean {
  if (text === undefined || text === 'yes') return true;
  if (text === 'no') return false;
  throw new UsageError(`option --${name}: ${quote(text)} is neither "yes" nor "no"`);
}

function parseWord({ name, table, anyCase }: FieldOption, text: string): number {
  const words = Object.entries(table.names ?? {});
  const found = words.find(([, word]) => (anyCase ? word.toLowerCase() === text.toLowerCase() : word === text));
  if (found === undefined)
    throw new UsageError(
      `option --${name}: invalid argument ${quote(text)}; it takes one of ${words.map(([, word]) => word).join(', ')}`,
    );
  return Number(found[0]);
}

/**
 * @param value as the kernel sent it
 * @param machine whose kernel it was
 * @returns the words of `show` for it: numbers with their scale, strings in quotes
 */
export function formatOptionValue(option: FieldOption, value: unknown, machine: Machine): string {
  const { table, scale } = option;
  switch (option.kind) {
    case 'flag':
    case 'boolean':
      return value === true ? 'yes' : 'no';
    case 'word':
      return (typeof value === 'number' ? table.names?.[value] : undefined) ?? `unknown(${String(value)})`;
    case 'number':
      return `${String(value)}${scale === '1' ? '' : scale}`;
    case 'string':
      return doubleQuote(String(value));
    case 'address':
      return value instanceof Uint8Array ? formatAddress(value, machine) : '';
  }
}

/** Whether the kernel has what it has where nobody says otherwise. Strings have no default but none. */
export function isDefault(option: FieldOption, value: unknown): boolean {
  switch (option.kind) {
    case 'string':
      return value === '';
    case 'address':
      return true;
    case 'flag':
    case 'boolean':
    case 'word':
    case 'number':
      return typeof value === 'number' || typeof value === 'bigint'
        ? BigInt(value) === BigInt(option.table.default as number | bigint)
        : value === option.table.default;
  }
}

/** A string of a configuration file. */
export function doubleQuote(text: string): string {
  return `"${text.replace(/[\\"]/gu, '\\$&')}"`;
}

/**
 * @param bytes a struct sockaddr. @returns it as configuration files have it: `ipv4 10.0.0.1:7788`, `ipv6
 *   [fe80::1%eth0]:7788`
 */
export function formatAddress(bytes: Uint8Array, machine: Machine): string {
  const { family, address, port, scopeId, familyNumber = AF_INET_SDP } = decodeSocketAddress(bytes, machine.order);
  switch (family) {
    case 'ipv4':
      return `ipv4 ${address}:${port}`;
    case 'ipv6': {
      // As getnameinfo has it: only what holds for one link alone goes by the name of its interface.
      const zone =
        scopeId === undefined
          ? undefined
          : ((LINK_LOCAL.test(address) ? machine.interfaceName(scopeId) : undefined) ?? String(scopeId));
      return `ipv6 [${address}${zone === undefined ? '' : `%${zone}`}]:${port}`;
    }
    case 'sdp':
    case 'ssocks':
      // Both may have the same number; where this machine has ssocks, it is meant.
      if (familyNumber === machine.ssocksFamily) return `ssocks ${address}:${port}`;
      return family === 'sdp' ? `sdp ${address}:${port}` : `[unknown af=${familyNumber}, len=${bytes.length}]`;
  }
}

/** Unicast and multicast addresses of one link. */
const LINK_LOCAL = /^(?:fe[89ab][0-9a-f]|ff[0-9a-f]2):/u;
