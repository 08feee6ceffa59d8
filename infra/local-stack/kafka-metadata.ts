/**
 * The one Kafka request that tells whether a broker can be used: metadata, version 5, without topics. Invariant: a broker
 * is ready only when its cluster lists a live broker, because topics cannot be created before that.
 */

const metadataApi = 3;
const metadataVersion = 5;
const correlationId = 1;
const clientId = 'alerts-stack';

/** The request with its length prefix. */
export function encodeMetadataRequest(): Buffer {
  const body = Buffer.alloc(10 + clientId.length + 5);
  let at = body.writeInt16BE(metadataApi, 0);
  at = body.writeInt16BE(metadataVersion, at);
  at = body.writeInt32BE(correlationId, at);
  at = body.writeInt16BE(clientId.length, at);
  at += body.write(clientId, at, 'latin1');
  at = body.writeInt32BE(0, at);
  body.writeInt8(0, at);
  const frame = Buffer.alloc(4 + body.length);
  frame.writeInt32BE(body.length, 0);
  body.copy(frame, 4);
  return frame;
}

/** How many live brokers the start of a response names; undefined while too little has arrived. */
export function decodeLiveBrokers(response: Buffer): number | undefined {
  // Length, correlation id and throttle time come before the array of brokers, four bytes each.
  return response.length < 16 ? undefined : response.readInt32BE(12);
}
