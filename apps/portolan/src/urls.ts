/** A store's URL as it may be shown: without user, password, and parameters that may hold a secret. */
export function shownUrl(url: string): string {
  if (/^sqlite:/i.test(url)) return url;
  const [, scheme = '', rest = ''] = /^([^:]*:\/{0,2})(.*)$/s.exec(url) ?? [];
  const [address = '', query] = split(rest.slice(rest.lastIndexOf('@') + 1), '?');
  const names = [...new URLSearchParams(query ?? '').keys()];
  return `${scheme}${address}${names.length > 0 ? `?${names.map((name) => `${name}=…`).join('&')}` : ''}`;
}

function split(text: string, at: string): [string, string | undefined] {
  const place = text.indexOf(at);
  return place < 0 ? [text, undefined] : [text.slice(0, place), text.slice(place + 1)];
}
