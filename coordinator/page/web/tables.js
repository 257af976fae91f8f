// The tables of jobs and nodes, and the sentence that sums them up.
import { at, cell, keep, make, makeRow, setAttribute, setCell, setText, show } from "./dom.js";
import * as words from "./words.js";

const JOB_COLUMNS = [["Job"], ["Project"], ["State"], ["Progress"], ["Loss", "number"],
  ["Images/s", "number"], ["Time left", "number"], ["Age", "number"]];
const NODE_COLUMNS = [["Node"], ["State"], ["Ranks", "number"], ["GPUs", "number"],
  ["CPU slots", "number"], ["Jobs"], ["Last heard", "number"]];

export const address = (id) => `#job=${encodeURIComponent(id)}`;

export function setState(badge, said) {
  setText(badge, said.word);
  setAttribute(badge, "data-sign", said.sign);
  setAttribute(badge, "class", `state ${said.kind}`);
}

function makeJob(job) {
  const row = makeRow(JOB_COLUMNS);
  const name = make("div");
  const link = make("a");
  link.href = address(job.id);
  name.append(link, make("small", "", job.id));
  cell(row, "Job").append(name);
  cell(row, "State").append(make("span", "state"));
  const progress = make("div");
  progress.append(make("span"), make("progress"));
  cell(row, "Progress").append(progress);
  return row;
}

function updateJob(row, job, now) {
  const said = job.progress || {};
  const step = Number(said.step || job.last_commit?.step || 0);
  const total = Number(said.total_steps || 0);
  setText(row.querySelector("a"), job.spec.name);
  setCell(row, "Project", job.spec.project || "default");
  setState(row.querySelector(".state"), words.state(job.state, "JOB_STATE_"));
  setText(row.querySelector("[data-name=Progress] span"),
    total ? `${step} of ${total}, ${words.percent(step, total)} %` : step ? `step ${step}` : "–");
  setAttribute(cell(row, "Progress"), "data-empty", step || total ? null : "");
  const bar = row.querySelector("progress");
  show(bar, total > 0);
  bar.max = total || 1;
  bar.value = step;
  setAttribute(bar, "aria-label", `steps of ${job.spec.name}`);
  const going = !words.isFinal(job);
  setCell(row, "Loss", words.number(step ? said.loss : undefined));
  setCell(row, "Images/s", going ? words.number(said.images_per_second, 3) : "–");
  setCell(row, "Time left", going && said.eta ? words.duration(words.seconds(said.eta)) : "–");
  setCell(row, "Age", words.since(job.create_time, now));
}

export function showJobs(answer, selected, now) {
  keep(at("job-rows"), answer.jobs, (job) => job.id, makeJob, (row, job) => {
    updateJob(row, job, now);
    setAttribute(row, "aria-current", job.id === selected ? "true" : null);
  });
  show(at("no-jobs"), answer.jobs.length === 0);
  show(at("more-jobs"), answer.more_jobs);
}

function makeNode() {
  const row = makeRow(NODE_COLUMNS);
  cell(row, "State").append(make("span", "state"));
  cell(row, "Jobs").append(make("span", "links"));
  return row;
}

export function showNodes(answer, now) {
  const names = new Map(answer.jobs.map((job) => [job.id, job.spec.name]));
  keep(at("node-rows"), answer.nodes, (node) => node.name, makeNode, (row, node) => {
    setCell(row, "Node", node.name);
    setState(row.querySelector(".state"), words.state(node.state, "NODE_STATE_"));
    setCell(row, "Ranks", String(node.used_slots || 0));
    setCell(row, "GPUs", String(node.gpus || 0));
    setCell(row, "CPU slots", String(node.cpu_slots || 0));
    setAttribute(cell(row, "Jobs"), "data-empty", node.jobs?.length ? null : "");
    keep(row.querySelector(".links"), node.jobs || [], (id) => id, () => {
      const item = make("span");
      item.append(make("a"), " ");
      return item;
    }, (item, id) => {
      setAttribute(item.firstChild, "href", address(id));
      setText(item.firstChild, names.get(id) || id);
    });
    setCell(row, "Last heard", `${words.since(node.last_heartbeat, now)} ago`);
  });
  show(at("no-nodes"), answer.nodes.length === 0);
}

export function showSummary({ cluster, who }) {
  const counts = Object.entries(cluster.jobs || {}).filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`);
  setText(at("summary"),
    `${counts.length ? `Jobs: ${counts.join(", ")}` : "No jobs"}. ` +
    `Nodes: ${cluster.nodes_ready || 0} of ${cluster.nodes_total || 0} ready. ` +
    `Slots: ${cluster.slots_used || 0} of ${cluster.slots_total || 0} in use.`);
  setText(at("who"), who.local_mode ? `Ocellus ${cluster.version}.`
    : `Ocellus ${cluster.version}, seen as ${who.principal}.`);
}
