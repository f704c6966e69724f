// SPDX-FileCopyrightText: The Firebrick contributors
// SPDX-License-Identifier: BSD-2-Clause
// A line chart over time.
const WIDTH = 600, HEIGHT = 150, SPAN_MIN = 30, LINES = 2, HEADROOM = 1.1;

// Draws points [seconds, value], oldest first, into an element, unless the same points are drawn already.
export function drawChart(element, points) {
  if (points.length < 2 || element.dataset.end === String(points.at(-1)[0])) return;
  element.dataset.end = points.at(-1)[0];
  const end = points.at(-1)[0], span = Math.max(SPAN_MIN, end - points[0][0]);
  const top = nice(HEADROOM * Math.max(...points.map(([, value]) => value)));
  const at = points.map(([time, value]) => [WIDTH * (1 - (end - time) / span), HEIGHT * (1 - value / top)]);
  const curve = at.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
  const grid = [...Array(LINES + 1).keys()].map((line) => HEIGHT * line / LINES);
  element.innerHTML =
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">` +
    grid.map((y) => `<line class="grid" x1="0" x2="${WIDTH}" y1="${y}" y2="${y}"/>`).join("") +
    `<polygon class="area" points="${at[0][0].toFixed(1)},${HEIGHT} ${curve} ${WIDTH},${HEIGHT}"/>` +
    `<polyline class="curve" points="${curve}"/></svg>` +
    `<p class="span"><span>${Math.round(span)} s ago</span><span>now</span></p>`;
  grid.forEach((y, line) => {
    const label = document.createElement("span");
    label.className = "scale";
    label.style.top = `${y}px`;
    label.textContent = Number((top * (1 - line / LINES)).toPrecision(3));
    element.append(label);
  });
}

// The next 1, 2, 4 or 6 times a power of ten.
function nice(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-6)));
  return power * ([1, 2, 4, 6].find((step) => step * power >= value) ?? 10);
}
