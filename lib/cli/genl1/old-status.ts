import { connectionStates } from '../../dialects/genl1';
import type { ByteOrder } from '../../netlink';
import type { StatusReply } from './show';
import { readState } from './states';
import type { ResourceReplies } from './status';

/** A role's number is the lower the more it may do, and 0 is none. */
const NO_ROLE = 0;
const BITS_TO_SECTORS = 8n;

/**
 * What modules before 8.4.6, which have one dump for everything, tell of the resources, as later ones would.
 * @param replies of get_status, those of a resource one after the other
 * @param order of the machine whose kernel answered
 */
export function resourcesOfStatus(replies: readonly StatusReply[], order: ByteOrder): readonly ResourceReplies[] {
  const names = [...new Set(replies.map(({ context }) => context?.ctx_resource_name ?? ''))];
  return names.map((name) =>
    resourceOf(
      name,
      replies.filter(({ context }) => (context?.ctx_resource_name ?? '') === name),
      order,
    ),
  );
}

function resourceOf(name: string, replies: readonly StatusReply[], order: ByteOrder): ResourceReplies {
  const volumes = replies.filter(
    ({ context, state_info: info }) => context?.ctx_volume !== undefined && info !== undefined,
  );
  const states = volumes.map(({ state_info: info }) => readState(info?.current_state, order));
  const [first] = replies;
  const head = { ...base(first), context: { ctx_resource_name: name } };
  const roles = states.map(({ role }) => role).filter((role) => role !== NO_ROLE);
  const link = first?.net_conf === undefined ? undefined : first.context;
  return {
    resource: {
      ...head,
      name: 'get_resources',
      minor: undefined,
      ...(first?.res_opts === undefined ? {} : { res_opts: first.res_opts }),
      resource_info: {
        ...(roles.length === 0 ? {} : { res_role: Math.min(...roles) }),
        res_susp: states.some(({ susp }) => susp),
        res_susp_nod: states.some(({ susp_nod: noData }) => noData),
        res_susp_fen: states.some(({ susp_fen: fencing }) => fencing),
      },
    },
    devices: volumes.map(({ minor, context, disk_conf: disk, state_info: info }, index) => ({
      ...head,
      name: 'get_devices',
      minor,
      context: { ctx_resource_name: name, ...volumeOf(context) },
      ...(disk === undefined ? {} : { disk_conf: disk }),
      device_info: { dev_disk_state: states[index]?.disk ?? 0 },
      device_statistics: {
        dev_size: info?.capacity ?? 0n,
        dev_read: info?.read_cnt ?? 0n,
        dev_write: info?.writ_cnt ?? 0n,
        dev_al_writes: info?.al_writ_cnt ?? 0n,
        dev_bm_writes: info?.bm_writ_cnt ?? 0n,
        dev_upper_pending: info?.ap_bio_cnt ?? 0,
      },
    })),
    connections:
      link === undefined
        ? []
        : [
            {
              ...head,
              name: 'get_connections',
              minor: undefined,
              context: { ...link, ctx_resource_name: name },
              // What goes on beyond the handshake is told of the volumes.
              connection_info: {
                conn_connection_state: Math.min(
                  states[0]?.conn ?? connectionStates.C_STANDALONE,
                  connectionStates.C_WF_REPORT_PARAMS,
                ),
                conn_role: states[0]?.peer ?? 0,
              },
            },
          ],
    peerDevices:
      link === undefined
        ? []
        : volumes.map(({ context, state_info: info }, index) => {
            const state = states[index];
            return {
              ...head,
              name: 'get_peer_devices',
              minor: undefined,
              context: { ...link, ctx_resource_name: name, ...volumeOf(context) },
              peer_device_info: {
                peer_repl_state: Math.max(state?.conn ?? 0, connectionStates.C_WF_REPORT_PARAMS),
                peer_disk_state: state?.pdsk ?? 0,
                peer_resync_susp_user: state?.user_isp === true ? 1 : 0,
                peer_resync_susp_peer: state?.peer_isp === true ? 1 : 0,
                peer_resync_susp_dependency: state?.aftr_isp === true ? 1 : 0,
              },
              peer_device_statistics: {
                peer_dev_received: info?.recv_cnt ?? 0n,
                peer_dev_sent: info?.send_cnt ?? 0n,
                peer_dev_pending: (info?.ap_pending_cnt ?? 0) + (info?.rs_pending_cnt ?? 0),
                peer_dev_out_of_sync: (info?.bits_oos ?? 0n) * BITS_TO_SECTORS,
              },
            };
          }),
  };
}

function base(reply: StatusReply | undefined): Pick<StatusReply, 'returnCode' | 'returnName' | 'infoText' | 'unknown'> {
  return { returnCode: reply?.returnCode ?? 0, returnName: reply?.returnName ?? '', infoText: [], unknown: [] };
}

function volumeOf(context: StatusReply['context']): { readonly ctx_volume?: number } {
  return context?.ctx_volume === undefined ? {} : { ctx_volume: context.ctx_volume };
}
