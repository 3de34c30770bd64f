'use strict';

// Runs before npm packs or publishes this folder: what happens to lie here may be old, or missing.
if (process.env.NODE_DRBD_RELEASE === undefined) {
  console.error('node-drbd: pack with scripts/release, which builds everything anew and checks it.');
  process.exit(1);
}
