import { readdirSync } from 'node:fs';
import { AF_INET_SDP, decodeSocketAddress, type ByteOrder } from '../../../netlink';
import { byteOrderOf, readSmallFile, type Backend } from '../../backend';
import { ssocksFamily } from '../../line/address';

/** What is to be known of a machine to read its kernel's addresses and states. */
export interface Machine {
  readonly order: ByteOrder;
  /** The number of the address family; undefined where no module has registered it. */
  readonly ssocksFamily: number | undefined;
  /** @returns the name of an interface by its number; undefined where there is none, or it is not known */
  interfaceName(index: number): string | undefined;
}

const INTERFACES = '/sys/class/net';
/** In every network namespace Linux makes the loopback interface first, and it stays. */
const LOOPBACK_INDEX = 1;

/** @returns the machine whose kernel is spoken to. Of one that was recorded, no more is known than its byte order, and what all have */
export function machineOf(backend: Backend): Machine {
  const here = backend.kind === 'kernel';
  return {
    order: byteOrderOf(backend),
    ssocksFamily: here ? ssocksFamily() : undefined,
    interfaceName: (index) =>
      here
        ? interfaces().find(
            (name) => Number.parseInt(readSmallFile(`${INTERFACES}/${name}/ifindex`) ?? '', 10) === index,
          )
        : index === LOOPBACK_INDEX
          ? 'lo'
          : undefined,
  };
}

function interfaces(): readonly string[] {
  try {
    return readdirSync(INTERFACES);
  } catch {
    return [];
  }
}

/** Unicast and multicast addresses of one link. */
const LINK_LOCAL = /^(?:fe[89ab][0-9a-f]|ff[0-9a-f]2):/u;

/**
 * @param bytes a struct sockaddr
 * @param withZone an IPv6 address names its link
 * @returns it as configuration files have it: `ipv4 10.0.0.1:7788`, `ipv6 [fe80::1%eth0]:7788`
 */
export function formatAddress(bytes: Uint8Array, machine: Machine, withZone = true): string {
  let decoded: ReturnType<typeof decodeSocketAddress>;
  try {
    decoded = decodeSocketAddress(bytes, machine.order);
  } catch {
    return `[unknown af=?, len=${bytes.length}]`;
  }
  const { family, address, port, scopeId, familyNumber = AF_INET_SDP } = decoded;
  switch (family) {
    case 'ipv4':
      return `ipv4 ${address}:${port}`;
    case 'ipv6': {
      // As getnameinfo has it: only what holds for one link alone goes by the name of its interface.
      const zone =
        scopeId === undefined || !withZone
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
