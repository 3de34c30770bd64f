import type { Outcome } from './scenario';

/** Runs our drbdsetup in this process, through its main function. */
export async function runOurs(_argv: readonly string[]): Promise<Outcome> {
  throw new Error('there is no personality for 8.4 yet');
}
