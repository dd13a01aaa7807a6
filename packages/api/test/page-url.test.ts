import { describe, expect, it } from 'vitest';
import { canonicalUrl, parsePageUrl } from '../src/pages/page-url.ts';

describe('parsePageUrl', () => {
  it.each([
    '',
    'hello',
    '/pages/hello',
    '//example.com/',
    'http://',
    'http://exa mple.com/',
    'http://1.2.3.4.5/',
    'http://[::1/',
    'http://example.com:99999/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'gopher://example.com/',
    'data:text/html,hello',
    'javascript:alert(1)',
    'blob:http://example.com/1',
    'ws://example.com/',
    'http://user:password@example.com/',
    'http://user@example.com/',
    'http://:password@example.com/',
    'http://example.com@127.0.0.1/',
    `http://example.com/${'x'.repeat(9000)}`,
  ])('refuses %s', (text) => {
    expect(() => parsePageUrl(text)).toThrow(expect.objectContaining({ code: 'INVALID' }));
  });

  it('does not repeat credentials in its message', () => {
    expect(() => parsePageUrl('http://user:s3cret@example.com/')).toThrow(/^(?!.*s3cret)/);
  });
});

describe('canonicalUrl', () => {
  it.each([
    ['HTTP://Example.COM', 'http://example.com/'],
    ['http://example.com:80/a', 'http://example.com/a'],
    ['https://example.com:443/a', 'https://example.com/a'],
    ['https://example.com:80/a', 'https://example.com:80/a'],
    ['http://example.com/a#part', 'http://example.com/a'],
    ['http://example.com/a?', 'http://example.com/a'],
    ['http://example.com/a?b=2&a=1', 'http://example.com/a?a=1&b=2'],
    ['http://example.com/a?b=2&a=2&b=1&a=1', 'http://example.com/a?a=2&a=1&b=2&b=1'],
    ['http://example.com/a?b=x+y&a=x%20y&c', 'http://example.com/a?a=x%20y&b=x+y&c'],
    ['http://example.com/a/../b/./c', 'http://example.com/b/c'],
    ['http://Bücher.example/', 'http://xn--bcher-kva.example/'],
    ['  http://example.com/Path  ', 'http://example.com/Path'],
    ['http://0x7f.1/', 'http://127.0.0.1/'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalUrl(text)).toBe(canonical);
    expect(canonicalUrl(canonical)).toBe(canonical);
  });

  it('keeps apart what may be different pages', () => {
    const urls = ['http://a.example/x', 'https://a.example/x', 'http://a.example/X', 'http://a.example/x/'];
    expect(new Set([...urls, 'http://a.example/x?a', 'http://a.example/x?a='].map(canonicalUrl)).size).toBe(6);
  });
});
