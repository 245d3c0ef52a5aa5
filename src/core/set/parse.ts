import {
  createScanner,
  findNodeAtLocation,
  getNodeValue,
  type JSONPath,
  type Node,
  type ParseError,
  parseTree,
} from 'jsonc-parser';
import * as v from 'valibot';
import { findConflicts } from './conflicts.ts';
import { setFileSchema, type SetFile } from './definition.ts';
import { issueText, SetError, type SetIssue } from './error.ts';
import { findKeyMistakes } from './keys.ts';
import { sentenceOf, syntaxSentence } from './sentences.ts';

/** Line and column begin at 1. */
type Place = Pick<SetIssue, 'line' | 'column'>;

/** Something wrong at an offset of the text. */
interface Mistake {
  readonly offset: number;
  readonly message: string;
}

/** A set file has less than ten. */
const MOST_DEPTH = 100;

/**
 * The sets of a set file's text; comments and trailing commas are allowed. Throws {@link SetError}
 * `invalid-set-file` with every mistake, each with its place.
 */
export function parseSetFile(text: string): SetFile {
  const content = withoutMark(text);
  const { tree, mistakes } = parseJson(content);
  if (tree === undefined || mistakes.length > 0) throw invalid(content, mistakes);

  const value: unknown = getNodeValue(tree);
  const keyMistakes = findKeyMistakes(tree, setFileSchema);
  const result = v.safeParse(setFileSchema, value);
  const valueMistakes = (result.issues ?? []).flatMap(innermost).flatMap((issue) => {
    const sentence = sentenceOf(issue);
    if (sentence === undefined) return [];
    const path = (issue.path ?? []).map(({ key }) => key as string | number);
    return [{ offset: offsetOf(tree, path), message: sentence }];
  });
  const conflicts = findConflicts(value).map(({ path, message }) => ({
    offset: offsetOf(tree, path),
    message,
  }));

  const all = [...keyMistakes, ...valueMistakes, ...conflicts];
  if (all.length > 0 || !result.success) throw invalid(content, all);
  return result.output;
}

/** Where values of a set file’s text stand: those at some paths, or the nearest around one that is missing. */
export function placesIn(text: string, paths: readonly JSONPath[]): (Place & { readonly length: number })[] {
  const content = withoutMark(text);
  const { tree } = parseJson(content);
  if (tree === undefined) return [];
  const lines = lineStarts(content);
  return paths.map((path) => {
    const { offset, length } = nodeOf(tree, path);
    return { ...placeOf(offset, lines), length };
  });
}

/** Some editors on Windows begin a file with a byte order mark; editors do not count it as a column. */
function withoutMark(text: string): string {
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

/** Of a value that may be an object or a list of them: what is wrong inside. */
function innermost(issue: v.BaseIssue<unknown>): readonly v.BaseIssue<unknown>[] {
  const inner = issue.type === 'union' ? (issue.issues ?? []) : [];
  const deeper = inner.filter(({ path }) => path !== undefined);
  if (deeper.length === 0) return [issue];
  // These paths begin at the union.
  return deeper.flatMap((each) => innermost({ ...each, path: [...(issue.path ?? []), ...each.path!] }));
}

function parseJson(content: string): { tree: Node | undefined; mistakes: Mistake[] } {
  if (content.trim() === '')
    return { tree: undefined, mistakes: [{ offset: 0, message: 'the file is empty' }] };
  const tooDeep = depthMistake(content);
  if (tooDeep !== undefined) return { tree: undefined, mistakes: [tooDeep] };
  const errors: ParseError[] = [];
  const tree = parseTree(content, errors, { allowTrailingComma: true });
  const mistakes = errors.map(({ error, offset }) => ({ offset, message: syntaxSentence(error) }));
  return { tree, mistakes };
}

/** Where a text is nested deeper than any set file; the parser would not come back from there. */
function depthMistake(content: string): Mistake | undefined {
  const scanner = createScanner(content, true);
  let depth = 0;
  for (scanner.scan(); scanner.getTokenOffset() < content.length; scanner.scan()) {
    const offset = scanner.getTokenOffset();
    const character = content[offset];
    if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    if (depth > MOST_DEPTH) return { offset, message: 'this is nested too deep for a set file' };
  }
  return undefined;
}

/** Where the value at a path begins; of a value that is missing, the nearest one around it. */
function offsetOf(tree: Node, path: JSONPath): number {
  return nodeOf(tree, path).offset;
}

function nodeOf(tree: Node, path: JSONPath): Node {
  for (let length = path.length; length > 0; length--) {
    const node = findNodeAtLocation(tree, path.slice(0, length));
    if (node) return node;
  }
  return tree;
}

function invalid(content: string, mistakes: readonly Mistake[]): SetError {
  const lines = lineStarts(content);
  const seen = new Set<string>();
  const issues = mistakes
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ offset, message }): SetIssue => ({ ...placeOf(offset, lines), message }))
    .filter((issue) => {
      const text = issueText(issue);
      return !seen.has(text) && seen.add(text);
    });
  const [first] = issues;
  const count = issues.length === 1 ? '' : ` (the first of ${String(issues.length)} mistakes)`;
  return new SetError(
    'invalid-set-file',
    `The set file cannot be used: ${first ? issueText(first) : 'it is not valid'}${count}.`,
    { hint: 'Correct .vscode/crm-backup.json; until then its sets are not backed up.', issues },
  );
}

function lineStarts(content: string): readonly number[] {
  return [
    0,
    ...Array.from(content.matchAll(/\r\n|\r|\n/g), ({ index, 0: lineEnd }) => index + lineEnd.length),
  ];
}

function placeOf(offset: number, lines: readonly number[]): Place {
  const line = lines.findLastIndex((start) => start <= offset);
  return { line: line + 1, column: offset - (lines[line] ?? 0) + 1 };
}
