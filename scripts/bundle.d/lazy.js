'use strict';

/**
 * Lets a module make its tables when they are first looked at: a dialect has hundreds of rows, and a command needs few.
 * This is the same for who uses them, since nothing runs when a module is loaded but what makes values.
 */

const ts = require('typescript');
const { analyse, assignedNames, isVariable, walk } = require('./scope');

/** A shorter one is made as fast as what would put it off. */
const SMALLEST = 200;

const isTable = (node) => {
  const value = ts.isAsExpression(node) ? node.expression : node;
  return (
    ts.isObjectLiteralExpression(value) ||
    ts.isArrayLiteralExpression(value) ||
    ts.isCallExpression(value) ||
    ts.isNewExpression(value)
  );
};

/** Whether it is made of what never changes, so that it does not matter when it is made. */
function isTimeless(node, assigned) {
  let timeless = node.end - node.getStart() >= SMALLEST && isTable(node);
  walk(node, (child) => {
    if (ts.isIdentifier(child) && isVariable(child) && assigned.has(child.text)) timeless = false;
    if (child.kind === ts.SyntaxKind.ThisKeyword) timeless = false;
  });
  return timeless;
}

/** @returns the id, in quotes, of a module of ours that is imported as a whole */
function wholeModule(initializer) {
  if (initializer === undefined || !ts.isCallExpression(initializer)) return undefined;
  const [inner] = initializer.arguments;
  if (initializer.expression.getText() !== '__importStar' || !ts.isCallExpression(inner)) return undefined;
  return inner.expression.getText() === '$' ? inner.arguments[0].getText() : undefined;
}

/** @returns all places of a variable's name, and whether each is a mere use of its value */
function usesOf(declaration, whole, checker) {
  const uses = [];
  let plain = true;
  walk(whole, (node) => {
    if (!ts.isIdentifier(node) || node.text !== declaration.name.text || node === declaration.name) return;
    if (!isVariable(node)) return;
    const symbol = ts.isShorthandPropertyAssignment(node.parent)
      ? checker.getShorthandAssignmentValueSymbol(node.parent)
      : checker.resolveName(node.text, node, ts.SymbolFlags.Value, false);
    if (symbol?.declarations?.[0] !== declaration) return;
    if (ts.isNewExpression(node.parent) || ts.isHeritageClause(node.parent.parent)) plain = false;
    uses.push(node);
  });
  return plain ? uses : undefined;
}

/**
 * @param text `kept = function (module, exports, $) {…}`, as tsc writes modules
 * @returns the same, with tables made late
 */
function makeLate(text) {
  const { file, checker } = analyse(text);
  const assigned = assignedNames(file);
  const whole = file.statements[0].expression.right;
  const edits = [];
  for (const statement of whole.body.statements) {
    if (ts.isExpressionStatement(statement) && ts.isBinaryExpression(statement.expression)) {
      const { left, right, operatorToken } = statement.expression;
      if (operatorToken.kind !== ts.SyntaxKind.EqualsToken || !isTimeless(right, assigned)) continue;
      if (!ts.isPropertyAccessExpression(left) || left.expression.getText() !== 'exports') continue;
      edits.push([
        statement.getStart(),
        right.getStart(),
        `$.make(exports, ${JSON.stringify(left.name.text)}, () => (`,
      ]);
      edits.push([right.end, statement.end, '));']);
    } else if (ts.isVariableStatement(statement) && statement.declarationList.declarations.length === 1) {
      const [declaration] = statement.declarationList.declarations;
      const { name, initializer } = declaration;
      const module = wholeModule(initializer);
      if (module !== undefined && ts.isIdentifier(name)) {
        const uses = usesOf(declaration, whole, checker);
        if (uses === undefined) continue;
        edits.push([statement.getStart(), statement.end, `const ${name.text}$$ = $.of(${module});`]);
        for (const use of uses) {
          const isShort = ts.isShorthandPropertyAssignment(use.parent);
          edits.push([use.getStart(), use.end, `${isShort ? `${use.text}: ` : ''}${name.text}$$()`]);
        }
        continue;
      }
      if (!ts.isIdentifier(name) || initializer === undefined || !isTimeless(initializer, assigned)) continue;
      if (assigned.has(name.text)) continue;
      const uses = usesOf(declaration, whole, checker);
      if (uses === undefined) continue;
      edits.push([
        statement.getStart(),
        initializer.getStart(),
        `let ${name.text}$v; const ${name.text}$ = () => ${name.text}$v ??= (`,
      ]);
      edits.push([initializer.end, statement.end, ');']);
      for (const use of uses) {
        const isShort = ts.isShorthandPropertyAssignment(use.parent);
        edits.push([use.getStart(), use.end, isShort ? `${use.text}: ${use.text}$()` : `${use.text}$()`]);
      }
    }
  }
  let late = text;
  for (const [start, end, by] of edits.sort(([a], [b]) => b - a)) late = late.slice(0, start) + by + late.slice(end);
  return late;
}

module.exports = { makeLate };
