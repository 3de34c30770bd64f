import {
  both,
  command,
  createMetadata,
  left,
  PATIENT,
  processes,
  right,
  settle,
  type CommandStep,
  type Scenario,
  type Step,
} from '../../support/differential/scenario';

const CONNECTED = both(
  'cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate',
  'cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate',
);
const as = (text: string, until = {}): CommandStep => ({ ...command(text, { until }), process: true });
const connecting = ({ resource, my, peer }: typeof left): string =>
  `connect ${resource} ${my} ${peer} --verify-alg=crc32c ${PATIENT}`;

/** Every command once as a process of its own, with both programs. */
export const asProcesses: Scenario = {
  name: 'processes',
  about: 'every command as a process of its own, from a resource to nothing',
  steps: [
    ...processes(`
      new-resource r0
      new-minor r0 0 0
      new-resource r1
      new-minor r1 1 0
    `),
    ...[left, right].map(({ minor, disk }): Step => createMetadata(minor, disk)),
    ...processes(`
      attach 0 /dev/ram0 /dev/ram0 internal
      attach 1 /dev/ram1 /dev/ram1 internal
      disk-options 0 --resync-rate=100M --c-plan-ahead=0
      disk-options 1 --resync-rate=100M --c-plan-ahead=0
      resource-options r0 --cpu-mask=1
      outdate 0
      check-resize 0
    `),
    as(connecting(left), { 0: 'cs:WFConnection' }),
    as(connecting(right), both('cs:Connected')),
    as('wait-connect 0'),
    as('primary 0 --force', CONNECTED),
    ...processes(`
      wait-sync 1
      net-options ipv4:127.0.0.1:7788 ipv4:127.0.0.1:7789 --max-buffers=4096
      role 0
      state 0
      cstate 0
      dstate 0
      show-gi 0
      get-gi 0
      show r0
      status
      sh-status 0
      events2 --now
      suspend-io 0
      resume-io 0
      resize 0
      new-current-uuid 0
      pause-sync 1
      resume-sync 1
    `),
    as('verify 0', CONNECTED),
    as('invalidate 1', CONNECTED),
    as('invalidate-remote 0', CONNECTED),
    as('detach 1', both('ds:UpToDate/Diskless', 'ds:Diskless/UpToDate')),
    as('secondary 0'),
    as(`disconnect ${right.my} ${right.peer}`, { 1: 'cs:Unconfigured' }),
    settle({ 0: 'cs:WFConnection' }),
    ...processes(`
      del-minor 1
      del-resource r1
      primary 9
      show nosuch
      nosuchcommand
      attach 0
      down r0
    `),
  ],
};

/** What the tool says of itself, which programs read. */
export const descriptions = (commands: readonly string[]): Scenario => ({
  name: 'descriptions',
  about: 'xml-help of every command',
  steps: [
    ...commands.map((name) => command(`xml-help ${name}`, { states: false })),
    ...['xml-help', 'xml-help nosuchcommand', 'help nosuchcommand', 'nosuchcommand'].map((text) => command(text)),
  ],
});
