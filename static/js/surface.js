// The plane that a network divides, as it learns.

import { asWritten, axisTitle, colour, CONFIG, loadPlotly, plainLayout } from "./plotly.js";

/** The plane of two columns in the colours of what a model answers there, with examples in it; drawn anew at will. */
export async function drawSurface(element, { columns, classes, x, y, chances, points }) {
  const library = await loadPlotly();
  const [right, up] = columns;
  const paints = [colour("--series-1"), colour("--series-2")];
  const field = {
    type: "contour", x, y, z: chances, zmin: 0, zmax: 1, showscale: false, opacity: 0.45, hoverinfo: "skip",
    colorscale: [[0, paints[0]], [0.5, colour("--surface")], [1, paints[1]]],
    contours: { start: 0, end: 1, size: 0.1, showlines: false },
  };
  const edge = {
    type: "contour", x, y, z: chances, showscale: false, hoverinfo: "skip", showlegend: false,
    contours: { start: 0.5, end: 0.5, size: 1, coloring: "none" }, line: { color: colour("--text"), width: 1.5 },
  };
  const examples = classes.map((name, at) => {
    const some = points.filter(([, , kind]) => kind === at);
    return {
      type: "scatter", mode: "markers", name: asWritten(name), x: some.map(([a]) => a), y: some.map(([, b]) => b),
      marker: { color: paints[at], size: 9, line: { color: colour("--surface"), width: 1.5 } },
    };
  });
  const layout = plainLayout(true);
  layout.hovermode = "closest";
  layout.xaxis.title = axisTitle(right);
  layout.yaxis.title = axisTitle(up);
  library.react(element, [field, edge, ...examples], layout, CONFIG);
}
