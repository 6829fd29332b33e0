/** Draws growth on two logarithmic axes, so that what grows in proportion is as steep as the dashed line. Returns an SVG. */
const COLOURS = ["#3987c9", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8c8c8c"];
const WIDTH = 720;
const HEIGHT = 420;
const [LEFT, RIGHT, TOP, BOTTOM] = [50, 190, 30, 40];
const LABEL_HEIGHT = 15;

/** `lines` have a name and CPU seconds at each of `sizes`. */
export function growthChart(lines, sizes) {
  const seconds = lines.flatMap(({ figures }) => figures);
  const xRange = [Math.log10(sizes[0]), Math.log10(sizes.at(-1))];
  const yRange = [Math.floor(Math.log10(Math.min(...seconds))), Math.ceil(Math.log10(Math.max(...seconds)))];
  const share = (value, [low, high]) => (Math.log10(value) - low) / (high - low);
  const x = (size) => LEFT + share(size, xRange) * (WIDTH - LEFT - RIGHT);
  const y = (cpu) => HEIGHT - BOTTOM - share(cpu, yRange) * (HEIGHT - TOP - BOTTOM);
  const points = (figures) => figures.map((cpu, i) => `${x(sizes[i]).toFixed(0)},${y(cpu).toFixed(0)}`).join(" ");
  const text = (at, content, more = "") => `<text x="${at[0]}" y="${Math.round(at[1])}"${more}>${content}</text>`;

  const parts = [text([LEFT, 16], "CPU seconds by the number of events; the dashed line grows in proportion")];
  for (let power = yRange[0]; power <= yRange[1]; power++) {
    const at = y(10 ** power).toFixed(0);
    parts.push(`<path class="grid" d="M${LEFT} ${at}H${WIDTH - RIGHT}"/>`);
    parts.push(text([LEFT - 8, Number(at) + 4], String(10 ** power), ' text-anchor="end"'));
  }
  for (const size of sizes) {
    parts.push(text([x(size).toFixed(0), HEIGHT - BOTTOM + 20], size.toLocaleString("en"), ' text-anchor="middle"'));
  }
  const first = 10 ** yRange[0];
  parts.push(
    `<polyline class="grid" stroke-dasharray="4 4" points="${points(sizes.map((size) => (first * size) / sizes[0]))}"/>`,
  );
  let lowest = 0;
  for (const [i, { name, figures }] of lines.toSorted((a, b) => b.figures.at(-1) - a.figures.at(-1)).entries()) {
    const colour = COLOURS[i % COLOURS.length];
    parts.push(`<polyline stroke="${colour}" stroke-width="2" points="${points(figures)}"/>`);
    lowest = Math.max(y(figures.at(-1)) + 4, lowest + LABEL_HEIGHT);
    parts.push(text([WIDTH - RIGHT + 8, lowest], name, ` style="fill:${colour}"`));
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">
<title>Growth</title>
<style>text{fill:#57606a}path,polyline{fill:none}.grid{stroke:#8c959f;stroke-opacity:.5}@media(prefers-color-scheme:dark){text{fill:#8b949e}}</style>
${parts.join("\n")}
</svg>
`;
}
