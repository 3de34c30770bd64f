import type { Dialect } from '../../drbd';
import { UnsupportedError } from '../../errors';
import type { Personality } from '../context';
import { personalityOf } from './dispatch';
import type * as connector from './v83';
import type * as genl1 from './v84';
import type * as genl2 from './v9';
import type { Vocabulary } from '../line/vocabulary';

/** Loads the words of a dialect when they are needed. */
const loaders: Readonly<Partial<Record<Dialect, () => Vocabulary>>> = {
  genl2: () => (require('./v9') as typeof genl2).v9,
  genl1: () => (require('./v84') as typeof genl1).v84,
  connector: () => (require('./v83') as typeof connector).v83,
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
  return personalityOf(load());
}
