'use strict';

/** Runs inside the kernel's guest: a mirror of two minors, by node-drbd alone. Only the metadata is drbdmeta's. */

const { execFileSync, spawnSync } = require('node:child_process');
const { createHash, randomBytes } = require('node:crypto');
const { closeSync, fsyncSync, openSync, readSync, writeSync } = require('node:fs');
const { join } = require('node:path');
const { openDrbd } = require('../..');

const live = process.env.DEMO_TTY === '1';
const started = Date.now();
const step = (text) => console.log(`${((Date.now() - started) / 1000).toFixed(1).padStart(5)} s  ${text}`);

const address = (port) => ({ family: 'ipv4', address: '127.0.0.1', port });
const sides = [
  { name: 'left', minor: 0, disk: '/dev/ram0', my: address(7788), peer: address(7789) },
  { name: 'right', minor: 1, disk: '/dev/ram1', my: address(7789), peer: address(7788) },
];
const CHUNK = 1 << 20;
const CHUNKS = 16;

function writePattern(path) {
  const hash = createHash('sha256');
  const file = openSync(path, 'r+');
  for (let i = 0; i < CHUNKS; i++) {
    const data = randomBytes(CHUNK);
    hash.update(data);
    writeSync(file, data, 0, CHUNK, i * CHUNK);
  }
  fsyncSync(file);
  closeSync(file);
  return hash.digest('hex');
}

function readPattern(path) {
  const hash = createHash('sha256');
  const file = openSync(path, 'r');
  const data = Buffer.alloc(CHUNK);
  for (let i = 0; i < CHUNKS; i++) {
    if (readSync(file, data, 0, CHUNK, i * CHUNK) !== CHUNK) throw new Error(`${path}: short read`);
    hash.update(data);
  }
  closeSync(file);
  return hash.digest('hex');
}

const resourceOf = (snapshot, side) => snapshot.resources.find(({ name }) => name === side.name);

const CELLS = 40;
const LINE_PAUSE_MS = 3000;
const mebibytes = (bytes) => `${(Number(bytes) / 2 ** 20).toFixed(1)} MiB`;

/** A bar in place on a terminal; in a pipe a line now and then. */
function showProgress(snapshot) {
  const { resync, outOfSyncBytes } = resourceOf(snapshot, sides[0])?.connections[0]?.peerDevices[0] ?? {};
  if (resync?.percent == null) return;
  const filled = Math.floor((resync.percent / 100) * CELLS);
  const speed = resync.bytesPerSecond == null ? '' : `  ${mebibytes(resync.bytesPerSecond)}/s`;
  const text = `         [${'#'.repeat(filled)}${'.'.repeat(CELLS - filled)}] ${resync.percent.toFixed(1).padStart(5)} %${speed}  ${mebibytes(outOfSyncBytes ?? 0n)} to go`;
  if (live) process.stdout.write(`\r\x1b[K${text}`);
  else if (Date.now() - (showProgress.at ?? -Infinity) >= LINE_PAUSE_MS) {
    console.log(text);
    showProgress.at = Date.now();
  }
}

/** Runs the drbd command, and shows what was typed and what it printed. @returns its exit status */
function command(...argv) {
  console.log(`\n$ drbd ${argv.join(' ')}`);
  const path = join(__dirname, '../../dist/package/drbd.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [path, ...argv], { encoding: 'utf8' });
  console.log(`${stdout}${stderr}`);
  return status;
}

async function mirror(drbd) {
  if (drbd.dialect !== 'genl1') throw new Error(`a kernel with DRBD 8.4 is needed; this one speaks ${drbd.dialect}`);
  step(`found DRBD ${drbd.driver.version}: dialect ${drbd.dialect}, generic netlink family ${drbd.driver.address}`);

  for (const { minor, disk } of sides)
    execFileSync('drbdmeta', ['--force', String(minor), 'v08', disk, 'internal', 'create-md'], { stdio: 'ignore' });
  step('drbdmeta wrote metadata to both disks');

  for (const { name, minor, disk } of sides) {
    const context = { ctx_resource_name: name };
    await drbd.request('new_resource', { context });
    await drbd.request('new_minor', { minor, context: { ...context, ctx_volume: 0 } });
    await drbd.request('attach', {
      minor,
      disk_conf: { backing_dev: disk, meta_dev: disk, meta_dev_idx: -1, c_max_rate: 16384, c_plan_ahead: 5 },
    });
  }
  step('created and attached both minors');

  await drbd.request('primary', { minor: 0, set_role_parms: { assume_uptodate: true } });
  const written = writePattern('/dev/drbd0');
  step(`promoted left by force and wrote ${CHUNKS} MiB to /dev/drbd0: sha256 ${written.slice(0, 16)}…`);

  for (const { name, my, peer } of sides) {
    await drbd.request('connect', {
      context: { ctx_resource_name: name, ctx_my_addr: my, ctx_peer_addr: peer },
      net_conf: { wire_protocol: 3 },
    });
  }
  await drbd.waitFor((snapshot) => resourceOf(snapshot, sides[0])?.connections[0]?.state === 'Connected', {
    timeoutMs: 20_000,
  });
  step('connected');
  if (command('status') !== 0) throw new Error('drbd status failed');
  step('the resync runs:');

  const limit = Date.now() + 60_000;
  for (;;) {
    const snapshot = await drbd.status();
    showProgress(snapshot);
    const done = sides.every((side) => {
      const resource = resourceOf(snapshot, side);
      return (
        resource?.devices[0]?.disk === 'UpToDate' &&
        resource.connections[0]?.peerDevices[0]?.peerDisk === 'UpToDate' &&
        resource.connections[0].peerDevices[0].replication === 'Established'
      );
    });
    if (done) break;
    if (Date.now() > limit) throw new Error('the resync did not end within a minute');
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  if (live) process.stdout.write('\r\x1b[K');
  step('UpToDate/UpToDate');
  if (command('status') !== 0) throw new Error('drbd status failed');

  step('the other side cannot be promoted as well:');
  const REFUSED = 11;
  if (command('promote', 'right') !== REFUSED) throw new Error('a second primary was not refused');
  if (command('explain', 'SS_TWO_PRIMARIES') !== 0) throw new Error('drbd explain failed');

  const more = writePattern('/dev/drbd0');
  const left = readPattern('/dev/drbd0');
  await drbd.request('secondary', { minor: 0 });
  await drbd.request('primary', { minor: 1 });
  const right = readPattern('/dev/drbd1');
  if (left !== more || right !== more)
    throw new Error(`the data differs: written ${more}, left ${left}, right ${right}`);
  step(`wrote ${CHUNKS} MiB more, swapped the roles, and read the same on both sides: sha256 ${right.slice(0, 16)}…`);

  await drbd.request('secondary', { minor: 1 });
  for (const { name } of sides) await drbd.request('down', { context: { ctx_resource_name: name } });
  const rest = (await drbd.status()).resources;
  if (rest.length > 0) throw new Error(`not everything was taken down: ${rest.map(({ name }) => name).join(', ')}`);
  step('took everything down');
}

async function main() {
  const drbd = await openDrbd();
  try {
    await mirror(drbd);
  } finally {
    drbd.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
