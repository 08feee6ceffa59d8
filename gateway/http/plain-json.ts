/**
 * Bodies whose numbers are plain numbers, for routes that reckon with them.
 *
 * Invariant: the same texts are taken and refused as elsewhere; only the form of numbers differs.
 */

const rawJson = JSON as unknown as { isRawJSON(value: unknown): value is { readonly rawJSON: string } };

/** The value with each raw JSON number as a number. */
export const plainJson = (value: unknown): unknown => {
  if (rawJson.isRawJSON(value)) return Number(value.rawJSON);
  if (Array.isArray(value)) return value.map(plainJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainJson(inner)]));
};
