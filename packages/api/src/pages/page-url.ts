import { invalid } from '@portolan/core';

const MAX_URL_LENGTH = 8_192;

/** The URL of a page: http or https, no credentials, no fragment. Throws INVALID. */
export function parsePageUrl(text: string, base?: URL): URL {
  if (text.length > MAX_URL_LENGTH) throw invalid(`the URL is longer than ${MAX_URL_LENGTH} characters`);
  const url = URL.parse(text, base?.href);
  if (!url) throw invalid('the URL cannot be read: give one like https://example.com/page');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw invalid(`the URL has the scheme ${url.protocol.slice(0, -1)}; only http and https are fetched`);
  }
  if (url.username !== '' || url.password !== '') throw invalid('the URL holds credentials, which are not sent');
  url.hash = '';
  return url;
}

const nameOf = (parameter: string) => parameter.split('=', 1)[0] ?? '';

/**
 * One spelling for the URLs that ask for the same page: host in lower case and ASCII, no default port, no fragment, parameters
 * sorted by name. Parameters of one name keep their order, and none is encoded anew. Throws INVALID as `parsePageUrl` does.
 */
export function canonicalUrl(text: string): string {
  const url = parsePageUrl(text);
  const parameters = url.search.slice(1).split('&').filter(Boolean);
  parameters.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0));
  url.search = parameters.join('&');
  return url.href;
}
