import { invalid } from '@portolan/core';

export interface ListenAddress {
  /** The variable that named the port. */
  readonly variable: string;
  readonly host: string;
  readonly port: number;
}

/** Why a port cannot be listened on, as a bad configuration where it is one. */
export function listenError(error: unknown, { variable, host, port }: ListenAddress): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return invalid(`${variable}: ${port} is taken on ${host}; an example is ${variable}=8081`);
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return invalid(`HOST: ${host} is no address of this machine; an example is HOST=127.0.0.1`);
  if (code === 'EACCES') return invalid(`${variable}: ${port} needs privileges; an example is ${variable}=8080`);
  return error;
}
