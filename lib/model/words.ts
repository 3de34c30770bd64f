import { stateWords } from '../dialects/genl2/codes';
import { wireProtocol } from '../dialects/words';

// The vocabulary of the model is DRBD 9's; what the other dialects call otherwise is translated by their mappings.

const wordsOf = <const W extends string>(words: Readonly<Record<number | string, W>>): readonly W[] =>
  Object.freeze([...new Set(Object.values(words))]);

export const roles = wordsOf(stateWords.role_state);
export const diskStates = wordsOf(stateWords.disk_state);
export const connectionStates = wordsOf(stateWords.conn_state);
export const replicationStates = wordsOf(stateWords.repl_state);
export const protocols = wordsOf(wireProtocol);
export const writeOrderings = ['none', 'drain', 'flush', 'barrier'] as const;
export const resyncKinds = ['sync', 'verify'] as const;
/** What can hold a resync: the four holds by name, and no progress although nothing holds it. */
export const resyncReasons = ['user', 'peer', 'dependency', 'maxParallel', 'stalled'] as const;
