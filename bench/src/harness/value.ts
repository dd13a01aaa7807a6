/** What is stored, cached, sent and given to jobs: 170 bytes of JSON. */
export const VALUE = { user: 'u-0123456789', action: 'resize', text: 'x'.repeat(119) };
