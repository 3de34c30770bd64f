'use strict';

/**
 * Proves with a real kernel what scripts/kernel promises: every expectation is one run of it, as a user would make it.
 */

const assert = require('node:assert');
const { spawn, spawnSync } = require('node:child_process');
const { randomBytes } = require('node:crypto');
const {
  existsSync,
  mkdtempSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} = require('node:fs');
const { tmpdir } = require('node:os');
const { dirname, join } = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');

const { cpio } = require('./cpio.js');

/**
 * Puts in front of this machine's own folders, in a mount namespace, what a Debian may have there: a folder of modules
 * with nothing in it but headers, kmod, DRBD of another release with a configuration; and goes on with a command.
 */
const decoys = `set -eu
place=$1 release=$2
shift 2
mount -t tmpfs decoys "$place"
for folder in usr etc sbin bin lib; do
  test ! -L /$folder || continue
  mkdir "$place/$folder" "$place/$folder.work"
  mount -t overlay -o "lowerdir=/$folder,upperdir=$place/$folder,workdir=$place/$folder.work" decoys /$folder
done
mkdir -p "/lib/modules/$release/build" /lib/drbd /usr/lib/drbd /etc/drbd.d /usr/local/bin /usr/local/sbin
echo '#!/bin/sh
echo "a decoy: $0" >&2
exit 91' >/bin/kmod
chmod 755 /bin/kmod
for folder in /usr/local/bin /usr/local/sbin /usr/bin /usr/sbin /bin /sbin; do
  for program in modprobe insmod rmmod drbdadm drbdmeta drbdsetup drbdmon; do ln -sf /bin/kmod $folder/$program; done
done
for folder in /lib/drbd /usr/lib/drbd; do
  for program in drbdadm-83 drbdadm-84 drbdsetup-83 drbdsetup-84; do ln -sf /bin/kmod $folder/$program; done
done
echo 'a decoy' | tee /etc/drbd.conf >/etc/drbd.d/decoy.res
echo 'a decoy' >"/lib/modules/$release/modules.dep.bin"
copy=$(cksum /bin/kmod)
status=0
"$@" || status=$?
test "$copy" = "$(cksum /bin/kmod)" || { echo 'the guest wrote to a program of the host' >&2; exit 92; }
exit $status
`;

module.exports = async function selftest(script, args) {
  const qemu = args.includes('--qemu');
  const words = args.filter((word) => word !== '--qemu');
  if (words.some((word) => word.startsWith('-'))) {
    process.stderr.write('selftest knows --qemu, and parts of the names of the expectations to be proved\n');
    return 2;
  }
  // A folder of its own for all that a run leaves in the temporary folder: at the end it must be empty.
  const own = mkdtempSync(join(realpathSync(tmpdir()), 'kernel-selftest-'));
  const temporary = join(own, 'tmp');
  mkdirSync(temporary);
  const env = { ...process.env, TMPDIR: temporary, HOME: own };
  const limit = qemu ? 120 : 60;

  /** One run: what it wrote to either stream, its exit status and its time. */
  function start(options, command, { onStart, within = [] } = {}) {
    const began = Date.now();
    const [program, ...words] = [
      ...within,
      script,
      'run',
      ...(qemu ? ['--qemu'] : []),
      '--timeout',
      String(limit),
      ...options,
      '--',
      ...command,
    ];
    const child = spawn(program, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const out = [];
    const err = [];
    child.stdout.on('data', (data) => out.push(data));
    child.stderr.on('data', (data) => err.push(data));
    onStart?.(child);
    return new Promise((settle, reject) => {
      child.on('error', reject);
      child.on('close', (status, signal) =>
        settle({
          status,
          signal,
          out: Buffer.concat(out),
          err: Buffer.concat(err),
          text: Buffer.concat(out).toString(),
          errors: Buffer.concat(err).toString(),
          seconds: (Date.now() - began) / 1000,
        }),
      );
    });
  }
  const sh = (text, ...options) => start(options, ['sh', '-c', text]);
  const expectStatus = (result, status) =>
    assert.strictEqual(
      result.status,
      status,
      `exit status ${result.status} (${result.signal}) instead of ${status}; standard error:\n${result.errors.slice(-2000)}`,
    );
  /** Processes that have this test's folder in their environment or arguments, this one apart. */
  const processes = () =>
    readdirSync('/proc').filter((pid) => {
      if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
      try {
        return (
          ['cmdline', 'environ'].some((file) => readFileSync(`/proc/${pid}/${file}`, 'latin1').includes(temporary)) &&
          !/^\S+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
        );
      } catch {
        return false;
      }
    });
  const expectNothingLeft = async () => {
    for (let i = 0; i < 100 && (processes().length > 0 || readdirSync(temporary).length > 0); i++) await sleep(50);
    assert.deepStrictEqual(processes(), [], 'processes left behind');
    assert.deepStrictEqual(readdirSync(temporary), [], 'files left behind');
    assert.strictEqual(existsSync(join(own, '.uml')), false, 'a folder .uml left behind');
  };

  const release = async () => {
    const result = await start(['--no-drbd'], ['cat', '/proc/sys/kernel/osrelease']);
    expectStatus(result, 0);
    return result.text.trim();
  };
  /** What a guest needs of its own: modules asked for by name and by the kernel itself, and the programs of DRBD. */
  const ownThings = `set -e
    modprobe dummy && test -e /sys/class/net/dummy0
    drbdmeta --force 0 v08 /dev/ram0 internal create-md >/dev/null
    drbdsetup new-resource r0; drbdsetup new-minor r0 0 0; drbdsetup attach 0 /dev/ram0 /dev/ram0 internal
    drbdsetup connect r0 127.0.0.1:7788 127.0.0.1:7789 --verify-alg=crc32c --cram-hmac-alg=md5 --shared-secret=x
    drbdsetup cstate 0
    drbdadm dump 2>&1; drbdadm sh-resources; /sbin/drbdadm --version | grep DRBDADM_VERSION=
    ls /lib/modules /lib/drbd; "$(command -v drbdmeta)" 2>&1 | head -n 1
    drbdsetup down r0`;

  /** A kernel and an initramfs as others have them: no index of ours, and neither overlay nor what only new kernels do. */
  async function otherKernel() {
    const root = spawnSync(script, ['path', 'linux-image'], { encoding: 'utf8' }).stdout.trim();
    const image = join(
      root,
      'boot',
      readdirSync(join(root, 'boot')).find((name) => name.startsWith('vmlinuz-')),
    );
    const name = readdirSync(join(root, 'lib/modules'))[0];
    const folder = join(root, 'lib/modules', name);
    const needed = new Map(
      readFileSync(join(folder, 'modules.dep'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.split(/: ?/))
        .map(([file, needs]) => [file.replace(/^.*\//, ''), [file, ...needs.split(' ').filter((text) => text !== '')]]),
    );
    const files = new Set(
      ['virtio_pci', 'virtio_console', '9pnet_virtio', '9p', 'brd', 'loop', 'cn', 'drbd', 'hmac', 'md5', 'dummy']
        .concat(['crc32c_generic', 'libcrc32c'])
        .flatMap((module) => needed.get(`${module}.ko`) ?? []),
    );
    const folders = new Set();
    for (const file of files)
      for (let at = dirname(`lib/modules/${name}/${file}`); at !== '.'; at = dirname(at)) folders.add(at);
    const initrd = join(own, 'initrd.img');
    writeFileSync(
      initrd,
      cpio([
        ...[...folders].sort().map((path) => [path, 0o40755, Buffer.alloc(0)]),
        ...[...files].map((file) => [`lib/modules/${name}/${file}`, 0o100644, readFileSync(join(folder, file))]),
        [
          `lib/modules/${name}/modules.dep`,
          0o100644,
          Buffer.from(
            [...files]
              .map((file) => needed.get(file.replace(/^.*\//, '')))
              .map(([file, ...needs]) => `${file}: ${needs.join(' ')}\n`)
              .join(''),
          ),
        ],
        ...['modules.builtin', 'modules.alias'].map((file) => [
          `lib/modules/${name}/${file}`,
          0o100644,
          readFileSync(join(folder, file)),
        ]),
      ]),
    );
    const result = await start(
      ['--kernel', image, '--initrd', initrd, '--append', 'guest_deny=finit_module'],
      ['sh', '-c', `${ownThings}; ! grep -w overlay /proc/filesystems`],
    );
    expectStatus(result, 0);
    assert.match(result.text, /^WFConnection$/m);
  }

  const tests = {
    'runs true': async () => {
      const result = await start([], ['true']);
      expectStatus(result, 0);
      assert.strictEqual(result.text + result.errors, '');
      return `${result.seconds.toFixed(1)} s`;
    },
    'passes the exit status on': async () => expectStatus(await sh('exit 3'), 3),
    'tells the signal that ended the command': async () => expectStatus(await sh('kill -TERM $$'), 143),
    'tells a command that is not there': async () => {
      const result = await start([], ['no-such-command']);
      expectStatus(result, 127);
      assert.match(result.errors, /no-such-command/);
    },
    'passes arguments, variables and the folder on as they are': async () => {
      const strings = ['a b', `it's "quoted"`, '', '$HOME `id` \\ *', 'two\nlines', '--', 'ünï'];
      const result = await start(
        ['--env', 'ODD=x y="z"\n$'],
        [
          'node',
          '-e',
          'console.log(JSON.stringify([process.argv.slice(1), process.env.ODD, process.cwd(), process.stdout.isTTY === true]))',
          '--',
          ...strings,
        ],
      );
      expectStatus(result, 0);
      // The first -- is node's own.
      assert.deepStrictEqual(JSON.parse(result.text), [
        strings,
        'x y="z"\n$',
        realpathSync(join(script, '../..')),
        false,
      ]);
    },
    'carries 1 MiB of binary on each stream, and shares folders': async () => {
      const input = join(own, 'in');
      const output = join(own, 'out dir');
      mkdirSync(input);
      mkdirSync(output);
      const data = [randomBytes(1 << 20), randomBytes(1 << 20)];
      writeFileSync(join(input, 'a'), data[0]);
      writeFileSync(join(input, 'b'), data[1]);
      const result = await sh(
        'cat /in/b >&2 & cat /in/a; wait; cp /in/a /out/c; ! touch /in/d 2>/dev/null',
        '--in',
        input,
        '--out',
        output,
      );
      expectStatus(result, 0);
      assert.ok(result.out.equals(data[0]), 'standard output differs');
      assert.ok(
        result.err.equals(data[1]),
        `standard error differs: ${result.err.length} bytes of ${data[1].length}, ends with ${JSON.stringify(result.errors.slice(-200))}`,
      );
      assert.ok(readFileSync(join(output, 'c')).equals(data[0]), 'the file in /out differs');
    },
    'loses nothing to a slow reader': async () => {
      const result = spawnSync(
        'bash',
        [
          '-o',
          'pipefail',
          '-c',
          '"$@" | { sleep 4; md5sum; }',
          'bash',
          script,
          'run',
          ...(qemu ? ['--qemu'] : []),
          '--',
          'sh',
          '-c',
          'cat "$1"',
          'sh',
          process.execPath,
        ],
        { env, encoding: 'utf8' },
      );
      assert.strictEqual(result.status, 0, result.stderr);
      assert.strictEqual(
        result.stdout.slice(0, 32),
        spawnSync('md5sum', [process.execPath], { encoding: 'utf8' }).stdout.slice(0, 32),
      );
    },
    'passes output on at once': async () => {
      let seen;
      const result = await start([], ['sh', '-c', 'echo now; sleep 3'], {
        onStart: (child) => child.stdout.on('data', () => (seen ??= Date.now())),
      });
      expectStatus(result, 0);
      assert.ok(Date.now() - seen > 2500, 'the output came at the end only');
    },
    'ends at the time limit': async () => {
      const result = await start(['--timeout', '6'], ['sleep', '1000']);
      expectStatus(result, 124);
      assert.ok(result.seconds < 9, `it took ${result.seconds} s`);
      await expectNothingLeft();
    },
    'ends with what the command left running': async () => {
      const result = await sh('sleep 1000 & echo done');
      expectStatus(result, 0);
      assert.strictEqual(result.text, 'done\n');
    },
    'has DRBD 8.4.11': async () => {
      const result = await start([], ['cat', '/proc/drbd', '/sys/module/drbd/parameters/usermode_helper']);
      expectStatus(result, 0);
      assert.match(result.text, /^version: 8\.4\.11 .*\/bin\/true$/ms);
    },
    'leaves drbd out when asked': async () =>
      expectStatus(await sh('test ! -e /proc/drbd && modprobe drbd && test -e /proc/drbd', '--no-drbd'), 0),
    'loads further modules, and brings lo up': async () => {
      const text = `const { networkInterfaces } = require('node:os'); console.log(networkInterfaces().lo[0].address, require('node:fs').readdirSync('/sys/class/net').sort().join())`;
      const result = await start(['--modules', 'dummy numdummies=2'], ['node', '-e', text]);
      expectStatus(result, 0);
      assert.strictEqual(result.text, '127.0.0.1 dummy0,dummy1,lo\n');
    },
    'mirrors two minors over lo': async () => {
      const side = (name, minor, port, peer) => `
        drbdmeta --force ${minor} v08 /dev/ram${minor} internal create-md >/dev/null
        drbdsetup new-resource ${name}; drbdsetup new-minor ${name} ${minor} 0
        drbdsetup attach ${minor} /dev/ram${minor} /dev/ram${minor} internal
        drbdsetup connect ${name} 127.0.0.1:${port} 127.0.0.1:${peer} --protocol=C --cram-hmac-alg=sha1 --shared-secret=x`;
      const result = await sh(
        `set -e; ${side('left', 0, 7788, 7789)}; ${side('right', 1, 7789, 7788)}
        drbdsetup primary 0 --overwrite-data-of-peer
        for i in $(seq 300); do test "$(drbdsetup dstate 0)" = UpToDate/UpToDate && break; sleep 0.1; done
        drbdsetup dstate 0; drbdsetup cstate 1; drbdsetup role 1; drbdsetup secondary 0; drbdsetup down left; drbdsetup down right`,
        '--check-log',
      );
      expectStatus(result, 0);
      assert.strictEqual(result.text, 'UpToDate/UpToDate\nConnected\nSecondary/Primary\n');
    },
    'keeps the log, and finds nothing in a good one': async () => {
      const log = join(own, 'a log');
      expectStatus(await start(['--check-log', '--log', log], ['true']), 0);
      assert.match(readFileSync(log, 'latin1'), /drbd: initialized\. Version: 8\.4\.11/);
    },
    'finds a bug in the log': async () => {
      const result = await sh(`echo 'BUG: test' >/dev/kmsg`, '--check-log');
      expectStatus(result, 70);
      assert.match(result.errors, /BUG: test/);
      expectStatus(await sh(`echo 'BUG: test' >/dev/kmsg`), 0);
      expectStatus(await sh(`echo 'BUG: test' >/dev/kmsg; exit 5`, '--check-log'), 5);
    },
    ...(qemu
      ? {}
      : {
          'has no io_uring, which the user-mode kernel of Debian 13 maps wrongly': async () => {
            const { text } = await sh('f=/proc/sys/kernel/io_uring_disabled; [ ! -e $f ] || cat $f');
            assert.ok(['', '2\n'].includes(text), text);
          },
        }),
    'tells a panic': async () => {
      const result = await sh('echo c >/proc/sysrq-trigger; sleep 5');
      expectStatus(result, 71);
      assert.match(result.errors, /the kernel died/);
    },
    'tells a kernel that does not boot': async () => {
      const result = await start(['--modules', 'no-such-module'], ['true']);
      expectStatus(result, 71);
      assert.match(result.errors, /no-such-module not found/);
    },
    'uses modules, programs and configuration of its own, whatever the host has': async () => {
      const place = join(own, 'decoys');
      mkdirSync(place);
      const wanted = await sh(ownThings, '--check-log');
      expectStatus(wanted, 0);
      const script = join(own, 'decoys.sh');
      writeFileSync(script, decoys);
      const result = await start(['--check-log'], ['sh', '-c', ownThings], {
        within: [join(__dirname, '../apart'), '--mount', 'sh', script, place, await release()],
      });
      expectStatus(result, 0);
      assert.strictEqual(result.text + result.errors, wanted.text + wanted.errors);
    },
    'loads modules of the caller in the place of its own': async () => {
      const folder = join(own, 'modules of mine');
      mkdirSync(folder);
      const path = (
        await sh("sed -n 's/^\\([^:]*drbd\\.ko\\):.*/\\1/p' /lib/modules/$(uname -r)/modules.dep")
      ).text.trim();
      const kernelModule = await sh(`cat /lib/modules/$(uname -r)/${path} >/out/drbd.ko`, '--out', folder);
      expectStatus(kernelModule, 0);
      const loaded = await sh(
        'cat /proc/drbd; ls /modules; cat /sys/module/drbd/parameters/usermode_helper',
        '--modules',
        folder,
      );
      expectStatus(loaded, 0);
      assert.match(loaded.text, /^version: 8\.4/);
      assert.match(loaded.text, /\ndrbd\.ko\n\/bin\/true\n$/);
      // It is this file that is loaded, not the kernel's own.
      writeFileSync(join(folder, 'drbd.ko'), 'no module');
      const broken = await sh('true', '--modules', folder);
      assert.match(broken.errors, /\/modules\/drbd\.ko/);
      assert.notStrictEqual(broken.status, 0);
    },
    'serves any project as the package has it': async () => {
      const folder = join(own, 'project');
      mkdirSync(folder);
      writeFileSync(
        join(folder, 'package.json'),
        JSON.stringify({ scripts: { test: 'drbdsetup new-resource r0 && drbdsetup status && pwd >written' } }),
      );
      const packaged = join(dirname(script), '../dist/package/kernel.js');
      const { status, stdout, stderr } = spawnSync(
        packaged,
        ['run', ...(qemu ? ['--qemu'] : []), '--', 'npm', '--silent', 'test'],
        {
          cwd: folder,
          encoding: 'utf8',
          env: { ...env, NODE_DRBD_CACHE: process.env.NODE_DRBD_CACHE || join(dirname(script), '../.cache/kernel') },
        },
      );
      assert.deepStrictEqual([status, stdout.trim()], [0, 'r0 role:Secondary'], stderr);
      assert.strictEqual(readFileSync(join(folder, 'written'), 'utf8'), `${folder}\n`);
    },
    'does without what older kernels lack': async () => {
      const log = join(own, 'old log');
      const result = await start(
        ['--append', 'guest_deny=overlay,finit_module', '--log', log],
        [
          'sh',
          '-c',
          `${ownThings}; ! grep -w overlay /proc/mounts; echo x >/etc/kernel-selftest; ! touch /usr/bin/kernel-selftest 2>/dev/null; node -p 6*7`,
        ],
      );
      expectStatus(result, 0);
      assert.match(result.text, /\n42\n$/);
      assert.ok(!existsSync('/etc/kernel-selftest') && !existsSync('/usr/bin/kernel-selftest'));
      // Before Linux 3.15 the kernel takes "--" for a word like others, and none with a dot but for a parameter.
      const line = /Command line: (.*)/.exec(readFileSync(log, 'latin1'))?.[1] ?? '';
      assert.deepStrictEqual(
        qemu ? line.split(' ').filter((word) => word === '--' || /^[^=]*\.[^=]*$/.test(word)) : [],
        [],
      );
    },
    ...(qemu ? { 'runs another kernel with an initramfs of its own': otherKernel } : {}),
    'writes outside the shared folders stay in the guest': async () => {
      expectStatus(
        await sh('echo x >/etc/kernel-selftest && echo x >/usr/bin/kernel-selftest && test -s /etc/kernel-selftest'),
        0,
      );
      assert.ok(!existsSync('/etc/kernel-selftest') && !existsSync('/usr/bin/kernel-selftest'));
    },
    'runs two at once': async () => {
      const results = await Promise.all([sh('echo one; sleep 2'), sh('echo two; sleep 2')]);
      for (const result of results) expectStatus(result, 0);
      assert.deepStrictEqual(
        results.map(({ text }) => text),
        ['one\n', 'two\n'],
      );
    },
    'leaves nothing behind when interrupted': async () => {
      for (const [signal, status] of [
        ['SIGINT', 130],
        ['SIGTERM', 143],
        ['SIGKILL', null],
      ]) {
        const result = await start([], ['sh', '-c', 'echo up; sleep 1000'], {
          onStart: (child) => child.stdout.once('data', () => child.kill(signal)),
        });
        assert.strictEqual(result.status, status, `${signal}: exit status ${result.status}`);
        assert.ok(result.seconds < limit / 2, `${signal}: it went on for ${result.seconds} s`);
        await expectNothingLeft();
      }
    },
    'ends with its reader': async () => {
      const result = spawnSync(
        'bash',
        [
          '-o',
          'pipefail',
          '-c',
          '"$@" | head -n 1',
          'bash',
          script,
          'run',
          ...(qemu ? ['--qemu'] : []),
          '--timeout',
          String(limit),
          '--',
          'yes',
        ],
        { env, encoding: 'utf8' },
      );
      assert.strictEqual(result.stdout, 'y\n');
      assert.strictEqual(result.status, 141, result.stderr);
    },
    'leaves nothing behind': expectNothingLeft,
  };

  const chosen = Object.entries(tests).filter(
    ([name]) => words.length === 0 || words.some((word) => name.includes(word)),
  );
  const idle = words.find((word) => !chosen.some(([name]) => name.includes(word)));
  if (idle !== undefined) {
    process.stderr.write(`no expectation has "${idle}" in its name: ${Object.keys(tests).join('; ')}\n`);
    return 2;
  }
  let failed = 0;
  const began = Date.now();
  try {
    const fetched = spawnSync(script, ['fetch', ...(qemu ? ['--qemu'] : [])], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (fetched.status !== 0) return fetched.status ?? 69;
    for (const [name, test] of chosen) {
      try {
        const note = await test();
        process.stdout.write(`ok    ${name}${note === undefined ? '' : `: ${note}`}\n`);
      } catch (error) {
        failed++;
        process.stdout.write(`FAIL  ${name}: ${error.message}\n`);
      }
    }
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
  process.stdout.write(
    `${chosen.length - failed} passed, ${failed} failed, in ${((Date.now() - began) / 1000).toFixed(0)} s\n`,
  );
  return failed === 0 ? 0 : 1;
};
