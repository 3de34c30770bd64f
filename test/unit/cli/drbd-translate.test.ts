import { renamed, lacking, steps, type New, type Old } from '../../../lib/cli/drbd/translate/rules';
import { readShow } from '../../../lib/cli/drbd/translate/show';
import { readSource, translateAll, type Facts, type Translation } from '../../../lib/cli/drbd/translate/translate';
import { vocabularies } from '../../../lib/cli/drbd/drbdsetup-line';
import { main } from '../../../lib/cli/drbd';
import { findCommand } from '../../../lib/cli/line/vocabulary';
import { captureLines, capturesIn, type CaptureFolder } from '../../support/captures';
import { memoryIo } from '../../support/cli';

const pairs: readonly (readonly [Old, New])[] = [
  ['connector', 'genl1'],
  ['connector', 'genl2'],
  ['genl1', 'genl2'],
];
interface Recorded {
  readonly argv: readonly string[];
  readonly exit: number | 'HANG';
  readonly stdout: string;
}
const recorded = (folder: CaptureFolder): readonly Recorded[] =>
  capturesIn(folder).flatMap((file) => captureLines<Recorded>(`${folder}/${file}`).map(({ command }) => command));

const facts: Facts = {
  resource: 'r0',
  minor: '0',
  volume: '0',
  nodeId: '0',
  peerNodeId: '1',
  peerName: 'beta',
  local: '10.0.0.1:7788',
  remote: '10.0.0.2:7788',
};

async function translated(from: Old, to: New, argv: readonly string[], keepDefaults = false): Promise<Translation> {
  const sources = [await readSource(argv, vocabularies[from]())];
  return translateAll(sources, { from, to, vocabulary: vocabularies[to](), facts, keepDefaults, reveal: true }, false);
}

const linesOf = ({ commands }: Translation): readonly string[] => commands.map(({ argv }) => argv.join(' '));

async function run(argv: readonly string[], stdin = ''): Promise<{ exit: number; stdout: string; stderr: string }> {
  const io = memoryIo({ stdin });
  const exit = await main(['translate', ...argv], io);
  return { exit, stdout: io.stdout.text, stderr: io.stderr.text };
}

describe('the rules', () => {
  test('name commands and options that exist, and each option of an older command has a place or a reason', () => {
    const lost: string[] = [];
    for (const [from, to] of pairs) {
      const [old, next] = [vocabularies[from](), vocabularies[to]()];
      for (const [name, list] of Object.entries(steps[from][to] ?? {})) {
        expect([name, findCommand(old, name)]).not.toEqual([name, undefined]);
        for (const step of list)
          expect([step, findCommand(next, step.replace(/^[+?]/u, ''))]).not.toEqual([step, undefined]);
      }
      for (const command of old.commands) {
        const names = steps[from][to]?.[command.name] ?? [command.name];
        const places = names.flatMap((step) => findCommand(next, step.replace(/^[+?]/u, '')) ?? []);
        if (places.length === 0 && !(command.name in lacking)) lost.push(`${from} ${command.name} to ${to}`);
        for (const option of places.length === 0 ? [] : command.options) {
          const now = (renamed[option.name] ?? option.name).replace(/^!/u, '');
          const found = places.flatMap(({ options }) => options).find(({ name }) => name === now);
          if (found === undefined && !(`--${option.name}` in lacking))
            lost.push(`${from} ${command.name} --${option.name} to ${to}`);
          // A number means the same there.
          if (found !== undefined)
            expect([now, found.scale, found.table.unit]).toEqual([now, option.scale, option.table.unit]);
        }
      }
    }
    expect(lost).toEqual([]);
  });

  test.each(pairs)(
    '%s to %s: each recorded command that makes sense becomes commands that are understood',
    async (from, to) => {
      let count = 0;
      for (const { argv = [], exit } of recorded(from === 'connector' ? 'drbd-8.3.13' : 'drbd-8.4.11')) {
        if (!/drbdsetup$/u.test(argv[0] ?? '') || exit !== 0 || /^(help|xml|xml-help|-.*)$/u.test(argv[1] ?? ''))
          continue;
        let translation: Translation;
        try {
          translation = await translated(from, to, argv);
        } catch (error) {
          // The C program of 8.3 ignores what is too much.
          if (/excess arguments/u.test((error as Error).message)) continue;
          throw error;
        }
        for (const { argv: line } of translation.commands) {
          const again = await readSource(line, vocabularies[to]());
          expect(again.command.name).toBe(line[0]);
          count++;
        }
      }
      expect(count).toBeGreaterThan(50);
    },
  );
});

describe('drbd translate', () => {
  test('8.3 to 8.4: the object is created first, options have their new names, contraries are turned round', async () => {
    const translation = await translated('connector', 'genl1', [
      '/dev/drbd0',
      'disk',
      '/dev/sda1',
      '/dev/sdb1',
      '2',
      '--create-device',
      '-i',
      '-b',
      '--on-io-error=detach',
    ]);
    expect(linesOf(translation)).toEqual([
      'new-resource r0',
      'new-minor r0 0 0',
      'attach 0 /dev/sda1 /dev/sdb1 2 --disk-flushes=no --on-io-error=detach',
    ]);
    expect(translation.commands.map(({ ifMissing }) => ifMissing)).toEqual([true, true, false]);
    expect(translation.lacking.map(({ what }) => what)).toEqual(['disk --use-bmbv']);
    expect(translation.defaults).toEqual([{ option: 'disk-barrier', before: 'yes', after: 'no' }]);
  });

  test('8.3 to 9: net becomes a peer, a path and a connection', async () => {
    expect(
      linesOf(
        await translated('connector', 'genl2', ['1', 'net', '10.0.0.1', '10.0.0.2:7789', 'b', '-D', '-n', '-k', '3']),
      ),
    ).toEqual([
      'new-resource r0 0',
      'new-minor r0 1 0',
      'new-peer r0 1 --_name=beta --ko-count=3 --protocol=B',
      'new-path r0 1 10.0.0.1 10.0.0.2:7789',
      'connect r0 1 --discard-my-data --tentative',
    ]);
  });

  test('syncer is split by what its options belong to', async () => {
    const argv = ['0', 'syncer', '-r', '100M', '-v', 'md5', '-c', 'f', '-e', '257'];
    expect(linesOf(await translated('connector', 'genl1', argv))).toEqual([
      'disk-options 0 --resync-rate=102400k --al-extents=257',
      'net-options 10.0.0.1:7788 10.0.0.2:7788 --verify-alg=md5',
      'resource-options r0 --cpu-mask=f',
    ]);
    expect(linesOf(await translated('connector', 'genl2', argv))).toEqual([
      'disk-options 0 --al-extents=257',
      'peer-device-options r0 1 0 --resync-rate=102400k',
      'net-options r0 1 --verify-alg=md5',
      'resource-options r0 --cpu-mask=f',
    ]);
  });

  test('--set-defaults stays where it means the same, and is said to be left out where not', async () => {
    const same = await translated('genl1', 'genl2', ['disk-options', '0', '--set-defaults', '--resync-rate=1M']);
    expect(linesOf(same)).toEqual(['disk-options 0 --set-defaults', 'peer-device-options r0 1 0 --resync-rate=1024k']);
    expect(same.notes.join()).toMatch(/--set-defaults is left out/u);
    const other = await translated('connector', 'genl1', ['0', 'syncer', '--set-defaults', '--rate=1M']);
    expect(linesOf(other)).toEqual(['disk-options 0 --resync-rate=1024k']);
    expect(other.notes.join()).toMatch(/--set-defaults is left out/u);
  });

  test('what moved from the device to the resource or the peer', async () => {
    const lines = async (from: Old, argv: readonly string[]): Promise<string> =>
      linesOf(await translated(from, 'genl2', argv)).join('; ');
    expect(await lines('connector', ['0', 'primary', '-o'])).toBe('primary r0 --force');
    expect(await lines('genl1', ['primary', '--force', '0'])).toBe('primary r0 --force');
    expect(await lines('connector', ['0', 'down'])).toBe('down r0');
    expect(await lines('connector', ['0', 'disconnect', '--force'])).toBe('disconnect r0 1 --force');
    expect(await lines('connector', ['0', 'verify', '--start=8'])).toBe('verify r0 1 0 --start=8s');
    expect(await lines('connector', ['0', 'wait-connect', '-t', '5', '-w'])).toBe(
      'wait-connect-volume r0 1 0 --wfc-timeout=5 --wait-after-sb',
    );
    expect(await lines('genl1', ['state', '0'])).toBe('role r0');
    expect(await lines('connector', ['0', 'events', '-a'])).toBe('events2 all');
    expect(await lines('genl1', ['disconnect', '1.1.1.1:7788', '1.1.1.2:7788'])).toBe('disconnect r0 1');
  });

  test('a value that the later generation does not take is said, and not sent', async () => {
    const { commands, lacking: lost } = await translated('connector', 'genl1', [
      '0',
      'syncer',
      '-e',
      '7',
      '-r',
      '250k',
    ]);
    expect(commands.map(({ argv }) => argv.join(' '))).toEqual(['disk-options 0 --resync-rate=250k']);
    expect(lost).toEqual([{ what: '--al-extents=7', why: 'the range of --al-extents is 67 to 65534' }]);
  });

  test('what is not known is a word in capitals, and makes it incomplete; so does a secret', async () => {
    const { exit, stdout } = await run([
      '--from',
      '8.3',
      '--to',
      '9',
      '--',
      '0',
      'net',
      '1.1.1.1',
      '1.1.1.2',
      'C',
      '-x',
      'geheim',
    ]);
    expect(exit).toBe(1);
    expect(stdout).toContain('new-peer RESOURCE PEER_NODE_ID --_name=PEER_NAME --shared-secret=SECRET --protocol=C');
    expect(stdout).not.toContain('geheim');
    for (const word of ['RESOURCE', 'NODE_ID', 'PEER_NODE_ID', 'PEER_NAME', 'SECRET'])
      expect(stdout).toMatch(new RegExp(`^#   ${word} +--`, 'mu'));
    // All that is not a command is a comment.
    for (const line of stdout.split('\n')) expect(line).toMatch(/^(|#.*|drbdsetup .*)$/u);
    expect(
      (await run(['--reveal', '--from=8.3', '--to=9', '--', '0', 'net', '1', '2', 'C', '-x', 'geheim'])).stdout,
    ).toContain('--shared-secret=geheim');
  });

  test('a whole configuration of 8.3 and of 8.4', async () => {
    const shown = (folder: CaptureFolder, test: (stdout: string) => boolean): string =>
      recorded(folder)
        .filter(({ argv = [], stdout }) => argv.includes('show') && test(stdout))
        .at(-1)?.stdout ?? '';
    const old = shown('drbd-8.3.13', (text) => text.includes('"geheim"') && text.includes('"md5"'));
    const options = ['--resource', 'r0', '--node-id=0', '--peer-node-id=1', '--peer-name=beta', '--reveal'];
    const first = await run(['--from', '8.3', '--to', '8.4', ...options], old);
    expect(first).toMatchObject({ exit: 0, stderr: '' });
    expect(first.stdout.split('\n').slice(0, 5)).toEqual([
      'drbdsetup new-resource r0   # unless it exists',
      'drbdsetup new-minor r0 0 0  # unless it exists',
      'drbdsetup attach 0 /dev/ram0 /dev/ram0 internal --size=65536s --resync-rate=204800k',
      'drbdsetup connect r0 ipv4:127.0.0.1:7788 ipv4:127.0.0.1:7789 --cram-hmac-alg=sha1 --shared-secret=geheim --protocol=C --csums-alg=md5 --verify-alg=md5',
      '',
    ]);
    const kept = await run(['--from', '8.3', '--to', '9', '--keep-defaults', ...options], old);
    expect(kept.stdout).toContain('--on-io-error=pass_on --disk-barrier=yes --al-extents=127');
    expect(kept.stdout).toContain(
      'peer-device-options r0 1 0 --resync-rate=204800k --c-plan-ahead=0 --c-fill-target=0s',
    );
    expect(kept.stdout).not.toContain('Other defaults');

    const newer = shown('drbd-8.4.11', (text) => text.includes('_remote_host') && /c-plan-ahead\s+0;/u.test(text));
    const sources = await readShow(newer, 'genl1', vocabularies.genl1());
    const each = ['new-resource', 'new-minor', 'attach', 'connect'];
    expect(sources.map(({ command }) => command.name)).toEqual([...each, ...each]);
    const second = await run(['--from', '8.4', '--to', '9', ...options], newer);
    expect(second.stdout).toMatch(/peer-device-options r0 1 0 .*--c-plan-ahead=0/u);
  });

  test('options go to the peer of their own resource, and volumes that differ are told', async () => {
    const resource = (name: string, port: number, disks: readonly string[]): string => `resource ${name} {
      _remote_host { address ipv4 10.0.0.2:${port}; }
      _this_host { address ipv4 10.0.0.1:${port};
        ${disks.map((fencing, at) => `volume ${at} { device minor ${port + at}; disk "/dev/a"; meta-disk internal; disk { fencing ${fencing}; } }`).join(' ')}
      } net { } }`;
    const { exit, stdout } = await run(
      ['--from', '8.4', '--to', '9', '--node-id=0', '--peer-node-id=1', '--peer-name=beta'],
      resource('a', 1000, ['dont-care']) + resource('b', 2000, ['resource-only', 'resource-and-stonith']),
    );
    expect(stdout).toMatch(/new-peer a 1 --_name=beta$/mu);
    expect(stdout).toMatch(/new-peer b 1 --_name=beta --fencing=resource-only$/mu);
    expect(stdout).toMatch(/--fencing=resource-and-stonith +new-peer has --fencing=resource-only already/u);
    expect(exit).toBe(1);
  });

  test('what makes no sense is told', async () => {
    const failing: readonly (readonly [readonly string[], string, RegExp])[] = [
      [[], '', /--from is needed: 8\.3 or 8\.4/u],
      [['--from', '9', '--to', '9'], '', /"9" is not a generation/u],
      [['--from', '8.4', '--to', '8.4'], '', /nothing to translate/u],
      [['--from', '8.3', '--to', '9', '--', '0', 'attach'], '', /no command "attach"/u],
      [['--from', '8.3', '--to', '9', '--', '0', 'disk', '/dev/sda'], '', /meta_data_dev is missing/u],
      [['--from', '8.3', '--to', '9', '--', '0', 'net', 'a', 'b', 'D'], '', /invalid argument "D"/u],
      [['--from', '8.3', '--to', '9', '--', 'r0', 'primary'], '', /"r0" is not a minor/u],
      [['--from', '8.3', '--to', '9'], 'disk {', /not what drbdsetup show prints/u],
      [['--from', '8.3', '--to', '9'], '}', /not what drbdsetup show prints/u],
      [['--from', '8.3', '--to', '9'], '', /nothing is configured/u],
      [['--from', '8.4', '--to', '9'], 'disk { }', /has resources/u],
      [['--from', '8.3', '--to', '9', '--show', '/nonexistent'], '', /cannot be read: ENOENT/u],
    ];
    for (const [argv, stdin, message] of failing) {
      const { exit, stdout, stderr } = await run(argv, stdin);
      expect([argv, exit, stdout]).toEqual([argv, 20, '']);
      expect(stderr).toMatch(message);
    }
  });
});
