/** The path of a table below `databases/<name>/`. What is no part of a plain file name is percent-encoded. */
export function tablePath(schema: string, name: string): string {
  return `tables/${segment(schema).replaceAll('.', '%2E')}.${segment(name)}`;
}

function segment(name: string): string {
  return name.replace(/[%/\\:*?"<>|\p{Cc}\p{Surrogate}]/gu, (character) =>
    [...Buffer.from(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}
