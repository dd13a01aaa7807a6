/**
 * The functions of a piece of Lua, made by `name()` instead of in every run of the script: what a script rarely needs costs a run nothing (making forty
 * functions took a seventh of the processor time of an exchange). The piece may hold nothing but functions at its outermost level.
 */
export function onDemand(name: string, lua: string): string {
  const named = /^local function (\w+)/gm;
  const names = [...lua.matchAll(named)].map(([, one]) => one);
  return `local ${names.join(', ')}\nlocal function ${name}()${lua.replaceAll(named, 'function $1')}end`;
}
