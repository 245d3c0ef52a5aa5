import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Viewport } from '../../../../src/webview/rows/viewport.ts';

const HEIGHT = 600;
const ROW = 22;

function viewport(rows: number): Viewport {
  const made = new Viewport(ROW);
  made.rows = rows;
  made.height = HEIGHT;
  return made;
}

/** Where a row is seen, from the top of the window. */
function seenAt(view: Viewport, row: number): number {
  return view.place(row) - view.scrollTop;
}

describe.each([0, 3, 1000, 1_000_000, 80_000_000])('a window on %i rows', (rows) => {
  test('has every row within reach, whole', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(Math.max(0, rows - 1)), { minLength: 1, maxLength: 10 }), (wanted) => {
        const view = viewport(rows);
        for (const row of wanted) {
          if (row >= rows) continue;
          view.reveal(row);
          const { first, end } = view.visible(0);
          expect(row).toBeGreaterThanOrEqual(first);
          expect(row).toBeLessThan(end);
          expect(seenAt(view, row)).toBeGreaterThanOrEqual(-0.01);
          expect(seenAt(view, row) + ROW).toBeLessThanOrEqual(HEIGHT + 0.01);
          expect(view.scrollTop).toBeLessThanOrEqual(Math.max(0, view.canvasHeight - HEIGHT) + 0.01);
        }
      }),
    );
  });

  test('shows no more rows than fit, and lies on a canvas that browsers can lay out', () => {
    const view = viewport(rows);
    expect(view.canvasHeight).toBeLessThanOrEqual(33_000_000);
    for (const scrollTop of [0, 17, view.canvasHeight / 3, view.canvasHeight - HEIGHT]) {
      view.scrolledTo(Math.max(0, scrollTop));
      const { first, end } = view.visible(5);
      expect(end - first).toBeLessThanOrEqual(Math.ceil(HEIGHT / ROW) + 11);
    }
  });

  test('goes with the scroll bar from the first row to the last, with the wheel by a few', () => {
    const view = viewport(rows);
    view.scrolledTo(view.canvasHeight - HEIGHT);
    expect(view.visible(0).end).toBe(rows);
    view.scrolledTo(0);
    view.scrollBy(100);
    expect(view.visible(0).first).toBe(rows * ROW > HEIGHT + 100 ? 4 : 0);
    // What the wheel has moved the bar to does not move the rows.
    const { top } = view;
    view.scrolledTo(view.scrollTop);
    expect(view.top).toBe(top);
  });
});
