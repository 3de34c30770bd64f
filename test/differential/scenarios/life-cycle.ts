import {
  both,
  command,
  commands,
  connect,
  hold,
  left,
  program,
  questions,
  release,
  right,
  attached,
  settle,
  type Scenario,
} from '../../support/differential/scenario';

const CONNECTED = both(
  'cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate',
  'cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate',
);

/** From nothing to a mirror and back. */
export const lifeCycle: Scenario = {
  name: 'life cycle',
  about: 'a mirror from its first resource to the last, every question asked in between',
  steps: [
    ...attached(left),
    ...questions('r0', 0),
    ...attached(right),
    connect(left, '', { 0: 'cs:WFConnection' }),
    ...commands(`
      connect r0 ipv4:127.0.0.1:7788 ipv4:127.0.0.1:7789
      connect r0 ipv4:127.0.0.1:7788 ipv4:127.0.0.2:7789
      connect r1 ipv4:127.0.0.1:7788 ipv4:127.0.0.1:7789
    `),
    ...questions('r0', 0),
    command('wait-connect 0 --wfc-timeout=1 --degr-wfc-timeout=1 --outdated-wfc-timeout=1'),
    command('wait-sync 0 --wfc-timeout=1 --degr-wfc-timeout=1'),
    connect(right, '', both('cs:Connected')),
    command('wait-connect 0'),
    command('wait-connect 1'),
    ...questions('r0', 0),
    ...commands(`
      primary 0
      outdate 0
    `),
    command('new-current-uuid 0'),
    command('primary 0 --force', { until: CONNECTED }),
    command('wait-sync 0'),
    ...questions('r0', 0),
    ...questions('r1', 1),
    ...commands(`
      primary 1
      primary 1 --force
      secondary 1
      primary 0
    `),
    hold('/dev/drbd0'),
    command('secondary 0'),
    command('down r0'),
    release('/dev/drbd0'),
    program('dd if=/dev/zero of=/dev/drbd0 bs=64k count=4 conv=fsync'),
    settle(CONNECTED),
    ...questions('r0', 0),
    command('secondary 0', { until: both('ro:Secondary/Secondary') }),
    ...questions('r0', 0),
    command('disconnect ipv4:127.0.0.1:7789 ipv4:127.0.0.1:7788', { until: both('cs:WFConnection', 'cs:StandAlone') }),
    command('down r1'),
    command('down r0'),
    command('down r0'),
    ...commands('status\nshow\nevents2 --now'),
  ],
};
