import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { element } from './element.ts';

/** A line of a chart: its name, its colour of the theme, and its values by moment. */
export interface Line {
  readonly label: string;
  /** A custom property of the editor's theme. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
  readonly dash?: readonly number[];
  /** Shows each value as a point of its own. */
  readonly points?: boolean;
}

export interface ChartOptions {
  /** What the chart says, for whom it is not seen. */
  readonly summary: string;
  /** Milliseconds since 1970. */
  readonly moments: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  /** A moment in full, and on the axis: with its time where days do not tell moments apart. */
  readonly moment: (at: number) => string;
  readonly tick: (at: number, hasTime: boolean) => string;
  readonly timeZone: string;
}

const HEIGHT = 190;
const DAY_SECONDS = 86_400;

/** A chart over time in the colours of the theme; it follows its width. */
export function chart(options: ChartOptions): HTMLElement {
  const place = element('div', { class: 'chart', role: 'img', 'aria-label': options.summary });
  const { moments, lines } = options;
  const data = [
    moments.map((at) => at / 1000),
    ...lines.map(({ values }) => [...values]),
  ] as unknown as uPlot.AlignedData;
  let plot: uPlot | undefined;
  new ResizeObserver(([entry]) => {
    const width = Math.floor(entry?.contentRect.width ?? 0);
    if (width === 0) return;
    if (plot === undefined) plot = new uPlot(optionsOf(options, width), data, place);
    else if (plot.width !== width) plot.setSize({ width, height: HEIGHT });
  }).observe(place);
  return place;
}

function optionsOf({ lines, format, moment, tick, timeZone }: ChartOptions, width: number): uPlot.Options {
  const style = getComputedStyle(document.body);
  const colourOf = (name: string): string => style.getPropertyValue(name).trim() || style.color;
  const axis: uPlot.Axis = {
    stroke: colourOf('--vscode-descriptionForeground'),
    grid: { stroke: colourOf('--line'), width: 1 },
    ticks: { show: false },
    font: `11px ${style.fontFamily}`,
  };
  return {
    width,
    height: HEIGHT,
    // The table below it is for the keyboard; the pointer reads values off the legend.
    legend: { live: true },
    cursor: { drag: { x: false, y: false } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), timeZone),
    scales: {
      // A single moment stands in the middle of its day.
      x: {
        range: (_, first, last) =>
          first === last ? [first - DAY_SECONDS / 2, last + DAY_SECONDS / 2] : [first, last],
      },
      y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] },
    },
    axes: [
      {
        ...axis,
        size: 34,
        grid: { show: false },
        values: (_, seconds, __, ___, step) => seconds.map((each) => tick(each * 1000, step < DAY_SECONDS)),
        space: 110,
      },
      { ...axis, values: (_, ticks) => ticks.map((each) => format(each)), size: 76 },
    ],
    series: [
      { value: (_, seconds: number | null) => (seconds === null ? '' : moment(seconds * 1000)), label: ' ' },
      ...lines.map(({ label, colour, dash, points }): uPlot.Series => {
        const stroke = colourOf(colour);
        return {
          label,
          stroke,
          width: 2,
          ...(dash === undefined ? {} : { dash: [...dash] }),
          points: { show: points ?? false, size: 7, fill: stroke },
          value: (_, value: number | null) => (value === null ? '' : format(value)),
        };
      }),
    ],
  };
}
