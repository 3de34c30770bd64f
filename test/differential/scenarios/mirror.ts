import {
  attached,
  address,
  both,
  command,
  commands,
  connect,
  createMetadata,
  hold,
  left,
  mirrored,
  program,
  questions,
  refused,
  release,
  right,
  settle,
  shell,
  someMinor,
  PATIENT,
  type CommandStep,
  type Scenario,
  type Side,
  type Step,
} from '../../support/differential/scenario';

const CONNECTED = both(
  'cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate',
  'cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate',
);
const endsOf = ({ my, peer }: Side): string => `${my} ${peer}`;
const write = (device: string, block: number, count = 4): Step =>
  program(`dd if=/dev/urandom of=${device} bs=64k seek=${block} count=${count} conv=fsync`);
const disconnect = (side: Side, until = {}): Step => command(`disconnect ${endsOf(side)}`, { until });

/**
 * A program that answers the kernel's call to fence the peer with the number in a file, and is content with everything
 * else.
 */
const helper: readonly Step[] = [
  shell(
    "mkdir -p /tmp/helper && printf '#!/bin/sh\\n[ $1 = fence-peer ] || exit 0\\nread code </tmp/helper/code\\nexit $code\\n' >/tmp/helper/program && chmod 755 /tmp/helper/program && echo 0 >/tmp/helper/code",
  ),
  shell('printf /tmp/helper/program >/sys/module/drbd/parameters/usermode_helper'),
];
/** The peer goes without a word, so the helper is called. */
const cut = (disk: string): Step =>
  command(`disconnect ${endsOf(right)} --force`, {
    until: both(`cs:WFConnection ro:Primary/Unknown ds:UpToDate/${disk}`, 'cs:StandAlone'),
  });
const helperReturns = (code: number): Step => shell(`echo ${code} >/tmp/helper/code`);

export const verifyAndResync: Scenario = {
  name: 'verify and resync',
  about: 'verify, pause and resume, invalidate on either side, outdate',
  steps: [
    ...mirrored(),
    command('verify 0', { until: CONNECTED }),
    command('verify 0 --start=0 --stop=4096s', { until: CONNECTED }),
    command('verify 0 --start=8k --stop=4M', { until: CONNECTED }),
    command('verify 0 --start=99999999s', { until: CONNECTED }),
    command('verify 1', { until: CONNECTED }),
    command('wait-sync 0'),
    command('pause-sync 0'),
    command('pause-sync 0'),
    ...questions('r0', 0),
    ...questions('r1', 1),
    command('pause-sync 1'),
    ...questions('r0', 0),
    command('resume-sync 0'),
    command('resume-sync 0'),
    command('invalidate 1', { until: both('cs:PausedSyncS', 'cs:PausedSyncT') }),
    ...questions('r1', 1),
    ...questions('r0', 0),
    command('verify 0'),
    command('invalidate 0'),
    command('invalidate-remote 1'),
    command('outdate 1'),
    command('resume-sync 1', { until: CONNECTED }),
    command('resume-sync 1'),
    command('wait-sync 1'),
    command('pause-sync 0'),
    command('invalidate-remote 0', { until: both('cs:PausedSyncS', 'cs:PausedSyncT') }),
    ...questions('r1', 1),
    command('resume-sync 0', { until: CONNECTED }),
    command('wait-sync 0'),
    command('invalidate-remote 1', { until: CONNECTED }),
    command('invalidate 0', { until: CONNECTED }),
    ...questions('r0', 0),
    command('outdate 1'),
    disconnect(right, both('cs:WFConnection', 'cs:StandAlone')),
    command('outdate 1'),
    command('outdate 1'),
    command('primary 1'),
    ...questions('r1', 1),
    command('invalidate 0'),
    command('invalidate 1'),
    command('invalidate-remote 0'),
    command('verify 0'),
    command('outdate 0'),
    command('secondary 0'),
    command('invalidate 0'),
    ...commands('down r0\ndown r1'),
  ],
};

const volumes = [0, 1].flatMap((volume): readonly Step[] =>
  [left, right].flatMap(({ resource, minor }): readonly Step[] => {
    const [number, disk] = [minor + 2 * volume, `/dev/ram${minor + 2 * volume}`];
    return [
      command(`new-minor ${resource} ${number} ${volume}`),
      createMetadata(number, disk),
      command(`attach ${number} ${disk} ${disk} internal --resync-rate=100M --c-plan-ahead=0`),
    ];
  }),
);
const four = (state: string): Readonly<Record<number, string>> => ({ 0: state, 1: state, 2: state, 3: state });

export const twoVolumes: Scenario = {
  name: 'two volumes',
  about: 'a resource with two volumes on each side, one more that comes and goes',
  steps: [
    ...commands('new-resource r0\nnew-resource r1'),
    ...volumes,
    ...questions('r0', 2),
    connect(left, '', { 0: 'cs:WFConnection' }),
    connect(right, '', four('cs:Connected ro:Secondary/Secondary ds:Inconsistent/Inconsistent')),
    ...questions('r0', 0),
    command('primary 0 --force', { until: { 0: 'ds:UpToDate/UpToDate', 1: 'ds:UpToDate/UpToDate' } }),
    ...questions('r0', 0),
    command('primary 2'),
    command('primary 2 --force', { until: four('cs:Connected .* ds:UpToDate/UpToDate') }),
    ...questions('r1', 3),
    ...commands('secondary 3\nsecondary 2\nprimary 2'),
    // The peer has no such volume, and never answers for it.
    ...[command('new-minor r0 6 7'), ...questions('r0', 6), command('new-minor r1 6 7')].map((step) => ({
      ...step,
      until: { 6: 'cs:WFReportParams' },
    })),
    command('del-minor 6'),
    command('del-minor 2'),
    command('pause-sync 3'),
    command('invalidate 3', { until: { 2: 'cs:PausedSyncS', 3: 'cs:PausedSyncT' } }),
    ...questions('r0', 2),
    command('resume-sync 3', { until: four('cs:Connected .* ds:UpToDate/UpToDate') }),
    command('detach 3', { until: { 3: 'ds:Diskless/UpToDate' } }),
    ...questions('r1', 3),
    command('new-minor r1 4 0'),
    command('del-resource r1'),
    command('suspend-io 0'),
    ...questions('r0', 0),
    command('resume-io 2'),
    ...questions('r0', 2),
    command('resume-io 0'),
    ...commands('down r1\ndown r0\nstatus\nshow'),
  ],
};

const six = (port: number): string => `ipv6:[::1]:${port}`;
const [left6, right6]: readonly [Side, Side] = [
  { ...left, my: six(7788), peer: six(7789) },
  { ...right, my: six(7789), peer: six(7788) },
];

export const ipv6: Scenario = {
  name: 'ipv6',
  about: 'addresses in all their forms, and a mirror over the loopback of IPv6',
  steps: [
    ...attached(left6),
    ...attached(right6),
    connect(left6, '', { 0: 'cs:WFConnection' }),
    ...questions('r0', 0),
    connect(right6, '', both('cs:Connected')),
    ...questions('r0', 0),
    command('primary 0 --force', { until: CONNECTED }),
    ...questions('r1', 1),
    command(`net-options ${endsOf(left6)} --ping-int=7`),
    command('net-options ipv6:[::1]:7788 ipv6:[::2]:7789 --ping-int=8'),
    command('net-options ipv6:::1:7788 ipv6:::1:7789 --ping-int=8'),
    disconnect(right6, both('cs:WFConnection', 'cs:StandAlone')),
    command('connect r1 127.0.0.1:7789 127.0.0.1:7788'),
    ...questions('r1', 1),
    command('disconnect 127.0.0.1:7789 127.0.0.1:7788'),
    command('connect r1 127.0.0.1 127.0.0.2'),
    ...questions('r1', 1),
    command('disconnect ipv4:127.0.0.1 ipv4:127.0.0.2:7788'),
    ...commands(`
      connect r1 nosuchfamily:127.0.0.1:7789 ipv4:127.0.0.1:7788
      connect r1 ipv4:300.0.0.1:7789 ipv4:127.0.0.1:7788
      connect r1 ipv4:127.0.0.1:port ipv4:127.0.0.1:7788
      connect r1 ipv6:[::1:7789 ipv6:[::1]:7788
      connect r1 ipv6:[::1]:7789 ipv4:127.0.0.1:7788
    `),
    // The genuine one takes the port modulo 65536.
    refused('connect r1 ipv4:127.0.0.1:77777 ipv4:127.0.0.1:7788'),
    refused('connect r1 ipv4:127.0.0.1:-1 ipv4:127.0.0.1:7788'),
    ...commands('down r1\ndown r0'),
  ],
};

const loops: readonly Step[] = [0, 1].flatMap((side): readonly Step[] => [
  shell(`truncate -s 32M /tmp/disk${side} && losetup /dev/loop${side} /tmp/disk${side}`),
]);
const grow = (megabytes: number): readonly Step[] =>
  [0, 1].map((side) => shell(`truncate -s ${megabytes}M /tmp/disk${side} && losetup -c /dev/loop${side}`));

export const resize: Scenario = {
  name: 'resize',
  about: 'disks that grow under a mirror, sizes given, too large and too small',
  steps: [
    ...loops,
    ...[left, right].flatMap(({ resource, minor }): readonly Step[] => [
      command(`new-resource ${resource}`),
      command(`new-minor ${resource} ${minor} 0`),
      createMetadata(minor, `/dev/loop${minor}`),
      command(`attach ${minor} /dev/loop${minor} /dev/loop${minor} internal --resync-rate=100M --c-plan-ahead=0`),
      command(`check-resize ${minor}`),
    ]),
    command('resize 0'),
    command('primary 0 --force'),
    command('resize 0'),
    command('secondary 0'),
    connect(left, '', { 0: 'cs:WFConnection' }),
    connect(right, '', both('cs:Connected .* ds:UpToDate/UpToDate', 'cs:Connected .* ds:UpToDate/UpToDate')),
    command('primary 0', { until: CONNECTED }),
    ...grow(40),
    command('check-resize 0'),
    command('resize 0', { until: CONNECTED }),
    ...questions('r0', 0),
    ...questions('r1', 1),
    ...grow(48),
    command('resize 0 --assume-clean', { until: CONNECTED }),
    ...questions('r0', 0),
    command('resize 0 --size=41M', { until: CONNECTED }),
    ...questions('r0', 0),
    command('resize 0 --size=30000k', { until: CONNECTED }),
    command('resize 0 --size=1G', { until: CONNECTED }),
    command('resize 0 --size=10q'),
    command('resize 0 --size=44M --assume-clean=yes --assume-peer-has-space=yes', { until: CONNECTED }),
    ...questions('r0', 0),
    command('check-resize 0'),
    command('check-resize 1'),
    disconnect(right, both('cs:WFConnection', 'cs:StandAlone')),
    command('resize 0'),
    command('resize 0 --assume-peer-has-space'),
    command('resize 0 --al-stripes=2 --al-stripe-size-kB=16'),
    ...questions('r0', 0),
    ...commands('secondary 0\ndown r0\ndown r1'),
    command('check-resize 0'),
    ...[0, 1].map((side) => program(`losetup -d /dev/loop${side}`)),
  ],
};

/**
 * One side refuses the other: that one may refuse as well, or find the connection lost before and wait for the next. So
 * the states are compared only once both are disconnected.
 */
const meetInVain = (connecting: CommandStep): readonly Step[] => [
  { ...connecting, states: false },
  someMinor('cs:StandAlone'),
];
const giveUp: readonly Step[] = [
  command(`disconnect ${endsOf(left)}`, { states: false }),
  disconnect(right, both('cs:StandAlone')),
];

export const splitBrain: Scenario = {
  name: 'split brain',
  about: 'two sides that both went on alone, found when they meet, and given up on one side',
  steps: [
    ...mirrored(),
    disconnect(right, both('cs:WFConnection', 'cs:StandAlone')),
    write('/dev/drbd0', 1),
    command('primary 1'),
    command('primary 1 --force'),
    write('/dev/drbd1', 8),
    command('secondary 1'),
    ...questions('r0', 0),
    ...questions('r1', 1),
    disconnect(left),
    connect(left, '', { 0: 'cs:WFConnection' }),
    ...meetInVain(connect(right)),
    ...questions('r0', 0),
    ...questions('r1', 1),
    ...giveUp,
    command(`connect r0 ${endsOf(left)} --discard-my-data`),
    disconnect(left),
    connect(right, '--discard-my-data', { 1: 'cs:WFConnection' }),
    connect(left, '', CONNECTED),
    command('wait-sync 0'),
    ...questions('r0', 0),
    ...questions('r1', 1),
    disconnect(left, both('cs:StandAlone', 'cs:WFConnection')),
    command('secondary 0'),
    disconnect(right),
    command('primary 1 --force'),
    write('/dev/drbd1', 3),
    command('secondary 1'),
    command('primary 0'),
    write('/dev/drbd0', 5),
    command('secondary 0'),
    connect(left, '--after-sb-0pri=discard-zero-changes', { 0: 'cs:WFConnection' }),
    ...meetInVain(connect(right, '--after-sb-0pri=discard-zero-changes')),
    ...giveUp,
    connect(left, '--after-sb-0pri=discard-remote', { 0: 'cs:WFConnection' }),
    connect(right, '--after-sb-0pri=discard-local', both('cs:Connected .* ds:UpToDate/UpToDate')),
    ...questions('r0', 0),
    ...commands('down r0\ndown r1'),
  ],
};

export const twoPrimaries: Scenario = {
  name: 'two primaries',
  about: 'both sides primary at once, and what forbids it',
  steps: [
    ...mirrored(),
    command('primary 1'),
    command(`net-options ${endsOf(left)} --allow-two-primaries`),
    command('primary 1'),
    command(`net-options ${endsOf(right)} --allow-two-primaries=yes`),
    command('primary 1', { until: both('ro:Primary/Primary') }),
    ...questions('r0', 0),
    ...questions('r1', 1),
    command(`net-options ${endsOf(left)} --allow-two-primaries=no`),
    command(`net-options ${endsOf(left)} --protocol=A`),
    command('invalidate 0'),
    command('invalidate 1'),
    command('outdate 1'),
    command('detach 1'),
    ...questions('r1', 1),
    program('drbdmeta 1 v08 /dev/ram1 internal apply-al'),
    command('attach 1 /dev/ram1 /dev/ram1 internal', {
      until: both('cs:Connected ro:Primary/Primary ds:UpToDate/UpToDate'),
    }),
    command('down r1'),
    command('secondary 0', { until: { 0: 'ro:Secondary/Unknown' } }),
    command('down r0'),
    command('down r1'),
    ...attached(left),
    ...attached(right),
    command(`connect r0 ${endsOf(left)} --protocol=A --allow-two-primaries`),
    command(`connect r0 ${endsOf(left)} --protocol=C --on-congestion=pull-ahead`),
    command(`connect r0 ${endsOf(left)} --protocol=A --on-congestion=pull-ahead --congestion-fill=1M`),
    command(`net-options ${endsOf(left)} --protocol=C`),
    ...questions('r0', 0),
    ...commands('down r0\ndown r1'),
  ],
};

export const fencing: Scenario = {
  name: 'fencing',
  about: 'a peer that is lost while it must be fenced, and a helper that says yes, no or nonsense',
  steps: [
    ...helper,
    ...mirrored({ disk: '--fencing=resource-only' }),
    ...questions('r0', 0),
    helperReturns(4),
    disconnect(left, { 0: 'ro:Primary/Unknown ds:UpToDate/Outdated' }),
    ...questions('r0', 0),
    connect(left, '', CONNECTED),
    ...[4, 5, 6, 7, 1].flatMap((code): readonly Step[] => [
      helperReturns(code),
      // 1 is a failure, and 6 says that the peer is primary.
      cut(code === 1 || code === 6 ? 'DUnknown' : 'Outdated'),
      ...questions('r0', 0),
      connect(right, '', CONNECTED),
    ]),
    command('disk-options 0 --fencing=resource-and-stonith'),
    helperReturns(7),
    cut('Outdated'),
    ...questions('r0', 0),
    connect(right, '', CONNECTED),
    helperReturns(1),
    cut('DUnknown'),
    ...questions('r0', 0),
    command('resume-io 0'),
    ...questions('r0', 0),
    helperReturns(7),
    command('primary 1'),
    command('primary 1 --force'),
    ...questions('r1', 1),
    ...commands('secondary 1\nsecondary 0\ndown r1\ndown r0'),
    ...attached(left, '--fencing=resource-and-stonith'),
    command(`connect r0 ${endsOf(left)} --protocol=A`),
    command(`connect r0 ${endsOf(left)} --protocol=C`),
    command(`net-options ${endsOf(left)} --protocol=A`),
    command('disk-options 0 --fencing=dont-care'),
    command('down r0'),
  ],
};

export const suspend: Scenario = {
  name: 'suspend',
  about: 'I/O suspended by hand, and for want of data',
  steps: [
    ...mirrored(),
    command('suspend-io 0'),
    command('suspend-io 0'),
    ...questions('r0', 0),
    ...questions('r1', 1),
    command('resume-io 0'),
    command('resume-io 0'),
    ...questions('r0', 0),
    command('suspend-io 1'),
    command('resume-io 1'),
    command('resource-options r0 --on-no-data-accessible=suspend-io'),
    command('detach 0', { until: both('ds:Diskless/UpToDate', 'ds:UpToDate/Diskless') }),
    ...questions('r0', 0),
    disconnect(left),
    command('down r1'),
    command(`disconnect ${endsOf(right)} --force`, { until: { 0: 'ro:Primary/Unknown ds:Diskless' } }),
    ...questions('r0', 0),
    command('resume-io 0'),
    ...questions('r0', 0),
    program('drbdmeta 0 v08 /dev/ram0 internal apply-al'),
    command('attach 0 /dev/ram0 /dev/ram0 internal'),
    ...questions('r0', 0),
    command('resume-io 0'),
    ...commands('secondary 0\ndown r0\nstatus'),
  ],
};

export const detachAndAttach: Scenario = {
  name: 'detach and attach',
  about: 'disks that go and come back, with and without an unclean activity log, with metadata elsewhere',
  steps: [
    ...mirrored(),
    command('detach 1', { until: both('ds:UpToDate/Diskless', 'ds:Diskless/UpToDate') }),
    ...questions('r1', 1),
    ...questions('r0', 0),
    command('attach 1 /dev/ram1 /dev/ram1 internal'),
    program('drbdmeta 1 v08 /dev/ram1 internal apply-al'),
    command('attach 1 /dev/ram1 /dev/ram1 internal', { until: CONNECTED }),
    command('attach 1 /dev/ram1 /dev/ram1 internal'),
    hold('/dev/drbd0'),
    command('detach 0', { until: both('ds:Diskless/UpToDate', 'ds:UpToDate/Diskless') }),
    ...questions('r0', 0),
    command('detach 1'),
    command('secondary 0'),
    release('/dev/drbd0'),
    shell('drbdmeta 0 v08 /dev/ram0 internal apply-al'),
    command('attach 0 /dev/ram0 /dev/ram0 internal', { until: CONNECTED }),
    command('detach 1 --force', { until: both('ds:UpToDate/Diskless', 'ds:Diskless/UpToDate') }),
    command('detach 0'),
    ...commands('secondary 0\ndown r0\ndown r1'),
    command('new-resource r2'),
    command('new-minor r2 2 0'),
    createMetadata(2, '/dev/ram3', 'flex-external'),
    createMetadata(2, '/dev/ram4', '0'),
    command('attach 2 /dev/ram2 /dev/ram3 flexible'),
    ...questions('r2', 2),
    command('detach 2'),
    command('attach 2 /dev/ram2 /dev/ram4 0'),
    ...commands(`
      attach 2 /dev/ram2 /dev/ram3 nonsense
      attach 2 /dev/ram2 /dev/ram3 -5
      attach 2 /dev/ram2 /dev/ram3 flexible
      attach 2 /dev/ram2 /dev/ram2
      attach 2 /dev/ram2
      attach 2
      attach 2 /dev/nosuch /dev/ram3 flexible
      attach 2 /dev/ram2 /dev/nosuch flexible
      attach 2 /etc/passwd /dev/ram3 flexible
      attach /dev/drbd2 /dev/ram2 /dev/ram3 flexible
    `),
    ...questions('r2', 2),
    command('down r2'),
  ],
};

export const reconnect: Scenario = {
  name: 'disconnect and reconnect',
  about: 'links taken down from either side, by force and twice, with writes in between; secrets that do not match',
  steps: [
    ...mirrored(),
    disconnect(right, both('cs:WFConnection', 'cs:StandAlone')),
    disconnect(right),
    ...questions('r0', 0),
    ...questions('r1', 1),
    write('/dev/drbd0', 2),
    command('new-current-uuid 0'),
    ...questions('r0', 0),
    connect(right, '', CONNECTED),
    command('wait-sync 1'),
    ...questions('r1', 1),
    command(`disconnect ${endsOf(right)} --force`, { until: both('cs:WFConnection', 'cs:StandAlone') }),
    command(`disconnect ${endsOf(left)} --force`, { until: both('cs:StandAlone') }),
    command(`disconnect ${endsOf(left)} --force`),
    command(`connect r0 ${endsOf(left)} --cram-hmac-alg=sha1 --shared-secret=first ${PATIENT}`, {
      until: { 0: 'cs:WFConnection' },
    }),
    ...questions('r0', 0),
    ...meetInVain(command(`connect r1 ${endsOf(right)} --cram-hmac-alg=sha1 --shared-secret=second ${PATIENT}`)),
    command('down r1', { states: false }),
    program('drbdmeta 1 v08 /dev/ram1 internal apply-al'),
    ...attached(right)
      .filter((step) => step.do !== 'program')
      .map((step): Step => (step.do === 'command' ? { ...step, states: false } : step)),
    disconnect(left, { 0: 'cs:StandAlone' }),
    command(`connect r0 ${endsOf(left)} --cram-hmac-alg=sha1 --shared-secret=first --protocol=B ${PATIENT}`, {
      until: { 0: 'cs:WFConnection' },
    }),
    command(`connect r1 ${endsOf(right)} --cram-hmac-alg=sha1 --shared-secret=first --protocol=B ${PATIENT}`, {
      until: CONNECTED,
    }),
    ...questions('r0', 0),
    command(`net-options ${endsOf(left)} --protocol=C`),
    command(`net-options ${endsOf(left)} --data-integrity-alg=md5`),
    command(`net-options ${endsOf(left)} --set-defaults --verify-alg=crc32c`, { until: CONNECTED }),
    ...questions('r0', 0),
    command(`connect r0 ${endsOf(left)} --tentative`),
    disconnect(left, both('cs:StandAlone', 'cs:WFConnection')),
    ...meetInVain(command(`connect r0 ${endsOf(left)} --tentative`)),
    ...giveUp,
    command('del-resource r0'),
    command('del-minor 0'),
    ...commands('secondary 0\ndetach 0\ndel-minor 0\ndel-resource r0\ndown r0\ndown r1\nstatus'),
  ],
};

const MIRRORS = 40;
const sides = (index: number): readonly [Side, Side] => {
  const [minor, port] = [2 * index, 7000 + 2 * index];
  return [
    { resource: `m${index}-left`, minor, disk: `/dev/ram${minor}`, my: address(port), peer: address(port + 1) },
    {
      resource: `m${index}-right`,
      minor: minor + 1,
      disk: `/dev/ram${minor + 1}`,
      my: address(port + 1),
      peer: address(port),
    },
  ];
};
const all = Array.from({ length: MIRRORS }, (_, index) => sides(index));
const quiet = (steps: readonly Step[]): readonly Step[] =>
  steps.map((step) => (step.do === 'command' ? { ...step, states: false } : step));
const every = (state: string): Readonly<Record<number, string>> =>
  Object.fromEntries(all.flat().map(({ minor }) => [minor, state]));

export const many: Scenario = {
  name: 'forty mirrors',
  about: 'both sides of 40 mirrors, 80 minors in one kernel',
  disks: `brd rd_nr=${2 * MIRRORS} rd_size=8192`,
  steps: [
    ...all.flat().flatMap((side) => quiet(attached(side))),
    settle(every('cs:StandAlone')),
    ...all
      .flat()
      .flatMap((side) =>
        quiet([command(`connect ${side.resource} ${endsOf(side)} --ping-timeout=300 --connect-int=3`)]),
      ),
    settle(every('cs:Connected')),
    ...quiet(all.map(([side]) => command(`primary ${side.minor} --force`))),
    settle(every('cs:Connected .* ds:UpToDate/UpToDate')),
    ...questions('m0-left', 0),
    ...questions('m39-right', 79),
    ...quiet(all.map(([, side]) => command(`disconnect ${endsOf(side)}`))),
    settle(
      Object.fromEntries(
        all.flatMap(([one, other]) => [
          [one.minor, 'cs:WFConnection'],
          [other.minor, 'cs:StandAlone'],
        ]),
      ),
    ),
    ...questions('m39-left', 78),
    ...quiet(all.flat().map((side) => command(`down ${side.resource}`))),
    ...commands('status\nshow'),
  ],
};
