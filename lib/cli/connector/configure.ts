import { packets, returnCodes, type ConnectorParams, type RequestPacketName } from '../../dialects/connector';
import { isBefore } from '../../dialects/release';
import { KernelError, UnsupportedError } from '../../errors';
import type { AnyField } from '../../schema';
import { clientOf, locked, tell, tellError, waitOptions, type Context } from '../context';
import { EXIT, exitCodeOfReturnCode } from '../errors';
import { nameOfCode } from './codes';
import { findCommand, type ConfigureCommand } from './commands';
import { codeToJson } from './json';
import { readConfiguration, type Configuration } from './words';

/** @returns the exit code */
export async function runConfigure(
  command: ConfigureCommand,
  minor: number,
  argv: readonly string[],
  context: Context,
): Promise<number> {
  const configuration = await readConfiguration(command, argv, context);
  return report(
    command,
    minor,
    await locked(minor, context, () => send(command, minor, configuration, context)),
    context,
  );
}

/**
 * Secondary, disconnect, detach. A minor that does not exist is down already; one that has to stay primary stays as it
 * is; and what comes of the disconnect is told, but does not keep the disk attached.
 */
export async function runDown(minor: number, argv: readonly string[], context: Context): Promise<number> {
  const steps = ['secondary', 'disconnect', 'detach'].map(findCommand);
  const [secondary, disconnect, detach] = steps as [ConfigureCommand, ConfigureCommand, ConfigureCommand];
  const configuration = await readConfiguration(secondary, argv, context);
  return locked(minor, context, () => takeDown([secondary, disconnect, detach], minor, configuration, context));
}

async function takeDown(
  [secondary, disconnect, detach]: readonly [ConfigureCommand, ConfigureCommand, ConfigureCommand],
  minor: number,
  configuration: Configuration,
  context: Context,
): Promise<number> {
  const demoted = await send(secondary, minor, configuration, context);
  if (demoted === returnCodes.ERR_MINOR_INVALID) {
    tell('there is no such minor, so there is nothing to take down', context);
    return EXIT.ok;
  }
  if (exitCodeOfReturnCode(demoted, nameOfCode(demoted)) !== EXIT.ok) return report(secondary, minor, demoted, context);
  report(disconnect, minor, await send(disconnect, minor, configuration, context), context);
  return report(detach, minor, await send(detach, minor, configuration, context), context);
}

/** @returns the kernel's return code. @throws what the client throws, but a KernelError */
async function send(
  command: ConfigureCommand,
  minor: number,
  configuration: Configuration,
  context: Context,
): Promise<number> {
  const { tags, createDevice, setDefaults } = configuration;
  const client = await clientOf(context, 'connector');
  refuseUnknownTags(
    command,
    tags.map(([name]) => name),
    client.driver.version,
  );
  // The encoder takes a list of pairs as it stands: an option that was given twice goes out twice, as from drbdsetup.
  const params = { minor, createDevice, setDefaults, tags } as unknown as ConnectorParams<RequestPacketName>;
  try {
    return (
      await client.request(command.packet, params, {
        ...waitOptions(context),
        forceUnsafe: context.globals.forceUnsafe,
      })
    ).returnCode;
  } catch (error) {
    if (error instanceof KernelError) return error.returnCode;
    throw error;
  }
}

function report(command: ConfigureCommand, minor: number, returnCode: number, context: Context): number {
  const name = nameOfCode(returnCode);
  const exitCode = exitCodeOfReturnCode(returnCode, name);
  if (exitCode !== EXIT.ok) {
    const message = `${command.name} of minor ${minor}: (${returnCode}) ${name}`;
    const place = { dialect: 'connector', operation: command.packet } as const;
    tellError(new KernelError(message, { ...place, returnCode, returnName: name, minor }), context);
  }
  if (context.globals.json)
    context.io.stdout.write(
      `${JSON.stringify({ minor, command: command.name, ...codeToJson(returnCode, command.packet) })}\n`,
    );
  return exitCode;
}

/**
 * Refuses what the loaded module is too old for: it would refuse it without saying why, or take no notice of it.
 * @param version of the module; nothing is refused where it is not known
 * @throws UnsupportedError that names the release that has it
 */
function refuseUnknownTags(command: ConfigureCommand, names: readonly string[], version: string | null): void {
  if (version === null) return;
  const packet = packets[command.packet];
  const fields: Readonly<Record<string, AnyField>> = packet.tags;
  const refuse = (what: string, since: string): never => {
    throw new UnsupportedError(
      `${what} needs DRBD ${since}; the loaded module is ${version}, so nothing was sent. Leave it out, or update the module`,
      { feature: what, dialect: 'connector', requires: `DRBD ${since}` },
    );
  };
  if ('since' in packet && typeof packet.since === 'string' && isBefore(version, packet.since))
    refuse(command.name, packet.since);
  for (const name of names) {
    const field = fields[name];
    if (field?.since === undefined || !isBefore(version, field.since)) continue;
    // The same number had another name in older releases.
    if (
      Object.values(fields).some(
        (other) =>
          other !== field &&
          other.number === field.number &&
          (other.since === undefined || !isBefore(version, other.since)),
      )
    )
      continue;
    const option = command.options.find(({ tag, flagIfZero }) => tag === name || flagIfZero === name);
    refuse(option === undefined ? `an address of this family` : `${command.name} --${option.name}`, field.since);
  }
}
