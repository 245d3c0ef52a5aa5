import type { ContentKind } from '../vault/writer.ts';

const KINDS: Readonly<Record<Exclude<ContentKind, 'manifest' | 'rows'>, string>> = {
  text:
    'php phtml inc tpl twig js mjs cjs ts tsx jsx vue css scss sass less html htm xhtml md txt rst ini conf cfg env ' +
    'yml yaml toml properties po pot py rb pl pm sh bash bat ps1 java cs cls trigger c h cpp hpp go rs lua ' +
    'htaccess gitignore editorconfig lock sol map',
  data: 'json jsonl ndjson csv tsv xml sql dump vcf ics geojson svg xsd wsdl xliff xlf resx log eml',
  binary:
    'sqlite sqlite3 db ibd frm myd myi mo pyc so dll exe class bin dat ttf otf eot bmp tif tiff psd wav doc xls ppt',
  packed:
    'gz tgz bz2 xz zst zip rar 7z jar war phar whl deb rpm png jpg jpeg gif webp avif heic ico mp3 mp4 m4a m4v mov avi ' +
    'mkv webm ogg oga ogv opus flac woff woff2 pdf docx xlsx pptx odt ods odp epub br lz4 lzma gpg age kdbx',
};

const KIND_OF = new Map<string, ContentKind>();
for (const kind of ['text', 'data', 'binary', 'packed'] as const) {
  for (const extension of KINDS[kind].split(' ')) KIND_OF.set(extension, kind);
}

/** What a file probably holds, by its name alone; it only decides what is compressed together. */
export function contentKind(path: string): ContentKind {
  const dot = path.lastIndexOf('.');
  if (dot <= path.lastIndexOf('/')) return 'text';
  const extension = path.slice(dot + 1);
  return KIND_OF.get(extension) ?? KIND_OF.get(extension.toLowerCase()) ?? 'binary';
}
