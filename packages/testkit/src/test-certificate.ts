import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface TestCertificate {
  /** Path of the certificate, which is its own authority. */
  readonly file: string;
  readonly redisArgs: readonly string[];
}

/** A self-signed certificate for `localhost` and 127.0.0.1, good for two days, made by the `openssl` command in `directory`. */
export async function createTestCertificate(directory: string): Promise<TestCertificate> {
  const file = join(directory, 'certificate.pem');
  const key = join(directory, 'key.pem');
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ...['-keyout', key, '-out', file],
  ]);
  return { file, redisArgs: ['--tls-cert-file', file, '--tls-key-file', key, '--tls-ca-cert-file', file] };
}
