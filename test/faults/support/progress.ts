/**
 * What a long run says while it goes on: one line per step, with the seconds since the start.
 */
export type Say = (text: string) => void;

export const progressSince = (startedMs: number, who: string): Say => {
  return (text) => console.log(`[${((Date.now() - startedMs) / 1000).toFixed(1).padStart(6)} s] ${who}: ${text}`);
};
