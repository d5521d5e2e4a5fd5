export const pageStart = "x";
export function renderHtml(_l: unknown): string {
  return pageStart;
}
