/** The classes of characters that shells know by name. */
const CLASSES: ReadonlyMap<string, string> = new Map([
  ['alnum', '\\p{L}\\p{N}'],
  ['alpha', '\\p{L}'],
  ['blank', ' \\t'],
  ['cntrl', '\\p{Cc}'],
  ['digit', '0-9'],
  ['graph', '\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}'],
  ['lower', '\\p{Ll}'],
  ['print', ' \\p{L}\\p{M}\\p{N}\\p{P}\\p{S}'],
  ['punct', '\\p{P}\\p{S}'],
  ['space', '\\s'],
  ['upper', '\\p{Lu}'],
  ['xdigit', '0-9A-Fa-f'],
]);

/**
 * A test for paths of backups by a pattern as shells have them: `*` and `?` within a name, `**` over folders, `[a-z]`
 * and `[[:digit:]]`, `{a,b}`, `\` before what is meant itself. Without a slash it is about the last name; with one about the whole path, or
 * the part of it below its root.
 * @throws {SyntaxError} for a set that is none, as `[z-a]`.
 */
export function globTest(pattern: string): (path: string) => boolean {
  const expression = new RegExp(`^${expressionOf(pattern.replace(/^\//, ''))}$`, 'su');
  if (!pattern.includes('/')) return (path) => expression.test(path.slice(path.lastIndexOf('/') + 1));
  return (path) => {
    if (expression.test(path)) return true;
    const belowRoot = path.indexOf('/', path.indexOf('/') + 1) + 1;
    return belowRoot > 0 && expression.test(path.slice(belowRoot));
  };
}

function expressionOf(pattern: string): string {
  let expression = '';
  let braces = 0;
  for (let at = 0; at < pattern.length;) {
    const rest = pattern.slice(at);
    const set = /^\[([!^]?)(\]?(?:\\.|\[:[a-z]+:\]|[^\]\\])*)\]/su.exec(rest);
    const character = String.fromCodePoint(pattern.codePointAt(at)!);
    let length = character.length;
    if (rest.startsWith('**/')) [expression, length] = [`${expression}(?:.*/)?`, 3];
    else if (rest.startsWith('**')) [expression, length] = [`${expression}.*`, 2];
    else if (character === '*') expression += '[^/]*';
    else if (character === '?') expression += '[^/]';
    else if (set !== null) {
      const [whole, not = '', members = ''] = set;
      expression += `(?!/)[${not === '' ? '' : '^'}${membersOf(members)}]`;
      length = whole.length;
    } else if (character === '{' && rest.includes('}'))
      [expression, braces] = [`${expression}(?:`, braces + 1];
    else if (character === '}' && braces > 0) [expression, braces] = [`${expression})`, braces - 1];
    else if (character === ',' && braces > 0) expression += '|';
    else if (character === '\\' && at + 1 < pattern.length) {
      const next = String.fromCodePoint(pattern.codePointAt(at + 1)!);
      expression += literal(next);
      length += next.length;
    } else expression += literal(character);
    at += length;
  }
  return expression + ')'.repeat(braces);
}

/** What stands between the brackets of a set, for a regular expression. */
function membersOf(written: string): string {
  return written.replace(
    /\\(.)|\[:([a-z]+):\]|[[\]^]/gsu,
    (whole, escaped: string | undefined, name: string | undefined) => {
      if (name !== undefined) return CLASSES.get(name) ?? noSuchClass(name);
      return (escaped ?? whole).replace(/[\\[\]^-]/, '\\$&');
    },
  );
}

function noSuchClass(name: string): never {
  throw new SyntaxError(`There are no characters “[:${name}:]”.`);
}

function literal(character: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}
