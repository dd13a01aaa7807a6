export const BROADCAST_SCHEMA = '';
