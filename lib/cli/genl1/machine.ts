import { readdirSync } from 'node:fs';
import type { ByteOrder } from '../../netlink';
import { byteOrderOf, readSmallFile, type Backend } from '../backend';
import { ssocksFamily } from '../address';

/** What is to be known of a machine to read its kernel's addresses and states. */
export interface Machine {
  readonly order: ByteOrder;
  /** The number of the address family; undefined where no module has registered it. */
  readonly ssocksFamily: number | undefined;
  /** @returns the name of an interface by its number; undefined where there is none, or it is not known */
  interfaceName(index: number): string | undefined;
}

const INTERFACES = '/sys/class/net';

/** @returns the machine whose kernel is spoken to. Of one that was recorded, no more is known than its byte order */
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
