/** The health check of a container: code 0 when the address given answers with success. Invariant: it ends within its time. */
const timeoutMs = 4_000;

const [url] = process.argv.slice(2);
if (url === undefined) throw new Error('Give the address to ask, for example http://127.0.0.1:4000/health.');

try {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  process.exitCode = response.ok ? 0 : 1;
  if (!response.ok) console.error(`${url} answers ${response.status}`);
} catch (error) {
  console.error(`${url} does not answer: ${String(error)}`);
  process.exitCode = 1;
}
