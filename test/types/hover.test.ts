import { readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import ts from 'typescript';

import { packets } from '../../lib/dialects/connector';
import { operations as genl1Operations } from '../../lib/dialects/genl1';
import { operations as genl2Operations } from '../../lib/dialects/genl2';
import { verbs } from '../../lib/drbd';

// What an editor shows of the package, measured with TypeScript's language service.

const root = join(__dirname, '../../..');
const LONGEST = 300;

/** @returns what is shown at each `/**` + `/` mark of a program, by the mark's number */
function hovers(text: string): readonly { readonly shown: string; readonly doc: string }[] {
  const name = join(root, 'test/types/hovered.ts');
  const marks = [...text.matchAll(/\/\*\*\//gu)].map(({ index }) => index + '/**/'.length);
  const options: ts.CompilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
    types: ['node'],
    noEmit: true,
    skipLibCheck: true,
  };
  const service = ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => [name],
    getScriptVersion: () => '1',
    getScriptSnapshot: (file) => {
      const content = file === name ? text : ts.sys.readFile(file);
      return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content);
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: (given) => ts.getDefaultLibFilePath(given),
    fileExists: (file) => file === name || ts.sys.fileExists(file),
    readFile: (file) => (file === name ? text : ts.sys.readFile(file)),
    directoryExists: (folder) => ts.sys.directoryExists(folder),
    getDirectories: (folder) => ts.sys.getDirectories(folder),
  });
  const problems = [...service.getSyntacticDiagnostics(name), ...service.getSemanticDiagnostics(name)];
  expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))).toEqual([]);
  return marks.map((at) => {
    const info = service.getQuickInfoAtPosition(name, at);
    return {
      shown: ts.displayPartsToString(info?.displayParts),
      doc: ts.displayPartsToString(info?.documentation),
    };
  });
}

function expectShort(
  text: string,
  names: readonly string[],
): readonly { readonly shown: string; readonly doc: string }[] {
  const all = hovers(text);
  expect(all).toHaveLength(names.length);
  expect(
    all.flatMap(({ shown }, index) => (shown === '' || shown.length > LONGEST ? [`${names[index]}: ${shown}`] : [])),
  ).toEqual([]);
  return all;
}

const requests = {
  connector: Object.values(packets).flatMap(({ name, kind }) => (kind === 'change' || kind === 'read' ? [name] : [])),
  genl1: Object.values(genl1Operations).flatMap(({ name, kind }) => (kind === 'notification' ? [] : [name])),
  genl2: Object.values(genl2Operations).flatMap(({ name, kind }) => (kind === 'notification' ? [] : [name])),
} as const;

describe.each(['connector', 'genl1', 'genl2'] as const)('%s', (dialect) => {
  test('every request, its parameters and its result are shown as a named interface', () => {
    const names = requests[dialect];
    const lines = names.flatMap((name, index) => [
      `const p${index} = {} as OperationParams<'${dialect}', '${name}'>;`,
      `const /**/r${index} = await c./**/request('${name}', p${index});`,
      `void /**/p${index};`,
    ]);
    const text = [
      "import type { Client, OperationParams } from '../../dist/lib';",
      `export async function run(c: Client<'${dialect}'>): Promise<void> {`,
      ...lines,
      `void [${names.map((_name, index) => `r${index}`).join(', ')}];`,
      '}',
    ].join('\n');
    const all = expectShort(
      text,
      names.flatMap((name) => [`result of ${name}`, `request ${name}`, `params of ${name}`]),
    );
    const prefix = { connector: 'Connector', genl1: 'Genl1', genl2: 'Genl2' }[dialect];
    const named = new RegExp(`\\b${prefix}\\w+(\\[\\])?$`, 'u');
    for (const [index, { shown }] of all.entries()) if (index % 3 !== 1) expect(shown).toMatch(named);
  });

  test('every verb is shown with its doc, and its options as a named interface', () => {
    const names = Object.keys(verbs);
    const text = [
      "import type { Client } from '../../dist/lib';",
      `export function run(c: Client<'${dialect}'>): void {`,
      ...names.map((name) => `void c./**/${name};`),
      '}',
    ].join('\n');
    for (const { doc } of expectShort(text, names)) expect(doc).not.toBe('');
  });
});

test('every exported name is shown in a few lines', () => {
  const index = readFileSync(join(root, 'dist/lib/index.d.ts'), 'utf8');
  expect(index).not.toContain('export *');
  const source = ts.createSourceFile('index.d.ts', index, ts.ScriptTarget.ES2022);
  const names = source.statements.flatMap((statement) =>
    ts.isExportDeclaration(statement) &&
    statement.exportClause !== undefined &&
    ts.isNamedExports(statement.exportClause)
      ? statement.exportClause.elements.map(({ name }) => name.text)
      : [],
  );
  expect(names.length).toBeGreaterThan(100);
  const text = [
    "import type * as package_ from '../../dist/lib';",
    `import type { ${names.map((name) => `/**/${name}`).join(', ')} } from '../../dist/lib';`,
  ].join('\n');
  void expectShort(text, names);
});

test('the interfaces are what the tables give', () => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/requests'), '--check'], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
});
