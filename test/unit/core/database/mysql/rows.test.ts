import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type FieldForm, LineEncoder } from '../../../../../src/core/database/mysql/line-encoder.ts';
import { framed, PacketReader } from '../../../../../src/core/database/mysql/packets.ts';

const value = fc.option(fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)));
const form = fc.constantFrom<FieldForm>('text', 'hex');

/** A row as the server sends it. */
function rowPacket(values: readonly (Buffer | null)[]): Buffer {
  return Buffer.concat(
    values.flatMap((bytes) => {
      if (bytes === null) return [Buffer.of(0xfb)];
      const length = Buffer.alloc(3);
      length.writeUInt16LE(bytes.length, 1);
      length[0] = 0xfc;
      return [bytes.length < 0xfb ? Buffer.of(bytes.length) : length, bytes];
    }),
  );
}

/** What a field of a line says. */
function fieldValue(field: string, as: FieldForm): Buffer | null {
  if (field === '\\N') return null;
  if (as === 'hex') return Buffer.from(field, 'hex');
  const plain = field.replace(
    /\\(.)/gs,
    (_, escaped: string) => ({ t: '\t', n: '\n', r: '\r' })[escaped] ?? escaped,
  );
  return Buffer.from(plain, 'latin1');
}

it('rows become lines that say the same, wherever the server’s bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(form, { minLength: 1, maxLength: 6 }).chain((forms) =>
        fc.record({
          forms: fc.constant(forms),
          rows: fc.array(fc.tuple(...forms.map(() => value)), { maxLength: 20 }),
          cuts: fc.array(fc.nat(5000)),
        }),
      ),
      ({ forms, rows, cuts }) => {
        const sent = Buffer.concat(rows.flatMap((row, sequence) => [...framed(rowPacket(row), sequence)]));
        const encoder = new LineEncoder(forms, 16);
        const reader = new PacketReader();
        const places = [0, ...cuts.filter((cut) => cut < sent.length).sort((a, b) => a - b), sent.length];
        const lines: Buffer[] = [];
        for (const [index, place] of places.slice(1).entries()) {
          reader.read(Buffer.from(sent.subarray(places[index], place)), (bytes, start, end) => {
            encoder.add(bytes, start, end);
          });
          lines.push(Buffer.from(encoder.take()));
        }
        const text = Buffer.concat(lines).toString('latin1');
        const read = text
          .split('\n')
          .slice(0, -1)
          .map((line) => line.split('\t').map((field, column) => fieldValue(field, forms[column]!)));
        expect(read).toEqual(rows);
      },
    ),
  );
});

it('packets of 16 MiB and more are put together', () => {
  const payload = Buffer.alloc(0xffffff * 2, 'long');
  const pieces = [...framed(payload, 254)];
  const reader = new PacketReader();
  const found: Buffer[] = [];
  for (const piece of [...pieces, ...framed(Buffer.from('next'), 1)])
    for (let at = 0; at < piece.length; at += 1_000_000)
      reader.read(piece.subarray(at, at + 1_000_000), (bytes, start, end) =>
        found.push(Buffer.from(bytes.subarray(start, end))),
      );
  expect(found.map(({ length }) => length)).toEqual([payload.length, 4]);
  expect(found[0]?.equals(payload)).toBe(true);
});
