import {
  attached,
  both,
  command,
  commands,
  connect,
  left,
  right,
  type Scenario,
} from '../../support/differential/scenario';

/** Few steps, for kernels that are slow. */
export const shortLife: Scenario = {
  name: 'short life',
  about: 'a mirror that is made, asked and taken down',
  steps: [
    ...attached(left),
    ...attached(right),
    connect(left, '', { 0: 'cs:WFConnection' }),
    connect(right, '', both('cs:Connected')),
    command('primary 0 --force', { until: both('cs:Connected .* ds:UpToDate/UpToDate') }),
    ...commands('role 0\nget-gi 0\nshow r0\nstatus\nevents2 --now'),
    command('primary 1'),
    ...commands('secondary 0\ndown r1\ndown r0\nstatus'),
  ],
};

/** What is known to stop this kernel for good: only ours may be asked. */
export const deadlock: Scenario = {
  name: 'deadlock',
  about: 'suspend-io where the kernel would never come back, with the lock of generic netlink held',
  steps: commands('new-resource r0\nnew-minor r0 0 0\nsuspend-io 0\nstatus\nnew-resource r1\nrole 0\ndown r0\ndown r1'),
};
