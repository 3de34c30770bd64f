#!/usr/bin/env node
import { main } from '../drbdsetup';
import { processIo } from '../io';

void main(process.argv.slice(2), processIo()).then((code) => {
  // A thread that is stuck in the kernel must not keep the process.
  process.exit(code);
});
