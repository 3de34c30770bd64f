import type { Dialect } from '../../drbd';
import { UnsupportedError } from '../../errors';
import type { Personality } from '../context';
import { personalityOf } from './dispatch';
import type * as nine from './run/nine';
import type * as connector from './v83';
import type * as genl1 from './v84';

/** Loads the words of a dialect when they are needed. */
const loaders: Readonly<Partial<Record<Dialect, () => Personality>>> = {
  genl2: () => (require('./run/nine') as typeof nine).genl2Personality,
  genl1: () => personalityOf((require('./v84') as typeof genl1).v84),
  connector: () => personalityOf((require('./v83') as typeof connector).v83),
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
