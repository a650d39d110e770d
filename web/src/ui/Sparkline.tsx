/** The course of a price as one line; drawn to scale, named for screen readers. */
export function Sparkline({ values, rising, label }: { values: number[]; rising: boolean | null; label: string }) {
  const width = 120;
  const height = 32;
  if (values.length < 2) return <svg className="sparkline" width={width} height={height} aria-hidden="true" />;
  const least = Math.min(...values);
  const range = Math.max(...values) - least;
  const points = values.map((value, index) => {
    const x = 1 + (index / (values.length - 1)) * (width - 2);
    const y = height - 3 - (range === 0 ? 0.5 : (value - least) / range) * (height - 6);
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  const tone = rising === null ? "soft" : rising ? "gain" : "loss";
  return (
    <svg className={`sparkline ${tone}`} width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      <path d={`M${points.join("L")}`} fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinejoin="round" strokeLinecap="round" />
    </svg>
  );
}
