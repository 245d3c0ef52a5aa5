/**
 * Writes l10n/bundle.l10n.json, every text the extension’s code shows in VS Code: `node scripts/l10n.mjs`. Translations
 * beside it keep what is still used, in the same order; what they lack is named. A test tells when one is stale.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { root } from './bootstrap.mjs';

const folder = path.join(root, 'l10n');
const english = path.join(folder, 'bundle.l10n.json');

/**
 * The texts handed to `vscode.l10n.t` in a source file. Throws where one is not written out: nobody could translate it.
 * @param {string} file
 * @returns {string[]}
 */
function textsOf(file) {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  /** @type {string[]} */
  const texts = [];
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isCallExpression(node) && node.expression.getText(source) === 'vscode.l10n.t') {
      const [text] = node.arguments;
      if (text === undefined || !ts.isStringLiteralLike(text)) {
        throw new Error(
          `${path.relative(root, file)}: a text to translate must be written out: ${node.getText(source)}`,
        );
      }
      texts.push(text.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return texts;
}

/**
 * Every text the extension’s code shows, sorted, each under itself: what bundle.l10n.json must be.
 * @returns {Record<string, string>}
 */
export function collectTexts() {
  const sources = path.join(root, 'src', 'vscode');
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const texts = new Set(files.flatMap((name) => textsOf(path.join(sources, name))));
  return Object.fromEntries([...texts].sort(byCodeUnits).map((text) => [text, text]));
}

/**
 * Not by anybody’s language: every machine must sort alike.
 * @param {string} a
 * @param {string} b
 */
function byCodeUnits(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * @param {string} file
 * @param {Record<string, string>} texts
 */
function write(file, texts) {
  const content = `${JSON.stringify(texts, null, 2)}\n`;
  if (!existsSync(file) || readFileSync(file, 'utf8') !== content) writeFileSync(file, content);
}

/** Writes what is stale anew; returns what translations lack, as lines to read. */
function writeBundles() {
  const texts = collectTexts();
  write(english, texts);
  /** @type {string[]} */
  const lacking = [];
  for (const name of readdirSync(folder).filter((each) => /^bundle\.l10n\..+\.json$/.test(each))) {
    const file = path.join(folder, name);
    const parsed = /** @type {unknown} */ (JSON.parse(readFileSync(file, 'utf8')));
    const known = /** @type {Record<string, string>} */ (parsed);
    /** @type {Record<string, string>} */
    const kept = {};
    for (const text of Object.keys(texts)) {
      const translated = known[text];
      if (translated === undefined) lacking.push(`${name} lacks ${JSON.stringify(text)}`);
      else kept[text] = translated;
    }
    write(file, kept);
  }
  return lacking;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const lacking = writeBundles();
  for (const line of lacking) console.log(line);
  process.exitCode = lacking.length > 0 ? 1 : 0;
}
