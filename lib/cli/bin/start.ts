import type * as administration from '../drbd';
import type * as setup from '../drbdsetup';
import type * as processes from '../io';

/** Runs the program `drbdsetup` in this process, and ends it. */
export function drbdsetup(): void {
  const { main } = require('../drbdsetup') as typeof setup;
  const { endProcess, processIo } = require('../io') as typeof processes;
  const io = processIo();
  // A thread that is stuck in the kernel must not keep the process.
  void main(process.argv.slice(2), io).then((code) => endProcess(code, io));
}

/** Runs the program `drbd` in this process, and ends it. */
export function drbd(): void {
  const { runProgram } = require('../drbd') as typeof administration;
  const { processIo } = require('../io') as typeof processes;
  void runProgram(process.argv.slice(2), processIo());
}
