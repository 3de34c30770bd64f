'use strict';

/** The declarations of the package: what the entries reach of what tsc has written, and nothing that only takes room. */

const { relative } = require('node:path');
const ts = require('typescript');

/** The statement of a file that a node belongs to. */
function statementOf(node) {
  let at = node;
  while (!ts.isSourceFile(at.parent)) at = at.parent;
  return at;
}

/**
 * All statements that the exports of the entries are made of, in the files of a folder.
 * @returns the program's checker, its files in the folder, and the statements
 */
function reach(folder, entries) {
  const program = ts.createProgram(
    entries.map((id) => `${folder}/${id}.d.ts`),
    { module: ts.ModuleKind.Node16, target: ts.ScriptTarget.ES2022, types: ['node'], skipLibCheck: true },
  );
  const checker = program.getTypeChecker();
  const files = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(`${folder}/`));
  const isOwn = new Set(files);
  const kept = new Set();
  const left = [];
  const keep = (found) => {
    const symbol = resolve(checker, found);
    for (const declaration of symbol.declarations ?? []) {
      if (ts.isSourceFile(declaration) || !isOwn.has(declaration.getSourceFile())) continue;
      const statement = statementOf(declaration);
      if (kept.has(statement)) continue;
      kept.add(statement);
      left.push(statement);
    }
  };
  const keepModule = (symbol) => checker.getExportsOfModule(symbol).forEach(keep);
  const visit = (node) => {
    if (ts.isIdentifier(node)) {
      const found = checker.getSymbolAtLocation(node);
      if (found !== undefined) {
        const symbol = resolve(checker, found);
        // A whole module, and not the module of a name that follows.
        if (symbol.flags & ts.SymbolFlags.ValueModule && !isQualifier(node)) keepModule(symbol);
        else keep(symbol);
      }
    } else if (ts.isImportTypeNode(node) && node.qualifier === undefined) {
      keepModule(checker.getSymbolAtLocation(node.argument.literal));
    }
    ts.forEachChild(node, visit);
  };
  for (const id of entries) keepModule(checker.getSymbolAtLocation(program.getSourceFile(`${folder}/${id}.d.ts`)));
  for (let statement = left.pop(); statement !== undefined; statement = left.pop()) visit(statement);
  return { checker, files, kept };
}

const isQualifier = (node) => ts.isQualifiedName(node.parent) && node.parent.left === node;

/** What a name stands for in the end. */
function resolve(checker, symbol) {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** The names in some statements, as they are written there. */
function namesIn(statements) {
  const names = new Set();
  const visit = (node) => {
    if (ts.isIdentifier(node)) names.add(node.text);
    ts.forEachChild(node, visit);
  };
  statements.forEach(visit);
  return names;
}

/** `export { A }` of names that are imported or declared in the same file. */
const isLocalExport = (statement) => ts.isExportDeclaration(statement) && statement.moduleSpecifier === undefined;

/** An import or export with only some of its names; nothing if none is left. */
function withNames(statement, clause, isKept) {
  const elements = clause.elements.filter(isKept);
  if (elements.length === 0) return '';
  const text = statement.getText();
  const start = clause.getStart() - statement.getStart();
  return `\n${text.slice(0, start)}{ ${elements.map((element) => element.getText()).join(', ')} }${text.slice(start + clause.getWidth())}`;
}

/** @returns the text of each declaration file that the entries reach, by its name in the package */
function declarations(folder, entries) {
  const { checker, files, kept } = reach(folder, entries);
  const isKept = (symbol) =>
    (resolve(checker, symbol).declarations ?? []).some((declaration) =>
      ts.isSourceFile(declaration) ? hasKept.has(declaration) : kept.has(statementOf(declaration)),
    );
  const hasKept = new Set([...kept].map((statement) => statement.getSourceFile()));
  // A file that only hands on what others declare, such as the index of a folder.
  const handsOn = (file) =>
    checker.getSymbolAtLocation(file) !== undefined &&
    checker.getExportsOfModule(checker.getSymbolAtLocation(file)).some(isKept);
  const texts = {};
  for (const file of files) {
    if (!hasKept.has(file) && !handsOn(file)) continue;
    const own = file.statements.filter((statement) => kept.has(statement));
    const used = namesIn([...own, ...file.statements.filter(isLocalExport)]);
    const text = file.statements
      .map((statement) => {
        if (kept.has(statement)) return statement.getFullText();
        if (ts.isImportDeclaration(statement)) {
          const named = statement.importClause?.namedBindings;
          if (named === undefined) return statement.getFullText();
          if (ts.isNamespaceImport(named)) return used.has(named.name.text) ? statement.getFullText() : '';
          return withNames(statement, named, ({ name }) => used.has(name.text));
        }
        if (!ts.isExportDeclaration(statement)) return '';
        const { exportClause: clause, moduleSpecifier: from } = statement;
        if (clause !== undefined && ts.isNamedExports(clause))
          return withNames(statement, clause, ({ name }) => isKept(checker.getSymbolAtLocation(name)));
        const module = checker.getSymbolAtLocation(from);
        return module === undefined || checker.getExportsOfModule(module).some(isKept) ? statement.getFullText() : '';
      })
      .join('');
    texts[`types/${relative(folder, file.fileName)}`] = compact(
      /^(?:export|import) /mu.test(text) ? text : `${text}\nexport {};\n`,
    );
  }
  return texts;
}

/** Where the type that begins at `start` ends: behind the `>` that belongs to its first `<`. */
function endOfType(text, start) {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text[at] === '"' || text[at] === "'") at = text.indexOf(text[at], at + 1);
    else if (text[at] === '<') depth++;
    else if (text[at] === '>' && text[at - 1] !== '=' && --depth === 0) return at + 1;
  }
  throw new Error(`a type does not end: ${text.slice(start, start + 80)}`);
}

/** Gives a name to each set of attributes that tsc wrote out more than once. */
function nameRepeated(text) {
  const counts = new Map();
  for (const { index } of text.matchAll(/import\(["'][^"']+["']\)\.AttributeSet</gu)) {
    const type = text.slice(index, endOfType(text, index));
    counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  const repeated = [...counts].filter(([, count]) => count > 1).map(([type]) => type);
  if (repeated.length === 0) return text;
  const named = repeated.map((type, number) => [`Set${number}`, type]);
  for (const [name, type] of named) text = text.replaceAll(type, name);
  return [text, ...named.map(([name, type]) => `type ${name} = ${type};\n`), 'export {};\n'].join('');
}

/**
 * A declaration as tsc prints it, less its indentation and the texts about fields that became types. Comments keep
 * their form.
 */
function compact(text) {
  const lines = text
    .replace(/^\/\/# sourceMappingURL=.*$/mu, '')
    .split('\n')
    .map((line) => line.trim())
    .map((line) => (line.startsWith('*') ? ` ${line}` : line))
    .filter((line) => line !== '' && !/^readonly doc: (["']).*\1;$/u.test(line));
  return nameRepeated(`${lines.join('\n')}\n`);
}

module.exports = { declarations };
