import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';

/** The rows editor’s page: our script and our styles, and nothing from anywhere else. */
export function pageHtml(webview: vscode.Webview, extension: vscode.Uri): string {
  const nonce = randomBytes(16).toString('base64');
  const script = webview.asWebviewUri(vscode.Uri.joinPath(extension, 'dist', 'rows.js')).toString();
  const styles = webview.asWebviewUri(vscode.Uri.joinPath(extension, 'dist', 'rows.css')).toString();
  const policy = [
    "default-src 'none'",
    `style-src ${webview.cspSource}`,
    `script-src 'nonce-${nonce}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!DOCTYPE html>
<html>
  <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="${policy}">
    <link rel="stylesheet" href="${styles}">
  </head>
  <body>
    <div id="root">${escaped(vscode.l10n.t('Reading rows…'))}</div>
    <script nonce="${nonce}" src="${script}"></script>
  </body>
</html>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
