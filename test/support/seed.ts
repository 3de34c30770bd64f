import fc from 'fast-check';

// The same cases in every run, so that a lane does not depend on luck. NODE_DRBD_SEED explores others.
fc.configureGlobal({ seed: Number(process.env['NODE_DRBD_SEED'] ?? 20261126) });
