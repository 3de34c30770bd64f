'use strict';

/** What the names in a module's text stand for. */

const ts = require('typescript');

/** @returns a program's file of the text and its checker, which looks nothing up beyond it */
function analyse(text) {
  const name = '/module.js';
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.JS);
  const host = {
    fileExists: (path) => path === name,
    readFile: () => undefined,
    getSourceFile: (path) => (path === name ? file : undefined),
    getDefaultLibFileName: () => '/lib.d.ts',
    writeFile: () => undefined,
    getCurrentDirectory: () => '/',
    getCanonicalFileName: (path) => path,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => '\n',
  };
  const program = ts.createProgram([name], { allowJs: true, noLib: true, noResolve: true, types: [] }, host);
  return { file, checker: program.getTypeChecker() };
}

/** A name of a variable, and not of a part of something. */
function isVariable(node) {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name !== node;
  if (ts.isPropertyAssignment(parent) || ts.isMethodDeclaration(parent) || ts.isPropertyDeclaration(parent))
    return parent.name !== node;
  if (ts.isGetAccessor(parent) || ts.isSetAccessor(parent)) return parent.name !== node;
  if (ts.isBindingElement(parent)) return parent.propertyName !== node;
  return true;
}

function walk(node, visit) {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

/** Names that are given another value than that of their declaration, anywhere. */
function assignedNames(file) {
  const names = new Set();
  const add = (target) => walk(target, (node) => ts.isIdentifier(node) && names.add(node.text));
  walk(file, (node) => {
    if (ts.isBinaryExpression(node)) {
      const { kind } = node.operatorToken;
      if (kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment) add(node.left);
    }
    if (
      (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) &&
      (node.operator === ts.SyntaxKind.PlusPlusToken || node.operator === ts.SyntaxKind.MinusMinusToken)
    )
      add(node.operand);
    if (ts.isForInStatement(node) || ts.isForOfStatement(node)) {
      if (!ts.isVariableDeclarationList(node.initializer)) add(node.initializer);
    }
    // Without a value at once, it gets one later.
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer === undefined)
      if (!ts.isForOfStatement(node.parent.parent) && !ts.isForInStatement(node.parent.parent))
        names.add(node.name.text);
  });
  return names;
}

module.exports = { analyse, assignedNames, isVariable, walk };
