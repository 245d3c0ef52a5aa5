/** The text that somebody saved or piped, without a byte order mark: UTF-8, or UTF-16 where the mark says so. Pure. */
export function savedText(bytes: Buffer): string {
  const mark = bytes.toString('latin1', 0, 2);
  if (mark === '\u00ff\u00fe') return bytes.toString('utf16le', 2);
  if (mark === '\u00fe\u00ff') {
    const pairs = Buffer.from(bytes.subarray(2, bytes.length - (bytes.length % 2)));
    return pairs.swap16().toString('utf16le');
  }
  return bytes.toString('utf8').replace(/^\ufeff/, '');
}
