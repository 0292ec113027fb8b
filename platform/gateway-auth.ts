import { createHmac, timingSafeEqual } from 'node:crypto';

/** How api and gateway know each other: HMAC-SHA256 over time, method, path and body with GATEWAY_SECRET, good for 30 s (docs/safety.md, 7). */
export const GATEWAY_HEADERS = { timestamp: 'x-nocturne-timestamp', signature: 'x-nocturne-signature' } as const;
const VALID_SECONDS = 30;

const digest = (secret: string, timestamp: string, method: string, path: string, body: string): Buffer =>
  createHmac('sha256', secret).update(`${timestamp}\n${method.toUpperCase()}\n${path}\n${body}`).digest();

export function signGatewayRequest(
  secret: string,
  method: string,
  path: string,
  body = '',
  nowMs = Date.now(),
): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000));
  return {
    [GATEWAY_HEADERS.timestamp]: timestamp,
    [GATEWAY_HEADERS.signature]: digest(secret, timestamp, method, path, body).toString('hex'),
  };
}

/** Null when the request is genuine and fresh, else what is wrong with it. */
export function verifyGatewayRequest(
  secret: string,
  method: string,
  path: string,
  body: string,
  headers: { timestamp?: string | null; signature?: string | null },
  nowMs = Date.now(),
): string | null {
  if (!headers.timestamp || !headers.signature) return 'not signed';
  if (!/^\d+$/.test(headers.timestamp) || Math.abs(nowMs / 1000 - Number(headers.timestamp)) > VALID_SECONDS)
    return 'timestamp is more than 30 s off';
  const expected = digest(secret, headers.timestamp, method, path, body);
  const given = Buffer.from(headers.signature, 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected) ? null : 'signature does not match';
}
