import type { Progress } from '../core/task.ts';
import { formatBytes, formatCount, formatDuration } from './quantity.ts';

/** Where a bar is drawn. */
export interface BarScreen {
  write(text: string): void;
  /** Cells in a line, now. */
  columns(): number;
  /** Milliseconds that only grow. */
  now(): number;
}

interface Sample {
  readonly at: number;
  readonly done: number;
}

const REDRAW_MS = 100;
/** The rate is that of the last few seconds. */
const WINDOW_MS = 5_000;
/** Work shorter than this shows no bar at all: it would only flicker. */
const PATIENCE_MS = 250;
const BAR_CELLS = 24;
const CLEAR_LINE = '\r\u001b[K';

/**
 * One line on a terminal that tells how far the work is: phase, bar, done of total, rate, time left. It draws when it
 * is told of progress, so that it also works while nothing else gets a turn.
 */
export class ProgressBar {
  readonly #screen: BarScreen;
  readonly #startedAt: number;
  #phase = '';
  #samples: Sample[] = [];
  #drawnAt = -Infinity;
  #visible = false;

  constructor(screen: BarScreen) {
    this.#screen = screen;
    this.#startedAt = screen.now();
  }

  /** Shows how far the work is. */
  update(progress: Progress): void {
    const now = this.#screen.now();
    const phaseChanged = progress.phase !== this.#phase;
    if (phaseChanged) {
      this.#phase = progress.phase;
      this.#samples = [];
    }
    if (now - this.#startedAt < PATIENCE_MS) return;
    if (!phaseChanged && now - this.#drawnAt < REDRAW_MS) return;
    this.#samples.push({ at: now, done: progress.done });
    while (this.#samples.length > 2 && now - this.#samples[0]!.at > WINDOW_MS) this.#samples.shift();
    this.#drawnAt = now;
    this.#visible = true;
    this.#screen.write(CLEAR_LINE + progressLine(progress, this.#rate(), this.#screen.columns() - 1));
  }

  /** Takes the line away, so that other text can stand there. */
  clear(): void {
    if (!this.#visible) return;
    this.#visible = false;
    this.#drawnAt = -Infinity;
    this.#screen.write(CLEAR_LINE);
  }

  /** Done per second; 0 while it is not known. */
  #rate(): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.at === first.at) return 0;
    return Math.max(0, ((last.done - first.done) * 1000) / (last.at - first.at));
  }
}

/** The text of a progress line, at most `columns` cells long; what matters least is left out first. */
export function progressLine(progress: Progress, rate: number, columns: number): string {
  const { phase, done, total, unit } = progress;
  const number = unit === 'bytes' ? formatBytes : formatCount;
  const noun = unit === 'bytes' ? '' : ` ${unit}`;
  const name = phase.padEnd(7);
  const amount = total === undefined ? `${number(done)}${noun}` : `${number(done)}/${number(total)}${noun}`;
  const speed = rate > 0 ? `${number(rate)}/s` : '';
  const left =
    total !== undefined && rate > 0 && done < total
      ? `${formatDuration(Math.ceil((total - done) / rate) * 1000)} left`
      : '';
  const bar = total === undefined || total === 0 ? '' : drawBar(done / total);
  const variants = [
    [name, bar, amount, speed, left],
    [name, amount, speed, left],
    [name, amount, left],
    [name, amount],
  ];
  const lines = variants.map((parts) => parts.filter((part) => part !== '').join('  '));
  return lines.find((line) => line.length <= columns) ?? (lines.at(-1) ?? '').slice(0, Math.max(0, columns));
}

function drawBar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR_CELLS);
  return `${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)}`;
}
