import * as vscode from 'vscode';

/** A tooltip with a heading and a small table of facts; names and values are shown as they are. */
export function tooltipTable(
  heading: string,
  rows: readonly (readonly [string, string])[],
): vscode.MarkdownString {
  const tooltip = new vscode.MarkdownString('**', true)
    .appendText(heading)
    .appendMarkdown('**\n\n| | |\n| --- | --- |\n');
  for (const [name, value] of rows) {
    tooltip
      .appendMarkdown('| ')
      .appendText(name)
      .appendMarkdown(' | ')
      .appendText(value.replaceAll('|', '¦'));
    tooltip.appendMarkdown(' |\n');
  }
  return tooltip;
}
