import { describe, expect, it } from 'vitest';
import { decodeText, isTextType } from '../src/pages/page-text.ts';

describe('isTextType', () => {
  it.each([
    'text/html',
    'text/plain; charset=utf-8',
    'TEXT/HTML',
    'application/json',
    'application/xhtml+xml',
    'application/ld+json; profile="x"',
    'application/atom+xml',
    'image/svg+xml',
    'application/javascript',
    '',
  ])('takes %s', (type) => expect(isTextType(type)).toBe(true));

  it.each([
    'image/png',
    'application/octet-stream',
    'application/pdf',
    'video/mp4',
    'application/zip',
    'multipart/form-data; boundary=text/html',
    'application/x-text/html',
    'nonsense',
    '+json',
  ])('refuses %s', (type) => expect(isTextType(type)).toBe(false));
});

describe('decodeText', () => {
  const meta = (charset: string, rest: number[]) =>
    Buffer.concat([Buffer.from(`<html><head><meta charset="${charset}"></head>`), Buffer.from(rest)]);

  it.each<[string, Buffer, string, string]>([
    ['UTF-8 without being told', Buffer.from('café'), 'text/html', 'café'],
    ['the charset of the header', Buffer.from([0x63, 0x61, 0x66, 0xe9]), 'text/html; charset=ISO-8859-1', 'café'],
    ['a quoted charset', Buffer.from([0xcf, 0xf0]), 'text/html; x=1; charset="windows-1251"', 'Пр'],
    ['Shift_JIS', Buffer.from([0x93, 0xfa, 0x96, 0x7b]), 'text/plain;charset=shift_jis', '日本'],
    ['a byte order mark before the header', Buffer.from('\ufeffcafé'), 'text/html; charset=iso-8859-1', 'café'],
    ['UTF-16 by its mark', Buffer.from('\ufeffhé', 'utf16le'), 'text/plain', 'hé'],
    ['big-endian UTF-16 by its mark', Buffer.from([0xfe, 0xff, 0, 0x68, 0, 0xe9]), 'text/plain', 'hé'],
    ['an unknown charset as UTF-8', Buffer.from('café'), 'text/html; charset=klingon', 'café'],
    ['bytes outside the charset', Buffer.from([0x61, 0xff, 0x62]), 'text/plain; charset=utf-8', 'a\ufffdb'],
  ])('reads %s', (_what, bytes, type, text) => {
    expect(decodeText(bytes, type)).toBe(text);
  });

  it('reads what a document states about itself, after the header', () => {
    expect(decodeText(meta('windows-1252', [0xe9]), 'text/html')).toMatch(/é$/);
    expect(decodeText(meta('windows-1252', [0xc3, 0xa9]), 'text/html; charset=utf-8')).toMatch(/é$/);
    expect(decodeText(meta('utf-16', [0xc3, 0xa9]), 'text/html')).toMatch(/é$/);
    const equiv = '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-2">';
    expect(decodeText(Buffer.concat([Buffer.from(equiv), Buffer.from([0xb3])]), 'text/html')).toMatch(/ł$/);
    const xml = '<?xml version="1.0" encoding="koi8-r"?><a>';
    expect(decodeText(Buffer.concat([Buffer.from(xml), Buffer.from([0xcb])]), 'application/xml')).toMatch(/к$/);
  });

  it('does not take a charset out of plain text', () => {
    expect(decodeText(meta('windows-1252', [0xc3, 0xa9]), 'text/plain')).toMatch(/é$/);
  });
});
