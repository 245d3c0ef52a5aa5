import type { FrameLocator, Locator, Page } from 'playwright-core';

/** The page of the rows editor that is in front, inside of the frames an editor puts it in. */
export interface RowsPage {
  readonly frame: FrameLocator;
  readonly grid: Locator;
  readonly filter: Locator;
  readonly status: Locator;
  /** Rows that are in the document, without the head. */
  readonly rows: Locator;
  /** The cell the keyboard is at. */
  readonly active: Locator;
}

/** Waits until an editor of rows shows some. */
export async function rowsPage(page: Page): Promise<RowsPage> {
  const frame = page
    .locator('iframe.webview.ready:visible')
    .last()
    .contentFrame()
    .locator('iframe#active-frame')
    .contentFrame();
  const grid = frame.getByRole('grid');
  await grid.waitFor();
  await frame.locator('.grid[aria-busy=false]').waitFor();
  return {
    frame,
    grid,
    filter: frame.getByRole('searchbox'),
    status: frame.getByRole('status'),
    rows: frame.locator('.canvas [role=row]'),
    active: frame.locator('.active'),
  };
}
