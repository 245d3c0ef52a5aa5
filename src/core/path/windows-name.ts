// Devices answer to their name in every folder, whatever extension follows; the digits may be superscripts.
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[1-9\u00b9\u00b2\u00b3]) *(?:\.|$)/i;
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const FORBIDDEN = /[<>"|?*\u0000-\u001f]/;

/** Whether Windows keeps a name for a device, with or without an extension. */
export function isDeviceName(name: string): boolean {
  return DEVICE.test(name);
}

/** Why Windows cannot keep a file of this name, as a sentence, or undefined when it can. */
export function windowsNameFault(name: string): string | undefined {
  if (isDeviceName(name)) return 'Windows keeps this name for a device.';
  if (FORBIDDEN.test(name)) return 'Windows does not allow < > " | ? * or control characters in a name.';
  if (/[. ]$/.test(name)) return 'Windows does not allow a dot or a space at the end of a name.';
  if (name.length > 255) return 'The name is longer than the 255 characters Windows allows.';
  return undefined;
}
