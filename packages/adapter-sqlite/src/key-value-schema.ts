export const KEY_VALUE_SCHEMA = '';
