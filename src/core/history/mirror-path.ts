/**
 * How an entry is called in the history. git takes paths as text on its command line and gives a meaning to names that
 * begin with `.git`. So bytes that are no UTF-8 (lone surrogates in our strings) stand as private-use characters
 * U+F780…U+F7FF, and U+F700 stands before what would be taken for something else. Pure.
 */

const ESCAPE = '\uf700';

/** The path of an entry in the history. */
export function toMirrorPath(path: string): string {
  return path
    .replace(/[\uf700-\uf7ff]|[\udc80-\udcff]/gu, (unit) => {
      const code = unit.charCodeAt(0);
      return code >= 0xf700 ? ESCAPE + unit : String.fromCharCode(0xf700 + (code & 0xff));
    })
    .replace(/(^|\/)(?=\.git)/gi, `$1${ESCAPE}`);
}

/** The entry that a path in the history stands for. */
export function fromMirrorPath(path: string): string {
  return path.replace(/\uf700([\s\S])|[\uf780-\uf7ff]/gu, (unit, escaped: string | undefined) => {
    return escaped ?? String.fromCharCode(0xdc00 + (unit.charCodeAt(0) & 0xff));
  });
}
