/**
 * Certificates for tests, made when they are needed and good for this machine alone.
 */
import { generate } from 'selfsigned';

export interface TestCertificate {
  /** PEM; its own authority, so it is also what clients have to trust. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

/** For `localhost` and 127.0.0.1, valid for a day. */
export const testCertificate = async (): Promise<TestCertificate> => {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    algorithm: 'sha256',
    keySize: 2048,
    extensions: [
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  return { certificate: cert, key };
};
