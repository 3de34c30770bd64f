import { codeTexts, explainCode, KernelError, openDrbd, type CodeText, type Dialect } from '../../lib';
import * as connector from '../../lib/dialects/connector';
import * as genl1 from '../../lib/dialects/genl1';
import * as genl2 from '../../lib/dialects/genl2';
import { createSimulator } from '../../lib/simulator';

const MODULES = { connector, genl1, genl2 } as const;
/** Marks of the header, which are never sent. */
const MARKS = new Set(['ERR_CODE_BASE', 'AFTER_LAST_ERR_CODE', 'SS_AFTER_LAST_ERROR']);

const names = new Set(
  Object.values(MODULES).flatMap(({ returnCodes, stateChangeCodes }) => [
    ...Object.keys(returnCodes),
    ...Object.keys(stateChangeCodes),
  ]),
);
for (const mark of MARKS) names.delete(mark);
const OPERATIONS: Readonly<Record<Dialect, readonly string[]>> = {
  connector: Object.keys(connector.packets),
  genl1: Object.keys(genl1.operations),
  genl2: Object.keys(genl2.operations),
};

/** Every text that a person can come to see, with the place that brings it up. */
function* everyText(): Generator<readonly [place: string, text: CodeText]> {
  for (const name of names) {
    for (const dialect of [undefined, 'connector', 'genl1', 'genl2'] as const) {
      for (const operation of [undefined, ...(dialect === undefined ? [] : OPERATIONS[dialect])]) {
        const found = explainCode(name, { dialect, operation });
        if (found.meaning === undefined) throw new Error(`${name} has no text`);
        yield [`${name} ${dialect ?? ''} ${operation ?? ''}`, found];
      }
    }
  }
}

test('every code of every dialect has a text, and no text stands for nothing', () => {
  expect(names.size).toBeGreaterThan(100);
  expect([...names].sort()).toEqual(Object.keys(codeTexts).sort());
});

test('a text says what it means, why, and what to do, at a length that can be read', () => {
  let seen = 0;
  for (const [place, { meaning, causes, nextStep }] of everyText()) {
    seen++;
    const told = (problem: boolean): string => (problem ? place : '');
    expect(told(meaning.length < 15 || meaning.length > 150 || /[.!]$/u.test(meaning))).toBe('');
    expect(told(causes.length === 0 || causes.some((cause) => cause.length < 8 || cause.length > 150))).toBe('');
    expect(told(nextStep.length < 15 || nextStep.length > 200 || /[.!]$/u.test(nextStep))).toBe('');
    // A command to the reader, not a statement about the world.
    expect(
      told(!/^[A-Z][a-z]+\b/u.test(nextStep) || /^(?:The|It|This|That|There|Nothing|A|An)\b/u.test(nextStep)),
    ).toBe('');
  }
  expect(seen).toBeGreaterThan(5000);
});

test('variants name dialects and requests that exist, and each can come up', () => {
  for (const [name, { variants = [] }] of Object.entries(codeTexts)) {
    for (const variant of variants) {
      const dialects = variant.dialects ?? (['connector', 'genl1', 'genl2'] as const);
      for (const operation of variant.operations ?? [])
        expect([name, operation, dialects.some((dialect) => OPERATIONS[dialect].includes(operation))]).toEqual([
          name,
          operation,
          true,
        ]);
      const shown = dialects.flatMap((dialect) =>
        (variant.operations ?? [undefined]).map((operation) => explainCode(name, { dialect, operation })),
      );
      const own = variant.meaning ?? variant.nextStep ?? '';
      expect([name, shown.some(({ meaning, nextStep }) => [meaning, nextStep].includes(own))]).toEqual([name, true]);
    }
  }
});

describe('what was told wrongly', () => {
  const said = (name: string, dialect: Dialect, operation: string): string => {
    const { meaning, causes, nextStep } = explainCode(name, { dialect, operation });
    return [meaning, ...(causes ?? []), nextStep].join('\n');
  };

  test.each(['connector', 'genl1', 'genl2'] as const)('%s: -7 after primary is about fencing', (dialect) => {
    const text = said('SS_PRIMARY_NOP', dialect, 'primary');
    expect(text).toMatch(/refused to become primary/u);
    expect(text).toMatch(/fence-peer/u);
    expect(text).not.toMatch(/Demote it/u);
  });

  test('a promotion and a disconnect differ in what -2, -7, -10 and -25 mean', () => {
    for (const name of ['SS_NO_UP_TO_DATE_DISK', 'SS_PRIMARY_NOP', 'SS_CW_FAILED_BY_PEER', 'SS_NO_QUORUM'])
      expect(said(name, 'genl2', 'primary')).not.toBe(said(name, 'genl2', 'disconnect'));
  });

  test('126 names what is missing, and what is fixed', () => {
    expect(said('ERR_MANDATORY_TAG', 'genl2', 'new_resource')).toMatch(/res_opts/u);
    expect(said('ERR_MANDATORY_TAG', 'genl2', 'new_peer')).toMatch(/name of the connection/u);
    expect(said('ERR_MANDATORY_TAG', 'genl2', 'chg_net_opts')).toMatch(/fixed/u);
    expect(said('ERR_MANDATORY_TAG', 'genl1', 'attach')).toMatch(/metadata device/u);
  });

  test.each([
    // The kernel refuses the layout unless the peer is connected.
    ['ERR_MD_LAYOUT_CONNECTED', 'genl1', 'resize', /only while the peer is connected/u],
    // Another object has the name: that is not "done already".
    ['ERR_ALREADY_EXISTS', 'genl2', 'rename_resource', /another name/u],
    ['ERR_ALREADY_EXISTS', 'genl2', 'new_peer', /name of its own/u],
    // The pause was clear before; the other reason holds on.
    ['ERR_PIC_AFTER_DEP', 'genl2', 'resume_sync', /no pause of its own/u],
    ['ERR_NET_CONFIGURED', 'genl1', 'del_resource', /still has a connection/u],
    ['ERR_NET_CONFIGURED', 'genl2', 'forget_peer', /peer is still configured/u],
    ['ERR_DISK_TOO_SMALL', 'connector', 'disk_conf', /shrank/u],
    ['ERR_VERIFY_ALG', 'genl2', 'start_ov', /not the same/u],
    ['ERR_MINOR_CONFIGURED', 'genl2', 'del_minor', /still has a disk/u],
    ['SS_ATTACH_NO_BITMAP', 'genl2', 'attach', /bitmap no/u],
    ['SS_CONNECTED_OUTDATES', 'genl2', 'outdate', /connected to a primary/u],
    ['SS_INTERRUPTED', 'genl2', 'resize', /did not agree/u],
  ] as const)('%s of %s %s', (name, dialect, operation, expected) => {
    expect(said(name, dialect, operation)).toMatch(expected);
  });
});

test('an error of a client tells the text of its dialect and its request', async () => {
  const simulator = createSimulator();
  const drbd = await openDrbd({ dialect: 'connector', transport: simulator.transport });
  if (drbd.dialect !== 'connector') throw new Error('another dialect');
  const error = await drbd.request('primary', { minor: 99999 }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(KernelError);
  expect(error).toMatchObject({ returnCode: 127, dialect: 'connector', operation: 'primary' });
  const { meaning, nextStep } = explainCode('ERR_MINOR_INVALID', { dialect: 'connector' });
  expect((error as Error).message).toBe(
    `primary of minor 99999 was refused: ERR_MINOR_INVALID (127): ${meaning ?? ''}. ${nextStep ?? ''}`,
  );
  drbd.close();
  simulator.close();
});
