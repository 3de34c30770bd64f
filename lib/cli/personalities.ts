import type { Dialect } from '../drbd';
import { UnsupportedError } from '../errors';
import type * as connector from './connector';
import type { Personality } from './context';
import type * as genl1 from './genl1';

/** Loads the commands of a dialect when they are needed. */
const loaders: Readonly<Partial<Record<Dialect, () => Personality>>> = {
  genl1: () => (require('./genl1') as typeof genl1).genl1Personality,
  connector: () => (require('./connector') as typeof connector).connectorPersonality,
};

/** The dialects that drbdsetup has commands for, the newest first. */
export const personalityDialects: readonly Dialect[] = (['genl2', 'genl1', 'connector'] as const).filter(
  (dialect) => loaders[dialect] !== undefined,
);

/** @throws UnsupportedError where there are no commands for the dialect */
export function loadPersonality(dialect: Dialect): Personality {
  const load = loaders[dialect];
  if (load === undefined) {
    throw new UnsupportedError(
      `drbdsetup has no commands for the dialect ${dialect}; it has them for ${personalityDialects.join(', ') || 'none'}`,
      { feature: 'drbdsetup', dialect, requires: 'another dialect' },
    );
  }
  return load();
}
