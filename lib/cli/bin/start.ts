import type * as administration from '../drbd';
import type * as setup from '../drbdsetup';
import type * as processes from '../io';

/** Runs the program `drbdsetup` in this process, and ends it. */
export function drbdsetup(): void {
  const { main } = require('../drbdsetup') as typeof setup;
  const { processIo } = require('../io') as typeof processes;
  void main(process.argv.slice(2), processIo()).then((code) => {
    // A thread that is stuck in the kernel must not keep the process.
    process.exit(code);
  });
}

/** Runs the program `drbd` in this process. */
export function drbd(): void {
  const { main } = require('../drbd') as typeof administration;
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => ended.abort());
  void main(
    process.argv.slice(2),
    { out: (text) => process.stdout.write(text), err: (text) => process.stderr.write(text) },
    ended.signal,
  ).then((status) => {
    process.exitCode = status;
  });
}
