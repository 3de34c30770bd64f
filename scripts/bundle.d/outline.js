'use strict';

/**
 * Takes out of a module the functions that no watched command calls: V8 reads even what never runs. What is left of
 * one is a call of the same function in another file, which is made there of what it uses of its module.
 */

const ts = require('typescript');
const { analyse, assignedNames, isVariable, walk } = require('./scope');

/** What is left of a function is about as long. */
const SMALLEST = 300;
/** esbuild makes no names that begin so. */
const MADE = '$_';

const hasBody = (node) => ts.isFunctionLike(node) && node.body !== undefined;
/** What lazy.js has made, which runs once: what it makes belongs to the module itself. */
const isLate = (node) =>
  ts.isArrowFunction(node) &&
  node.parameters.length === 0 &&
  ((ts.isBinaryExpression(node.body) && node.body.operatorToken.kind === ts.SyntaxKind.QuestionQuestionEqualsToken) ||
    (ts.isCallExpression(node.parent) &&
      ts.isPropertyAccessExpression(node.parent.expression) &&
      node.parent.expression.name.text === 'make'));
const enclosing = (node) => ts.findAncestor(node.parent, (up) => hasBody(up) && !isLate(up));

/**
 * @returns the names of its module that a function uses; undefined where it cannot be taken out: it uses what belongs
 *   to its class or to who calls it, or what changes
 */
function uses(node, checker, assigned) {
  const isArrow = ts.isArrowFunction(node);
  const names = new Set();
  let isBound = false;
  const visit = (child) => {
    if (ts.isPrivateIdentifier(child) || child.kind === ts.SyntaxKind.SuperKeyword || ts.isMetaProperty(child))
      isBound = true;
    // Each file has its own.
    if (ts.isIdentifier(child) && (child.text === '__filename' || child.text === '__dirname')) isBound = true;
    if (isArrow && child.kind === ts.SyntaxKind.ThisKeyword) isBound = true;
    if (ts.isIdentifier(child) && isVariable(child)) {
      if (child.text === 'arguments' && isArrow) isBound = true;
      const symbol = checker.resolveName(child.text, child, ts.SymbolFlags.Value, false);
      const declared = symbol?.declarations?.[0];
      const isOwn = declared !== undefined && ts.findAncestor(declared, (up) => up === node) !== undefined;
      if (declared !== undefined && (!isOwn || declared === node)) {
        // Its own name, of a declaration, is the module's.
        if (ts.isFunctionExpression(node) && declared === node) return;
        if (assigned.has(child.text)) isBound = true;
        names.add(child.text);
      }
    }
    ts.forEachChild(child, visit);
  };
  for (const parameter of node.parameters) visit(parameter);
  visit(node.body);
  return isBound ? undefined : [...names];
}

const isAsync = (node) => node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.AsyncKeyword) === true;

/** The same function as an expression. */
function asExpression(node, text) {
  if (ts.isArrowFunction(node) || ts.isFunctionExpression(node) || ts.isFunctionDeclaration(node))
    return text.slice(node.getStart(), node.end);
  const parameters = node.parameters.map((parameter) => text.slice(parameter.getStart(), parameter.end)).join(',');
  const body = text.slice(node.body.getStart(), node.body.end);
  return `${isAsync(node) ? 'async ' : ''}function${node.asteriskToken === undefined ? '' : '*'}(${parameters})${body}`;
}

/** What stands in its place. */
function stub(node, text, made, $) {
  const found = `(${MADE}[${made.index}]??=${$}(${JSON.stringify(made.id)})[${made.index}](${made.names.join(',')}))`;
  if (ts.isArrowFunction(node)) return `(...$a)=>${found}(...$a)`;
  const body = `{return ${found}.apply(this,arguments)}`;
  if (ts.isFunctionDeclaration(node) || ts.isFunctionExpression(node))
    return `function ${node.name?.text ?? ''}()${body}`;
  const name = text.slice(node.name.getStart(), node.name.end);
  const isStatic = node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword) === true;
  const kind = ts.isGetAccessor(node) ? 'get ' : ts.isSetAccessor(node) ? 'set ' : '';
  // A setter has to have a parameter.
  return `${isStatic ? 'static ' : ''}${kind}${name}(${ts.isSetAccessor(node) ? '$a' : ''})${body}`;
}

/**
 * @param text a function of the module, minified: `function(module, exports, $) {…}`
 * @param id of what it leaves behind
 * @param ran whether V8 saw a function run, by where it and its body begin and where it ends
 * @returns its text, and that of a module that makes the functions taken out; undefined where there is none
 */
function outline(text, id, ran) {
  const prefix = 'const made=';
  const { file, checker } = analyse(prefix + text);
  const source = prefix + text;
  const whole = file.statements[0].declarationList.declarations[0].initializer;
  const assigned = assignedNames(file);
  const $ = whole.parameters[2]?.name.text;
  if ($ === undefined || text.includes(MADE)) return { text, rest: undefined };
  const out = [];
  walk(whole, (node) => {
    if (!hasBody(node) || node === whole || enclosing(node) !== whole || ts.isConstructorDeclaration(node)) return;
    const [start, body, end] = [node.getStart(), node.body.getStart(), node.end].map((at) => at - prefix.length);
    if (end - start < SMALLEST || ran(start, body, end)) return;
    if (!ts.isFunctionDeclaration(node) && node.name !== undefined && ts.isPrivateIdentifier(node.name)) return;
    if (out.some((other) => node.getStart() >= other.node.getStart() && node.end <= other.node.end)) return;
    const names = uses(node, checker, assigned);
    if (names !== undefined) out.push({ node, names });
  });
  if (out.length === 0) return { text, rest: undefined };
  let left = source;
  const made = out.map(({ node, names }, index) => ({ node, names, index, id }));
  for (const one of [...made].reverse())
    left = left.slice(0, one.node.getStart()) + stub(one.node, source, one, $) + left.slice(one.node.end);
  const at = left.indexOf('{', left.indexOf(')')) + 1;
  const functions = made.map(({ node, names }) => `(${names.join(',')})=>${asExpression(node, source)}`);
  return {
    text: `${left.slice(0, at)}const ${MADE}=[];${left.slice(at)}`.slice(prefix.length),
    rest: `function(m){m.exports=[\n${functions.join(',\n')}]}`,
  };
}

module.exports = { outline };
