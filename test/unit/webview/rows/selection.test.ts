import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Selection } from '../../../../src/webview/rows/selection.ts';

const range = fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 12 }));
const step = fc.oneof(
  fc.record({ what: fc.constant('add' as const), range }),
  fc.record({ what: fc.constant('remove' as const), range }),
  fc.record({ what: fc.constant('toggle' as const), range }),
);

test('a selection is the set of rows that were selected, in as few ranges as there can be', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const selection = new Selection();
      const model = new Set<number>();
      for (const { what, range } of steps) {
        const [start, length] = range;
        if (what === 'toggle') {
          selection.toggle(start);
          if (!model.delete(start)) model.add(start);
          continue;
        }
        selection[what](start, start + length);
        for (let row = start; row < start + length; row++) model[what === 'add' ? 'add' : 'delete'](row);
      }
      const rows = selection.ranges.flatMap(({ start, end }) =>
        Array.from({ length: end - start }, (_, at) => start + at),
      );
      expect(rows).toEqual([...model].sort((a, b) => a - b));
      expect(selection.size).toBe(model.size);
      const gaps = selection.ranges.slice(1).map(({ start }, at) => start - selection.ranges[at]!.end);
      expect(gaps.every((gap) => gap > 0)).toBe(true);
      for (let row = 0; row < 60; row++) expect(selection.has(row)).toBe(model.has(row));
    }),
  );
});
