import {
  both,
  caller,
  command,
  commands,
  connect,
  right,
  attached,
  settle,
  shell,
  type Scenario,
  type Step,
} from '../../support/differential/scenario';

const CONFIGURATION = '/tmp/drbd.conf';
const AGENT = '/tmp/agent';

/** A configuration in which this node is the left side. */
const configuration = ({ rate = '100M', buffers = 2048, volume = false }): Step =>
  shell(`cat >${CONFIGURATION} <<'END'
global { usage-count no; }
resource r0 {
  net { protocol C; verify-alg crc32c; ping-timeout 20; ping-int 120; max-buffers ${buffers}; }
  disk { resync-rate ${rate}; c-plan-ahead 0; }
  on guest {
    volume 0 { device /dev/drbd0 minor 0; disk /dev/ram0; meta-disk internal; }${volume ? '\n    volume 1 { device /dev/drbd5 minor 5; disk /dev/ram5; meta-disk internal; }' : ''}
    address ipv4 127.0.0.1:7788;
  }
  on other {
    volume 0 { device /dev/drbd1 minor 1; disk /dev/ram1; meta-disk internal; }${volume ? '\n    volume 1 { device /dev/drbd6 minor 6; disk /dev/ram6; meta-disk internal; }' : ''}
    address ipv4 127.0.0.1:7789;
  }
}
END`);

const administer = (words: string, until = {}): Step => caller(`drbdadm -c ${CONFIGURATION} ${words}`, until);
const administer84 = (words: string, until = {}): Step =>
  caller(`/lib/drbd/drbdadm-84 -s "$(command -v drbdsetup)" -c ${CONFIGURATION} ${words}`, until);
const CONNECTED = both(
  'cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate',
  'cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate',
);

export const administration: Scenario = {
  name: 'drbdadm',
  about:
    'drbdadm of drbd-utils 9.22 and its part for 8.4, with the tool under test as drbdsetup; drbdmon on a terminal',
  steps: [
    configuration({}),
    shell(`drbdadm -c ${CONFIGURATION} create-md --force r0`),
    administer('up r0', { 0: 'cs:WFConnection' }),
    administer('adjust r0'),
    administer('status r0'),
    administer('status'),
    administer('role r0'),
    administer('cstate r0'),
    administer('dstate r0'),
    administer('sh-udev minor-0'),
    // Until the screen shows what it found, then q.
    caller(
      '(i=0; while [ $i -lt 900 ] && ! grep -q Connecting /tmp/screen; do sleep .1; i=$((i+1)); done; printf q; sleep 1) | TERM=xterm timeout 150 script -qefc "stty rows 30 cols 100; drbdmon" /tmp/screen >/dev/null; echo $?; grep -o "r0\\|Inconsistent\\|Connecting" /tmp/screen | sort -u',
    ),
    ...attached(right),
    connect(right, '', both('cs:Connected')),
    administer('primary --force r0', CONNECTED),
    administer('status r0'),
    administer('role r0'),
    configuration({ rate: '50M', buffers: 4096 }),
    administer('adjust r0'),
    administer84('adjust r0'),
    administer84('cstate r0'),
    administer84('sh-status r0'),
    administer('verify r0', CONNECTED),
    administer('pause-sync r0'),
    administer('resume-sync r0'),
    administer('disconnect r0', { 0: 'cs:StandAlone' }),
    administer('adjust r0', CONNECTED),
    administer('wait-connect r0'),
    administer('resize r0', CONNECTED),
    administer('show-gi r0'),
    administer('get-gi r0'),
    administer('suspend-io r0'),
    administer('resume-io r0'),
    administer('secondary r0', both('ro:Secondary/Secondary')),
    administer('detach r0', { 0: 'ds:Diskless/UpToDate' }),
    administer('attach r0', both('cs:Connected .* ds:UpToDate/UpToDate')),
    configuration({ rate: '50M', buffers: 4096, volume: true }),
    shell(`drbdadm -c ${CONFIGURATION} create-md --force r0/1`),
    command('down r1', { until: { 0: 'cs:WFConnection' } }),
    administer('adjust r0', { 5: 'cs:WFConnection' }),
    configuration({}),
    administer('adjust r0'),
    administer('down r0'),
    administer('down r0'),
    administer('status'),
    administer84('up r0', { 0: 'cs:WFConnection' }),
    administer84('adjust r0'),
    administer84('down r0'),
  ],
};

/** What the agent needs of a cluster manager: functions for its log, and programs for its scores. */
const clusterManager: readonly Step[] = [
  shell(`mkdir -p ${AGENT}/lib/heartbeat ${AGENT}/bin
cat >${AGENT}/lib/heartbeat/ocf-shellfuncs <<'END'
OCF_SUCCESS=0 OCF_ERR_GENERIC=1 OCF_ERR_ARGS=2 OCF_ERR_UNIMPLEMENTED=3 OCF_ERR_PERM=4 OCF_ERR_INSTALLED=5 OCF_ERR_CONFIGURED=6
OCF_NOT_RUNNING=7 OCF_RUNNING_MASTER=8 OCF_FAILED_MASTER=9
__OCF_ACTION=$1
set_logtag() { :; }
ocf_log() { shift; printf '%s\\n' "$*" >&2; }
ocf_is_true() { case $1 in [Yy]es|YES|[Tt]rue|TRUE|1|[Oo]n|ON) return 0 ;; *) return 1 ;; esac; }
ocf_is_probe() { [ "$__OCF_ACTION" = monitor ] && [ "$OCF_RESKEY_CRM_meta_interval" = 0 ]; }
have_binary() { command -v "$1" >/dev/null 2>&1; }
check_binary() { have_binary "$1" || exit $OCF_ERR_INSTALLED; }
END
printf '#!/bin/sh\\necho "\${0##*/} $*" >>${AGENT}/scores\\n' >${AGENT}/bin/crm_master
cp ${AGENT}/bin/crm_master ${AGENT}/bin/crm_resource
chmod 755 ${AGENT}/bin/*`),
  shell(`cat >${AGENT}/run <<'END'
export PATH=$PATH:${AGENT}/bin HA_SBIN_DIR=${AGENT}/bin OCF_ROOT=${AGENT} OCF_RESOURCE_INSTANCE=drbd_r0:0
export OCF_RESKEY_drbd_resource=r0 OCF_RESKEY_drbdconf=${CONFIGURATION} OCF_RESKEY_wfc_timeout=1 OCF_RESKEY_crm_feature_set=3.0.14
export OCF_RESKEY_CRM_meta_clone_max=2 OCF_RESKEY_CRM_meta_clone_node_max=1 OCF_RESKEY_CRM_meta_master_max=1 OCF_RESKEY_CRM_meta_master_node_max=1
export OCF_RESKEY_CRM_meta_notify=true OCF_RESKEY_CRM_meta_interval=10000
: >${AGENT}/scores
/usr/lib/ocf/resource.d/linbit/drbd "$1"
status=$?
cat ${AGENT}/scores
exit $status
END`),
];
const agent = (action: string, until = {}): Step => caller(`sh ${AGENT}/run ${action}`, until);

export const resourceAgent: Scenario = {
  name: 'resource agent',
  about: "the OCF resource agent of drbd-utils through a resource's life, with the tool under test as drbdsetup",
  steps: [
    configuration({}),
    shell(`drbdadm -c ${CONFIGURATION} create-md --force r0`),
    ...clusterManager,
    agent('validate-all'),
    agent('monitor'),
    agent('start', { 0: 'cs:WFConnection' }),
    agent('monitor'),
    ...attached(right),
    connect(right, '', both('cs:Connected')),
    command('primary 0 --force', { until: CONNECTED }),
    agent('monitor'),
    agent('demote', both('ro:Secondary/Secondary')),
    agent('monitor'),
    agent('promote', CONNECTED),
    agent('monitor'),
    agent('notify'),
    ...commands('down r1'),
    settle({ 0: 'cs:WFConnection' }),
    agent('monitor'),
    agent('demote'),
    agent('stop'),
    agent('monitor'),
  ],
};
