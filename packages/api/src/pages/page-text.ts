import { TextDecoder } from 'node:util';

/** Media types beside `text/*` and the `+json` and `+xml` families whose body is text. */
const TEXT_TYPES: ReadonlySet<string> = new Set([
  'application/json',
  'application/x-ndjson',
  'application/ndjson',
  'application/xml',
  'application/javascript',
  'application/x-javascript',
  'application/ecmascript',
  'application/yaml',
  'application/x-yaml',
  'application/toml',
  'application/graphql',
  'application/sql',
  'application/x-www-form-urlencoded',
]);

const essenceOf = (contentType: string) => contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';

/** Does this `content-type` promise text? None at all is taken for text. */
export function isTextType(contentType: string): boolean {
  const essence = essenceOf(contentType);
  if (essence === '' || essence.startsWith('text/')) return true;
  return TEXT_TYPES.has(essence) || /^[\w.!#$&^-]+\/[\w.!#$&^+-]+\+(json|xml)$/.test(essence);
}

const SNIFFED_BYTES = 1_024;

/** Does an answer without a `content-type` hold something else than text? A zero byte gives it away. */
export function looksBinary(bytes: Buffer): boolean {
  return bytes.subarray(0, SNIFFED_BYTES).includes(0);
}

const BYTE_ORDER_MARKS: readonly (readonly [mark: string, charset: string])[] = [
  ['efbbbf', 'utf-8'],
  ['feff', 'utf-16be'],
  ['fffe', 'utf-16le'],
];

function decoderOf(label: string | undefined): TextDecoder | undefined {
  if (!label) return undefined;
  try {
    return new TextDecoder(label);
  } catch {
    return undefined;
  }
}

/** The charset a document states about itself: `<meta charset>`, its http-equiv form, or an XML declaration. */
function statedCharset(bytes: Buffer): string | undefined {
  const start = bytes.toString('latin1', 0, SNIFFED_BYTES);
  const stated = /<meta[^>]+?charset\s*=\s*["']?\s*([\w:.-]+)|^\s*<\?xml[^>]+?encoding\s*=\s*["']([\w:.-]+)/i.exec(
    start,
  );
  const label = stated?.[1] ?? stated?.[2];
  // A document that could be read as ASCII this far is not UTF-16, whatever it says (HTML standard, 13.2.3.2).
  return label && /^utf-?16/i.test(label) ? 'utf-8' : label;
}

function charsetDecoder(bytes: Buffer, contentType: string): TextDecoder {
  const start = bytes.toString('hex', 0, 3);
  const marked = BYTE_ORDER_MARKS.find(([mark]) => start.startsWith(mark))?.[1];
  const declared = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(contentType)?.[1];
  const decoder = decoderOf(marked) ?? decoderOf(declared);
  if (decoder) return decoder;
  const isMarkup = /html|xml/.test(essenceOf(contentType)) || essenceOf(contentType) === '';
  return (isMarkup ? decoderOf(statedCharset(bytes)) : undefined) ?? new TextDecoder('utf-8');
}

/**
 * A body as text, in the order of the HTML standard: byte order mark, the header's charset, what the document states, else UTF-8.
 * Bytes that the charset cannot read become U+FFFD.
 */
export function decodeText(bytes: Buffer, contentType: string): string {
  return charsetDecoder(bytes, contentType).decode(bytes);
}
