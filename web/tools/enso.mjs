/**
 * Draws the mark: one stroke of a brush round a circle, wide where it lands, thin where it leaves.
 * `node tools/enso.mjs` prints the path that stands in src/ui/Mark.tsx and public/favicon.svg (viewBox 0 0 100 100).
 */
const start = -68; // degrees, where the brush lands: a little right of the top
const sweep = 332; // and how far it goes, leaving the circle open
const steps = 26;
const at = (t) => {
  const angle = ((start + sweep * t) * Math.PI) / 180;
  const radius = 37 + 0.7 * Math.sin(angle * 2 + 0.6) - 2.2 * t;
  const land = Math.min(1, t / 0.06);
  const leave = Math.min(1, (1 - t) / 0.45);
  const width = (4.2 + 3.4 * Math.sin(Math.PI * (0.12 + t * 0.72))) * (0.55 + 0.45 * land) * (0.22 + 0.78 * leave ** 0.8);
  const point = (r) => [50 + r * Math.cos(angle), 51 + r * Math.sin(angle)];
  return { outer: point(radius + width), inner: point(radius - width * 0.86) };
};
const points = Array.from({ length: steps + 1 }, (_, index) => at(index / steps));
const outer = points.map((point) => point.outer);
const inner = points.map((point) => point.inner).reverse();
const f = (value) => String(Math.round(value * 10) / 10);
/** Catmull-Rom through the points, as cubic Béziers. */
const curve = (list) =>
  list
    .slice(1)
    .map((to, index) => {
      const before = list[index - 1] ?? list[index];
      const from = list[index];
      const after = list[index + 2] ?? to;
      const c1 = [from[0] + (to[0] - before[0]) / 6, from[1] + (to[1] - before[1]) / 6];
      const c2 = [to[0] - (after[0] - from[0]) / 6, to[1] - (after[1] - from[1]) / 6];
      return `C${[...c1, ...c2, ...to].map(f).join(" ")}`;
    })
    .join("");
const cap = (from, to) => {
  const r = Math.hypot(from[0] - to[0], from[1] - to[1]) / 2;
  return `A${f(r)} ${f(r)} 0 0 1 ${f(to[0])} ${f(to[1])}`;
};
const last = outer[outer.length - 1];
const path = `M${outer[0].map(f).join(" ")}${curve(outer)}${cap(last, inner[0])}${curve(inner)}${cap(inner[inner.length - 1], outer[0])}Z`;
console.log(path);
