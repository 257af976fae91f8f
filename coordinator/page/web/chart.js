// The loss curve. Lines differ by pattern and carry their names beside them; the sentence below
// says what there is to see.
import { at, keep, make, makeSvg, setText } from "./dom.js";
import { number } from "./words.js";

const MARGIN = { left: 58, right: 22, top: 26, bottom: 34 };
const ROWS_SHOWN = 20;
const DRAWN_MAX = 1200;

// About `count` round numbers between low and high.
function ticks(low, high, count) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((size) => size >= rough);
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; ++i) found.push(i * step);
  return found;
}

// What was kept, and after it what was heard of since.
export function joined(kept, trail) {
  const last = kept.length ? kept[kept.length - 1][0] : 0;
  const all = [...kept, ...trail.filter(([step]) => step > last)];
  const every = Math.ceil(all.length / DRAWN_MAX);
  return all.filter((_, i) => i % every === 0 || i === all.length - 1);
}

function scales(points, chance, commit, box) {
  const values = points.map(([, loss]) => loss).concat(chance ?? []);
  let low = Math.min(...values);
  let high = Math.max(...values);
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  low -= room;
  high += room;
  const first = 0;
  const last = Math.max(points[points.length - 1][0], commit, 1);
  return {
    low, high, first, last,
    x: (step) => MARGIN.left + ((step - first) / (last - first)) * (box.width - MARGIN.left - MARGIN.right),
    y: (loss) => box.height - MARGIN.bottom - ((loss - low) / (high - low)) * (box.height - MARGIN.top - MARGIN.bottom),
  };
}

function drawAxes(svg, scale, box) {
  for (const loss of ticks(scale.low, scale.high, 5)) {
    const y = scale.y(loss);
    svg.append(makeSvg("line", { class: "grid", x1: MARGIN.left, x2: box.width - MARGIN.right, y1: y, y2: y }),
      makeSvg("text", { x: MARGIN.left - 8, y: y + 4, "text-anchor": "end" }, number(loss, 3)));
  }
  for (const step of ticks(scale.first, scale.last, Math.max(2, Math.floor(box.width / 130)))) {
    svg.append(makeSvg("text", { x: scale.x(step), y: box.height - 12, "text-anchor": "middle" }, String(step)));
  }
}

function drawMarks(svg, scale, box, chance, commit) {
  if (chance !== null && chance !== undefined) {
    const y = scale.y(chance);
    svg.append(makeSvg("line", { class: "chance", x1: MARGIN.left, x2: box.width - MARGIN.right, y1: y, y2: y }),
      makeSvg("text", { class: "chance-word", x: box.width - MARGIN.right, y: y - 6, "text-anchor": "end" },
        `knows nothing: ${number(chance)}`));
  }
  if (commit > 0) {
    const x = scale.x(commit);
    const left = x > box.width / 2;
    svg.append(makeSvg("line", { class: "commit", x1: x, x2: x, y1: MARGIN.top - 8, y2: box.height - MARGIN.bottom }),
      makeSvg("text", { class: "commit-word", x: x + (left ? -6 : 6), y: MARGIN.top - 10, "text-anchor": left ? "end" : "start" },
        `checkpoint ${commit}`));
  }
}

function drawLoss(svg, scale, points, box) {
  let path = "";
  let pen = "M";
  for (const [step, loss] of points) {
    if (loss === null) {
      pen = "M"; // a step without a finite loss leaves a gap
    } else {
      path += `${pen}${scale.x(step).toFixed(1)} ${scale.y(loss).toFixed(1)}`;
      pen = "L";
    }
  }
  svg.append(makeSvg("path", { class: "loss", d: path }));
  const [step, loss] = points.findLast(([, value]) => value !== null);
  const left = scale.x(step) > box.width - 130;
  svg.append(makeSvg("circle", { class: "now", cx: scale.x(step), cy: scale.y(loss), r: 4.5 }),
    makeSvg("text", { class: "loss-word", x: scale.x(step) + (left ? -8 : 9), y: scale.y(loss) - 9,
      "text-anchor": left ? "end" : "start" }, `loss ${number(loss)}`));
}

function describe(points, chance, commit) {
  const finite = points.filter(([, loss]) => loss !== null);
  const [firstStep, first] = finite[0];
  const [lastStep, last] = finite[finite.length - 1];
  const [lowestStep, lowest] = finite.reduce((best, point) => (point[1] < best[1] ? point : best));
  return `Loss ${number(last)} at step ${lastStep}, from ${number(first)} at step ${firstStep}; ` +
    `lowest ${number(lowest)} at step ${lowestStep}.` +
    (chance ? ` An encoder that knows nothing has ${number(chance)} (dashed line).` : "") +
    (commit ? ` Newest checkpoint at step ${commit} (dotted line).` : "");
}

// points: [step, loss or null], in the order of the steps.
export function drawCurve(points, chance, commit) {
  const svg = at("chart");
  const finite = points.filter(([, loss]) => loss !== null);
  svg.replaceChildren();
  if (!finite.length) {
    setText(at("curve-words"), "No loss has been heard of yet.");
    keep(at("number-rows"), [], () => "", () => null, () => {});
    return;
  }
  const box = { width: Math.max(svg.clientWidth, 240), height: Math.max(svg.clientHeight, 160) };
  svg.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
  const scale = scales(finite, chance, commit, box);
  drawAxes(svg, scale, box);
  drawMarks(svg, scale, box, chance, commit);
  drawLoss(svg, scale, points, box);
  setText(at("curve-words"), describe(points, chance, commit));
  const every = Math.ceil(finite.length / ROWS_SHOWN);
  const rows = finite.filter((_, i) => (finite.length - 1 - i) % every === 0);
  keep(at("number-rows"), rows, ([step]) => step, () => {
    const row = make("tr");
    row.append(make("td", "number"), make("td", "number"));
    return row;
  }, (row, [step, loss]) => {
    setText(row.children[0], String(step));
    setText(row.children[1], number(loss));
  });
}
